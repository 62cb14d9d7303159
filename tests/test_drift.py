"""What differs between two contract documents, and what of it breaks TRaX's promise for /v1.

Each row of a table is one change and everything that is found of it. The rest is about documents
that nobody should serve: they get an answer too.
"""

from __future__ import annotations

import copy
import json
import unicodedata
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.drifts import CHANGES, CHOSEN, LISTED
from tests.edits import (
    BAKED,
    CREATE,
    MEDIA,
    NEW,
    SCHEMAS,
    STUDIO,
    at,
    broken,
    cut,
    edited,
    fine,
    places,
    put,
    reference,
)
from trax_mcp.api.contract import CONTRACT
from trax_mcp.api.drift import Difference, compare

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.edits import Edit

PLACES: Final = list(places(BAKED))
NO_OPENAPI: Final = (Difference("changed", "document", "is no OpenAPI 3 document", breaking=True),)
TOO_DEEP: Final = Difference(
    "changed", "document", "is nested too deeply to compare", breaking=True
)

NEW_STUDIO: Final = reference("CreateStudioRequest")

LATER: Final[dict[str, tuple[Edit, Edit, list[Difference]]]] = {
    "a value more": (
        LISTED,
        put(f"{STUDIO} role enum", ["owner", "VIEW", "EDIT"]),
        [fine("added", "schema Studio.role", 'a new value "EDIT"')],
    ),
    "a value less": (
        LISTED,
        put(f"{STUDIO} role enum", ["owner"]),
        [broken("removed", "schema Studio.role", 'the value "VIEW" is gone')],
    ),
    "values in another order": (CHOSEN, put(f"{NEW} name enum", ["two", "one"]), []),
    "any value": (
        CHOSEN,
        cut(f"{NEW} name enum"),
        [fine("changed", "schema CreateStudioRequest.name", "is no longer one of a few values")],
    ),
    "null no more, where it was taken": (
        put(f"{NEW} name nullable", value=True),
        cut(f"{NEW} name nullable"),
        [broken("changed", "schema CreateStudioRequest.name", "may no longer be null")],
    ),
    "null no more, where it came": (
        put(f"{STUDIO} name nullable", value=True),
        cut(f"{STUDIO} name nullable"),
        [fine("changed", "schema Studio.name", "may no longer be null")],
    ),
    "a type where there was none, to send": (
        put(f"{NEW} name", {}),
        put(f"{NEW} name type", "string"),
        [broken("changed", "schema CreateStudioRequest.name", 'was of any type, is "string"')],
    ),
    "a type where there was none, in an answer": (
        put(f"{STUDIO} name", {}),
        put(f"{STUDIO} name type", "string"),
        [fine("changed", "schema Studio.name", 'was of any type, is "string"')],
    ),
    "another format": (
        put(f"{STUDIO} createdAt format", "date-time"),
        put(f"{STUDIO} createdAt format", "date"),
        [broken("changed", "schema Studio.createdAt", 'format was "date-time", is "date"')],
    ),
    "a body that may be left out": (
        put(f"{CREATE} requestBody required", value=True),
        cut(f"{CREATE} requestBody required"),
        [fine("changed", "POST /v1/studios request", "is no longer required")],
    ),
    "a bound less": (
        put(f"{NEW} name maxLength", 20),
        cut(f"{NEW} name maxLength"),
        [fine("changed", "schema CreateStudioRequest.name", "maxLength is gone")],
    ),
    "a body that is now required": (
        cut(f"{CREATE} requestBody required"),
        put(f"{CREATE} requestBody required", value=True),
        [broken("changed", "POST /v1/studios request", "is now required")],
    ),
    "a key where one could be left out": (
        put("security", [{"bearerAuth": []}, {}]),
        put("security", [{"bearerAuth": []}]),
        [broken("removed", "document", "can no longer be called without a key")],
    ),
    "a schema that no call uses": (
        put(f"{SCHEMAS} Clip", {"properties": {"id": {"type": "string"}}}),
        put(f"{SCHEMAS} Clip required", ["id"]),
        [broken("changed", "schema Clip.id", "is now required")],
    ),
    "a schema that is both sent and answered": (
        put(f"{CREATE} responses 201 content application/json schema", NEW_STUDIO),
        cut(f"{SCHEMAS} CreateStudioRequest required"),
        [
            fine("changed", "schema CreateStudioRequest.name", "is no longer required"),
            broken("changed", "schema CreateStudioRequest.name", "may now be missing"),
        ],
    ),
}
"""What cannot happen to the document of today -> how it was, what changes, what is found of it."""

