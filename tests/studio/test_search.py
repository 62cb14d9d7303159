"""find_studio, with which a model starts, through a real client."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

import mcp_types as types
import pytest

from tests.conftest import call
from tests.support.fact_reads import asked
from tests.support.faults import Fault
from tests.support.frozen_sandbox import put_on_air
from tests.support.resource_reads import add_studio, rename
from trax_mcp.api.text_safety import escape_invisible
from trax_mcp.sandbox import SANDBOX_KEY

if TYPE_CHECKING:
    from mcp.server import Server

    from tests.support.recorded_sandbox import Sandbox

SHOW: Final = {"id": "studio_42", "name": "Friday Night Show", "role": "owner", "live": False}
REHEARSAL: Final = {**SHOW, "id": "studio_43", "name": "Friday Night Show (rehearsal)"}
COFFEE: Final = {"id": "studio_51", "name": "Morning Coffee", "role": "EDIT", "live": False}

FOUND: Final[dict[str, list[dict[str, Any]]]] = {
    "coffee": [COFFEE],
    "friday": [SHOW, REHEARSAL],
    "FRIDAY night show": [SHOW, REHEARSAL],
    "studio_51": [COFFEE],
    " studio_43 ": [REHEARSAL],
    "studio_5": [],
    "no such": [],
}
SENTENCES: Final = {
    0: 'No studio matches "{}".',
    1: "One studio matches.",
    2: "2 studios match: ask the person which one is meant.",
}
EXACT: Final = {
    "FRIDAY night show": "The first is exactly what was asked for; 1 more match.",
}


def sentence_and_data(result: types.CallToolResult) -> tuple[str, dict[str, Any]]:
    """The sentence, and the data after it, which is also the structured content."""
    (content,) = result.content
    assert isinstance(content, types.TextContent)
    sentence, _, data = content.text.partition("\n")
    assert not result.is_error
    assert escape_invisible(data) == data
    assert json.loads(data) == result.structured_content
    return sentence, json.loads(data)


@pytest.mark.parametrize("query", FOUND)
async def test_studios_are_found_by_name_or_id(server: Server[Any], query: str) -> None:
    """The sentence tells whether none, one or several match."""
    sentence, found = sentence_and_data(await call(server, "find_studio", {"query": query}))
    assert found == {"matches": FOUND[query], "searched": 4}
    assert sentence == EXACT.get(query, SENTENCES[len(FOUND[query])].format(query))


async def test_an_id_comes_before_the_same_text_as_a_name(
    server: Server[Any], sandbox: Sandbox
) -> None:
    """Both are told, since anyone can name a studio like the id of another one."""
    rename(sandbox, "studio_43", "studio_51")
    sentence, found = sentence_and_data(await call(server, "find_studio", {"query": "studio_51"}))
    assert [it["id"] for it in found["matches"]] == ["studio_51", "studio_43"]
    assert sentence == SENTENCES[2]


async def test_a_key_in_a_query_is_not_repeated(server: Server[Any]) -> None:
    """A person may paste the wrong thing."""
    for key in (SANDBOX_KEY, "sk_live_of_somebody_else"):
        sentence, found = sentence_and_data(
            await call(server, "find_studio", {"query": f"show {key}"})
        )
        assert sentence == 'No studio matches "show [key]".'
        assert found == {"matches": [], "searched": 4}


@pytest.mark.parametrize(
    ("name", "query"),
    [
        ("Cafe\u0301", "CAF\u00c9"),
        ("Caf\u00e9", "cafe\u0301"),
        ("\uff34\uff36", "tv"),
        ("Stra\u00dfe", "STRASSE"),
    ],
    ids=["apart", "together", "wide", "sharp"],
)
async def test_a_name_is_found_however_it_is_written(
    server: Server[Any], sandbox: Sandbox, name: str, query: str
) -> None:
    """Names that look the same are the same, and count as exact."""
    rename(sandbox, "studio_51", name)
    rename(sandbox, "studio_43", f"{name} (rehearsal)")
    sentence, found = sentence_and_data(await call(server, "find_studio", {"query": query}))
    assert [it["id"] for it in found["matches"]] == ["studio_51", "studio_43"]
    assert sentence == "The first is exactly what was asked for; 1 more match."


async def test_the_status_of_ten_matches_at_most_is_read(
    server: Server[Any], sandbox: Sandbox
) -> None:
    """Further matches are found too. A status that cannot be read is unknown."""
    for number in range(12):
        add_studio(sandbox, f"studio_7{number:02}", f"Take {number:02}")
    put_on_air(sandbox, "studio_700")
    sandbox.faults.add(Fault.error(403, "forbidden"), path="*/studio_701/stream-status")
    _, found = sentence_and_data(await call(server, "find_studio", {"query": "take"}))
    assert [it["live"] for it in found["matches"]] == [True, None, *[False] * 8, None, None]
    assert (found["searched"], asked(sandbox).total()) == (16, 11)


async def test_the_text_has_no_invisible_characters(server: Server[Any], sandbox: Sandbox) -> None:
    """A program gets the name as it is."""
    rename(sandbox, "studio_51", "Coffee\u202e")
    result = await call(server, "find_studio", {"query": "coffee"})
    assert sentence_and_data(result)[1]["matches"][0]["name"] == "Coffee\u202e"
    nothing = await call(server, "find_studio", {"query": 'x"\u202e\n'})
    assert sentence_and_data(nothing)[0] == r'No studio matches "x\u0022\u202e\u000a".'
