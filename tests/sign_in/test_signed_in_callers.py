"""Callers who have signed in: what they are offered, and what is theirs. Both eras."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Final

import pytest
from mcp import Client
from mcp.client.extension import advertise
from mcp.server.apps import APP_MIME_TYPE, EXTENSION_ID

from tests.support.event_streams import Session, listen_stream
from tests.support.guarded_calls import STUDIO, YES
from tests.support.product.sandbox import SANDBOX_KEY
from tests.support.product.server import Product
from tests.support.product.sign_in import unreadable_sign_ins
from tests.support.served_app import sdk_connection
from tests.support.served_sign_in import registered, signing_in
from tests.support.subscribers import CHAT, CHAT_PATH
from tests.world.wire import LEGACY, MODERN, read_answer, request

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from tests.support.event_streams import Stream
    from tests.support.served_sign_in import SignInFront

Tokens = dict[str, Any]

APPS: Final = (advertise(EXTENSION_ID, {"mimeTypes": [APP_MIME_TYPE]}),)
TICKET: Final = "live.traxstreaming/ticket"
UNAVAILABLE: Final = "Sign-ins cannot be looked up now."
LISTS: Final = ("tools/list", "prompts/list", "resources/templates/list", "server/discover")
HALF_A_MINUTE: Final = 31
"""Seconds within which a stream ends whose sign-in has ended."""


def bearer(tokens: Tokens) -> dict[str, str]:
    """The header of a caller."""
    return {"authorization": f"Bearer {tokens['access_token']}"}


@asynccontextmanager
async def sdk_client(front: SignInFront, headers: dict[str, str]) -> AsyncIterator[Client]:
    """The SDK's client, which draws panels."""
    async with (
        sdk_connection(front.address, headers) as connection,
        Client(
            connection,
            cache=None,
            extensions=APPS,
        ) as client,
    ):
        yield client


async def test_a_client_without_a_token_is_told_where_to_sign_in(tmp_path: Path) -> None:
    """As RFC 6750 and RFC 9728 have it. Without a token there is no error yet."""
    async with signing_in(tmp_path, TRAX_SANDBOX="1") as front:
        where = f'resource_metadata="{front.address}/.well-known/oauth-protected-resource/mcp"'
        message = request(MODERN, "tools/list")
        nothing = await front.caller(MODERN).post(message)
        wrong = await front.caller(MODERN, authorization="Bearer trax_at_wrong").post(message)
        metadata = await front.http.get(where.split('"')[1])
    assert (nothing.status_code, wrong.status_code) == (401, 401)
    assert nothing.headers["www-authenticate"] == f'Bearer {where}, scope="read run"'
    assert wrong.headers["www-authenticate"] == (
        'Bearer error="invalid_token", error_description="This sign-in has ended or was revoked,'
        f' so nothing was done. Sign in again.", {where}, scope="read run"'
    )
    assert metadata.json()["resource"] == f"{front.address}/mcp"
    assert front.keys == []


async def test_a_page_of_an_allowed_origin_can_read_where_to_sign_in(tmp_path: Path) -> None:
    """Such as the MCP Inspector, which then reads the metadata."""
    app = "https://inspector.example"
    async with signing_in(tmp_path, TRAX_ALLOWED_ORIGINS=app) as front:
        caller = front.caller(MODERN, origin=app)
        answer = await caller.post(request(MODERN, "tools/list"))
    assert answer.status_code == 401
    assert answer.headers["access-control-allow-origin"] == app
    exposed = answer.headers["access-control-expose-headers"].lower().split(", ")
    assert exposed == ["mcp-session-id", "retry-after", "x-request-id", "www-authenticate"]


CHANGES: Final[dict[str, dict[str, object]]] = {
    "go_live": {**STUDIO},
    "go_offline": {**STUDIO},
    "send_chat_message": {**STUDIO, "text": "Hello"},
    "update_studio": {**STUDIO, "name": "Another"},
    "create_media_upload": {"filename": "a.png", "contentType": "image/png", "byteSize": 1},
}


