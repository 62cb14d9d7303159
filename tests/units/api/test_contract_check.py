"""The differences between two contract documents, and which break TRaX's promise for /v1."""

from __future__ import annotations

import re
import unicodedata
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.contract_changes import CHANGES, POSSIBLE_CHANGES
from tests.support.document_edits import (
    BAKED,
    CREATE,
    MEDIA,
    NEW,
    SCHEMAS,
    STUDIO,
    all_paths,
    at,
    edited,
    put,
    reference,
)
from tests.support.hypothesis_profiles import examples
from trax_mcp.api.contract_check import Difference, compare

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.support.document_edits import Edit

ALL_PATHS: Final = list(all_paths(BAKED))
CALLS: Final = {
    f"{method.upper()} {path}" for path, item in BAKED["paths"].items() for method in item
}
MARKS: Final = {"added": "+", "removed": "-", "changed": "~"}

UNREADABLE: Final[list[Edit]] = [
    put("paths /v1/new", 7),
    put(MEDIA, []),
    put(f"{CREATE} requestBody", "JSON"),
    put(NEW, ["name"]),
    put(f"{STUDIO} name", reference("Nope")),
    put(f"{STUDIO} name", {"$ref": "https://x/y#/a"}),
    put(f"{SCHEMAS} Ok", reference("Ok")),
]
"""Parts that cannot be read."""
NO_DOCUMENT: Final = Difference("changed", "document", "isn't an OpenAPI 3 document", breaking=True)


_AT_CALLS: Final = r".* (request|response \w+)\S*"


def check(differences: Sequence[Difference], expected: Sequence[str]) -> None:
    """There are these differences and no others, each at every call that has the schema."""
    lines = [
        f"{'!' if it.breaking else ' '}{MARKS[it.kind]} {it.where}: {it.what}" for it in differences
    ]
    wanted = [
        re.compile(re.escape(re.sub(r"schema \w+", "%", it)).replace("%", _AT_CALLS))
        for it in expected
    ]
    assert [it for it in lines if not any(one.match(it) for one in wanted)] == []
    assert [one.pattern for one in wanted if not any(map(one.match, lines))] == []


def test_the_built_in_contract_does_not_differ_from_itself() -> None:
    assert compare(edited(), BAKED) == ()


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: "; ".join(change[1:]))
def test_a_change_is_found_and_judged(change: tuple[Edit, *tuple[str, ...]]) -> None:
    """All differences of the change, and nothing else. Swapped, additions are removals."""
    edit, *expected = change
    document = edited(edit)
    check(compare(document, BAKED), expected)
    if "isn't an OpenAPI" in "".join(expected):
        return
    backward = compare(BAKED, document)
    removed = [it for it in backward if it.kind == "removed"]
    assert bool(backward) == bool(expected)
    assert bool(removed) == any(it[1] == "+" for it in expected)


@pytest.mark.parametrize("change", POSSIBLE_CHANGES, ids=lambda change: "; ".join(change[2:]))
def test_a_change_of_an_unused_feature_is_found_and_judged(
    change: tuple[Edit, Edit, *tuple[str, ...]],
) -> None:
    earlier, edit, *expected = change
    check(compare(edited(earlier, edit), edited(earlier)), expected)


NO_OPENAPI: Final[list[object]] = [
    *(None, 7, "<html>", [], {}),
    {"swagger": "2.0", "paths": {}},
    {"openapi": "4.0.0", "paths": {}},
    {"openapi": "3.0.3", "paths": []},
]


def test_what_cannot_be_read_is_the_one_breaking_difference() -> None:
    """One message says more than a hundred missing calls."""
    for document in (*NO_OPENAPI, *map(edited, UNREADABLE)):
        assert compare(document, BAKED) == (NO_DOCUMENT,)


def test_an_empty_openapi_document_reports_every_call_as_removed() -> None:
    differences = compare({"openapi": "3.0.3", "paths": {}}, BAKED)
    gone = {it.where for it in differences if it.kind == "removed" and it.breaking}
    assert gone == CALLS


def test_every_call_that_lost_its_schema_is_reported() -> None:
    lost = [path for path in ALL_PATHS if path.endswith("responses default content")]
    document = edited(*(put(f"{path} application/json", {}) for path in lost))
    places = (f"{call} response default" for call in CALLS)
    gone = {f"{it}{part}" for it in places for part in ("", ".error")}
    assert {it.where for it in compare(document, BAKED) if it.breaking} == gone


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


def test_extremely_deep_and_multiplying_documents_are_one_breaking_difference() -> None:
    schema: dict[str, Any] = {"type": "string"}
    for _ in range(5000):
        schema = {"type": "object", "properties": {"a": schema}}
    deep = edited(lambda document: at(document, STUDIO).update(name=schema))
    twice = {
        f"S{number}": {"properties": dict.fromkeys("ab", reference(f"S{number + 1}"))}
        for number in range(15)
    }
    large = edited(
        lambda document: at(document, SCHEMAS).update(twice, S15={}),
        put(f"{STUDIO} name", reference("S0")),
    )
    for document in (deep, large):
        assert compare(document, BAKED) == (NO_DOCUMENT,)


def test_text_from_a_document_is_bounded_escaped_and_on_one_line() -> None:
    name = "x\n\x1b[2J\x7f\u202e" + "y" * 9000
    invalid = {
        name: name,
        "description": name,
        "enum": [name, {}, 10**80],
        "type": [name, name * 2],
        "properties": {name: {}},
        "required": [name],
    }
    differences = compare(
        edited(
            put(f"paths /{name}", {"get": {}}),
            put(f"{SCHEMAS} Studio", invalid),
            put(f"{MEDIA} description", " ".join(f"a:b{'c' * n}" for n in range(999))),
        ),
        BAKED,
    )
    assert len(differences) > 8
    check_printable(differences)
    check_printable(compare(edited(put(f"paths /{name}", 7)), BAKED))


def check_printable(differences: Sequence[Difference]) -> None:
    """Each text is short and has no control characters."""
    for text in (text for it in differences for text in (it.where, it.what)):
        assert 0 < len(text) < 6000
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


@pytest.mark.fuzz
@given(st.lists(st.tuples(st.sampled_from(ALL_PATHS), ANYTHING), min_size=1, max_size=4))
@settings(max_examples=examples(100))
def test_any_value_at_any_path_can_be_compared(changes: list[tuple[str, object]]) -> None:
    document = edited()
    for path, value in changes:
        # An earlier change may have removed this path.
        with suppress(KeyError, IndexError, TypeError, ValueError):
            put(path, value)(document)
    check_printable(compare(document, BAKED))
