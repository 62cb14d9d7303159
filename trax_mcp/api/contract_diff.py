"""Compares a live contract document with the built-in one.

Both are flattened to places (calls, parameters, bodies, fields) with the facts about each. Which
differences are breaking follows TRaX's compatibility promise for /v1: endpoints, optional
parameters, response fields, codes and enum values may be added; nothing is removed, renamed,
retyped or newly required.
"""

import json
import re
from collections.abc import Iterator
from typing import Any, Final, Literal, NamedTuple, cast

from trax_mcp.api.contract import JsonObject
from trax_mcp.api.text_safety import escape, escape_invisible, quote, truncate

_METHODS: Final = ("get", "put", "post", "delete", "options", "head", "patch", "trace")
_SCOPE: Final = re.compile(r"\b[a-z]+:[a-z]+\b")
_REQUEST_LIMIT: Final = re.compile(
    "type|enum|pattern|const|multipleOf|uniqueItems|readOnly"
    "|minimum|maximum|exclusive(Minimum|Maximum)|(min|max)(Length|Items|Properties)"
)
"""If one is new or changed, a request that was accepted before may be rejected."""
_IMPLIED_TYPES: Final = {"properties": "object", "items": "array"}
_MAX_PLACES: Final = 20_000
"""The contract has about 500. References can multiply a small document without limit."""
_LONGEST_TEXT: Final = 160

_Use = Literal["document", "key", "request", "response"]
_Facts = dict[str, Any]


class Difference(NamedTuple):
    """One difference: `where` names a call, parameter, schema or field, `what` describes it.

    Both are one short line and safe to print. `breaking`: callers written for the older document
    may fail.
    """

    kind: Literal["added", "removed", "changed"]
    where: str
    what: str
    breaking: bool


class _Place(NamedTuple):
    """A part of a document. `where`: names from the outside in, which read as one if joined."""

    where: tuple[str, ...]
    use: _Use

    def part(self, name: str, use: _Use | None = None) -> "_Place":
        return _Place((*self.where, name), use or self.use)

    @property
    def name(self) -> str:
        return _printable("".join(self.where))


_Places = dict[_Place, _Facts]
_DOCUMENT: Final = _Place(("document",), "document")


class _UnreadableError(Exception):
    """Nothing can be compared. The arguments are `where` and `what` of the one difference."""


def compare(live: object, built_in: JsonObject) -> tuple[Difference, ...]:
    """Return what `live` adds, removes and changes.

    `live` may be any value. If a part of it cannot be read, that is the one difference.
    """
    try:
        found = list(_differences(_flatten(live), _flatten(built_in)))
    except _UnreadableError as error:
        where, what = error.args
        return (Difference("changed", where, what, breaking=True),)
    except RecursionError:
        return (Difference("changed", "document", "is nested too deeply", breaking=True),)
    found.sort(key=lambda difference: difference.breaking)
    # Calls share schemas: each difference is listed once, and is breaking if it ever is.
    return tuple({(it.where, it.what): it for it in found}.values())


def _differences(live: _Places, built_in: _Places) -> Iterator[Difference]:
    # The parts of something that is itself new or gone are not listed.
    shared = {(), *({it.where for it in live} & {it.where for it in built_in})}
    for place in (it for it in built_in | live if it.where[:-1] in shared):
        if place in built_in and place in live:
            yield from _changes(place, live, built_in)
        elif place.where[-1] != "[]":  # the type says whether it is a list
            yield _one_sided(_name(place, live, built_in, within=True), place.use, live.get(place))


def _one_sided(name: str, use: _Use, now: _Facts | None) -> Difference:
    if now is None:
        return Difference("removed", name, "is gone", breaking=True)
    if use == "request" and now.get("required") is True:
        return Difference("added", name, "is new, and required", breaking=True)
    return Difference("added", name, "is new", breaking=False)


