"""Reads the arguments of a tool call: the tool's input, and the evidence of consent.

Error messages name arguments but never repeat values, which may be secrets. A key in the place of
a name is redacted.
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import TypeVar

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from trax_mcp.api.argument_types import LONGEST_CONFIRMATION
from trax_mcp.api.caller import ANONYMOUS, redact_keys
from trax_mcp.api.contract import JsonObject
from trax_mcp.api.errors import Failure, NotSent
from trax_mcp.api.text_safety import quote
from trax_mcp.api.tool_input import ToolInput
from trax_mcp.consent.calls import NO_EVIDENCE, Evidence

ValueT = TypeVar("ValueT", bound=ToolInput)

CONFIRM, CONFIRMATION = "confirm", "confirmation"
EVIDENCE_SCHEMAS: Mapping[str, JsonObject] = {
    CONFIRM: {
        "type": "boolean",
        "default": False,
        "description": "After a person's yes.",
    },
    CONFIRMATION: {
        "type": "string",
        "maxLength": LONGEST_CONFIRMATION,
        "description": "From the preview.",
    },
}
"""The schemas of the arguments that every guarded tool has besides those of its input."""

_LONGEST_NAME = 40
_MAX_PROBLEMS = 3


def read_arguments(
    kind: type[ValueT], arguments: Mapping[str, object], *, guarded: bool
) -> tuple[ValueT, Evidence]:
    """Read the arguments of a tool.

    Raises:
        NotSent: an argument is missing, unknown or not allowed (`invalid_arguments`).
    """
    evidence_schemas = EVIDENCE_SCHEMAS if guarded else {}
    problems = list(_evidence_problems(arguments)) if guarded else []
    found = len(problems)
    inputs = {name: value for name, value in arguments.items() if name not in evidence_schemas}
    try:
        value = kind.model_validate(inputs, by_alias=True, by_name=False)
    except ValidationError as error:
        allowed = (*kind.argument_names(), *evidence_schemas)
        problems += [_problem(it, kind, allowed) for it in islice(_details(error), _MAX_PROBLEMS)]
        raise _invalid(problems, count=found + error.error_count()) from None
    if problems:
        raise _invalid(problems, count=found)
    return value, _read_evidence(arguments) if guarded else NO_EVIDENCE


def _read_evidence(arguments: Mapping[str, object]) -> Evidence:
    confirmation = arguments.get(CONFIRMATION)
    return Evidence(
        confirm=arguments.get(CONFIRM) is True,
        confirmation=confirmation if isinstance(confirmation, str) else None,
    )


def _evidence_problems(arguments: Mapping[str, object]) -> Iterator[str]:
    if not isinstance(arguments.get(CONFIRM), bool | None):
        yield f"`{CONFIRM}` must be the boolean true, given after the person's yes"
    confirmation = arguments.get(CONFIRMATION)
    is_too_long = isinstance(confirmation, str) and len(confirmation) > LONGEST_CONFIRMATION
    if is_too_long or not isinstance(confirmation, str | None):
        yield f"`{CONFIRMATION}` must be the string that the preview gave"


def _details(error: ValidationError) -> Sequence[ErrorDetails]:
    return error.errors(include_url=False, include_input=False, include_context=False)


def _problem(detail: ErrorDetails, kind: type[ToolInput], allowed: Sequence[str]) -> str:
    if not detail["loc"]:
        return f"{kind.tool_name} {detail['msg']}"
    name = str(detail["loc"][0])
    match detail["type"]:
        case "missing":
            return f"`{name}` is required"
        case "extra_forbidden":
            unknown = quote(redact_keys(name, ANONYMOUS), longest=_LONGEST_NAME)
            return f"{unknown} is not an argument of {kind.tool_name}, {_which_takes(allowed)}"
        case _:
            return f"`{name}` {detail['msg']}"


def _which_takes(allowed: Sequence[str]) -> str:
    if not allowed:
        return "which takes none"
    return "which takes " + ", ".join(f"`{name}`" for name in allowed)


def _invalid(problems: Sequence[str], *, count: int) -> NotSent:
    listed = "; ".join(problems[:_MAX_PROBLEMS])
    more = f"; and {count - _MAX_PROBLEMS} more" if count > _MAX_PROBLEMS else ""
    message = f"{listed}{more}. Nothing was sent: correct the arguments and call again."
    return NotSent(Failure(code="invalid_arguments", message=message, retryable=False))
