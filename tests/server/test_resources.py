"""Resources: their contents, and which URIs are valid.

Through a real client. Chat, failures (`test_resources_refused`) and subscriptions have their own
tests.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

import pytest
from mcp.shared.exceptions import MCPError

from tests.support.product.contract import DOCUMENT
from tests.support.product.faults import Fault
from tests.support.product.frozen_sandbox import put_on_air
from tests.support.resource_reads import (
    CHAT,
    OPENAPI,
    STATUS,
    STUDIO,
    STUDIOS,
    add_studio,
    asked,
    chat,
    chat_messages,
    client_of,
    listed,
    no_such,
    read,
    read_text,
    refused,
    rename,
    studios_of,
    whole_studio,
)
from tests.support.subscribers import subscriber_on
from tests.world.wire import MODERN

if TYPE_CHECKING:
    from collections.abc import Callable

    from mcp.server import Server

    from tests.support.product.sandbox import Sandbox
    from tests.support.product.server import Product

ODD_IDS: Final = (
    "../studio_42",
    "what? when",
    "a%2Fb",
    "a#b",
    "{studioId}",
    "käse\U0001f9c0",
)
"""Ids that would change or break a URI if they were not percent-encoded."""

UNKNOWN_URIS: Final = (
    "",
    "trax://nope",
    "trax://Studios",
    "trax://studios\n",
    "trax://studios/",
    "trax://studios/%2E%2e/chat",
    "trax://studios/studio_42/",
    "trax://studios/studio_42/destinations",
    "trax://studios/studio_42/stream-status?",
    "trax://studios/%00",
    f"trax://studios/{'x' * 513}",
    f"{CHAT}#x",
    f"{CHAT}?limit=5",
    f"{CHAT}?after=",
    f"{CHAT}?after=a&after=b",
    f"{CHAT}?after={'x' * 4097}",
)
"""URIs of nothing; some are similar to valid ones. `tests/fuzz/test_fuzz_addresses.py` has more."""


async def test_the_contract_resource_is_the_published_document(
    open_product: Callable[..., Product], sandbox: Sandbox
) -> None:
    """It needs no key and no request to TRaX."""
    async with client_of(open_product().server(None)) as client:
        assert await read(client, OPENAPI) == DOCUMENT
    assert list(sandbox.requests) == []


async def test_a_studio_resource_has_its_destinations_sources_and_status(
    server: Server[Any], sandbox: Sandbox
) -> None:
    """From all pages, each read once."""
    put_on_air(sandbox)
    for number in range(250):
        sandbox.add_destination("Many", record_id=f"dest_9{number:03}", platform="custom")
    async with client_of(server) as client:
        assert await read(client, STUDIO) == whole_studio(sandbox)
    parts = {"": 1, "/destinations": 2, "/sources": 1, "/stream-status": 1}
    assert asked(sandbox) == {f"/v1/studios/studio_42{part}": it for part, it in parts.items()}


async def test_the_stream_status_is_always_current(server: Server[Any], sandbox: Sandbox) -> None:
    async with client_of(server) as client:
        assert await read(client, STATUS) == {"live": False}
        put_on_air(sandbox)
        live = await read(client, STATUS)
    assert live == sandbox.status()
    assert (live["live"], len(sandbox.requests)) == (True, 2)


@pytest.mark.parametrize("uri", [STUDIOS, STUDIO, STATUS])
async def test_fields_that_trax_adds_are_passed_on(
    server: Server[Any], sandbox: Sandbox, *, uri: str
) -> None:
    """TRaX may add fields at any time; null is a valid value."""
    added = {"colour": "red", "mood": None}
    sandbox.faults.add(Fault.extra(added), times=None)  # noqa: S610  no Django here
    studio = whole_studio(sandbox)
    parts = {it: [part | added for part in studio[it]] for it in ("destinations", "sources")}
    expected = {
        STUDIOS: {"data": [it | added for it in studios_of(sandbox)]},
        STUDIO: studio | added | parts | {"status": studio["status"] | added},
        STATUS: studio["status"] | added,
    }
    async with client_of(server) as client:
        assert await read(client, uri) == expected[uri]


async def test_invisible_characters_are_escaped_in_resource_texts(
    server: Server[Any], sandbox: Sandbox
) -> None:
    """A JSON parser still gets what TRaX sent."""
    hidden = "safe\u202e\u200b\x00\x1b[8m\U000e0041\\"
    rename(sandbox, "studio_42", hidden)
    sandbox.say(hidden, author=hidden)
    async with client_of(server) as client:
        texts = [await read_text(client, uri) for uri in (STUDIOS, STUDIO, CHAT)]
        assert (await read(client, CHAT))["messages"] == chat_messages(sandbox)
        assert await read(client, STUDIO) == whole_studio(sandbox)
    for text in texts:
        assert r"safe\u202e\u200b\u0000\u001b[8m\udb40\udc41\\" in text
        assert all(it.isprintable() for it in text)


@pytest.mark.parametrize("studio_id", ODD_IDS)
async def test_the_listed_uri_of_any_id_can_be_read(
    server: Server[Any], sandbox: Sandbox, *, studio_id: str
) -> None:
    """Listed URIs can be read, and TRaX is asked for that studio."""
    add_studio(sandbox, studio_id, "Odd")
    sandbox.say("Hello", studio=studio_id)
    uri = f"trax://studios/{quote(studio_id, safe='')}"
    async with client_of(server) as client:
        found = [it for it, title in (await listed(client)).items() if "Odd" in str(title)]
        assert found == [f"{uri}/stream-status", f"{uri}/chat"]
        assert await read(client, found[0]) == {"live": False}
        messages = await read(client, found[1])
        assert messages == {
            **chat(messages, chat_messages(sandbox, studio_id)),
            "studioId": studio_id,
        }
        assert await read(client, uri) == whole_studio(sandbox, studio_id)
    path = f"/v1/studios/{quote(studio_id, safe='')}"
    parts = ("", "/destinations", "/sources", "/stream-status", "/chat/messages")
    assert asked(sandbox).keys() == {"/v1/studios", *(f"{path}{part}" for part in parts)}


async def test_a_malformed_uri_is_not_found(server: Server[Any], sandbox: Sandbox) -> None:
    """Not even if only its fragment, its query or its spelling differs. TRaX is not asked."""
    async with client_of(server) as client:
        for uri in (*UNKNOWN_URIS, f"trax://studios/{'x' * 70_000}"):
            assert await refused(client, uri) == no_such(uri), uri[:99]
    assert list(sandbox.requests) == []


async def test_a_malformed_uri_cannot_be_subscribed_to(
    server: Server[Any], sandbox: Sandbox, era: str
) -> None:
    """Its error is that of a read, which has another code in each era."""
    uri = "trax://studios/%2E%2e/chat"
    async with subscriber_on(server, era) as subscriber:
        assert await refused(subscriber.client, uri) == no_such(uri, era)
        with pytest.raises(MCPError) as caught:
            await subscriber.subscribe(uri)
    assert caught.value.error == no_such(uri, era)
    assert list(sandbox.requests) == []


async def test_only_the_templates_may_be_cached_publicly(server: Server[Any]) -> None:
    """The 2026 revision lets shared caches keep public results."""
    async with client_of(server, MODERN) as client:
        resources = await client.list_resources()
        templates = await client.list_resource_templates()
        contents = [await client.read_resource(uri) for uri in (OPENAPI, STUDIOS, STUDIO, CHAT)]
    assert (templates.cache_scope, templates.ttl_ms) == ("public", 300_000)
    for result in (resources, *contents):
        assert (result.cache_scope, result.ttl_ms) == ("private", 0)
