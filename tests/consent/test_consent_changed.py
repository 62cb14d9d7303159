"""A change after the preview invalidates the confirmation, and the answer starts with the change.

Each case runs against a real process over stdio, with a confirmation, and two with a form.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import pytest

from tests.conftest import text_of
from tests.support.consent_clients import has_run, status_and_reason
from tests.support.guarded_calls import AUTO_GO_LIVE, DELETE_DESTINATION, GO_LIVE
from tests.support.jsonrpc import MODERN
from tests.support.real_transports import one_over_stdio
from tests.support.simulated_person import agreeing, declining
from trax_mcp.sandbox.records import Destination

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from mcp import Client

    from tests.support.consent_clients import Clients
    from tests.support.guarded_calls import GuardedOperation
    from tests.support.product.sandbox import Sandbox
    from tests.support.simulated_person import Form, FormAnswer

    Change = Callable[[Clients, Client], Awaitable[None]]

pytestmark = pytest.mark.slow

HEADER: Final = "Changed since you were asked:"
PLACE: Final = {"studioId": "studio_42"}


class Case(NamedTuple):
    """The previewed operation, the change before the answer, and the first line about it."""

    operation: GuardedOperation
    change: Change
    first_line: str


def on_trax(change: Callable[[Sandbox], object]) -> Change:
    """A change on TRaX itself."""

    async def make(clients: Clients, _client: Client) -> None:
        change(clients.trax)

    return make


def changed(table: str, key: str, **fields: Any) -> Change:  # noqa: ANN401  any field
    """A change of one thing's fields on TRaX itself."""

    def change(trax: Sandbox) -> None:
        things = getattr(trax.world, table)
        things.change(things[key], fields)

    return on_trax(change)


def add_destination(trax: Sandbox) -> None:
    """Add a destination on TRaX itself."""
    new = Destination("dest_8", "studio_42", "New page", "facebook")
    trax.world.destinations.add(new)


def swap_destination(trax: Sandbox) -> None:
    """Replace a destination by another one of the same name."""
    places = trax.world.destinations
    swapped = replace(places["dest_1"], id="dest_8")
    places.remove(places["dest_1"])
    places.add(swapped)


def by_this_server(tool: str, **arguments: object) -> Change:
    """A change through the same server, with its own confirmation if it needs one."""

    async def make(_clients: Clients, client: Client) -> None:
        call = {**PLACE, **arguments}
        result = await client.call_tool(tool, call)
        if not has_run(result):
            confirmation = (result.structured_content or {})["confirmation"]
            call |= {"confirm": True, "confirmation": confirmation}
            result = await client.call_tool(tool, call)
        assert has_run(result), result

    return make


def hidden_change(what: str) -> str:
    """The line about a change that no read shows."""
    return f"Changed here since you were asked: {what}."


CASES: Final[dict[str, Case]] = {
    "the studio was renamed": Case(
        GO_LIVE,
        changed("studios", "studio_42", name="Saturday Show"),
        'No longer: Starts a broadcast of "Friday Night Show" that anyone can watch.',
    ),
    "the studio of a destination was renamed": Case(
        DELETE_DESTINATION,
        changed("studios", "studio_42", name="Saturday Show"),
        'No longer: Removes the destination "Main channel" (YouTube) from "Friday Night Show".',
    ),
    "a destination was added to an autoGoLive question": Case(
        AUTO_GO_LIVE, on_trax(add_destination), 'Now: It would go out on "New page" (Facebook).'
    ),
    "a destination was swapped for one of the same name": Case(
        GO_LIVE,
        on_trax(swap_destination),
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
    async with one_over_stdio(MODERN, can_ask=False) as clients:
        confirmation = await clients.confirmation(operation)
        await change(clients, clients.plain)
        result = await clients.use(operation, confirmation)
        assert status_and_reason(result) == ("confirmation_invalid", "changed")
        assert operation.sent not in clients.sent
    shown = text_of(result).splitlines()
    assert shown[shown.index(HEADER) + 1] == f"- {first_line}"


@pytest.mark.parametrize("name", ["the studio was renamed", "the stream key of a destination"])
async def test_a_person_is_asked_again_after_a_change(era: str, name: str) -> None:
    """The second form starts with the change. A no to it sends nothing."""
    operation, change, first_line = CASES[name]
    async with one_over_stdio(era, can_ask=True) as clients:
        forms: list[Form] = []

        async def respond(form: Form) -> FormAnswer:
            if f"{operation.tool} on " not in form.message:
                return await agreeing(form)  # the form about the change
            forms.append(form)
            if len(forms) > 1:
                return await declining(form)
            await change(clients, clients.asking)
            return await agreeing(form)

        clients.person.answer_with(respond)
        result = await clients.call(operation, clients.asking)
        assert status_and_reason(result) == ("declined", "declined")
        assert operation.sent not in clients.sent
    assert forms[1].message.splitlines()[:2] == [HEADER, f"- {first_line}"]


async def test_a_hidden_change_does_not_invalidate_a_deletion() -> None:
    """A deletion puts nothing on air, so hidden changes do not matter."""
    async with one_over_stdio(MODERN, can_ask=False) as clients:
        confirmation = await clients.confirmation(DELETE_DESTINATION)
        await by_this_server("update_source", sourceId="source_2", url="rtmp://x.example/y")(
            clients, clients.plain
        )
        result = await clients.use(DELETE_DESTINATION, confirmation)
        assert status_and_reason(result) == ("ran", None)
