"""Compares a live contract document with the baked one.

Which differences are breaking follows TRaX's compatibility promise for /v1: endpoints, optional
parameters, response fields, codes and enum values may be added; nothing is removed, renamed,
retyped or newly required.
"""

import re
from typing import Final

from trax_mcp.api.contract import JsonObject
from trax_mcp.api.differences import DOCUMENT, Difference, Differences, describe
from trax_mcp.api.documents import Document, is_openapi
from trax_mcp.api.schema_drift import Field, SchemaComparison, Use

__all__ = ["Difference", "compare"]

_SCOPE = re.compile(r"\b[a-z]+:[a-z]+\b")
_CALL_PARTS: Final = frozenset({"parameters", "requestBody", "responses", "security"})
_PARAMETER_PARTS: Final = frozenset({"name", "in", "required", "schema"})
_BREAKING_PARAMETER_PARTS: Final = frozenset({"style", "explode", "allowReserved", "content"})
_BREAKING_SCHEME_PARTS: Final = frozenset({"type", "scheme", "in", "name"})
_WITHOUT_KEY: Final = "without a key"


def compare(live: object, baked: JsonObject) -> tuple[Difference, ...]:
    """Return what `live` adds, removes and changes.

    `live` may be any value. If it is not an OpenAPI document, that is the one difference.
    """
    differences = Differences()
    if not isinstance(live, dict) or not is_openapi(live):
        differences.add("changed", DOCUMENT, "is no OpenAPI 3 document", breaking=True)
        return differences.all()
    try:
        _Comparison(live, baked, differences).run()
    except RecursionError:
        differences.add("changed", DOCUMENT, "is nested too deeply to compare", breaking=True)
    return differences.all()


class _Comparison:
    """One comparison of both documents."""

    def __init__(self, live: JsonObject, baked: JsonObject, differences: Differences) -> None:
        self._live = Document(live, differences.add_unreadable)
        self._baked = Document(baked, lambda _where: None)
        self._differences = differences
        self._schemas = SchemaComparison(self._live, self._baked, differences)

    def run(self) -> None:
        live, baked = dict(self._live.calls()), dict(self._baked.calls())
        for call in self._differences.compare_names(live, baked, under="", noun="call"):
            self._compare_call(live[call], baked[call], call)
        self._schemas.compare_components()
        self._compare_security_schemes()
        self._compare_root()

    def _compare_root(self) -> None:
        live, baked = self._live.root, self._baked.root
        skip = frozenset({"info", "paths", "components", "security"})
        self._differences.compare_parts(live, baked, DOCUMENT, skip=skip)
        self._differences.compare_parts(*self._both(live, baked, "info", "info"), DOCUMENT)

    def _compare_security_schemes(self) -> None:
        self._compare_security(self._live.root, self._baked.root, DOCUMENT)
        live, baked = (it.components("securitySchemes") for it in (self._live, self._baked))
        under = "security scheme "
        for name in self._differences.compare_names(live, baked, under=under, noun="scheme"):
            where = f"{under}{name}"
            pair = self._both(live, baked, name, where)
            self._differences.compare_parts(*pair, where, breaking=_BREAKING_SCHEME_PARTS)

    def _compare_call(self, live: JsonObject, baked: JsonObject, call: str) -> None:
        self._compare_scopes(live, baked, call)
        if "security" in live or "security" in baked:
            self._compare_security(live, baked, call)
        self._compare_parameters(live, baked, call)
        self._compare_body(live, baked, f"{call} request")
        self._compare_responses(live, baked, call)
        self._differences.compare_parts(live, baked, call, skip=_CALL_PARTS)

    def _compare_scopes(self, live: JsonObject, baked: JsonObject, call: str) -> None:
        now, was = _scopes(live), _scopes(baked)
        if now != was:
            self._differences.add("changed", call, f"scope was {was}, is {now}", breaking=True)

    def _compare_security(self, live: JsonObject, baked: JsonObject, where: str) -> None:
        """Compare the accepted credentials. A call without `security` inherits the document's."""
        now, was = _credentials(live, self._live.root), _credentials(baked, self._baked.root)
        for way in sorted(was - now):
            self._differences.add("removed", where, f"can no longer be called {way}", breaking=True)
        for way in sorted(now - was):
            self._differences.add("added", where, f"can be called {way}", breaking=False)

    def _compare_parameters(self, live: JsonObject, baked: JsonObject, call: str) -> None:
        now = _read_parameters(self._live, live, call)
        was = _read_parameters(self._baked, baked, call)
        self._schemas.compare_fields(
            {name: _field(parameter) for name, parameter in now.items()},
            {name: _field(parameter) for name, parameter in was.items()},
            under=f"{call} ",
            noun="parameter",
            use="request",
        )
        for name in (name for name in was if name in now):
            self._differences.compare_parts(
                now[name],
                was[name],
                f"{call} {name}",
                skip=_PARAMETER_PARTS,
                breaking=_BREAKING_PARAMETER_PARTS,
            )

    def _compare_body(self, live: JsonObject, baked: JsonObject, where: str) -> None:
        now, was = self._both(live, baked, "requestBody", where)
        required = now.get("required") is True
        match "requestBody" in live, "requestBody" in baked:
            case True, True:
                if required != (was.get("required") is True):
                    what = "is now required" if required else "is no longer required"
                    self._differences.add("changed", where, what, breaking=required)
                self._compare_content(now, was, where, use="request")
                skip = frozenset({"content", "required"})
                self._differences.compare_parts(now, was, where, skip=skip)
            case True, False:
                what = "a new required body" if required else "a new body"
                self._differences.add("added", where, what, breaking=required)
            case False, True:
                self._differences.add("removed", where, "the body is gone", breaking=True)

    def _compare_responses(self, live: JsonObject, baked: JsonObject, call: str) -> None:
        under = f"{call} response "
        now, was = self._both(live, baked, "responses", f"{call} responses")
        for status in self._differences.compare_names(now, was, under=under, noun="response"):
            where = f"{under}{status}"
            pair = self._both(now, was, status, where)
            self._compare_content(*pair, where, use="response")
            self._differences.compare_parts(*pair, where, skip=frozenset({"content"}))

    def _compare_content(
        self, live: JsonObject, baked: JsonObject, where: str, *, use: Use
    ) -> None:
        now, was = (_by_media_type(it) for it in self._both(live, baked, "content", where))
        for media_type in self._differences.compare_names(
            now, was, under=f"{where} as ", noun="form"
        ):
            new, old = self._both(now, was, media_type, where)
            self._schemas.compare(new.get("schema", {}), old.get("schema", {}), where, use=use)
            self._differences.compare_parts(new, old, where, skip=frozenset({"schema"}))

    def _both(
        self, live: JsonObject, baked: JsonObject, name: str, where: str
    ) -> tuple[JsonObject, JsonObject]:
        return self._live.part(live, name, where), self._baked.part(baked, name, where)


