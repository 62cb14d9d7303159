"""Resources: what reading each address gives, and what an address is.

Through a real client in both eras. Chat has its own tests; what is refused, and how, is in
`test_resources_refused`, and what is told of changes beside the subscriptions.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

import pytest
from mcp.shared.exceptions import MCPError

from tests.audience import viewing
from tests.conftest import OWNER
from tests.hand import HandClock
from tests.jsonrpc import MODERN
from tests.looks import asked, enable_many
from tests.readings import (
    CHAT,
    OPENAPI,
    STATUS,
    STUDIO,
    STUDIOS,
    add_studio,
    chat,
    client_of,
    listed,
    no_such,
    read,
    read_text,
    refused,
    rename,
    said,
    studios_of,
    whole_studio,
)
from tests.witness import put_on_air
from trax_mcp.api.caller import ANONYMOUS
from trax_mcp.sandbox import Fault, Sandbox, contract
from trax_mcp.server.app import ServerDeps, build_server

if TYPE_CHECKING:
    from mcp.server import Server

    from trax_mcp.api.client import Client

ODD_IDS: Final = (
    "a/b",
    "../studio_42",
    "studio_42/chat",
    "what? when",
    "50%",
    "a%2Fb",
    "a#b",
    "a+b&c=d,e;f",
    "{studioId}",
    "käse\U0001f9c0",
    "\u0442\u0440\u0430\u043a\u0441",
    "...",
)
"""Ids that would be another address, or none, if they stood in one as they are."""

WRONG: Final = (
    "",
    "trax:",
    "trax://",
    "trax://nope",
    "studios",
    "https://studios",
    "http://sandbox.localhost/v1/studios",
    "file:///etc/passwd",
    "TRAX://studios",
    "trax://Studios",
    "trax://studios/studio_42/Chat",
    " trax://studios",
    "trax://studios\n",
    "trax://openapi.json/",
    "trax://studios/",
    "trax://studios//chat",
    "trax://studios/%20",
    "trax://studios/.",
    "trax://studios/..",
    "trax://studios/%2E%2e/chat",
    "trax://studios/studio_42/..",
    "trax://studios/studio_42/",
    "trax://studios/studio_42/chat/",
    "trax://studios/studio_42/chat/messages",
    "trax://studios/studio_42/destinations",
    "trax://studios/a/b/chat",
    "trax://studios#x",
    "trax://studios?limit=1",
    "trax://studios/studio_42?x=1",
    "trax://studios/studio_42/stream-status?",
    "trax://studios/a\0b",
    "trax://studios/%00",
    "trax://studios/a%0Ab/chat",
    "trax://studios/%FF",
    "trax://studios/%ED%A0%80/chat",
    f"trax://studios/{'x' * 513}",
    f"trax://studios/{'x' * 70_000}",
    f"{CHAT}#x",
    f"{CHAT}?",
    f"{CHAT}?limit=5",
    f"{CHAT}?after",
    f"{CHAT}?after=",
    f"{CHAT}?after=%20",
    f"{CHAT}?After=a",
    f"{CHAT}?%61fter=a",
    f"{CHAT}?after=a&x=1",
    f"{CHAT}?after=a&after=b",
    f"{CHAT}?after=a#x",
    f"{CHAT}?after=%ED%A0%80",
    f"{CHAT}?after={'x' * 4097}",
    f"{CHAT}%3Fafter=a",
)
"""Addresses of nothing; some are nearly one of ours."""


async def test_the_contract_reads_as_it_was_published(
    trax: Client, sandbox: Sandbox, era: str
) -> None:
    """Anybody may read it, without a key, and TRaX is not asked for it."""
    async with client_of(build_server(trax, own=ANONYMOUS), era) as client:
        assert await read(client, OPENAPI) == contract.document()
    assert list(sandbox.requests) == []


async def test_the_studios_read_as_trax_lists_them(
    server: Server[Any], sandbox: Sandbox, era: str
) -> None:
    """All of them at once, however many pages they come in, and nobody else's."""
    for number in range(450):
        add_studio(sandbox, f"studio_7{number:03}", f"Show {number}")
    async with client_of(server, era) as client:
        assert await read(client, STUDIOS) == {"data": studios_of(sandbox)}
    assert asked(sandbox) == {"/v1/studios": 3}


async def test_a_studio_reads_with_all_that_belongs_to_it(
    server: Server[Any], sandbox: Sandbox, era: str
) -> None:
    """Destinations to the last page, sources and status, each asked for once."""
    put_on_air(sandbox)
    enable_many(sandbox, 250)
    async with client_of(server, era) as client:
        assert await read(client, STUDIO) == whole_studio(sandbox)
    parts = {"": 1, "/destinations": 2, "/sources": 1, "/stream-status": 1}
    assert asked(sandbox) == {f"/v1/studios/studio_42{part}": it for part, it in parts.items()}


async def test_the_stream_status_reads_as_it_is_now(
    server: Server[Any], sandbox: Sandbox, era: str
) -> None:
    """Each reading asks: whether people are on air is nothing to remember."""
    async with client_of(server, era) as client:
        assert await read(client, STATUS) == {"live": False}
        put_on_air(sandbox)
        live = await read(client, STATUS)
    assert live == sandbox.world.stream_status(sandbox.world.studios["studio_42"])
    assert (live["live"], len(sandbox.requests)) == (True, 2)


