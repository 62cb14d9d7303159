"""Compares the schemas of two contract documents.

The same change can break a request and be harmless in a response, or the other way round.
"""

from collections.abc import Mapping
from typing import Any, Final, Literal, NamedTuple

from trax_mcp.api.contract import JsonObject
from trax_mcp.api.differences import Differences, describe
from trax_mcp.api.documents import Document

Use = Literal["request", "response"]

_COMPONENT: Final = "#/components/schemas/"
_COMPOSED: Final = frozenset({"allOf", "anyOf", "oneOf", "not"})
"""Not analysed: any change in them counts as breaking."""
_COMPARED_PARTS: Final = frozenset(
    {"type", "nullable", "enum", "properties", "required", "items", "$ref"}
)
_CONSTRAINTS: Final = frozenset(
    {
        *("pattern", "const", "multipleOf", "uniqueItems", "readOnly"),
        *("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"),
        *("minLength", "maxLength", "minItems", "maxItems", "minProperties", "maxProperties"),
    }
)
"""In a request, a new or changed constraint may reject values that were accepted before."""
_MAX_VALUES = 8


class Field(NamedTuple):
    """A parameter, or a field of a schema."""

    required: bool
    schema: object


class SchemaComparison:
    """Compares each pair of schemas once for each use, so that circular references end."""

    def __init__(self, live: Document, baked: Document, differences: Differences) -> None:
        self._live = live
        self._baked = baked
        self._differences = differences
        # Holds the pairs themselves, so that Python does not reuse their ids.
        self._compared: dict[tuple[int, int, Use], object] = {}
        self._named: set[str] = set()

    def compare_components(self) -> None:
        """Compare the names of all schemas, then those schemas that no call uses."""
        live, baked = self._live.components("schemas"), self._baked.components("schemas")
        shared = self._differences.compare_names(live, baked, under="schema ", noun="schema")
        for name in (name for name in shared if name not in self._named):
            for use in ("request", "response"):
                self.compare(live[name], baked[name], f"schema {name}", use=use)

    def compare(self, live: object, baked: object, where: str, *, use: Use) -> None:
        """Compare two schemas. `where` is replaced by their name if both have the same one."""
        where = self._locate(_component_of(live), _component_of(baked), where)
        now, was = self._live.read(live, where), self._baked.read(baked, where)
        if now is None or was is None or (id(now), id(was), use) in self._compared:
            return
        self._compared[id(now), id(was), use] = (now, was)
        self._compare_types(now, was, where, use=use)
        self._compare_values(now, was, where, use=use)
        self._compare_parts(now, was, where, use=use)
        fields = self._fields_of(self._live, now, where), self._fields_of(self._baked, was, where)
        self.compare_fields(*fields, under=f"{where}.", noun="field", use=use)
        if "items" in now or "items" in was:
            items = now.get("items", {}), was.get("items", {})
            self.compare(*items, f"{where}[]", use=use)

    def compare_fields(
        self,
        live: Mapping[str, Field],
        baked: Mapping[str, Field],
        *,
        under: str,
        noun: str,
        use: Use,
    ) -> None:
        """Compare parameters, or the fields of a schema."""
        for name, was in baked.items():
            if name in live:
                self._compare_field(live[name], was, f"{under}{name}", use=use)
            else:
                self._differences.add(
                    "removed", f"{under}{name}", f"the {noun} is gone", breaking=True
                )
        for name, now in live.items():
            if name not in baked:
                is_breaking = now.required and use == "request"
                what = f"a new required {noun}" if is_breaking else f"a new {noun}"
                self._differences.add("added", f"{under}{name}", what, breaking=is_breaking)

    def _compare_field(self, live: Field, baked: Field, where: str, *, use: Use) -> None:
        if live.required and not baked.required:
            self._differences.add("changed", where, "is now required", breaking=use == "request")
        if baked.required and not live.required:
            what = "is no longer required" if use == "request" else "may now be missing"
            self._differences.add("changed", where, what, breaking=use == "response")
        self.compare(live.schema, baked.schema, where, use=use)

    def _locate(self, live: str | None, baked: str | None, where: str) -> str:
        if live is None or baked is None:
            return where
        if live == baked:
            self._named.add(baked)
            return f"schema {baked}"
        what = f"was the schema {describe(baked)}, is {describe(live)}"
        self._differences.add("changed", where, what, breaking=False)
        return where

    def _compare_types(self, live: JsonObject, baked: JsonObject, where: str, *, use: Use) -> None:
        now, was = _types(live), _types(baked)
        if not all(isinstance(kind, str) for kind in _as_list(live.get("type", ""))):
            self._differences.add_unreadable(f"{where} type")
        elif now - {"null"} != was - {"null"}:
            widened, narrowed = not now and use == "request", not was and use == "response"
            what = f"was {_describe_types(was)}, is {_describe_types(now)}"
            self._differences.add("changed", where, what, breaking=not (widened or narrowed))
        elif "null" in now - was:
            self._differences.add("changed", where, "may now be null", breaking=use == "response")
        elif "null" in was - now:
            what = "may no longer be null"
            self._differences.add("changed", where, what, breaking=use == "request")

    def _compare_values(self, live: JsonObject, baked: JsonObject, where: str, *, use: Use) -> None:
        now = self._live.items(live, "enum", f"{where} enum")
        was = self._baked.items(baked, "enum", f"{where} enum")
        if was and now:
            for value in (value for value in was if value not in now):
                what = f"the value {describe(value)} is gone"
                self._differences.add("removed", where, what, breaking=True)
            for value in (value for value in now if value not in was):
                self._differences.add(
                    "added", where, f"a new value {describe(value)}", breaking=False
                )
        elif now:
            what = f"is now one of {_describe_values(now)}"
            self._differences.add("changed", where, what, breaking=use == "request")
        elif was:
            what = "is no longer one of a few values"
            self._differences.add("changed", where, what, breaking=False)

    def _compare_parts(self, live: JsonObject, baked: JsonObject, where: str, *, use: Use) -> None:
        breaking = _COMPOSED | (_CONSTRAINTS & live.keys() if use == "request" else frozenset())
        if "format" in live and "format" in baked:  # a new format makes it another type
            breaking |= {"format"}
        self._differences.compare_parts(live, baked, where, skip=_COMPARED_PARTS, breaking=breaking)

    def _fields_of(self, document: Document, schema: JsonObject, where: str) -> dict[str, Field]:
        names = document.items(schema, "required", f"{where} required")
        required = [name for name in names if isinstance(name, str)]
        schemas = document.part(schema, "properties", f"{where} properties")
        fields = dict.fromkeys((*schemas, *required))
        return {name: Field(name in required, schemas.get(name, {})) for name in fields}


def _component_of(node: object) -> str | None:
    reference: Any = node.get("$ref") if isinstance(node, dict) else None
    if not isinstance(reference, str) or not reference.startswith(_COMPONENT):
        return None
    return reference.removeprefix(_COMPONENT)


def _types(schema: JsonObject) -> frozenset[str]:
    """The JSON types that a schema allows. Empty if it allows all."""
    declared = schema.get("type")
    kinds = {kind for kind in _as_list(declared) if isinstance(kind, str)}
    if declared is None:
        kinds |= {"object"} if "properties" in schema else set()
        kinds |= {"array"} if "items" in schema else set()
    return frozenset(kinds | ({"null"} if schema.get("nullable") is True else set()))


def _as_list(value: object) -> list[object]:
    return value if isinstance(value, list) else [value]


def _describe_types(types: frozenset[str]) -> str:
    names = sorted(types - {"null"})
    return describe(" or ".join(names)) if names else "of any type"


def _describe_values(values: list[object]) -> str:
    described = ", ".join(describe(value) for value in values[:_MAX_VALUES])
    return f"{described}, ..." if len(values) > _MAX_VALUES else described