def _scopes(call: JsonObject) -> str:
    """The scopes in a description: `Requires scope studios:read.` (source: the reference)."""
    description = call.get("description")
    text = description if isinstance(description, str) else ""
    scopes = sorted(set(_SCOPE.findall(text)))
    return describe(" and ".join(scopes)) if scopes else "none"


def _credentials(owner: JsonObject, root: JsonObject) -> frozenset[str]:
    """The accepted credentials, any one of which is enough. An empty list means no key."""
    requirements = owner.get("security", root.get("security", []))
    if not isinstance(requirements, list):
        return frozenset({"in a way that cannot be read"})
    return frozenset(_describe_requirement(it) for it in requirements) or frozenset({_WITHOUT_KEY})


def _describe_requirement(requirement: object) -> str:
    if not isinstance(requirement, dict):
        return "in a way that cannot be read"
    schemes = [" ".join([name, *_scope_names(scopes)]) for name, scopes in requirement.items()]
    return f"with {describe(' and '.join(sorted(schemes)))}" if schemes else _WITHOUT_KEY


def _scope_names(scopes: object) -> list[str]:
    names = scopes if isinstance(scopes, list) else [scopes]
    return [name if isinstance(name, str) else "?" for name in names]


def _read_parameters(document: Document, call: JsonObject, name: str) -> dict[str, JsonObject]:
    where = f"{name} parameters"
    parameters = {}
    for node in document.items(call, "parameters", where):
        if (parameter := document.read(node, where)) is None:
            continue
        match parameter:
            case {"in": str(place), "name": str(parameter_name)}:
                parameters[f"{place} parameter {parameter_name}"] = parameter
            case _:
                document.report_unreadable(where)
    return parameters


def _field(parameter: JsonObject) -> Field:
    required = parameter.get("required") is True or parameter.get("in") == "path"
    return Field(required, parameter.get("schema", {}))


def _by_media_type(content: JsonObject) -> JsonObject:
    """The content by media type, without parameters such as `charset`."""
    return {kind.partition(";")[0].strip().lower(): media for kind, media in content.items()}
