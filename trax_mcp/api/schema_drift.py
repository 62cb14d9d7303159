"""What differs between the schemas of two contract documents, for those who ask and who are told.

Pure. The same change can be harmless in an answer and break a request: a call may take more, an
answer may hold more, and neither may become less. Knows schemas and nothing of calls.
"""

from collections.abc import Mapping
from typing import Any, Final, Literal, NamedTuple

from trax_mcp.api.contract import JsonObject
from trax_mcp.api.differences import Differences, told
from trax_mcp.api.documents import Document

Use = Literal["request", "response"]

_COMPONENT: Final = "#/components/schemas/"
_COMPOSED: Final = frozenset({"allOf", "anyOf", "oneOf", "not"})
"""Not judged: a schema that is put together another way counts as another."""
_JUDGED: Final = frozenset({"type", "nullable", "enum", "properties", "required", "items", "$ref"})
_BOUNDS: Final = frozenset(
    {
        *("pattern", "const", "multipleOf", "uniqueItems", "readOnly"),
        *("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"),
        *("minLength", "maxLength", "minItems", "maxItems", "minProperties", "maxProperties"),
    }
)
"""What makes a request narrower: new ones, or others, may refuse what was accepted."""
_MOST_VALUES = 8


class Field(NamedTuple):
    """A parameter, or a field of a schema."""

    required: bool
    schema: object