UNREADABLE: Final[dict[str, tuple[Edit, str]]] = {
    "a path": (put("paths /v1/new", 7), "path /v1/new"),
    "a call": (put(MEDIA, []), "GET /v1/media"),
    "parameters": (put(f"{CREATE} parameters", {}), "POST /v1/studios parameters"),
    "one parameter": (put(f"{CREATE} parameters", [None]), "POST /v1/studios parameters"),
    "its name": (put(f"{CREATE} parameters", [{"in": "query"}]), "POST /v1/studios parameters"),
    "a body": (put(f"{CREATE} requestBody", "JSON"), "POST /v1/studios request"),
    "responses": (put(f"{CREATE} responses", None), "POST /v1/studios responses"),
    "a response": (put(f"{CREATE} responses 201", 1), "POST /v1/studios response 201"),
    "fields": (put(NEW, ["name"]), "schema CreateStudioRequest properties"),
    "a field": (put(f"{STUDIO} name", value=True), "schema Studio.name"),
    "a type": (put(f"{STUDIO} name type", [{}]), "schema Studio.name type"),
    "required": (put(f"{SCHEMAS} Studio required", "id"), "schema Studio required"),
    "values": (put(f"{STUDIO} name enum", {}), "schema Studio.name enum"),
    "components": (put("components", 3), "components"),
    "schemas": (put(SCHEMAS, []), "components schemas"),
    "info": (put("info", "1.3.0"), "info"),
    "a reference to nothing": (put(f"{STUDIO} name", reference("Nope")), "schema Studio.name"),
    "a reference through text": (
        put(f"{STUDIO} name", {"$ref": "#/openapi/x"}),
        "schema Studio.name",
    ),
    "a reference elsewhere": (
        put(f"{STUDIO} name", {"$ref": "https://x/y#/a"}),
        "schema Studio.name",
    ),
    "a reference to itself": (put(f"{SCHEMAS} Ok", reference("Ok")), "schema Ok"),
}
"""What is not as OpenAPI has it -> where it is told."""


def test_the_baked_contract_does_not_differ_from_itself() -> None:
    """Another reading of the same document: nothing to tell."""
    assert compare(edited(), BAKED) == ()


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_is_found_and_judged(change: str) -> None:
    """The change, all of it, and nothing else."""
    edit, differences = CHANGES[change]
    assert list(compare(edited(edit), BAKED)) == differences


@pytest.mark.parametrize("change", LATER)
def test_a_change_of_what_is_yet_to_come_is_found_and_judged(change: str) -> None:
    """The same for what the contract does not use today."""
    earlier, edit, differences = LATER[change]
    assert list(compare(edited(earlier, edit), edited(earlier))) == differences


@pytest.mark.parametrize("change", [change for change in CHANGES if change != "another OpenAPI"])
def test_what_was_added_is_what_is_missing_the_other_way_round(change: str) -> None:
    """Seen from the other document each addition is a removal, and no change is lost."""
    document = edited(CHANGES[change][0])
    there, back = compare(document, BAKED), compare(BAKED, document)
    added = {difference.where for difference in there if difference.kind == "added"}
    removed = {difference.where for difference in back if difference.kind == "removed"}
    assert added <= removed
    assert bool(there) == bool(back)


@pytest.mark.parametrize("odd", UNREADABLE)
def test_what_cannot_be_read_is_told_as_breaking(odd: str) -> None:
    """Where it is; whatever was there before is judged as well, and nothing fails."""
    edit, where = UNREADABLE[odd]
    assert broken("changed", where, "cannot be read") in compare(edited(edit), BAKED)


@pytest.mark.parametrize(
    "document",
    [
        *(None, 7, "<html>", [], {}),
        {"openapi": "3.0.3"},
        {"paths": {}},
        {"openapi": 3, "paths": {}},
        {"swagger": "2.0", "paths": {}},
        {"openapi": "4.0.0", "paths": {}},
        {"openapi": "3.0.3", "paths": []},
        {"error": {"code": "not_found"}},
    ],
    ids=json.dumps,
)
def test_what_is_no_openapi_document_is_one_breaking_finding(document: object) -> None:
    """There is nothing to compare, and a hundred missing calls would say less."""
    assert compare(document, BAKED) == NO_OPENAPI


def test_an_empty_openapi_document_has_lost_every_call() -> None:
    """Each of them breaks whoever calls it."""
    differences = compare({"openapi": "3.0.3", "paths": {}}, BAKED)
    gone = {difference.where for difference in differences if difference.what == "the call is gone"}
    assert gone == CONTRACT.calls.keys()
    assert all(difference.breaking for difference in differences if difference.kind == "removed")


def test_schemas_that_refer_to_each_other_in_circles_are_compared_once() -> None:
    """A studio within a studio, and a change at the bottom."""
    inside = put(f"{STUDIO} parent", reference("Studio"))
    change = put(f"{STUDIO} name type", "integer")
    differences = compare(edited(inside, change), edited(inside))
    assert differences == (broken("changed", "schema Studio.name", 'was "string", is "integer"'),)


def test_every_call_that_lost_its_schema_is_told() -> None:
    """Though nothing but one missing thing after the other stands beside the same schema."""
    lost = [place for place in PLACES if place.endswith("responses default content")]
    document = edited(*(put(f"{place} application/json", {}) for place in lost))
    what = 'was "object", is of any type'
    told = {difference.where for difference in compare(document, BAKED) if difference.what == what}
    assert told == {f"{call} response default" for call in CONTRACT.calls}


