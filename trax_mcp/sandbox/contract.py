"""The calls of the contract document, as the sandbox reads them.

The scope and the write gate of a call are read from its description ("Requires scope
studios:read.").
"""

import json
import re
from dataclasses import dataclass, field
from importlib import resources
from typing import Any, Final

# jsonschema ships no type information.
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]

DOCUMENT: Final[dict[str, Any]] = json.loads(
    resources.files("trax_mcp").joinpath("api/openapi.json").read_text(encoding="utf-8")
)
_SCOPE: Final = re.compile(r"Requires scope ([a-z]+:[a-z]+)\.")
_GATED: Final = "Gated behind PUBLIC_API_WRITE_ENABLED"


@dataclass(frozen=True, slots=True)
class Call:
    """One documented call. Without `scope` it is public; without `validator` it has no body."""

    scope: str | None
    gated: bool
    success: int
    validator: Draft202012Validator | None = field(repr=False)

    def find_error(self, body: object) -> str | None:
        """The first error in a request body, as a sentence that does not quote it; or None."""
        errors = self.validator.iter_errors(body) if self.validator else ()
        error = min(errors, key=lambda error: error.json_path, default=None)
        if error is None:
            return None
        if error.validator == "required":
            missing = [name for name in error.validator_value if name not in error.instance]
            return f"{missing[0]} is required."
        where = error.json_path.removeprefix("$").lstrip(".") or "The body"
        return f"{where} must be of type {error.validator_value}."


def _call(operation: dict[str, Any]) -> Call:
    description = operation.get("description", "")
    scope = _SCOPE.search(description)
    body = operation.get("requestBody")
    schema = body["content"]["application/json"]["schema"] if body else None
    return Call(
        scope=scope[1] if scope else None,
        gated=_GATED in description,
        success=next(int(code) for code in operation["responses"] if code[0] == "2"),
        validator=Draft202012Validator({**schema, "components": DOCUMENT["components"]})
        if schema
        else None,
    )


CALLS: Final = {
    (method.upper(), path): _call(operation)
    for path, item in DOCUMENT["paths"].items()
    for method, operation in item.items()
}
"""Every documented call, by its method and path."""

SCOPES: Final = frozenset(call.scope for call in CALLS.values() if call.scope)
"""Every scope in the contract."""
