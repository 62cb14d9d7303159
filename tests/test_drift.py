"""The differences between two contract documents, and which of them break TRaX's promise for /v1.

Each table row is one change with all its differences. The other tests use invalid documents.
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

from tests.drifts import CHANGES, NAME_ENUM, ROLE_ENUM
from tests.edits import (
    BAKED,
    CREATE,
    MEDIA,
    NEW,
    SCHEMAS,
    STUDIO,
    all_paths,
    at,
    breaking,
    compatible,
    cut,
    edited,
    put,
    reference,
)
from trax_mcp.api.contract import CONTRACT
from trax_mcp.api.drift import Difference, compare

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.edits import Edit

ALL_PATHS: Final = list(all_paths(BAKED))
NOT_OPENAPI: Final = (Difference("changed", "document", "is no OpenAPI 3 document", breaking=True),)
TOO_DEEP: Final = Difference(
    "changed", "document", "is nested too deeply to compare", breaking=True
)

NEW_STUDIO: Final = reference("CreateStudioRequest")

POSSIBLE_CHANGES: Final[dict[str, tuple[Edit, Edit, list[Difference]]]] = {
    "new enum value": (
        ROLE_ENUM,
        put(f"{STUDIO} role enum", ["owner", "VIEW", "EDIT"]),
        [compatible("added", "schema Studio.role", 'a new value "EDIT"')],
    ),
    "enum value removed": (
        ROLE_ENUM,
        put(f"{STUDIO} role enum", ["owner"]),
        [breaking("removed", "schema Studio.role", 'the value "VIEW" is gone')],
    ),
    "enum values reordered": (NAME_ENUM, put(f"{NEW} name enum", ["two", "one"]), []),
    "enum removed": (
        NAME_ENUM,
        cut(f"{NEW} name enum"),
        [
            compatible(
                "changed", "schema CreateStudioRequest.name", "is no longer one of a few values"
            )
        ],
    ),
    "request field no longer nullable": (
        put(f"{NEW} name nullable", value=True),
        cut(f"{NEW} name nullable"),
        [breaking("changed", "schema CreateStudioRequest.name", "may no longer be null")],
    ),
    "response field no longer nullable": (
        put(f"{STUDIO} name nullable", value=True),
        cut(f"{STUDIO} name nullable"),
        [compatible("changed", "schema Studio.name", "may no longer be null")],
    ),
    "request field gets a type": (
        put(f"{NEW} name", {}),
        put(f"{NEW} name type", "string"),
        [breaking("changed", "schema CreateStudioRequest.name", 'was of any type, is "string"')],
    ),
    "response field gets a type": (
        put(f"{STUDIO} name", {}),
        put(f"{STUDIO} name type", "string"),
        [compatible("changed", "schema Studio.name", 'was of any type, is "string"')],
    ),
    "format changed": (
        put(f"{STUDIO} createdAt format", "date-time"),
        put(f"{STUDIO} createdAt format", "date"),
        [breaking("changed", "schema Studio.createdAt", 'format was "date-time", is "date"')],
    ),
    "body no longer required": (
        put(f"{CREATE} requestBody required", value=True),
        cut(f"{CREATE} requestBody required"),
        [compatible("changed", "POST /v1/studios request", "is no longer required")],
    ),
    "bound removed": (
        put(f"{NEW} name maxLength", 20),
        cut(f"{NEW} name maxLength"),
        [compatible("changed", "schema CreateStudioRequest.name", "maxLength is gone")],
    ),
    "body now required": (
        cut(f"{CREATE} requestBody required"),
        put(f"{CREATE} requestBody required", value=True),
        [breaking("changed", "POST /v1/studios request", "is now required")],
    ),
    "key no longer optional": (
        put("security", [{"bearerAuth": []}, {}]),
        put("security", [{"bearerAuth": []}]),
        [breaking("removed", "document", "can no longer be called without a key")],
    ),
    "schema that no call uses": (
        put(f"{SCHEMAS} Clip", {"properties": {"id": {"type": "string"}}}),
        put(f"{SCHEMAS} Clip required", ["id"]),
        [breaking("changed", "schema Clip.id", "is now required")],
    ),
    "schema both sent and returned": (
        put(f"{CREATE} responses 201 content application/json schema", NEW_STUDIO),
        cut(f"{SCHEMAS} CreateStudioRequest required"),
        [
            compatible("changed", "schema CreateStudioRequest.name", "is no longer required"),
            breaking("changed", "schema CreateStudioRequest.name", "may now be missing"),
        ],
    ),
}
"""Changes of features that today's document lacks -> earlier edit, edit, differences."""

