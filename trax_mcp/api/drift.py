"""Another contract document beside the baked one: what was added, removed and changed.

Pure. What breaks a caller follows TRaX's compatibility promise for /v1: endpoints, optional
parameters, response fields, codes and enum values may be added; nothing is removed, renamed,
retyped or newly required. Knows calls; of schemas it knows who compares them.
"""

import re
from typing import Final

from trax_mcp.api.contract import JsonObject
from trax_mcp.api.differences import DOCUMENT, Difference, Differences, told
from trax_mcp.api.documents import Document, is_openapi
from trax_mcp.api.schema_drift import Field, SchemaComparison, Use

__all__ = ["Difference", "compare"]

_SCOPE = re.compile(r"\b[a-z]+:[a-z]+\b")
_CALL: Final = frozenset({"parameters", "requestBody", "responses", "security"})
_PARAMETER: Final = frozenset({"name", "in", "required", "schema"})
_PARAMETER_FORM: Final = frozenset({"style", "explode", "allowReserved", "content"})
_SCHEME_FORM: Final = frozenset({"type", "scheme", "in", "name"})
_WITHOUT_KEY: Final = "without a key"


def compare(live: object, baked: JsonObject) -> tuple[Difference, ...]:
    """Return what `live` has that `baked` has not, has no longer, or has otherwise.

    `live` may be anything at all: what is no OpenAPI document is one breaking difference.
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
    """One walk over both documents."""

    def __init__(self, live: JsonObject, baked: JsonObject, differences: Differences) -> None:
        self._live = Document(live, differences.unreadable)
        self._baked = Document(baked, lambda _where: None)
        self._differences = differences
        self._schemas = SchemaComparison(self._live, self._baked, differences)

    def run(self) -> None:
        live, baked = dict(self._live.calls()), dict(self._baked.calls())
        for call in self._differences.shared(live, baked, under="", thing="call"):
            self._call(live[call], baked[call], call)
        self._schemas.components()
        self._keys()
        self._frame()

    def _frame(self) -> None:
        live, baked = self._live.root, self._baked.root
        judged = frozenset({"info", "paths", "components", "security"})
        self._differences.parts(live, baked, DOCUMENT, judged=judged)
        self._differences.parts(*self._both(live, baked, "info", "info"), DOCUMENT)

    def _keys(self) -> None:
        self._ways_in(self._live.root, self._baked.root, DOCUMENT)
        live, baked = (it.component("securitySchemes") for it in (self._live, self._baked))
        under = "security scheme "
        for name in self._differences.shared(live, baked, under=under, thing="scheme"):
            where = f"{under}{name}"
            pair = self._both(live, baked, name, where)
            self._differences.parts(*pair, where, breaking=_SCHEME_FORM)

    def _call(self, live: JsonObject, baked: JsonObject, call: str) -> None:
        self._scope(live, baked, call)
        if "security" in live or "security" in baked:
            self._ways_in(live, baked, call)
        self._parameters(live, baked, call)
        self._body(live, baked, f"{call} request")
        self._responses(live, baked, call)
        self._differences.parts(live, baked, call, judged=_CALL)

    def _scope(self, live: JsonObject, baked: JsonObject, call: str) -> None:
        now, was = _scopes(live), _scopes(baked)
        if now != was:
            self._differences.add("changed", call, f"scope was {was}, is {now}", breaking=True)

    def _ways_in(self, live: JsonObject, baked: JsonObject, where: str) -> None:
        """Compare what may be sent as a key. A call that says nothing inherits the document's."""
        now, was = _ways(live, self._live.root), _ways(baked, self._baked.root)
        for way in sorted(was - now):
            self._differences.add("removed", where, f"can no longer be called {way}", breaking=True)
        for way in sorted(now - was):
            self._differences.add("added", where, f"can be called {way}", breaking=False)

    def _parameters(self, live: JsonObject, baked: JsonObject, call: str) -> None:
        now, was = _parameters(self._live, live, call), _parameters(self._baked, baked, call)
        self._schemas.fields(
            {name: _field(parameter) for name, parameter in now.items()},
            {name: _field(parameter) for name, parameter in was.items()},
            under=f"{call} ",
            thing="parameter",
            use="request",
        )
        for name in (name for name in was if name in now):
            self._differences.parts(
                now[name],
                was[name],
                f"{call} {name}",
                judged=_PARAMETER,
                breaking=_PARAMETER_FORM,
            )

    def _body(self, live: JsonObject, baked: JsonObject, where: str) -> None:
        now, was = self._both(live, baked, "requestBody", where)
        required = now.get("required") is True
        match "requestBody" in live, "requestBody" in baked:
            case True, True:
                if required != (was.get("required") is True):
                    what = "is now required" if required else "is no longer required"
                    self._differences.add("changed", where, what, breaking=required)
                self._content(now, was, where, use="request")
                judged = frozenset({"content", "required"})
                self._differences.parts(now, was, where, judged=judged)
            case True, False:
                what = "a new required body" if required else "a new body"
                self._differences.add("added", where, what, breaking=required)
            case False, True:
                self._differences.add("removed", where, "the body is gone", breaking=True)

    def _responses(self, live: JsonObject, baked: JsonObject, call: str) -> None:
        under = f"{call} response "
        now, was = self._both(live, baked, "responses", f"{call} responses")
        for status in self._differences.shared(now, was, under=under, thing="response"):
            where = f"{under}{status}"
            pair = self._both(now, was, status, where)
            self._content(*pair, where, use="response")
            self._differences.parts(*pair, where, judged=frozenset({"content"}))

    def _content(self, live: JsonObject, baked: JsonObject, where: str, *, use: Use) -> None:
        now, was = (_by_media_type(it) for it in self._both(live, baked, "content", where))
        for media_type in self._differences.shared(now, was, under=f"{where} as ", thing="form"):
            one, other = self._both(now, was, media_type, where)
            self._schemas.compare(one.get("schema", {}), other.get("schema", {}), where, use=use)
            self._differences.parts(one, other, where, judged=frozenset({"schema"}))

    def _both(
        self, live: JsonObject, baked: JsonObject, name: str, where: str
    ) -> tuple[JsonObject, JsonObject]:
        return self._live.part(live, name, where), self._baked.part(baked, name, where)