async def test_each_caller_is_offered_what_they_were_allowed(tmp_path: Path, era: str) -> None:
    """One server, at the same time. Who looks only is offered what reads, and can change nothing.

    A key is enough, as before, for all that the operator offers. Health checks need neither.
    """
    async with registered(tmp_path) as (front, steps):
        looks = await front.opened_with(era, await steps.sign_in(SANDBOX_KEY, access="read"))
        runs = await front.opened_with(era, await steps.sign_in(SANDBOX_KEY))
        has_key = await front.opened(era, x_api_key=SANDBOX_KEY)
        offered = []
        for caller in (looks, runs, has_key):
            tools = read_answer(await caller.post(request(era, "tools/list")))["result"]["tools"]
            prompts = read_answer(await caller.post(request(era, "prompts/list")))["result"]
            offered.append(
                ([it["name"] for it in tools], {it["name"] for it in prompts["prompts"]})
            )
            assert (await caller.call("list_studios"))["structuredContent"]["data"]
        for tool, arguments in CHANGES.items():
            error = (await looks.call(tool, **arguments))["structuredContent"]["error"]
            assert error["code"] == "read_only", tool
            assert error["message"].endswith("the client once more and choose to run shows.")
        assert front.trax.mutations == []
        assert not (await runs.call("send_chat_message", **CHANGES["send_chat_message"]))["isError"]
        health = [(await front.http.get(path)).status_code for path in ("/healthz", "/readyz")]
        looking = Product(front.trax, settings={"TRAX_READ_ONLY": "1"}).server()
        async with Client(looking, cache=None) as client:
            reading = [it.name for it in (await client.list_tools()).tools]
    assert health == [200, 200]
    assert offered[0][0] == reading
    assert offered[1][0] == offered[2][0]
    assert {*CHANGES} <= {*offered[1][0]} - {*reading}
    assert offered[0][1] < offered[1][1] == offered[2][1]


async def test_no_cache_between_callers_keeps_what_differs_between_them(tmp_path: Path) -> None:
    """Without sign-in, these are the same for all."""
    async with registered(tmp_path) as (front, steps):
        caller = front.signed_in(MODERN, await steps.sign_in(SANDBOX_KEY))
        answers = [read_answer(await caller.post(request(MODERN, it))) for it in LISTS]
    assert [it["result"]["cacheScope"] for it in answers] == ["private"] * len(LISTS)


@asynccontextmanager
async def watching(front: SignInFront, era: str, tokens: Tokens) -> AsyncIterator[Stream]:
    """A stream that a caller has open, for which this server asks TRaX again and again."""
    caller = await front.opened(era, **bearer(tokens))
    if era == LEGACY:
        await Session(caller).subscribe(CHAT)
    opened = Session(caller).stream() if era == LEGACY else listen_stream(caller, CHAT)
    async with opened as stream:
        await front.clock.pass_by(HALF_A_MINUTE)
        assert not stream.ended
        assert any(it.path == CHAT_PATH for it in front.trax.requests)
        yield stream


async def test_the_clients_of_one_person_read_chat_by_one_request(tmp_path: Path, era: str) -> None:
    """Whatever each of them was allowed."""
    async with registered(tmp_path) as (front, steps):
        for access in ("read", "run"):
            tokens = await steps.sign_in(SANDBOX_KEY, access=access)
            caller = await front.opened_with(era, tokens)
            chat = await caller.call("wait_for_chat_messages", **STUDIO)
            assert chat["structuredContent"]["messages"]
        assert [it.path for it in front.trax.requests].count(CHAT_PATH) == 1


@pytest.mark.parametrize("ends", ["revoked", "too old"])
async def test_an_open_stream_ends_with_its_sign_in(ends: str, tmp_path: Path, era: str) -> None:
    """Within half a minute, and from then on nobody asks TRaX with that key."""
    async with registered(tmp_path) as (front, steps):
        tokens = await steps.sign_in(SANDBOX_KEY)
        async with watching(front, era, tokens) as stream:
            if ends == "revoked":
                front.revoke()
            else:
                front.clock.advance(31 * 24 * 3600)
            await front.clock.pass_by(HALF_A_MINUTE)
            assert stream.ended
        await front.clock.pass_by(HALF_A_MINUTE)
        asked = len(front.trax.requests)
        await front.clock.pass_by(HALF_A_MINUTE)
        assert len(front.trax.requests) == asked


async def test_an_open_stream_goes_on_while_sign_ins_cannot_be_looked_up(tmp_path: Path) -> None:
    """So that a file that cannot be read for a moment ends nobody's work, nor the server."""
    async with registered(tmp_path) as (front, steps):
        tokens = await steps.sign_in(SANDBOX_KEY)
        async with watching(front, MODERN, tokens) as stream:
            with unreadable_sign_ins(UNAVAILABLE):
                await front.clock.pass_by(HALF_A_MINUTE)
                assert not stream.ended
            front.revoke()
            await front.clock.pass_by(HALF_A_MINUTE)
            assert stream.ended
        assert (await front.http.get("/healthz")).status_code == 200