UNREADABLE: Final[dict[str, tuple[Edit, str]]] = {
    "path": (put("paths /v1/new", 7), "path /v1/new"),
    "call": (put(MEDIA, []), "GET /v1/media"),
    "parameters": (put(f"{CREATE} parameters", {}), "POST /v1/studios parameters"),
    "parameter": (put(f"{CREATE} parameters", [None]), "POST /v1/studios parameters"),
    "parameter name": (
        put(f"{CREATE} parameters", [{"in": "query"}]),
        "POST /v1/studios parameters",
    ),
    "body": (put(f"{CREATE} requestBody", "JSON"), "POST /v1/studios request"),
    "responses": (put(f"{CREATE} responses", None), "POST /v1/studios responses"),
    "response": (put(f"{CREATE} responses 201", 1), "POST /v1/studios response 201"),
    "properties": (put(NEW, ["name"]), "schema CreateStudioRequest properties"),
    "field": (put(f"{STUDIO} name", value=True), "schema Studio.name"),
    "type": (put(f"{STUDIO} name type", [{}]), "schema Studio.name type"),
    "required": (put(f"{SCHEMAS} Studio required", "id"), "schema Studio required"),
    "enum": (put(f"{STUDIO} name enum", {}), "schema Studio.name enum"),
    "components": (put("components", 3), "components"),
    "schemas": (put(SCHEMAS, []), "components schemas"),
    "info": (put("info", "1.3.0"), "info"),
    "dangling reference": (put(f"{STUDIO} name", reference("Nope")), "schema Studio.name"),
    "reference into text": (
        put(f"{STUDIO} name", {"$ref": "#/openapi/x"}),
        "schema Studio.name",
    ),
    "external reference": (
        put(f"{STUDIO} name", {"$ref": "https://x/y#/a"}),
        "schema Studio.name",
    ),
    "self reference": (put(f"{SCHEMAS} Ok", reference("Ok")), "schema Ok"),
}
"""An invalid part -> where it is reported."""


def test_the_baked_contract_does_not_differ_from_itself() -> None:
    """A copy of the same document has no differences."""
    assert compare(edited(), BAKED) == ()


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_is_found_and_judged(change: str) -> None:
    """All differences of the change, and nothing else."""
    edit, differences = CHANGES[change]
    assert list(compare(edited(edit), BAKED)) == differences


@pytest.mark.parametrize("change", POSSIBLE_CHANGES)
def test_a_change_of_an_unused_feature_is_found_and_judged(change: str) -> None:
    """The same for OpenAPI features that the contract does not use today."""
    earlier, edit, differences = POSSIBLE_CHANGES[change]
    assert list(compare(edited(earlier, edit), edited(earlier))) == differences


@pytest.mark.parametrize(
    "change", [change for change in CHANGES if change != "OpenAPI version changed"]
)
def test_an_addition_is_a_removal_when_documents_are_swapped(change: str) -> None:
    """No difference is lost when the documents are swapped."""
    document = edited(CHANGES[change][0])
    forward, backward = compare(document, BAKED), compare(BAKED, document)
    added = {difference.where for difference in forward if difference.kind == "added"}
    removed = {difference.where for difference in backward if difference.kind == "removed"}
    assert added <= removed
    assert bool(forward) == bool(backward)


@pytest.mark.parametrize("part", UNREADABLE)
def test_an_unreadable_part_is_reported_as_breaking(part: str) -> None:
    """The report names the part; the comparison does not fail."""
    edit, where = UNREADABLE[part]
    assert breaking("changed", where, "cannot be read") in compare(edited(edit), BAKED)


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
def test_a_document_that_is_not_openapi_gives_one_breaking_difference(document: object) -> None:
    """One message says more than a hundred missing calls."""
    assert compare(document, BAKED) == NOT_OPENAPI


def test_an_empty_openapi_document_reports_every_call_as_removed() -> None:
    """Each removed call breaks its callers."""
    differences = compare({"openapi": "3.0.3", "paths": {}}, BAKED)
    gone = {difference.where for difference in differences if difference.what == "the call is gone"}
    assert gone == CONTRACT.calls.keys()
    assert all(difference.breaking for difference in differences if difference.kind == "removed")


def test_recursive_schemas_are_compared_once() -> None:
    """A studio within a studio, with one changed field."""
    inside = put(f"{STUDIO} parent", reference("Studio"))
    change = put(f"{STUDIO} name type", "integer")
    differences = compare(edited(inside, change), edited(inside))
    assert differences == (breaking("changed", "schema Studio.name", 'was "string", is "integer"'),)


def test_every_call_that_lost_its_schema_is_reported() -> None:
    """Also where many calls lost the same schema."""
    lost = [path for path in ALL_PATHS if path.endswith("responses default content")]
    document = edited(*(put(f"{path} application/json", {}) for path in lost))
    what = 'was "object", is of any type'
    found = {difference.where for difference in compare(document, BAKED) if difference.what == what}
    assert found == {f"{call} response default" for call in CONTRACT.calls}