def _changes(place: _Place, live: _Places, built_in: _Places) -> Iterator[Difference]:
    for fact in built_in[place] | live[place]:
        was, now = built_in[place].get(fact), live[place].get(fact)
        if fact == "security":  # a call that declares none inherits that of the document
            was, now = was or built_in[_DOCUMENT][fact], now or live[_DOCUMENT][fact]
        if was != now and fact != "$ref":
            where = _name(place, live, built_in, within=fact == "required")
            what = _describe(_printable(fact), was, now)
            yield Difference("changed", where, what, _is_breaking(fact, place.use, was, now))


def _is_breaking(fact: str, use: _Use, was: object, now: object) -> bool:
    match fact, use, was, now:
        case (("enum" | "security"), _, list(), list()):
            breaking = any(value not in now for value in was)
        case ("required", "request", _, _) | ("nullable", "response", _, _):
            breaking = now is True
        case ("required", "response", _, _) | ("nullable", "request", _, _):
            breaking = now is not True
        case "type", "response", _, _:
            breaking = was is not None
        case "format", _, _, _:  # a new format makes it another type
            breaking = was is not None and now is not None
        case _, "request", _, _ if _REQUEST_LIMIT.fullmatch(fact):
            breaking = now is not None
        case (("type" | "scheme" | "in" | "name"), "key", _, _):
            breaking = True
        case (("style" | "explode" | "allowReserved"), "request", _, _):
            breaking = True
        case _:  # combined schemas are not analysed
            breaking = fact in {"scope", "allOf", "anyOf", "oneOf", "not"}
    return breaking


def _name(place: _Place, live: _Places, built_in: _Places, *, within: bool) -> str:
    """The name of a place, from the innermost schema on that has one name in both documents.

    `within`: as a part of the schema around it, not by the name of its own schema.
    """
    for end in range(len(place.where) - within, 0, -1):
        outer = _Place(place.where[:end], place.use)
        now, was = (it.get(outer, {}).get("$ref") for it in (live, built_in))
        if isinstance(now, str) and now == was:
            return _Place((f"schema {now.rpartition('/')[2]}", *place.where[end:]), place.use).name
    return place.name


def _describe(fact: str, was: object, now: object) -> str:
    if now is None:
        return f"{fact} is gone"
    if was is None:
        return f"{fact} is new: {_quote(now)}"
    return f"{fact} was {_quote(was)}, is {_quote(now)}"


def _quote(value: object) -> str:
    if isinstance(value, str):
        return quote(value, longest=_LONGEST_TEXT)
    return truncate(escape_invisible(json.dumps(value)), longest=_LONGEST_TEXT)


def _printable(name: str) -> str:
    return escape(truncate(name, longest=_LONGEST_TEXT))


def _flatten(document: object) -> _Places:
    match document:
        case {"openapi": str(version), "paths": dict()} if version.startswith("3."):
            return _Flattener(cast("JsonObject", document)).places
    raise _UnreadableError("document", "is no OpenAPI 3 document")


