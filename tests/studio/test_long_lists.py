"""A list of TRaX ends at 10,000 items or 16 MiB. Answers say that there is more.

No decision takes the part that was read for the whole list.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import mcp_types as types
import pytest
from pydantic import ValidationError

from tests.conftest import call, text_of
from tests.support.completion_requests import CHAT, completed
from tests.support.fact_reads import PLACES, STUDIOS, asked
from tests.support.guarded_calls import STUDIO
from tests.support.jsonrpc import MODERN
from tests.support.long_lists import destination, long_list, studio
from tests.support.product.faults import Fault
from tests.support.resource_reads import STUDIO as STUDIO_URI
from tests.support.resource_reads import STUDIOS as STUDIOS_URI
from tests.support.resource_reads import client_of, read
from trax_mcp.api.models import Connection, GoLiveResult, Page, Studio
from trax_mcp.studio import pages

if TYPE_CHECKING:
    from mcp.server import Server

    from tests.support.product.sandbox import Sandbox
    from trax_mcp.api.models import Model

CONNECTION: Final = {
    "id": "conn_1",
    "platform": "kick",
    "displayName": "Robin",
    "connectionType": "oauth",
    "status": "active",
}
FURTHER: Final = "only the first 10,000 are read"


def only_first(monkeypatch: pytest.MonkeyPatch, count: int) -> None:
    """Lower the limit, so that the sandbox's own lists exceed it."""
    assert pages.MAX_ITEMS == 10_000
    monkeypatch.setattr(pages, "MAX_ITEMS", count)


def sentence_and_data(result: types.CallToolResult) -> tuple[str, dict[str, Any]]:
    """The first line of the text, and the structured content."""
    return text_of(result).partition("\n")[0], result.structured_content or {}


# The limits


async def test_a_search_ends_after_10000_studios_and_says_so(
    server: Server[Any], sandbox: Sandbox
) -> None:
    """It does not claim that a studio further on does not exist."""
    sandbox.faults.add(long_list(10_001, studio), times=None, path=STUDIOS)
    sentence, found = sentence_and_data(await call(server, "find_studio", {"query": "show 10000"}))
    unknown = f"further studios ({FURTHER})"
    assert found == {"matches": [], "searched": 10_000, "unknown": [unknown]}
    assert sentence == (
        f'No studio that could be searched matches "show 10000". Not searched: {unknown}.'
    )
    assert asked(sandbox) == {STUDIOS: 50}


async def test_a_match_among_the_first_10000_studios_comes_with_what_was_not_searched(
    server: Server[Any], sandbox: Sandbox
) -> None:
    """There may be a better one."""
    sandbox.faults.add(long_list(10_001, studio), times=None, path=STUDIOS)
    sentence, found = sentence_and_data(
        await call(server, "find_studio", {"query": "studio_09999"})
    )
    assert [it["id"] for it in found["matches"]] == ["studio_09999"]
    assert (
        sentence == f'One studio matches: "Show 09999". Not searched: further studios ({FURTHER}).'
    )


async def test_no_name_is_likely_in_a_list_that_was_cut(
    server: Server[Any], sandbox: Sandbox
) -> None:
    """The same name may occur further on. An id may not."""
    sandbox.faults.add(long_list(10_001, studio), times=None, path=STUDIOS)
    sentence, found = sentence_and_data(
        await call(server, "find_studio", {"query": "the show 09999"})
    )
    assert [it["id"] for it in found["matches"]] == ["studio_09999"]
    assert "likely" not in found
    assert sentence.startswith('"Show 09999" matches: before a change, ask the person')


async def test_a_list_of_10000_items_is_whole(server: Server[Any], sandbox: Sandbox) -> None:
    """On one page, and on several."""
    for page_size in (10_000, 200):
        sandbox.faults.add(long_list(10_000, studio, page_size=page_size), times=None, path=STUDIOS)
        sentence, found = sentence_and_data(
            await call(server, "find_studio", {"query": "show 10000"})
        )
        assert found == {"matches": [], "searched": 10_000}
        assert sentence == 'No studio matches "show 10000". list_studios shows all 10,000.'
        sandbox.faults.clear()


async def test_more_than_10000_items_on_one_page_are_cut(
    server: Server[Any], sandbox: Sandbox
) -> None:
    """TRaX documents 200 at most, and could send more all the same."""
    sandbox.faults.add(long_list(10_001, studio, page_size=10_001), times=None, path=STUDIOS)
    _, found = sentence_and_data(await call(server, "find_studio", {"query": "show 10000"}))
    assert (found["searched"], found["matches"]) == (10_000, [])


