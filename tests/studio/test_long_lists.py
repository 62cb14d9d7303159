"""A list of TRaX ends at 10,000 items. Answers say that there is more.

No decision takes the part that was read for the whole list.
"""

from __future__ import annotations

from time import perf_counter
from typing import TYPE_CHECKING, Any, Final

import mcp_types as types
import pytest

from tests.conftest import call
from tests.support.completion_requests import CHAT, completed
from tests.support.fact_reads import ACCOUNTS, PLACES, SOURCES, STUDIOS, asked
from tests.support.long_lists import destination, long_list, studio, with_item
from tests.support.product.faults import Fault
from tests.support.product.limits import lists_end_after
from tests.support.resource_reads import STUDIO as STUDIO_URI
from tests.support.resource_reads import STUDIOS as STUDIOS_URI
from tests.support.resource_reads import client_of, read
from tests.world.answers import plain_data_of, text_of
from tests.world.wire import MODERN

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mcp.server import Server

    from tests.support.product.sandbox import Sandbox

STUDIO: Final = {"studioId": "studio_42"}
FURTHER: Final = "only the first 10,000 were read"
_PATIENCE_SECONDS: Final = 10.0
"""On a busy machine. Where each name is compared with each other, it takes minutes."""


def sentence_and_data(result: types.CallToolResult) -> tuple[str, dict[str, Any]]:
    """The first line of the text, and the data."""
    return text_of(result).partition("\n")[0], plain_data_of(result)


async def find(server: Server[Any], query: str) -> tuple[str, dict[str, Any]]:
    """The sentence and the data for a query."""
    return sentence_and_data(await call(server, "find_studio", {"query": query}))


async def preview(server: Server[Any], tool: str, **arguments: str) -> dict[str, Any]:
    """What is shown before a guarded call."""
    shown: dict[str, Any] = (await call(server, tool, arguments)).structured_content or {}
    return dict(shown["preview"])


@pytest.fixture
def one_item() -> Iterator[None]:
    """Of each list only the first item is read, so that the sandbox's own are longer."""
    with lists_end_after(1):
        yield


@pytest.fixture
def three_items() -> Iterator[None]:
    """Of each list only three items are read."""
    with lists_end_after(3):
        yield


# Searches


async def test_a_search_ends_after_10000_studios_and_says_so(
    server: Server[Any], sandbox: Sandbox
) -> None:
    """It does not claim that a studio further on does not exist."""
    sandbox.faults.add(long_list(10_001, studio), times=None, path=STUDIOS)
    sentence, found = await find(server, "show 10000")
    unknown = f"other studios ({FURTHER})"
    assert found == {"matches": [], "searched": 10_000, "unknown": [unknown]}
    assert sentence == (
        f'No studio that could be searched matches "show 10000". Not searched: {unknown}.'
    )
    assert asked(sandbox) == {STUDIOS: 50}


@pytest.mark.usefixtures("three_items")
async def test_no_name_is_likely_in_a_list_that_was_cut(server: Server[Any]) -> None:
    """The same name may occur further on. An id may not. Both come with what was not searched."""
    unsearched = "Not searched: other studios (only the first 3 were read)."
    sentence, found = await find(server, "studio_51")
    assert (found["matches"][0]["id"], found["likely"]) == ("studio_51", "studio_51")
    assert sentence == f'The likely one is "Morning Coffee". {unsearched}'
    sentence, found = await find(server, "the coffee show")
    assert found["matches"][0]["id"] == "studio_51"
    assert "likely" not in found
    assert sentence == f'"Morning Coffee" matches. {unsearched}'


async def test_a_page_with_a_cursor_that_is_too_long_is_unreadable(
    server: Server[Any], sandbox: Sandbox
) -> None:
    """It could not be sent back."""
    for length, is_readable in ((4_096, True), (4_097, False)):
        sandbox.faults.add(Fault.status(200, {"data": [], "nextCursor": "c" * length}))
        result = await call(server, "list_studios")
        assert result.is_error is not is_readable


# Targets of changes


BEYOND: Final = {
    "delete_destination": ({**STUDIO, "destId": "dest_2"}, "destinations"),
    "delete_source": ({**STUDIO, "sourceId": "source_2"}, "sources"),
    "unlink_connection": ({"connectionId": "conn_2"}, "linked accounts"),
}
"""The sandbox lists each target second."""


@pytest.mark.usefixtures("one_item")
@pytest.mark.parametrize("tool", BEYOND)
async def test_a_target_beyond_the_part_that_was_read_is_not_denied(
    server: Server[Any], tool: str
) -> None:
    """It is named by its id, and the person is told that its name is not known."""
    arguments, kind = BEYOND[tool]
    shown = await preview(server, tool, **arguments)
    assert shown["target"] == {"id": [*arguments.values()][-1]}
    assert f"other {kind} (only the first 1 were read)" in shown["unknown"]


# Going live


async def checked(server: Server[Any]) -> tuple[str, dict[str, Any]]:
    """What check_studio says of the studio, in words and as data."""
    sentence, overview = sentence_and_data(await call(server, "check_studio", STUDIO))
    (found,) = overview["studios"]
    return sentence, found


