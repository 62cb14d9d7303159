"""Resources: what they hold, and how one that cannot be read fails."""

from __future__ import annotations

from typing import Any, Final
from urllib.parse import quote

import mcp_types as types
import pytest
from mcp.shared.exceptions import MCPError

from tests.support.delimited_text import as_shown
from tests.support.product.contract import DOCUMENT
from tests.support.product.faults import Fault
from tests.support.product.frozen_sandbox import put_on_air
from tests.support.product.sandbox import SCOPES
from tests.support.resource_reads import (
    CHAT,
    OPENAPI,
    READ_WITH,
    STATIC,
    STATUS,
    STUDIO,
    STUDIOS,
    add_studio,
    asked,
    chat,
    chat_messages,
    failure_in,
    listed,
    no_such,
    not_found,
    ours,
    read,
    read_text,
    refused,
    rename,
    studios_of,
    whole_studio,
)
from tests.world.answers import data_of
from tests.world.world import MINE, open_world

NARROW: Final = "sk_live_narrow"

ODD_IDS: Final = ("../studio_42", "what? when", "a%2Fb", "a#b", "{studioId}", "käse\U0001f9c0")
"""Ids that would change or break a URI if they were not percent-encoded."""

UNKNOWN_URIS: Final = (
    *("", "trax://nope", "trax://Studios", "trax://studios\n", "trax://studios/"),
    *("trax://studios/%2E%2e/chat", "trax://studios/studio_42/", "trax://studios/%00"),
    *("trax://studios/studio_42/destinations", "trax://studios/studio_42/stream-status?"),
    *(f"{CHAT}#x", f"{CHAT}?limit=5", f"{CHAT}?after=", f"{CHAT}?after=a&after=b"),
    *(f"trax://studios/{'x' * 513}", f"{CHAT}?after={'x' * 4097}", f"trax://{'x' * 70_000}"),
)
"""URIs of nothing; some are similar to valid ones. `tests/fuzz/test_fuzz_addresses.py` has more."""

MISSING_SCOPES: Final[dict[str, tuple[set[str], dict[str, str]]]] = {
    "studios:read": ({STUDIOS, STUDIO}, {}),
    "stream:read": ({STATUS}, {"status": "whether the studio is live"}),
    "destinations:read": (set(), {"destinations": "the destinations"}),
    "sources:read": (set(), {"sources": "the sources"}),
    "chat:read": ({CHAT}, {}),
}
"""A missing scope -> URIs that cannot be read, and the studio's parts that are unknown."""

FAULTS: Final = (
    Fault.error(404, "not_found"),
    Fault.error(429, "rate_limited", Retry_After="7"),
    Fault.status(503, "<html>"),
    Fault.dropped(),
)


# Contents


async def test_the_contract_resource_is_the_published_document() -> None:
    """It needs no key and no request to TRaX. Without a key nothing else can be read."""
    async with open_world("") as it:
        assert await read(it[""].client, OPENAPI) == DOCUMENT
        for uri in READ_WITH:
            error = await refused(it[""].client, uri)
            assert failure_in(error, it.trax)["code"] == "no_key"
            assert (error.code, "`trax-mcp install`" in error.message) == (
                types.INTERNAL_ERROR,
                True,
            )
        assert list(it.trax.requests) == []


async def test_a_studio_resource_has_its_destinations_sources_and_current_status() -> None:
    """From all pages, each read once."""
    async with open_world(MINE) as it:
        client = it[MINE].client
        assert await read(client, STATUS) == {"live": False}
        put_on_air(it.trax)
        assert await read(client, STATUS) == it.trax.status()
        for number in range(250):
            it.trax.add_destination("Many", record_id=f"dest_9{number:03}", platform="custom")
        assert await read(client, STUDIO) == whole_studio(it.trax)
        parts = {"": 1, "/destinations": 2, "/sources": 1, "/stream-status": 3}
        assert asked(it.trax) == {f"/v1/studios/studio_42{part}": n for part, n in parts.items()}


async def test_fields_that_trax_adds_are_passed_on() -> None:
    """TRaX may add fields at any time; null is a valid value."""
    added = {"colour": "red", "mood": None}
    async with open_world(MINE) as it:
        it.trax.faults.add(Fault.extra(added), times=None)  # noqa: S610  no Django here
        studio = whole_studio(it.trax)
        parts = {
            name: [part | added for part in studio[name]] for name in ("destinations", "sources")
        }
        expected = {
            STUDIOS: {"data": [one | added for one in studios_of(it.trax)]},
            STUDIO: studio | added | parts | {"status": studio["status"] | added},
            STATUS: studio["status"] | added,
        }
        assert {uri: await read(it[MINE].client, uri) for uri in expected} == expected


async def test_invisible_characters_are_escaped_in_resource_texts() -> None:
    """A JSON parser still gets what TRaX sent, but of chat, which is spelt out."""
    hidden = "safe\u202e\u200b\x00\x1b[8m\U000e0041\\"
    async with open_world(MINE) as it:
        client = it[MINE].client
        rename(it.trax, "studio_42", hidden)
        it.trax.say(hidden, author=hidden)
        texts = [await read_text(client, uri) for uri in (STUDIOS, STUDIO, CHAT)]
        shown = [as_shown(it) for it in chat_messages(it.trax)]
        assert (await read(client, CHAT))["messages"] == shown
        assert await read(client, STUDIO) == whole_studio(it.trax)
    for text in texts:
        spelt = text.replace(r"\\u", r"\u")
        assert r"safe\u202e\u200b\u0000\u001b[8m\udb40\udc41\\" in spelt
        assert text.isprintable()


