"""A change after the preview voids the confirmation, and the answer starts with the change."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import pytest

from tests.conftest import text_of
from tests.support.consent_clients import has_run, in_memory, status_and_reason
from tests.support.guarded_calls import AUTO_GO_LIVE, DELETE_DESTINATION, GO_LIVE, STUDIO

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from tests.support.consent_clients import Clients
    from tests.support.guarded_calls import GuardedOperation

    Change = Callable[[Clients], Awaitable[None]]

HEADER: Final = "Changed since you were asked:"


class Case(NamedTuple):
    """The previewed operation, the change before the answer, and the first line about it."""

    operation: GuardedOperation
    change: Change
    first_line: str


async def rename_studio(clients: Clients) -> None:
    """Rename the studio on TRaX itself."""
    clients.trax.change("studio_42", name="Saturday Show")


async def rename_destination(clients: Clients) -> None:
    """Rename a destination on TRaX itself."""
    clients.trax.change("dest_1", name="Second channel")


async def change_picture(clients: Clients) -> None:
    """Turn a destination's picture on TRaX itself."""
    clients.trax.change("dest_1", vertical=True)


async def activate_source(clients: Clients) -> None:
    """Activate a source on TRaX itself."""
    clients.trax.change("source_2", active=True)


async def add_destination(clients: Clients) -> None:
    """Add a destination on TRaX itself."""
    clients.trax.add_destination("New page", platform="facebook")


async def swap_destination(clients: Clients) -> None:
    """Replace a destination by another one of the same name."""
    clients.trax.remove("dest_1")
    clients.trax.add_destination("Main channel", record_id="dest_8", _connectionId="conn_1")


def by_this_server(tool: str, **arguments: object) -> Change:
    """A change through the same server, with its own confirmation if it needs one."""

    async def make(clients: Clients) -> None:
        call = {**STUDIO, **arguments}
        result = await clients.plain.call_tool(tool, call)
        if not has_run(result):
            confirmation = (result.structured_content or {})["confirmation"]
            call |= {"confirm": True, "confirmation": confirmation}
            result = await clients.plain.call_tool(tool, call)
        assert has_run(result), result

    return make


def hidden_change(what: str) -> str:
    """The line about a change that no read shows."""
    return f"Changed here since you were asked: {what}."


CASES: Final[dict[str, Case]] = {
    "the studio was renamed": Case(
        GO_LIVE,
        rename_studio,
        'No longer: Starts a broadcast of "Friday Night Show" that anyone can watch.',
    ),
    "the studio of a destination was renamed": Case(
        DELETE_DESTINATION,
        rename_studio,
        'No longer: Removes the destination "Main channel" (YouTube) from "Friday Night Show".',
    ),
    "a destination was renamed": Case(
        GO_LIVE, rename_destination, 'No longer: Goes out on "Main channel" (YouTube).'
    ),
    "the picture format of a destination": Case(
        GO_LIVE, change_picture, 'No longer: Goes out on "Main channel" (YouTube).'
    ),
    "a source was activated": Case(
        GO_LIVE, activate_source, 'Now: Can be on screen: "Guest feed" (rtmp).'
    ),
    "a destination was added to an autoGoLive question": Case(
        AUTO_GO_LIVE, add_destination, 'Now: It would go out on "New page" (Facebook).'
    ),
    "a destination was swapped for one of the same name": Case(
        GO_LIVE,
        swap_destination,
        'Now another one of the same name: Goes out on "Main channel" (YouTube).',
    ),
    "the address of a source": Case(
        GO_LIVE,
        by_this_server("update_source", sourceId="source_2", url="rtmp://other.example/guest"),
        hidden_change('the address of "Guest feed"'),
    ),
    "the stream key of a destination": Case(
        GO_LIVE,
        by_this_server("update_destination", destId="dest_3", streamKey="sandbox-other-key"),
        hidden_change('the stream key of "Kick (trying out)"'),
    ),
    "the platform of a destination": Case(
        AUTO_GO_LIVE,
        by_this_server("update_destination", destId="dest_3", platform="custom"),
        hidden_change('the platform of "Kick (trying out)"'),
    ),
}


@pytest.mark.parametrize("name", CASES)
async def test_a_confirmation_is_invalid_after_a_change(name: str) -> None:
    """The answer starts with the change, and the operation is not sent."""
    operation, change, first_line = CASES[name]
    async with in_memory() as clients:
        confirmation = await clients.confirmation(operation)
        await change(clients)
        result = await clients.use(operation, confirmation)
        assert status_and_reason(result) == ("confirmation_invalid", "changed")
        assert operation.sent not in clients.sent
    shown = text_of(result).splitlines()
    assert shown[shown.index(HEADER) + 1] == f"- {first_line}"


async def test_a_hidden_change_does_not_invalidate_a_deletion() -> None:
    """A deletion puts nothing on air, so hidden changes do not matter."""
    change = by_this_server("update_source", sourceId="source_2", url="rtmp://x.example/y")
    async with in_memory() as clients:
        confirmation = await clients.confirmation(DELETE_DESTINATION)
        await change(clients)
        result = await clients.use(DELETE_DESTINATION, confirmation)
    assert status_and_reason(result) == ("ran", None)


async def test_a_time_that_passes_does_not_invalidate_a_confirmation() -> None:
    """Times are for the person's information."""
    async with in_memory() as clients:
        clients.trax.go_live()
        clients.clock.advance(60)
        confirmation = await clients.confirmation(DELETE_DESTINATION)
        clients.clock.advance(120)
        result = await clients.use(DELETE_DESTINATION, confirmation)
    assert status_and_reason(result) == ("ran", None)
