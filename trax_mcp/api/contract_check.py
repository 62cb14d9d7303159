"""Compares a contract document with the built-in one: calls, scopes, fields, types and enums.

Which differences are breaking follows TRaX's compatibility promise for /v1: endpoints, optional
parameters, response fields, codes and enum values may be added; nothing is removed, renamed,
retyped or newly required.
"""

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final, Literal, NamedTuple

from trax_mcp.api.contract import JsonObject
from trax_mcp.api.text_safety import escape, escape_invisible, truncate

_METHODS: Final = ("get", "put", "post", "delete", "patch")
_SCOPE: Final = re.compile(r"\b[a-z]+:[a-z]+\b")
_OR: Final = " or "
_MAX_PLACES: Final = 20_000
"""The contract has about 1,000. References can multiply a small document without limit."""
_LONGEST_TEXT: Final = 160
_IN_WORDS: Final = frozenset({".code", ".message", ".requestId", ".requiredScope"})
"""The fields in an error. The reference tells them in words, so a document may leave them out."""
_MANY_CALLS: Final = 4
"""From so many calls on, an equal difference is one line."""
_UNREADABLE: Final = (AttributeError, IndexError, KeyError, RecursionError, TypeError, ValueError)

_Use = Literal["call", "request", "response"]
_Where = tuple[str, ...]
"""Names from the outside in, which read as one if joined."""
_Facts = dict[str, Any]


class Difference(NamedTuple):
    """One difference: `where` names a call, parameter or field, `what` describes it.

    Both are one short line and safe to print. `breaking`: callers written for the built-in
    document may fail. `part` is `where` without the call.
    """

    kind: Literal["added", "removed", "changed"]
    where: str
    what: str
    breaking: bool
    part: str = ""


def compare(live: object, built_in: JsonObject) -> tuple[Difference, ...]:
    """What `live` adds, removes and changes.

    `live` may be any value. If it cannot be read, that is the one difference. A change of a schema
    is listed for each call that has it.
    """
    was = _Document(built_in).places
    try:
        now = _Document(live).places
    except _UNREADABLE:
        what = "isn't an OpenAPI 3 document"
        return (Difference("changed", "document", what, breaking=True),)
    found = []
    for where in was | now:
        # The parts of something that is itself new or gone are not listed.
        if where[:-1] and not (where[:-1] in was and where[:-1] in now):
            continue
        name, part = _printable(where), _printable(where[1:])
        in_words = where[-2:-1] == (".error",) and where[-1] in _IN_WORDS
        if where not in now:
            if not in_words:
                found.append(Difference("removed", name, "is gone", breaking=True, part=part))
        elif where not in was:
            required = now[where][1].get("required") is True and now[where][0] == "request"
            what = "is new, and required" if required else "is new"
            found.append(Difference("added", name, what, breaking=required, part=part))
        else:
            facts = was[where][1]
            if in_words:
                facts = {fact: it for fact, it in facts.items() if fact != "required"}
            found += _changes(name, part, *now[where], facts)
    return tuple(found)


def fold(differences: Iterable[Difference]) -> tuple[Difference, ...]:
    """The same with one line for an equal difference of many calls."""
    groups: dict[tuple[object, ...], list[Difference]] = {}
    for it in differences:
        groups.setdefault((it._replace(where=""), it.part or it.where), []).append(it)
    return tuple(
        it
        for equal in groups.values()
        for it in ((_folded(equal),) if len(equal) >= _MANY_CALLS else equal)
    )


def _folded(equal: Sequence[Difference]) -> Difference:
    part = equal[0].part.strip()
    kinds = (("response ", "answers"), ("request", "requests"))
    place, what = next(
        ((part.removeprefix(start), name) for start, name in kinds if part.startswith(start)),
        (part, "calls"),
    )
    return equal[0]._replace(where=f"in {len(equal)} {what}, {place or 'the body'}")


def _printable(where: _Where) -> str:
    return escape(truncate("".join(where), longest=_LONGEST_TEXT))


def _changes(name: str, part: str, use: _Use, now: _Facts, was: _Facts) -> Iterator[Difference]:
    for fact, old in was.items():
        if (new := now[fact]) != old:
            told = f"was {_quote(old)}, is {_quote(new)}"
            if old is None or new is None:
                told = "is gone" if new is None else f"is new: {_quote(new)}"
            breaking = _is_breaking(fact, use, old, new)
            yield Difference("changed", name, f"{fact} {told}", breaking, part)


