"""Callers who have signed in: what they are offered, and what is theirs. Both eras."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Final

import pytest
from mcp import Client

from tests.support.guarded_calls import GO_LIVE, STUDIO
from tests.support.product.server import Product
from tests.support.product.sign_in import unreadable_sign_ins
from tests.world.panel import Panel, open_panel
from tests.world.sign_in import registered, signing_in
from tests.world.wire import LEGACY, MODERN, HttpWire, request
from tests.world.world import MINE

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from tests.world.sign_in import SignInWorld
    from tests.world.wire import Stream

Tokens = dict[str, Any]

UNAVAILABLE: Final = "Sign-ins cannot be looked up now."
CHAT: Final = "trax://studios/studio_42/chat"
READ_CHAT: Final = "GET /v1/studios/studio_42/chat/messages"
LISTS: Final = ("tools/list", "prompts/list", "resources/templates/list", "server/discover")
PAGES: Final = ("/authorize", "/sign-in", "/token", "/.well-known/oauth-authorization-server")
HALF_A_MINUTE: Final = 31
"""Seconds within which a stream ends whose sign-in has ended."""


async def test_a_client_without_a_token_is_told_where_to_sign_in(tmp_path: Path) -> None:
    """As RFC 6750 and RFC 9728 have it. Without a token there is no error yet.

    A page of an allowed origin, such as the MCP Inspector, can read it.
    """
    app = "https://inspector.example"
    async with signing_in(tmp_path, TRAX_SANDBOX="1", TRAX_ALLOWED_ORIGINS=app) as it:
        where = f'resource_metadata="{it.address}/.well-known/oauth-protected-resource/mcp"'
        message = request(MODERN, "tools/list")
        nothing = await HttpWire(it.http, MODERN, origin=app).post(message)
        wrong = await it.signed_in({"access_token": "trax_at_wrong"}).post(message)
        metadata = await it.http.get(where.split('"')[1])
        assert it.keys == []
    assert (nothing.status_code, wrong.status_code) == (401, 401)
    assert nothing.headers["www-authenticate"] == f'Bearer {where}, scope="read run"'
    assert wrong.headers["www-authenticate"] == (
        'Bearer error="invalid_token", error_description="This sign-in has ended or was revoked,'
        f' so nothing was done. Sign in again.", {where}, scope="read run"'
    )
    assert metadata.json()["resource"] == f"{it.address}/mcp"
    assert nothing.headers["access-control-allow-origin"] == app
    exposed = nothing.headers["access-control-expose-headers"].lower().split(", ")
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
    async with registered(tmp_path) as (it, steps):
        tokens = [await steps.sign_in(MINE, access=access) for access in ("read", "run")]
        keys = [*(pair["access_token"] for pair in tokens), MINE]
        looks, runs, has_key = [await it.wire(key, era=era) for key in keys]
        offered = []
        for caller in (looks, runs, has_key):
            tools = (await caller.ask("tools/list"))["result"]["tools"]
            prompts = (await caller.ask("prompts/list"))["result"]["prompts"]
            offered.append(
                ([tool["name"] for tool in tools], {prompt["name"] for prompt in prompts})
            )
            assert (await caller.call("list_studios"))["structuredContent"]["data"]
        for tool, arguments in CHANGES.items():
            error = (await looks.call(tool, **arguments))["structuredContent"]["error"]
            assert error["code"] == "read_only", tool
            assert error["message"].endswith("the client again and choose to run shows.")
        assert it.sent == []
        assert not (await runs.call("send_chat_message", **CHANGES["send_chat_message"]))["isError"]
        health = [(await it.http.get(path)).status_code for path in ("/healthz", "/readyz")]
        looking = Product(it.trax, settings={"TRAX_READ_ONLY": "1"}).server()
        async with Client(looking, cache=None) as client:
            reading = [tool.name for tool in (await client.list_tools()).tools]
    assert health == [200, 200]
    assert offered[0][0] == reading
    assert offered[1][0] == offered[2][0]
    assert {*CHANGES} <= {*offered[1][0]} - {*reading}
    assert offered[0][1] < offered[1][1] == offered[2][1]


async def test_no_cache_between_callers_keeps_what_differs_between_them(tmp_path: Path) -> None:
    """Without sign-in, these are the same for all."""
    async with registered(tmp_path) as (it, steps):
        caller = it.signed_in(await steps.sign_in(MINE))
        answers = [await caller.ask(method) for method in LISTS]
    assert [answer["result"]["cacheScope"] for answer in answers] == ["private"] * len(LISTS)


@asynccontextmanager
async def watching(it: SignInWorld, era: str, tokens: Tokens) -> AsyncIterator[Stream]:
    """A stream that a caller has open, for which this server asks TRaX again and again."""
    caller = await it.wire(tokens["access_token"], era=era)
    if era == LEGACY:
        await caller.subscribe(CHAT)
    async with caller.stream() if era == LEGACY else caller.listen(CHAT) as stream:
        await it.hand_clock.pass_by(HALF_A_MINUTE)
        assert not stream.ended
        assert it.received[READ_CHAT]
        yield stream


async def test_the_clients_of_one_person_read_chat_by_one_request(tmp_path: Path, era: str) -> None:
    """Whatever each of them was allowed."""
    async with registered(tmp_path) as (it, steps):
        for access in ("read", "run"):
            tokens = await steps.sign_in(MINE, access=access)
            caller = await it.wire(tokens["access_token"], era=era)
            chat = await caller.call("wait_for_chat_messages", **STUDIO)
            assert chat["structuredContent"]["messages"]
        assert it.received[READ_CHAT] == 1


@pytest.mark.parametrize("ends", ["revoked", "too old"])
async def test_an_open_stream_ends_with_its_sign_in(ends: str, tmp_path: Path, era: str) -> None:
    """Within half a minute, and from then on nobody asks TRaX with that key."""
    async with registered(tmp_path) as (it, steps):
        async with watching(it, era, await steps.sign_in(MINE)) as stream:
            if ends == "revoked":
                it.revoke()
            else:
                it.hand_clock.advance(31 * 24 * 3600)
            await it.hand_clock.pass_by(HALF_A_MINUTE)
            assert stream.ended
        await it.hand_clock.pass_by(HALF_A_MINUTE)
        asked = len(it.keys)
        await it.hand_clock.pass_by(HALF_A_MINUTE)
        assert len(it.keys) == asked


async def test_while_sign_ins_cannot_be_looked_up_a_stream_goes_on_and_a_call_is_refused(
    tmp_path: Path,
) -> None:
    """With 503 and no challenge, so that nobody signs in again for that.

    A file that cannot be read for a moment ends nobody's work, nor the server.
    """
    async with registered(tmp_path) as (it, steps):
        tokens = await steps.sign_in(MINE)
        caller, message = it.signed_in(tokens), request(MODERN, "tools/list")
        async with watching(it, MODERN, tokens) as stream:
            with unreadable_sign_ins(UNAVAILABLE):
                refused = await caller.post(message)
                await it.hand_clock.pass_by(HALF_A_MINUTE)
                assert not stream.ended
            assert (await caller.post(message)).status_code == 200
            it.revoke()
            await it.hand_clock.pass_by(HALF_A_MINUTE)
            assert stream.ended
        assert (await it.http.get("/healthz")).status_code == 200
    assert refused.status_code == 503
    assert "www-authenticate" not in refused.headers
    assert refused.json()["error"]["message"] == UNAVAILABLE


async def test_a_yes_in_the_panel_belongs_to_key_and_client(tmp_path: Path) -> None:
    """Neither another client of the same person nor their key alone can give it.

    The same key at the same client that may look only has neither a panel nor an answer in one.
    """
    async with (
        registered(tmp_path, TRAX_ASK="panel,preview") as (it, steps),
        it.steps() as other_client,
    ):
        await other_client.register()
        elsewhere = await other_client.sign_in(MINE)
        runs, looks = await steps.sign_in(MINE), await steps.sign_in(MINE, access="read")
        panel = await open_panel(await it.caller(runs["access_token"], apps=True), GO_LIVE)
        await panel.look()
        it.hand_clock.advance(1)
        for key in (elsewhere["access_token"], MINE):
            stranger = Panel(await it.caller(key, apps=True), panel.ticket, panel.state)
            assert (await stranger.press(panel.yes))["phase"] == "gone"
        looking = await it.caller(looks["access_token"], apps=True)
        names = {tool.name for tool in (await looking.client.list_tools()).tools}
        uris = {str(found.uri) for found in (await looking.client.list_resources()).resources}
        assert "answer_approval" not in names
        assert "ui://trax/approval.html" not in uris
        with pytest.raises(Exception, match="no such tool"):
            await Panel(looking, panel.ticket, panel.state).press(panel.yes)
        assert it.sent == []
        await panel.press(panel.yes)
        assert it.sent == [GO_LIVE.sent]


async def test_a_key_that_trax_no_longer_accepts_ends_the_access(tmp_path: Path) -> None:
    """From that moment, without a word from here.

    The person hears how to go on: their client has no other key to send, as others have.
    """
    async with registered(tmp_path) as (it, steps):
        signed_in, has_key = it.signed_in(await steps.sign_in(MINE)), await it.wire(MINE)
        assert not (await signed_in.call("list_studios")).get("isError")
        it.trax.remove_key()
        results = [await caller.call("list_studios") for caller in (signed_in, has_key)]
    said = [result["structuredContent"]["error"] for result in results]
    assert [error["code"] for error in said] == ["invalid_key"] * 2
    step = "Then disconnect this client from the server, and connect it with that key."
    assert [step in error["message"] for error in said] == [True, False]


async def test_the_public_name_is_served_and_no_other(tmp_path: Path) -> None:
    """It need not be repeated in TRAX_ALLOWED_HOSTS. Another one may be DNS rebinding."""
    url, own = "https://trax.example.com", {"host": "trax.example.com"}
    async with registered(tmp_path, public_url=url) as (it, steps):
        caller = it.signed_in(await steps.sign_in(MINE))
        assert (await caller.post(request(MODERN, "tools/list"), **own)).status_code == 200
        assert (await it.http.get("/sign-in/sessions", headers=own)).status_code == 200
        port = it.address.rpartition(":")[2]
        for host in ("evil.example", "trax.example.com.evil.net", f"evil.example:{port}"):
            called = await caller.post(request(MODERN, "tools/list"), host=host)
            assert called.status_code == 421, host
            for path in PAGES:
                page = await it.http.get(path, headers={"host": host})
                assert page.status_code == 421, (host, path)