class _Flattener:
    """The places of an untrusted document."""

    def __init__(self, root: JsonObject) -> None:
        self.places: _Places = {}
        self._root = root
        info = self._object(root, "info", _DOCUMENT)
        self._add(_DOCUMENT, root | info, but=("info", "paths", "components"))
        self._add(_DOCUMENT, {"security": _credentials(root, _DOCUMENT)})
        components = self._object(root, "components", _DOCUMENT)
        for name, node in self._object(components, "securitySchemes", _DOCUMENT).items():
            place = _Place((f"security scheme {name}",), "key")
            self._add(place, self._read(node, place))
        for name in self._object(components, "schemas", _DOCUMENT):
            self._add(_Place((f"schema {name}",), "document"), {})
        for path, node in root["paths"].items():
            item = {} if path.startswith("x-") else self._read(node, _Place((path,), "document"))
            for method in (method for method in _METHODS if method in item):
                self._add_call(_Place((f"{method.upper()} {path}",), "document"), item, method)

    def _add_call(self, place: _Place, item: JsonObject, method: str) -> None:
        call = self._read(item[method], place)
        self._add(place, call, but=("parameters", "requestBody", "responses"))
        scopes = sorted(set(_SCOPE.findall(str(call.get("description")))))
        self._add(place, {"scope": " and ".join(scopes) or None})
        if "security" in call:
            self._add(place, {"security": _credentials(call, place)})
        parameters = {}
        for node in _list(item, "parameters", place) + _list(call, "parameters", place):
            parameter = self._read(node, place.part(" parameters"))
            parameters[f" {parameter.get('in')} parameter {parameter.get('name')}"] = parameter
        for name, parameter in parameters.items():
            self._add_content(place.part(name, "request"), parameter)
        if "requestBody" in call:
            self._add_content(place.part(" request", "request"), call["requestBody"])
        for status, response in self._object(call, "responses", place).items():
            self._add_content(place.part(f" response {status}", "response"), response)

    def _add_content(self, place: _Place, node: object) -> None:
        """Add a parameter, a body, a response, or one of the media types of these."""
        owner = self._read(node, place)
        required = owner.get("required") is True or owner.get("in") == "path"
        self._add(place, owner | {"required": required}, but=("content", "schema"))
        for media_type, media in self._object(owner, "content", place).items():
            kind = media_type.partition(";")[0].strip().lower()
            self._add_content(place.part(f" as {kind}"), media)
        if "schema" in owner:
            self._add_schema(place.part(" schema"), owner["schema"])

    def _add_schema(
        self, place: _Place, node: object, around: frozenset[int] = frozenset()
    ) -> None:
        schema = self._read(node, place)
        implied = [of for part, of in _IMPLIED_TYPES.items() if part in schema]
        declared = schema.get("type") or implied
        one_or_more = declared if isinstance(declared, list) else [declared]
        types = set(_list({"type": one_or_more}, "type", place, of=str))
        facts = {
            "type": " or ".join(sorted(types - {"null"})) or None,
            "nullable": "null" in types or schema.get("nullable") is True,
            "enum": sorted(_list(schema, "enum", place), key=str) or None,
            "$ref": node.get("$ref") if isinstance(node, dict) else None,
        }
        self._add(place, schema | facts, but=("properties", "required", "items"))
        if id(schema) in around:
            return
        around |= {id(schema)}
        fields = self._object(schema, "properties", place)
        required = _list(schema, "required", place, of=str)
        for name in dict.fromkeys((*fields, *required)):
            field = place.part(f".{name}")
            self._add_schema(field, fields.get(name, {}), around)
            self._add(field, {"required": name in required})
        if "items" in schema or "array" in types:
            self._add_schema(place.part("[]"), schema.get("items", {}), around)

    def _add(self, place: _Place, facts: _Facts, *, but: tuple[str, ...] = ()) -> None:
        kept = {name: value for name, value in facts.items() if name not in but}
        self.places.setdefault(place, {}).update(kept)
        if len(self.places) > _MAX_PLACES:
            raise _UnreadableError("document", "is too large to compare")

    def _object(self, owner: JsonObject, name: str, place: _Place) -> JsonObject:
        return self._read(owner.get(name, {}), place.part(f" {name}"))

    def _read(self, node: object, place: _Place) -> JsonObject:
        """Follow references, JSON pointers (RFC 6901), to an object."""
        visited: set[str] = set()
        while isinstance(node, dict) and isinstance(reference := node.get("$ref"), str):
            first, *names = reference.split("/")
            node = None if first != "#" or reference in visited else self._root
            visited.add(reference)
            for name in names:
                inner = name.replace("~1", "/").replace("~0", "~")
                node = node.get(inner) if isinstance(node, dict) else None
        if isinstance(node, dict):
            return node
        raise _UnreadableError(place.name, "cannot be read")


def _list(owner: JsonObject, name: str, place: _Place, of: type = object) -> list[Any]:
    items = owner.get(name, [])
    if isinstance(items, list) and all(isinstance(it, of) for it in items):
        return items
    raise _UnreadableError(place.part(f" {name}").name, "cannot be read")


def _credentials(owner: JsonObject, place: _Place) -> list[Any]:
    """The accepted credentials, any one of which is enough. `{}` is none."""
    return sorted(_list(owner, "security", place), key=str) or [{}]