async def test_who_has_read_that_a_studio_is_live_is_told_when_it_no_longer_is(
    trax: Client, *, sandbox: Sandbox, era: str
) -> None:
    """Though between two looks of the server, both of which find it off the air."""
    clock = HandClock(sandbox, short_seconds=0)
    server = build_server(trax, own=OWNER, house=ServerDeps(clock=clock))
    async with viewing(server, era) as viewer:
        await viewer.subscribe(STATUS)
        sandbox.faults.add(Fault.patched(lambda status: status.update(live=True)))
        assert (await viewer.read(STATUS))["live"] is True
        await viewer.hears()
        viewer.told.clear()
        await clock.pass_until(lambda: viewer.told, most=11)
        assert (await viewer.read(STATUS))["live"] is False
    assert viewer.told == [STATUS]


@pytest.mark.parametrize("uri", [STUDIOS, STUDIO, STATUS])
async def test_what_trax_adds_is_passed_on(
    server: Server[Any], sandbox: Sandbox, *, era: str, uri: str
) -> None:
    """It may add fields at any time; null is one of the values."""
    added = {"colour": "red", "mood": None}
    sandbox.faults.add(Fault.extra(added), times=None)  # noqa: S610  no Django here
    whole = whole_studio(sandbox)
    parts = {it: [part | added for part in whole[it]] for it in ("destinations", "sources")}
    expected = {
        STUDIOS: {"data": [it | added for it in studios_of(sandbox)]},
        STUDIO: whole | added | parts | {"status": whole["status"] | added},
        STATUS: whole["status"] | added,
    }
    async with client_of(server, era) as client:
        assert await read(client, uri) == expected[uri]


async def test_nothing_in_a_text_is_invisible(
    server: Server[Any], sandbox: Sandbox, era: str
) -> None:
    """Names and chat may hide words from a person; a parser reads what TRaX sent."""
    hidden = "safe\u202e\u200b\x00\x1b[8m\U000e0041\\"
    rename(sandbox, "studio_42", hidden)
    sandbox.world.say("studio_42", hidden, author=hidden)
    async with client_of(server, era) as client:
        texts = [await read_text(client, uri) for uri in (STUDIOS, STUDIO, CHAT)]
        assert (await read(client, CHAT))["messages"] == said(sandbox)
        assert await read(client, STUDIO) == whole_studio(sandbox)
    for text in texts:
        assert r"safe\u202e\u200b\u0000\u001b[8m\udb40\udc41\\" in text
        assert all(it.isprintable() for it in text)


@pytest.mark.parametrize("which", ODD_IDS)
async def test_any_id_stands_in_an_address_and_comes_out_of_it_again(
    server: Server[Any], sandbox: Sandbox, *, era: str, which: str
) -> None:
    """What is listed can be read, and TRaX is asked for that very studio."""
    add_studio(sandbox, which, "Odd")
    sandbox.world.say(which, "Hello", author="Ann")
    whole = f"trax://studios/{quote(which, safe='')}"
    async with client_of(server, era) as client:
        found = [uri for uri, title in (await listed(client)).items() if "Odd" in str(title)]
        assert found == [f"{whole}/stream-status", f"{whole}/chat"]
        assert await read(client, found[0]) == {"live": False}
        told = await read(client, found[1])
        assert told == {**chat(told, said(sandbox, which)), "studioId": which}
        assert await read(client, whole) == whole_studio(sandbox, which)
    path = f"/v1/studios/{quote(which, safe='')}"
    parts = ("", "/destinations", "/sources", "/stream-status", "/chat/messages")
    assert asked(sandbox).keys() == {"/v1/studios", *(f"{path}{part}" for part in parts)}


@pytest.mark.parametrize(
    "uri",
    ["trax://studios/a:b@c", "trax://studios/%61%3ab%40c", "trax://studios/a%3Ab%40c"],
)
async def test_an_address_may_be_spelt_in_more_than_one_way(
    server: Server[Any], sandbox: Sandbox, *, era: str, uri: str
) -> None:
    """What need not be percent-encoded may be (RFC 3986, section 2); it is told as it was asked."""
    add_studio(sandbox, "a:b@c", "Odd")
    async with client_of(server, era) as client:
        assert await read(client, uri) == whole_studio(sandbox, "a:b@c")


@pytest.mark.parametrize("uri", WRONG, ids=lambda uri: uri[:45])
async def test_an_address_that_is_not_wholly_ours_is_nothing(
    server: Server[Any], sandbox: Sandbox, *, era: str, uri: str
) -> None:
    """Neither read nor watched, and TRaX never hears of it."""
    async with viewing(server, era) as viewer:
        assert await refused(viewer.client, uri) == no_such(uri, era)
        with pytest.raises(MCPError) as caught:
            await viewer.subscribe(uri)
    assert caught.value.error == no_such(uri, era)
    assert list(sandbox.requests) == []


async def test_what_is_a_callers_own_is_never_anybodys_to_keep(server: Server[Any]) -> None:
    """The revision of 2026 lets caches keep answers; only the templates are the same for all."""
    async with client_of(server, MODERN) as client:
        resources = await client.list_resources()
        templates = await client.list_resource_templates()
        contents = [await client.read_resource(uri) for uri in (OPENAPI, STUDIOS, STUDIO, CHAT)]
    assert (templates.cache_scope, templates.ttl_ms) == ("public", 300_000)
    for result in (resources, *contents):
        assert (result.cache_scope, result.ttl_ms) == ("private", 0)