def test_parts_that_stand_elsewhere_in_the_document_are_the_same_parts() -> None:
    """Parameters, bodies, responses and paths may be references, as in many an OpenAPI document."""
    moved = {
        f"{MEDIA} parameters 0": "parameters Cursor",
        f"{CREATE} responses 201": "responses Made",
        f"{CREATE} requestBody": "requestBodies New",
        "paths /v1/health": "pathItems a/b~c",
    }

    def move(document: dict[str, Any]) -> None:
        for place, (kind, name) in ((place, to.split()) for place, to in moved.items()):
            document["components"].setdefault(kind, {})[name] = at(document, place)
            escaped = name.replace("~", "~0").replace("/", "~1")
            put(place, {"$ref": f"#/components/{kind}/{escaped}"})(document)

    assert compare(edited(move), BAKED) == ()


def test_documents_without_bottom_get_an_answer() -> None:
    """Nested as deep as nobody can follow, on both sides."""

    def bottomless() -> dict[str, Any]:
        schema: dict[str, Any] = {"type": "string"}
        for _ in range(5000):
            schema = {"type": "object", "properties": {"a": schema}}
        return edited(lambda document: at(document, STUDIO).update(name=schema))

    assert TOO_DEEP in compare(bottomless(), bottomless())


def test_a_strangers_words_are_bounded_quoted_and_on_one_line() -> None:
    """A document may try to draw on the terminal, or to fill it."""
    name = "x\n\x1b[2J\u202e" + "y" * 9000
    odd = {
        name: name,
        "description": name,
        "enum": [name, {}, 10**80],
        "type": [name, name * 2],
        "properties": {name: {}},
        "required": [name],
    }
    document = edited(
        lambda document: document["paths"].update({f"/{name}": {"get": {}}}),
        put(f"{SCHEMAS} Studio", odd),
        put(f"{MEDIA} description", " ".join(f"a:b{'c' * n}" for n in range(999))),
        put(f"{MEDIA} security", [{name: [name]}]),
    )
    differences = compare(document, BAKED)
    assert len(differences) > 8
    check_printable(differences)


def check_printable(differences: Sequence[Difference]) -> None:
    """Each is short, and holds nothing that a terminal would obey."""
    for text in (
        text for difference in differences for text in (difference.where, difference.what)
    ):
        assert text
        assert len(text) < 3000
        assert [it for it in text if unicodedata.category(it) in {"Cc", "Cf", "Zl", "Zp"}] == []


WORDS = st.sampled_from(
    [
        *("$ref", "type", "properties", "items", "required", "enum", "parameters", "schema"),
        *("content", "responses", "get", "name", "in", "path", "object", "null", "x-y", ""),
        *("#", "#/", "#/paths", "#/components/schemas/Studio", "#/components/schemas/StudioList"),
    ]
)
SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | WORDS | st.text(max_size=5)
ANYTHING = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(WORDS | st.text(max_size=5), inner, max_size=4)
    ),
    max_leaves=12,
)


@given(paths=ANYTHING, components=ANYTHING, rest=st.dictionaries(st.text(max_size=5), ANYTHING))
@settings(max_examples=150, deadline=None)
def test_no_document_is_too_odd(paths: object, components: object, rest: dict[str, object]) -> None:
    """Whatever stands where OpenAPI has something else."""
    document = {**rest, "openapi": "3.0.3", "paths": paths, "components": components}
    check_printable(compare(document, BAKED))
    check_printable(compare(rest, BAKED))


@given(st.lists(st.tuples(st.sampled_from(PLACES), ANYTHING), min_size=1, max_size=4))
@settings(max_examples=300, deadline=None)
def test_no_part_of_a_document_is_too_odd(changes: list[tuple[str, object]]) -> None:
    """The baked document with anything anywhere, beside the true one and the other way round."""
    document = edited()
    for place, value in changes:
        # An earlier change may have taken the place away.
        with suppress(KeyError, IndexError, TypeError, ValueError):
            put(place, value)(document)
    check_printable(compare(document, BAKED))
    check_printable(compare(BAKED, document))
    check_printable(compare(document, copy.deepcopy(document)))


def test_nothing_can_be_taken_out_unseen() -> None:
    """Whatever part the document loses, there is something to tell."""
    unseen = [place for place in PLACES if compare(edited(cut(place)), BAKED) == ()]
    assert [place for place in unseen if not is_said_twice(place)] == []


def is_said_twice(place: str) -> bool:
    """What has fields is an object, what stands in a path is required, and so on."""
    owner, _, name = place.rpartition(" ")
    node = at(BAKED, owner)
    if name == "required":
        return "in" in node and node["required"] == (node["in"] == "path")
    return name == "type" and not node.keys().isdisjoint({"properties", "items"})