class SchemaComparison:
    """Compares each pair of schemas once for each use, so circles of references end."""

    def __init__(self, live: Document, baked: Document, differences: Differences) -> None:
        self._live = live
        self._baked = baked
        self._differences = differences
        # The pairs themselves are kept, so that no id is given to a second object.
        self._met: dict[tuple[int, int, Use], object] = {}
        self._named: set[str] = set()

    def components(self) -> None:
        """Compare the named schemas: first which there are, then those that no call uses."""
        live, baked = self._live.component("schemas"), self._baked.component("schemas")
        shared = self._differences.shared(live, baked, under="schema ", thing="schema")
        for name in (name for name in shared if name not in self._named):
            for use in ("request", "response"):
                self.compare(live[name], baked[name], f"schema {name}", use=use)

    def compare(self, live: object, baked: object, where: str, *, use: Use) -> None:
        """Compare two schemas; those that both sides call by one name stand under that name."""
        where = self._place(_component_of(live), _component_of(baked), where)
        now, was = self._live.read(live, where), self._baked.read(baked, where)
        if now is None or was is None or (id(now), id(was), use) in self._met:
            return
        self._met[id(now), id(was), use] = (now, was)
        self._type(now, was, where, use=use)
        self._values(now, was, where, use=use)
        self._parts(now, was, where, use=use)
        fields = self._fields_of(self._live, now, where), self._fields_of(self._baked, was, where)
        self.fields(*fields, under=f"{where}.", thing="field", use=use)
        if "items" in now or "items" in was:
            items = now.get("items", {}), was.get("items", {})
            self.compare(*items, f"{where}[]", use=use)

    def fields(
        self,
        live: Mapping[str, Field],
        baked: Mapping[str, Field],
        *,
        under: str,
        thing: str,
        use: Use,
    ) -> None:
        """Compare parameters, or the fields of a schema."""
        for name, was in baked.items():
            if name in live:
                self._field(live[name], was, f"{under}{name}", use=use)
            else:
                self._differences.add(
                    "removed", f"{under}{name}", f"the {thing} is gone", breaking=True
                )
        for name, now in live.items():
            if name not in baked:
                demanded = now.required and use == "request"
                what = f"a new required {thing}" if demanded else f"a new {thing}"
                self._differences.add("added", f"{under}{name}", what, breaking=demanded)

    def _field(self, live: Field, baked: Field, where: str, *, use: Use) -> None:
        if live.required and not baked.required:
            self._differences.add("changed", where, "is now required", breaking=use == "request")
        if baked.required and not live.required:
            what = "is no longer required" if use == "request" else "may now be missing"
            self._differences.add("changed", where, what, breaking=use == "response")
        self.compare(live.schema, baked.schema, where, use=use)

    def _place(self, live: str | None, baked: str | None, where: str) -> str:
        if live is None or baked is None:
            return where
        if live == baked:
            self._named.add(baked)
            return f"schema {baked}"
        what = f"was the schema {told(baked)}, is {told(live)}"
        self._differences.add("changed", where, what, breaking=False)
        return where

    def _type(self, live: JsonObject, baked: JsonObject, where: str, *, use: Use) -> None:
        now, was = _types(live), _types(baked)
        if not all(isinstance(kind, str) for kind in _as_list(live.get("type", ""))):
            self._differences.unreadable(f"{where} type")
        elif now - {"null"} != was - {"null"}:
            freed, bound = not now and use == "request", not was and use == "response"
            what = f"was {_kinds(was)}, is {_kinds(now)}"
            self._differences.add("changed", where, what, breaking=not (freed or bound))
        elif "null" in now - was:
            self._differences.add("changed", where, "may now be null", breaking=use == "response")
        elif "null" in was - now:
            what = "may no longer be null"
            self._differences.add("changed", where, what, breaking=use == "request")

    def _values(self, live: JsonObject, baked: JsonObject, where: str, *, use: Use) -> None:
        now = self._live.items(live, "enum", f"{where} enum")
        was = self._baked.items(baked, "enum", f"{where} enum")
        if was and now:
            for value in (value for value in was if value not in now):
                what = f"the value {told(value)} is gone"
                self._differences.add("removed", where, what, breaking=True)
            for value in (value for value in now if value not in was):
                self._differences.add("added", where, f"a new value {told(value)}", breaking=False)
        elif now:
            what = f"is now one of {_listed(now)}"
            self._differences.add("changed", where, what, breaking=use == "request")
        elif was:
            what = "is no longer one of a few values"
            self._differences.add("changed", where, what, breaking=False)

    def _parts(self, live: JsonObject, baked: JsonObject, where: str, *, use: Use) -> None:
        breaking = _COMPOSED | (_BOUNDS & live.keys() if use == "request" else frozenset())
        if "format" in live and "format" in baked:  # another format is another type
            breaking |= {"format"}
        self._differences.parts(live, baked, where, judged=_JUDGED, breaking=breaking)

    def _fields_of(self, document: Document, schema: JsonObject, where: str) -> dict[str, Field]:
        listed = document.items(schema, "required", f"{where} required")
        required = [name for name in listed if isinstance(name, str)]
        schemas = document.part(schema, "properties", f"{where} properties")
        names = dict.fromkeys((*schemas, *required))
        return {name: Field(name in required, schemas.get(name, {})) for name in names}


def _component_of(node: object) -> str | None:
    reference: Any = node.get("$ref") if isinstance(node, dict) else None
    if not isinstance(reference, str) or not reference.startswith(_COMPONENT):
        return None
    return reference.removeprefix(_COMPONENT)


def _types(schema: JsonObject) -> frozenset[str]:
    """The JSON types that a schema allows; none if it allows all."""
    stated = schema.get("type")
    kinds = {kind for kind in _as_list(stated) if isinstance(kind, str)}
    if stated is None:
        kinds |= {"object"} if "properties" in schema else set()
        kinds |= {"array"} if "items" in schema else set()
    return frozenset(kinds | ({"null"} if schema.get("nullable") is True else set()))


def _as_list(stated: object) -> list[object]:
    return stated if isinstance(stated, list) else [stated]


def _kinds(types: frozenset[str]) -> str:
    named = sorted(types - {"null"})
    return told(" or ".join(named)) if named else "of any type"


def _listed(values: list[object]) -> str:
    listed = ", ".join(told(value) for value in values[:_MOST_VALUES])
    return f"{listed}, ..." if len(values) > _MOST_VALUES else listed