async def test_a_studio_is_not_called_unready_for_destinations_that_were_not_read(
    server: Server[Any], sandbox: Sandbox
) -> None:
    """No destination that was read is enabled: it is unknown whether another one is."""
    long = long_list(10_001, destination, page_size=20_000)
    sandbox.faults.add(long, times=None, path=PLACES)
    sentence, found = await checked(server)
    assert sentence == (
        '"Friday Night Show" is off air. It\'s unclear whether it could go live.'
        " Not everything could be read."
    )
    assert ("ready" in found, found["problems"]) == (False, [])
    assert found["unknown"][:2] == [
        "other destinations (only the first 20 are shown)",
        f"other destinations ({FURTHER})",
    ]


@pytest.mark.usefixtures("one_item")
async def test_a_studio_with_an_enabled_destination_is_ready_whatever_comes_after(
    server: Server[Any],
) -> None:
    """The first one that was read is enabled."""
    _, found = await checked(server)
    assert (found["ready"], found["problems"]) == (True, [])
    assert "other destinations (only the first 1 were read)" in found["unknown"]


@pytest.mark.usefixtures("one_item")
async def test_sources_that_were_not_read_are_not_called_inactive(
    server: Server[Any], sandbox: Sandbox
) -> None:
    """Neither in the report nor in the question before a go-live."""
    sandbox.change("source_1", active=False)
    _, found = await checked(server)
    assert found["problems"] == []
    shown = await preview(server, "go_live", **STUDIO)
    assert shown["warnings"] == []
    assert "other sources (only the first 1 were read)" in shown["unknown"]


@pytest.mark.timing
async def test_a_question_about_10000_destinations_holds_nobody_up(
    server: Server[Any], sandbox: Sandbox
) -> None:
    """Each name is compared with all others. It takes about two seconds."""
    long = long_list(10_000, lambda it: {**destination(it), "enabled": True}, page_size=10_000)
    sandbox.faults.add(long, times=None, path=PLACES)
    began = perf_counter()
    shown = await preview(server, "go_live", **STUDIO)
    assert perf_counter() - began < _PATIENCE_SECONDS
    assert '"Place 09999" (Kick)' in str(shown)


# Resources and completions


@pytest.mark.usefixtures("one_item")
async def test_a_studio_resource_says_which_parts_are_cut(server: Server[Any]) -> None:
    """The studio has three destinations and three sources."""
    async with client_of(server, MODERN) as client:
        whole = await read(client, STUDIO_URI)
    assert [it["id"] for it in whole["destinations"]] == ["dest_1"]
    assert whole["unknown"] == [
        f"other {it}: only the first 1 were read" for it in ("destinations", "sources")
    ]


async def test_resources_of_a_cut_list_say_that_there_are_more(server: Server[Any]) -> None:
    """Without more, they hold only the data."""
    async with client_of(server, MODERN) as client:
        assert set(await read(client, STUDIOS_URI)) == {"data"}
        with lists_end_after(3):
            first = await read(client, STUDIOS_URI)
            resources = (await client.list_resources()).resources
    assert [it["id"] for it in first["data"]] == ["studio_42", "studio_43", "studio_51"]
    assert first["unknown"] == ["other studios: only the first 3 were read"]
    described = {it.uri: it.description for it in resources}
    assert described[STUDIOS_URI] == (
        "All studios of this API key's account."
        " Not listed: other studios (only the first 3 were read)."
    )
    assert len(described) == 2 + 3 * 2


@pytest.mark.usefixtures("three_items")
async def test_completions_of_a_cut_list_are_ids_and_say_that_there_may_be_more(
    server: Server[Any],
) -> None:
    """A name selects no studio: one that was not read may have the same. An id does."""
    async with client_of(server, MODERN) as client:
        coffee = await completed(client, "start_stream", "studio", "coffee")
        nothing = await completed(client, CHAT, "studioId", "nothing like it")
        by_name = await completed(client, "answer_chat", "platform", studio="Friday Night Show")
        by_id = await completed(client, "answer_chat", "platform", studio="studio_42")
    assert coffee == types.Completion(values=["studio_51"], total=None, has_more=True)
    assert nothing == types.Completion(values=[], total=None, has_more=True)
    assert by_name.values == ["youtube", "twitch", "facebook"]
    assert by_id.values == ["youtube", "twitch", "kick", "facebook"]


# Odd items


@pytest.mark.parametrize("odd", [".", "x" * 600], ids=["a dot", "600 characters"])
async def test_an_item_with_an_id_that_no_call_can_hold_spoils_no_answer(
    server: Server[Any], sandbox: Sandbox, odd: str
) -> None:
    """What is asked about the others is answered."""
    sandbox.faults.add(with_item(id=odd, name="Friday Oddity"), times=None, path=STUDIOS)
    for path in (PLACES, SOURCES, ACCOUNTS):
        sandbox.faults.add(with_item(id=odd), times=None, path=path)
    _, found = await find(server, "friday")
    assert {"studio_42", "studio_43"} <= {it["id"] for it in found["matches"]}
    shown = await preview(server, "unlink_connection", connectionId="conn_1")
    assert '"Main channel" (YouTube) in "Friday Night Show" may stop working.' in str(shown)
    assert (await preview(server, "go_live", **STUDIO))["unknown"] == []
    assert (await checked(server))[1]["ready"] is True
    async with client_of(server, MODERN) as client:
        assert "studio_42" in {it["id"] for it in (await read(client, STUDIOS_URI))["data"]}
        assert len((await read(client, STUDIO_URI))["destinations"]) == 4
        resources = (await client.list_resources()).resources
        assert f"{STUDIO_URI}/chat" in {it.uri for it in resources}
        assert "studio_42" in (await completed(client, CHAT, "studioId")).values