def _scopes(call: JsonObject) -> str:
    """The scopes that a description names: `Requires scope studios:read.` (the reference)."""
    description = call.get("description")
    words = description if isinstance(description, str) else ""
    scopes = sorted(set(_SCOPE.findall(words)))
    return told(" and ".join(scopes)) if scopes else "none"


def _ways(owner: JsonObject, root: JsonObject) -> frozenset[str]:
    """The ways to be let in, any one of which is enough; an empty list switches keys off."""
    stated = owner.get("security", root.get("security", []))
    if not isinstance(stated, list):
        return frozenset({"in a way that cannot be read"})
    return frozenset(_way(one) for one in stated) or frozenset({_WITHOUT_KEY})


def _way(requirement: object) -> str:
    if not isinstance(requirement, dict):
        return "in a way that cannot be read"
    schemes = [" ".join([name, *_words(scopes)]) for name, scopes in requirement.items()]
    return f"with {told(' and '.join(sorted(schemes)))}" if schemes else _WITHOUT_KEY


def _words(listed: object) -> list[str]:
    words = listed if isinstance(listed, list) else [listed]
    return [word if isinstance(word, str) else "?" for word in words]


def _parameters(document: Document, call: JsonObject, name: str) -> dict[str, JsonObject]:
    where = f"{name} parameters"
    found = {}
    for node in document.items(call, "parameters", where):
        if (parameter := document.read(node, where)) is None:
            continue
        match parameter:
            case {"in": str(place), "name": str(its_name)}:
                found[f"{place} parameter {its_name}"] = parameter
            case _:
                document.complain(where)
    return found


def _field(parameter: JsonObject) -> Field:
    required = parameter.get("required") is True or parameter.get("in") == "path"
    return Field(required, parameter.get("schema", {}))


def _by_media_type(content: JsonObject) -> JsonObject:
    """Without parameters such as `charset`: JSON is JSON."""
    return {kind.partition(";")[0].strip().lower(): media for kind, media in content.items()}