def test_parts_moved_behind_references_do_not_differ() -> None:
    """Parameters, bodies, responses and paths may be references, as in many OpenAPI documents."""
    moved = {
        f"{MEDIA} parameters 0": "parameters Cursor",
        f"{CREATE} responses 201": "responses Made",
        f"{CREATE} requestBody": "requestBodies New",
        "paths /v1/health": "pathItems a/b~c",
    }

    def move(document: dict[str, Any]) -> None:
        for path, (kind, name) in ((path, to.split()) for path, to in moved.items()):
            document["components"].setdefault(kind, {})[name] = at(document, path)
            escaped = name.replace("~", "~0").replace("/", "~1")
            put(path, {"$ref": f"#/components/{kind}/{escaped}"})(document)

    assert compare(edited(move), BAKED) == ()


def test_extremely_deep_documents_are_reported_as_too_deep() -> None:
    """On both sides."""

    def deep_document() -> dict[str, Any]:
        schema: dict[str, Any] = {"type": "string"}
        for _ in range(5000):
            schema = {"type": "object", "properties": {"a": schema}}
        return edited(lambda document: at(document, STUDIO).update(name=schema))

    assert TOO_DEEP in compare(deep_document(), deep_document())


def test_text_from_a_document_is_bounded_escaped_and_on_one_line() -> None:
    """A hostile document may try to control the terminal or to fill it."""
    name = "x\n\x1b[2J\u202e" + "y" * 9000
    invalid = {
        name: name,
        "description": name,
        "enum": [name, {}, 10**80],
        "type": [name, name * 2],
        "properties": {name: {}},
        "required": [name],
    }
    document = edited(
        lambda document: document["paths"].update({f"/{name}": {"get": {}}}),
        put(f"{SCHEMAS} Studio", invalid),
        put(f"{MEDIA} description", " ".join(f"a:b{'c' * n}" for n in range(999))),
        put(f"{MEDIA} security", [{name: [name]}]),
    )
    differences = compare(document, BAKED)
    assert len(differences) > 8
    check_printable(differences)


def check_printable(differences: Sequence[Difference]) -> None:
    """Each text is short and has no control characters."""
    for text in (
        text for difference in differences for text in (difference.where, difference.what)
    ):
        assert text
        assert len(text) < 3000
        assert [it for it in text if unicodedata.category(it) in {"Cc", "Cf", "Zl", "Zp"}] == []


KEYWORDS = st.sampled_from(
    [
        *("$ref", "type", "properties", "items", "required", "enum", "parameters", "schema"),
        *("content", "responses", "get", "name", "in", "path", "object", "null", "x-y", ""),
        *("#", "#/", "#/paths", "#/components/schemas/Studio", "#/components/schemas/StudioList"),
    ]
)
SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | KEYWORDS | st.text(max_size=5)
ANYTHING = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(KEYWORDS | st.text(max_size=5), inner, max_size=4)
    ),
    max_leaves=12,
)


@given(paths=ANYTHING, components=ANYTHING, rest=st.dictionaries(st.text(max_size=5), ANYTHING))
@settings(max_examples=150, deadline=None)
def test_any_document_can_be_compared(
    paths: object, components: object, rest: dict[str, object]
) -> None:
    """Any JSON in the place of OpenAPI's parts."""
    document = {**rest, "openapi": "3.0.3", "paths": paths, "components": components}
    check_printable(compare(document, BAKED))
    check_printable(compare(rest, BAKED))


@given(st.lists(st.tuples(st.sampled_from(ALL_PATHS), ANYTHING), min_size=1, max_size=4))
@settings(max_examples=300, deadline=None)
def test_any_value_at_any_path_can_be_compared(changes: list[tuple[str, object]]) -> None:
    """The baked document with random values, compared in both directions."""
    document = edited()
    for path, value in changes:
        # An earlier change may have removed this path.
        with suppress(KeyError, IndexError, TypeError, ValueError):
            put(path, value)(document)
    check_printable(compare(document, BAKED))
    check_printable(compare(BAKED, document))
    check_printable(compare(document, copy.deepcopy(document)))


def test_no_part_can_be_removed_unnoticed() -> None:
    """Each removed part causes a difference, unless the part is redundant."""
    unnoticed = [path for path in ALL_PATHS if compare(edited(cut(path)), BAKED) == ()]
    assert [path for path in unnoticed if not is_redundant(path)] == []


def is_redundant(path: str) -> bool:
    """Whether OpenAPI implies this part: a path parameter is required, fields imply an object."""
    parent, _, name = path.rpartition(" ")
    node = at(BAKED, parent)
    if name == "required":
        return "in" in node and node["required"] == (node["in"] == "path")
    return name == "type" and not node.keys().isdisjoint({"properties", "items"})