async def test_the_listed_uri_of_any_id_can_be_read() -> None:
    """TRaX is asked for that studio."""
    for studio_id in ODD_IDS:
        async with open_world(MINE) as it:
            client = it[MINE].client
            add_studio(it.trax, studio_id, "Odd")
            it.trax.say("Hello", studio=studio_id)
            uri = f"trax://studios/{quote(studio_id, safe='')}"
            found = [one for one, title in (await listed(client)).items() if "Odd" in str(title)]
            assert found == [f"{uri}/stream-status", f"{uri}/chat"]
            assert await read(client, found[0]) == {"live": False}
            messages = await read(client, found[1])
            said = chat(messages, chat_messages(it.trax, studio_id))
            assert messages == {**said, "studioId": studio_id}
            assert await read(client, uri) == whole_studio(it.trax, studio_id)
            path = f"/v1/studios/{quote(studio_id, safe='')}"
            parts = ("", "/destinations", "/sources", "/stream-status", "/chat/messages")
            assert asked(it.trax).keys() == {"/v1/studios", *(f"{path}{part}" for part in parts)}


# Failures


async def test_a_malformed_uri_is_not_found(era: str) -> None:
    """Not even if only its fragment, its query or its spelling differs. TRaX is not asked."""
    async with open_world(MINE, era=era, short_seconds=0) as it:
        for uri in UNKNOWN_URIS:
            assert await refused(it[MINE].client, uri) == no_such(uri, era), uri[:99]
        with pytest.raises(MCPError) as caught:
            await it[MINE].subscribe("trax://studios/%2E%2e/chat")
        assert caught.value.error == no_such("trax://studios/%2E%2e/chat", era)
        assert list(it.trax.requests) == []


@pytest.mark.parametrize("fault", FAULTS, ids=lambda it: it.name)
async def test_a_resource_fails_like_its_tool(fault: Fault) -> None:
    """Even if the resource reads more than the tool."""
    async with open_world(MINE) as it:
        it.trax.faults.add(fault, times=None)
        for uri, (tool, arguments) in READ_WITH.items():
            failed = data_of(await it[MINE].call(tool, **arguments))
            error = await refused(it[MINE].client, uri)
            assert failure_in(error, it.trax) == ours(failed["error"], it.trax)
            assert error.code == (not_found() if fault is FAULTS[0] else types.INTERNAL_ERROR)


@pytest.mark.parametrize("status", [{}, {"live": "perhaps"}], ids=str)
async def test_a_status_without_a_valid_live_field_is_unknown(status: dict[str, Any]) -> None:
    """It must not be taken for being off the air."""
    async with open_world(MINE) as it:
        it.trax.faults.add(Fault.status(200, status), times=None)
        assert (await read(it[MINE].client, STATUS)).get("live") is None


async def test_a_failure_never_repeats_a_key() -> None:
    """Even if TRaX does, or the protocol wants the URI back that holds one."""
    async with open_world(MINE) as it:
        it.trax.faults.add(Fault.error(400, "invalid_request", f"What is {MINE}?"), times=None)
        for uri in READ_WITH:
            error = await refused(it[MINE].client, uri)
            assert 'TRaX says: "What is [secret]?"' in error.message
            assert MINE not in str(error)
        error = await refused(it[MINE].client, f"trax://{MINE}")
    assert error.data == {"uri": "trax://[key]"}


@pytest.mark.parametrize("scope", MISSING_SCOPES)
async def test_a_missing_scope_refuses_the_resource_or_makes_a_part_unknown(scope: str) -> None:
    """A studio's part is null with a reason; the resource itself fails and names the scope."""
    forbidden, parts = MISSING_SCOPES[scope]
    async with open_world() as it:
        it.trax.add_key(NARROW, scopes=SCOPES - {scope})
        client = (await it.caller(NARROW)).client
        assert (tuple(await listed(client)) == STATIC) is (scope == "studios:read")
        for uri in READ_WITH:
            if uri in forbidden:
                failure = failure_in(await refused(client, uri), it.trax)
                assert (failure["code"], failure["httpStatus"]) == ("insufficient_scope", 403)
                assert (failure["requiredScope"], failure["retryable"]) == (scope, False)
            elif uri == STUDIO and parts:
                unknown = [f"{words}: the key lacks {scope}" for words in parts.values()]
                expected = whole_studio(it.trax) | dict.fromkeys(parts) | {"unknown": unknown}
                assert await read(client, uri) == expected
            else:
                assert await read(client, uri)


@pytest.mark.parametrize("part", ["destinations", "stream-status"])
async def test_a_failing_part_of_a_studio_fails_the_whole_resource(part: str) -> None:
    """A partial studio would look complete; a retry may succeed."""
    async with open_world(MINE) as it:
        it.trax.faults.add(Fault.error(500, "exploded"), path=f"/v1/studios/*/{part}")
        error = await refused(it[MINE].client, STUDIO)
        assert failure_in(error, it.trax)["code"] == "exploded"
        assert await read(it[MINE].client, STUDIO) == whole_studio(it.trax)