@pytest.mark.parametrize("tool", ["find_studio", "list_studios"])
async def test_a_page_of_more_than_20000_items_is_unreadable(
    server: Server[Any], sandbox: Sandbox, tool: str
) -> None:
    """Millions of empty ones fit into an answer, and to check each takes many seconds."""
    page: dict[str, list[Any]] = {"data": [{}] * 20_001}
    sandbox.faults.add(Fault.status(200, page), times=None, path=STUDIOS)
    arguments = {"query": "show"} if tool == "find_studio" else {}
    error = (await call(server, tool, arguments)).structured_content or {}
    assert error["error"]["code"] == "bad_answer"
    assert "its answer has more than 20,000 items." in error["error"]["message"]
    sandbox.faults.clear()
    page["data"].pop()
    sandbox.faults.add(Fault.status(200, page))
    answer = (await call(server, "list_studios")).structured_content or {}
    assert len(answer["data"]) == 20_000


@pytest.mark.parametrize(
    ("model", "field", "rest"),
    [
        (Page[Studio], "data", {}),
        (GoLiveResult, "destinationIds", {"encoderStreamId": "e"}),
        (Connection, "grantedScopes", CONNECTION),
    ],
    ids=["page", "destination ids", "scopes"],
)
def test_a_list_is_checked_up_to_its_first_wrong_item(
    model: type[Model], field: str, rest: dict[str, Any]
) -> None:
    """To collect the errors of millions takes many seconds."""
    with pytest.raises(ValidationError) as raised:
        model.model_validate({**rest, field: [[]] * 1_000})
    assert raised.value.error_count() == 1


async def test_a_list_ends_before_it_exceeds_16_mib(server: Server[Any], sandbox: Sandbox) -> None:
    """The page that would exceed it is dropped, and no further page is asked for."""
    mib = 1024 * 1024
    faulty = long_list(30, lambda it: {**studio(it), "x": "x" * mib}, page_size=3)
    sandbox.faults.add(faulty, times=None, path=STUDIOS)
    sentence, found = sentence_and_data(await call(server, "find_studio", {"query": "show 00029"}))
    unknown = "further studios (only the first 15 are read)"
    assert found == {"matches": [], "searched": 15, "unknown": [unknown]}
    assert sentence.endswith(f" Not searched: {unknown}.")
    assert asked(sandbox) == {STUDIOS: 6}


async def test_a_page_with_a_cursor_that_is_too_long_is_unreadable(
    server: Server[Any], sandbox: Sandbox
) -> None:
    """It could not be sent back."""
    for length, is_readable in ((4_096, True), (4_097, False)):
        sandbox.faults.add(Fault.status(200, {"data": [], "nextCursor": "c" * length}))
        result = await call(server, "list_studios")
        assert result.is_error is not is_readable


# Finding a target


async def test_a_target_beyond_the_part_that_was_read_is_not_denied(
    server: Server[Any], sandbox: Sandbox
) -> None:
    """It is named by its id, and the person is told that its name is not known."""
    sandbox.faults.add(long_list(10_001, destination), times=None, path=PLACES)
    result = await call(server, "delete_destination", {**STUDIO, "destId": "dest_10000"})
    preview = (result.structured_content or {})["preview"]
    assert preview["target"] == {"id": "dest_10000"}
    assert preview["unknown"] == [f"further destinations ({FURTHER})"]


async def test_a_target_in_the_part_that_was_read_is_named(
    server: Server[Any], sandbox: Sandbox
) -> None:
    """What is missing does not matter, and is said all the same."""
    sandbox.faults.add(long_list(10_001, destination), times=None, path=PLACES)
    result = await call(server, "delete_destination", {**STUDIO, "destId": "dest_09999"})
    preview = (result.structured_content or {})["preview"]
    assert preview["target"] == {"id": "dest_09999", "name": "Place 09999", "platform": "kick"}
    assert preview["unknown"] == [f"further destinations ({FURTHER})"]


@pytest.mark.parametrize(
    ("tool", "arguments", "unknown"),
    [
        ("delete_source", {**STUDIO, "sourceId": "source_2"}, "further sources"),
        ("unlink_connection", {"connectionId": "conn_2"}, "further linked accounts"),
    ],
)
async def test_every_kind_of_target_may_be_beyond_the_part_that_was_read(
    server: Server[Any],
    monkeypatch: pytest.MonkeyPatch,
    *,
    tool: str,
    arguments: dict[str, str],
    unknown: str,
) -> None:
    """The sandbox lists it second, and one is read."""
    only_first(monkeypatch, 1)
    result = await call(server, tool, arguments)
    preview = (result.structured_content or {})["preview"]
    assert preview["target"] == {"id": [*arguments.values()][-1]}
    assert f"{unknown} (only the first 1 are read)" in preview["unknown"]