def _is_breaking(fact: str, use: _Use, was: Any, now: Any) -> bool:  # noqa: ANN401  any JSON
    is_request = use == "request"
    match fact:
        case "required":
            return (now is True) == is_request
        case "enum":
            lost = [it for it in was or () if now is not None and it not in now]
            return bool(lost) or (is_request and was is None)
        case "type":  # TRaX must take what it took, and answer with nothing else than before
            more, less = (now, was) if is_request else (was, now)
            return more is not None and not {*(less or "anything").split(_OR)} <= {*more.split(_OR)}
        case _:
            return fact == "scope"


class _Document:
    """The places of an untrusted document: calls, parameters, bodies and fields, with their facts.

    Raises:
        Exception: one of `_UNREADABLE`: it isn't an OpenAPI 3 document, or too large.
    """

    def __init__(self, root: Any) -> None:  # noqa: ANN401  any JSON
        if not root["openapi"].startswith("3."):
            raise ValueError(root)
        self.places: dict[_Where, tuple[_Use, _Facts]] = {}
        self._root = root
        self._add(("document",), "call", version=root.get("info", {}).get("version"))
        for path, item in root["paths"].items():
            item = self._resolve(item)  # noqa: PLW2901  the same without a reference
            for method in (it for it in _METHODS if it in item):
                self._add_call((f"{method.upper()} {path}",), item, item[method])

    def _add_call(self, where: _Where, item: JsonObject, call: JsonObject) -> None:
        scopes = sorted(set(_SCOPE.findall(str(call.get("description")))))
        self._add(where, "call", scope=" and ".join(scopes) or None)
        for it in map(self._resolve, [*item.get("parameters", ()), *call.get("parameters", ())]):
            name = (*where, f" {it['in']} parameter {it['name']}")
            required = it.get("required") is True or it["in"] == "path"
            self._add_schema(name, "request", it.get("schema", {}), required=required)
        if "requestBody" in call:
            self._add_content((*where, " request"), "request", call["requestBody"])
        for status, response in call.get("responses", {}).items():
            self._add_content((*where, f" response {status}"), "response", response)

    def _add_content(self, where: _Where, use: _Use, node: object) -> None:
        owner = self._resolve(node)
        self._add(where, use, required=owner.get("required") is True)
        for media_type, media in owner.get("content", {}).items():
            kind = media_type.partition(";")[0].strip().lower()
            part = "" if kind == "application/json" else f" as {kind}"
            self._add_schema((*where, part), use, media.get("schema", {}))

    def _add_schema(
        self,
        where: _Where,
        use: _Use,
        node: object,
        *,
        required: bool = False,
        around: frozenset[int] = frozenset(),
    ) -> None:
        schema = self._resolve(node)
        declared = schema.get("type")
        types = {declared} if isinstance(declared, str) else set(declared or ())
        types |= {"object"} if "properties" in schema else set()
        types |= {"null"} if schema.get("nullable") is True else set()
        enum = schema.get("enum")
        self._add(
            where,
            use,
            required=required,
            type=_OR.join(sorted(types)) or None,
            enum=sorted(enum, key=str) if enum else None,
        )
        if id(schema) in around:
            return
        around |= {id(schema)}
        fields, names = schema.get("properties", {}), schema.get("required", ())
        for name in dict.fromkeys((*fields, *names)):
            field, is_required = fields.get(name, {}), name in names
            self._add_schema((*where, f".{name}"), use, field, required=is_required, around=around)
        if "items" in schema:
            self._add_schema((*where, "[]"), use, schema["items"], around=around)

    def _add(self, where: _Where, use: _Use, **facts: object) -> None:
        self.places[where] = use, facts
        if len(self.places) > _MAX_PLACES:
            raise ValueError(where)

    def _resolve(self, node: Any) -> Any:  # noqa: ANN401  any JSON
        """Follow references, JSON pointers (RFC 6901)."""
        for _ in range(20):
            if not isinstance(node.get("$ref"), str):
                return node
            target = self._root
            for name in node["$ref"].removeprefix("#/").split("/"):
                target = target[name.replace("~1", "/").replace("~0", "~")]
            node = target
        raise ValueError(node)


def _quote(value: object) -> str:
    return truncate(escape_invisible(json.dumps(value)), longest=_LONGEST_TEXT)
