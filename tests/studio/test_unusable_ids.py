"""Items of TRaX's lists whose id cannot be an id: they are left out, and the answer says so.

No call and no URI could name them. One of them must not break what is asked about the others.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import pytest

from tests.conftest import OWNER, call, text_of
from tests.support.completion_requests import CHAT, suggested
from tests.support.fact_reads import ACCOUNTS, PLACES, SOURCES, STUDIOS, asked
from tests.support.guarded_calls import STUDIO
from tests.support.jsonrpc import MODERN
from tests.support.long_lists import with_item
from tests.support.resource_reads import STUDIO as STUDIO_URI
from tests.support.resource_reads import STUDIOS as STUDIOS_URI
from tests.support.resource_reads import client_of, listed, read
from trax_mcp.api.operations import ListConnections, ListDestinations, ListSources, ListStudios
from trax_mcp.studio.list_cache import ListCache

if TYPE_CHECKING:
    from mcp.server import Server

    from tests.support.product.sandbox import Sandbox
    from tests.support.product.shared_clock import HandClock
    from trax_mcp.api.client import Client

OWNED: Final = ["studio_42", "studio_43", "studio_51", "studio_60"]
UNUSABLE: Final = ("", " ", ".", "..", "x" * 600, "a\nb", "a\x00b")
"""No path of a URL can hold these."""

LEFT_OUT: Final = "1 of the studios (TRaX gives no usable id)"

each_id = pytest.mark.parametrize("odd", [".", "x" * 600], ids=["a dot", "600 characters"])


@each_id
async def test_a_search_leaves_out_a_studio_without_a_usable_id(
    server: Server[Any], sandbox: Sandbox, odd: str
) -> None:
    """The others are found, and nothing is asked about it."""
    sandbox.faults.add(with_item(id=odd, name="Friday Oddity"), times=None, path=STUDIOS)
    result = await call(server, "find_studio", {"query": "friday"})
    found = result.structured_content or {}
    assert [it["id"] for it in found["matches"]] == ["studio_42", "studio_43"]
    assert (found["searched"], found["unknown"]) == (4, [LEFT_OUT])
    assert asked(sandbox).keys() == {
        STUDIOS,
        *(f"/v1/studios/{it}/stream-status" for it in ("studio_42", "studio_43")),
        *(f"/v1/studios/{it}/destinations" for it in ("studio_42", "studio_43")),
    }


async def test_a_search_does_not_claim_that_a_studio_without_a_usable_id_does_not_exist(
    server: Server[Any], sandbox: Sandbox
) -> None:
    """The sentence for the model."""
    sandbox.faults.add(with_item(id="..", name="Oddity"), times=None, path=STUDIOS)
    result = await call(server, "find_studio", {"query": "oddity"})
    assert text_of(result).partition("\n")[0] == (
        f'No studio that could be searched matches "oddity". Not searched: {LEFT_OUT}.'
    )


@each_id
async def test_unlinking_says_that_a_studio_without_a_usable_id_was_not_looked_at(
    server: Server[Any], sandbox: Sandbox, odd: str
) -> None:
    """The person is asked about the rest."""
    sandbox.faults.add(with_item(id=odd), times=None, path=STUDIOS)
    result = await call(server, "unlink_connection", {"connectionId": "conn_1"})
    data = result.structured_content or {}
    assert data["status"] == "confirmation_required"
    assert data["preview"]["unknown"] == [LEFT_OUT]
    assert '"Main channel" (YouTube) in "Friday Night Show" may stop working.' in str(
        data["preview"]["warnings"]
    )


@each_id
async def test_resources_leave_out_a_studio_without_a_usable_id(
    server: Server[Any], *, sandbox: Sandbox, odd: str
) -> None:
    """Both the resource of all studios and the list of resources say so."""
    sandbox.faults.add(with_item(id=odd), times=None, path=STUDIOS)
    async with client_of(server, MODERN) as client:
        studios = await read(client, STUDIOS_URI)
        resources = (await client.list_resources()).resources
        uris = list(await listed(client))
    assert [it["id"] for it in studios["data"]] == OWNED
    assert studios["unknown"] == ["1 of the studios: TRaX gives no usable id"]
    assert [it for it in uris if it.endswith("/chat")] == [
        f"trax://studios/{it}/chat" for it in OWNED
    ]
    described = {it.uri: it.description for it in resources}
    assert described[STUDIOS_URI] == f"All studios of this key's account. Not listed: {LEFT_OUT}."


@each_id
async def test_an_item_without_a_usable_id_is_not_suggested(
    server: Server[Any], *, sandbox: Sandbox, odd: str
) -> None:
    """Not by its name either: no tool could find it by that."""
    sandbox.faults.add(with_item(id=odd, name="Oddity"), times=None, path=STUDIOS)
    odd_account = with_item(id=odd, displayName="Odd account")
    sandbox.faults.add(odd_account, times=None, path=ACCOUNTS)
    async with client_of(server, MODERN) as client:
        assert await suggested(client, CHAT, "studioId") == OWNED
        assert await suggested(client, "go_live", "studio", "odd") == []
        assert await suggested(client, "set_up_destination", "connection", "odd") == []
        assert await suggested(client, "answer_chat", "platform", studio="Oddity") == [
            "youtube",
            "twitch",
            "facebook",
        ]


@pytest.mark.parametrize("odd", UNUSABLE, ids=lambda it: ascii(it[:5]))
async def test_every_kept_list_leaves_out_items_without_a_usable_id(
    trax: Client, *, sandbox: Sandbox, clock: HandClock, odd: str
) -> None:
    """Destinations and sources too, which prompts suggest."""
    cache = ListCache(trax, clock)
    for path in (STUDIOS, ACCOUNTS, PLACES, SOURCES):
        sandbox.faults.add(with_item(id=odd), times=None, path=path)
    for found in (
        await cache.get(ListStudios(), OWNER),
        await cache.get(ListConnections(), OWNER),
        await cache.get(ListDestinations(studio_id="studio_42"), OWNER),
        await cache.get(ListSources(studio_id="studio_42"), OWNER),
    ):
        assert found.left_out == 1
        assert odd not in [it.id for it in found.items]


@each_id
async def test_a_destination_without_a_usable_id_is_shown_before_a_go_live(
    server: Server[Any], *, sandbox: Sandbox, odd: str
) -> None:
    """A broadcast reaches it, so it is named: no call needs its id."""
    sandbox.faults.add(with_item(id=odd, name="Odd place"), times=None, path=PLACES)
    for path in (SOURCES, ACCOUNTS):
        sandbox.faults.add(with_item(id=odd), times=None, path=path)
    result = await call(server, "go_live", STUDIO)
    preview = (result.structured_content or {})["preview"]
    assert 'Goes out on "Odd place" (YouTube).' in preview["effects"]
    overview = (await call(server, "check_studio", STUDIO)).structured_content or {}
    assert overview["studios"][0]["ready"] is True


@each_id
async def test_a_studio_resource_shows_parts_without_a_usable_id(
    server: Server[Any], *, sandbox: Sandbox, odd: str
) -> None:
    """As TRaX sent them."""
    for path in (PLACES, SOURCES):
        sandbox.faults.add(with_item(id=odd), times=None, path=path)
    async with client_of(server, MODERN) as client:
        whole = await read(client, STUDIO_URI)
    assert [it["id"] for it in whole["destinations"]] == ["dest_1", odd, "dest_2", "dest_3"]