async def test_further_studios_are_mentioned_once_when_unlinking(
    server: Server[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The details of ten studios are read at most, and of no more than are listed."""
    only_first(monkeypatch, 3)
    result = await call(server, "unlink_connection", {"connectionId": "conn_1"})
    unknown = (result.structured_content or {})["preview"]["unknown"]
    assert [it for it in unknown if "studios" in it] == [
        "further studios (only the first 3 are read)"
    ]


# Going live


async def checked(server: Server[Any]) -> tuple[str, dict[str, Any]]:
    """What check_studio says of the studio, in words and as data."""
    sentence, overview = sentence_and_data(await call(server, "check_studio", STUDIO))
    (studio,) = overview["studios"]
    return sentence, studio


async def test_a_studio_is_not_called_unready_for_destinations_that_were_not_read(
    server: Server[Any], sandbox: Sandbox
) -> None:
    """No destination that was read is enabled: it is unknown whether another one is."""
    sandbox.faults.add(long_list(10_001, destination), times=None, path=PLACES)
    sentence, studio = await checked(server)
    assert sentence == (
        '"Friday Night Show" is off air. Whether it could go live is not known;'
        " not everything could be read."
    )
    assert ("ready" in studio, studio["problems"]) == (False, [])
    assert studio["unknown"][:2] == [
        "further destinations (only the first 20 are shown)",
        f"further destinations ({FURTHER})",
    ]


async def test_a_studio_with_an_enabled_destination_is_ready_whatever_comes_after(
    server: Server[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first one that was read is enabled."""
    only_first(monkeypatch, 1)
    _, studio = await checked(server)
    assert (studio["ready"], studio["problems"]) == (True, [])
    assert "further destinations (only the first 1 are read)" in studio["unknown"]


async def test_an_account_is_not_told_if_there_may_be_another_one_of_its_platform(
    server: Server[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The only YouTube account that was read need not be the only one."""
    _, studio = await checked(server)
    assert studio["destinations"][0]["account"]
    only_first(monkeypatch, 1)
    _, studio = await checked(server)
    assert "account" not in studio["destinations"][0]
    assert "further linked accounts (only the first 1 are read)" in studio["unknown"]


async def test_sources_that_were_not_read_are_not_called_inactive(
    server: Server[Any], sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither in the report nor in the question before a go-live."""
    only_first(monkeypatch, 1)
    sandbox.world.sources.change(sandbox.world.sources["source_1"], {"active": False})
    _, studio = await checked(server)
    assert studio["problems"] == []
    result = await call(server, "go_live", STUDIO)
    preview = (result.structured_content or {})["preview"]
    assert preview["warnings"] == []
    assert "further sources (only the first 1 are read)" in preview["unknown"]


# Resources and completions


async def test_a_studio_resource_says_which_parts_are_cut(
    server: Server[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The studio has three destinations and two sources."""
    only_first(monkeypatch, 1)
    async with client_of(server, MODERN) as client:
        whole = await read(client, STUDIO_URI)
    assert [it["id"] for it in whole["destinations"]] == ["dest_1"]
    assert whole["unknown"] == [
        "further destinations: only the first 1 are read",
        "further sources: only the first 1 are read",
    ]


async def test_the_studios_resource_says_that_there_are_more(
    server: Server[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without more, it holds only the data."""
    async with client_of(server, MODERN) as client:
        assert set(await read(client, STUDIOS_URI)) == {"data"}
        only_first(monkeypatch, 3)
        first = await read(client, STUDIOS_URI)
    assert [it["id"] for it in first["data"]] == ["studio_42", "studio_43", "studio_51"]
    assert first["unknown"] == ["further studios: only the first 3 are read"]


async def test_the_list_of_resources_says_that_studios_are_not_listed(
    server: Server[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """In the description of the resource of all studios."""
    only_first(monkeypatch, 3)
    async with client_of(server, MODERN) as client:
        resources = (await client.list_resources()).resources
    described = {it.uri: it.description for it in resources}
    assert described[STUDIOS_URI] == (
        "All studios of this key's account."
        " Not listed: further studios (only the first 3 are read)."
    )
    assert len(described) == 2 + 3 * 2


async def test_completions_of_a_cut_list_are_ids_and_say_that_there_may_be_more(
    server: Server[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A studio that was not read may have the same name."""
    only_first(monkeypatch, 3)
    async with client_of(server, MODERN) as client:
        coffee = await completed(client, "go_live", "studio", "coffee")
        nothing = await completed(client, CHAT, "studioId", "nothing like it")
    assert coffee == types.Completion(values=["studio_51"], total=None, has_more=True)
    assert nothing == types.Completion(values=[], total=None, has_more=True)


async def test_a_name_in_a_cut_list_selects_no_studio(
    server: Server[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """An id does: `kick` is a platform of this studio only."""
    only_first(monkeypatch, 3)
    async with client_of(server, MODERN) as client:
        by_name = await completed(client, "answer_chat", "platform", studio="Friday Night Show")
        by_id = await completed(client, "answer_chat", "platform", studio="studio_42")
    assert by_name.values == ["youtube", "twitch", "facebook"]
    assert by_id.values == ["youtube", "twitch", "kick", "facebook"]