async def test_a_yes_in_the_panel_belongs_to_key_and_client(tmp_path: Path) -> None:
    """Neither another client of the same person nor their key alone can give it."""
    async with (
        registered(tmp_path, TRAX_ASK="panel") as (front, steps),
        front.steps() as other_client,
    ):
        await other_client.register()
        elsewhere = bearer(await other_client.sign_in(SANDBOX_KEY))
        strangers = [elsewhere, {"x-api-key": SANDBOX_KEY}]
        async with sdk_client(front, bearer(await steps.sign_in(SANDBOX_KEY))) as mine:
            asked = await mine.call_tool("go_live", STUDIO)
            ticket = str((asked.meta or {})[TICKET])
            await mine.call_tool("answer_approval", {"ticket": ticket})
            front.clock.advance(1)
            answer = {"ticket": ticket, "question": "1", "choice": YES}
            for headers in strangers:
                async with sdk_client(front, headers) as other:
                    refused = await other.call_tool("answer_approval", answer)
                assert (refused.structured_content or {})["phase"] == "gone"
            assert front.trax.mutations == []
            await mine.call_tool("answer_approval", answer)
            assert len(front.trax.mutations) == 1


async def test_a_client_that_may_look_only_has_no_panel_and_no_answer_in_one(
    tmp_path: Path,
) -> None:
    """With the same key at the same client."""
    async with registered(tmp_path, TRAX_ASK="panel") as (front, steps):
        looks = bearer(await steps.sign_in(SANDBOX_KEY, access="read"))
        runs = bearer(await steps.sign_in(SANDBOX_KEY))
        async with sdk_client(front, runs) as running, sdk_client(front, looks) as looking:
            ticket = str(((await running.call_tool("go_live", STUDIO)).meta or {})[TICKET])
            names = {it.name for it in (await looking.list_tools()).tools}
            uris = {str(it.uri) for it in (await looking.list_resources()).resources}
            assert "answer_approval" not in names
            assert "ui://trax/approval.html" not in uris
            answer = {"ticket": ticket, "question": "1", "choice": YES}
            with pytest.raises(Exception, match="no such tool"):
                await looking.call_tool("answer_approval", answer)
        assert front.trax.mutations == []


async def test_a_key_that_trax_no_longer_accepts_ends_the_access(tmp_path: Path) -> None:
    """From that moment, without a word from here.

    The person hears how to go on: their client has no other key to send, as others have.
    """
    async with registered(tmp_path) as (front, steps):
        signed_in = front.signed_in(MODERN, await steps.sign_in(SANDBOX_KEY))
        has_key = front.caller(MODERN, x_api_key=SANDBOX_KEY)
        assert not (await signed_in.call("list_studios")).get("isError")
        front.trax.remove_key()
        results = [await it.call("list_studios") for it in (signed_in, has_key)]
    said = [it["structuredContent"]["error"] for it in results]
    assert [it["code"] for it in said] == ["invalid_key"] * 2
    step = "Then disconnect this client from the server, and connect it with that key."
    assert [step in it["message"] for it in said] == [True, False]


async def test_the_public_name_is_served_and_no_other(tmp_path: Path) -> None:
    """It need not be repeated in TRAX_ALLOWED_HOSTS."""
    async with registered(tmp_path, public_url="https://trax.example.com") as (front, steps):
        tokens, statuses = await steps.sign_in(SANDBOX_KEY), {}
        for host in ("trax.example.com", "evil.example.com", "trax.example.com.evil.net"):
            caller = front.caller(MODERN, **bearer(tokens), host=host)
            called = await caller.post(request(MODERN, "tools/list"))
            page = await front.http.get("/sign-in/sessions", headers={"host": host})
            statuses[host] = (called.status_code, page.status_code)
    assert statuses == {
        "trax.example.com": (200, 200),
        "evil.example.com": (421, 421),
        "trax.example.com.evil.net": (421, 421),
    }


async def test_a_call_while_sign_ins_cannot_be_looked_up_is_refused_for_now(tmp_path: Path) -> None:
    """With 503 and no challenge, so that nobody signs in again for that."""
    async with registered(tmp_path) as (front, steps):
        caller = front.signed_in(MODERN, await steps.sign_in(SANDBOX_KEY))
        with unreadable_sign_ins(UNAVAILABLE):
            answer = await caller.post(request(MODERN, "tools/list"))
        assert answer.status_code == 503
        assert "www-authenticate" not in answer.headers
        assert answer.json()["error"]["message"] == UNAVAILABLE
        assert (await caller.post(request(MODERN, "tools/list"))).status_code == 200
