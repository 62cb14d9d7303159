"""The sandbox's world: lists, bodies, going live, chat that flows, uploads, the clock and the log.

All of it through plain httpx; the clock is moved by hand, so nothing waits.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.witness import STUDIO, code, connected, still
from trax_mcp.sandbox import SANDBOX_KEY, Clock, Sandbox
from trax_mcp.sandbox.seed import HOSTILE

if TYPE_CHECKING:
    import httpx

every_list = pytest.mark.parametrize(
    "path", [f"{STUDIO}/destinations", f"{STUDIO}/sources", "/v1/studios", "/v1/media"]
)


# Lists


@every_list
async def test_pages_together_are_the_whole_list_in_order(path: str) -> None:
    """Ids ascend, nothing is lost or doubled, and only the last page has no cursor."""
    async with connected(still()) as client:
        whole = (await client.get(path)).json()
        cursor, walked, pages = "", [], 0
        while True:
            page = (await client.get(path, params={"limit": 1, "cursor": cursor})).json()
            walked += page["data"]
            pages += 1
            if "nextCursor" not in page:
                break
            cursor = page["nextCursor"]
    assert walked == whole["data"]
    assert "nextCursor" not in whole
    assert pages == len(walked)
    assert [item["id"] for item in walked] == sorted(item["id"] for item in walked)


async def test_a_walk_is_stable_while_things_come_and_go() -> None:
    """The cursor's own item may be deleted: the next page continues after where it was."""
    async with connected(still()) as client:
        first = (await client.get(f"{STUDIO}/destinations", params={"limit": 1})).json()
        await client.delete(f"{STUDIO}/destinations/{first['data'][0]['id']}")
        params = {"cursor": first["nextCursor"]}
        rest = (await client.get(f"{STUDIO}/destinations", params=params)).json()
    assert [item["id"] for item in rest["data"]] == ["dest_2", "dest_3"]


async def test_a_page_holds_50_by_default_and_200_at_most() -> None:
    """Larger limits are clamped, not refused."""
    sandbox = still()
    async with connected(sandbox) as client:
        for number in range(205):
            sandbox.world.add_studio("user_robin", name=f"Studio {number}")
        for params, size in (({}, 50), ({"limit": "201"}, 200), ({"limit": "99999"}, 200)):
            page = (await client.get("/v1/studios", params=params)).json()
            assert len(page["data"]) == size


@every_list
@pytest.mark.parametrize(
    "params",
    [
        {"limit": "0"},
        {"limit": "-1"},
        {"limit": "ten"},
        {"limit": "1.5"},
        {"limit": ""},
        {"cursor": "!"},
        {"cursor": "bm9wZQ"},
        {"cursor": "%00"},
    ],
)
async def test_bad_limits_and_cursors_are_refused(path: str, params: dict[str, str]) -> None:
    """400 `invalid_request`."""
    async with connected(still()) as client:
        assert code(await client.get(path, params=params)) == (400, "invalid_request")


# Bodies


@pytest.mark.parametrize(
    ("path", "content"),
    [
        ("/v1/studios", b""),
        ("/v1/studios", b"{"),
        ("/v1/studios", b"[" * 100_000),
        ("/v1/studios", b"[]"),
        ("/v1/studios", b"{}"),
        ("/v1/studios", b'{"name": 7}'),
        ("/v1/studios", b'{"name": null}'),
        (f"{STUDIO}/chat/messages", b'{"text": "hi", "platforms": "twitch"}'),
        (f"{STUDIO}/chat/messages", b'{"text": "hi", "platforms": [1]}'),
        ("/v1/media", b'{"filename": "a", "contentType": "video/mp4", "byteSize": "4"}'),
        ("/v1/media", b'{"filename": "a", "contentType": "text/html", "byteSize": 4}'),
        (
            f"{STUDIO}/destinations",
            b'{"name": "a", "platform": "youtube", "connectionId": "conn_1", "streamKey": "k"}',
        ),
    ],
)
async def test_bodies_that_break_the_contract_are_refused(path: str, content: bytes) -> None:
    """400 `invalid_request`, and nothing is made."""
    sandbox = still()
    before = (len(sandbox.world.studios), len(sandbox.world.destinations))
    async with connected(sandbox) as client:
        response = await client.post(path, content=content)
    assert code(response) == (400, "invalid_request")
    assert (len(sandbox.world.studios), len(sandbox.world.destinations)) == before


async def test_unknown_fields_of_a_body_are_ignored() -> None:
    """A newer client may say more than this sandbox knows."""
    async with connected(still()) as client:
        response = await client.post("/v1/studios", json={"name": "New", "colour": "blue"})
    assert response.status_code == 201
    assert "colour" not in response.json()


async def test_what_is_written_is_read_back_and_secrets_are_not() -> None:
    """Create, change, delete; the stream key goes in and never comes out."""
    sandbox = still()
    async with connected(sandbox) as client:
        body = {"name": "Side", "platform": "kick", "rtmpUrl": "rtmp://x.example", "streamKey": "s"}
        made = (await client.post(f"{STUDIO}/destinations", json=body)).json()
        where = f"{STUDIO}/destinations/{made['id']}"
        changed = (await client.patch(where, json={"enabled": False, "streamKey": "t"})).json()
        assert changed == {**made, "enabled": False}
        assert sandbox.world.destinations[made["id"]].stream_key == "t"
        assert made["platform"] == "kick"
        assert not {"streamKey", "rtmpUrl"} & changed.keys()
        await client.delete(where)
        assert code(await client.delete(where)) == (404, "not_found")


async def test_a_destination_can_only_be_bound_to_a_connection_of_ones_own() -> None:
    """The stranger's linked account reads as absent here as well."""
    body = {"name": "Side", "platform": "youtube"}
    async with connected(still()) as client:
        mine = await client.post(f"{STUDIO}/destinations", json={**body, "connectionId": "conn_1"})
        other = await client.post(
            f"{STUDIO}/destinations", json={**body, "connectionId": "conn_90"}
        )
    assert mine.status_code == 201
    assert code(other) == (404, "not_found")


async def test_an_empty_world_has_keys_and_nothing_else() -> None:
    """`--empty` starts with nothing to find, and everything can be made."""
    async with connected(Sandbox(Clock.frozen(), empty=True)) as client:
        for path in ("/v1/studios", "/v1/connections", "/v1/media"):
            assert (await client.get(path)).json() == {"data": []}
        made = (await client.post("/v1/studios", json={"name": "First"})).json()
        assert made["role"] == "owner"
        assert (await client.get(f"/v1/studios/{made['id']}")).json() == made


# The stream


async def test_going_live_takes_three_seconds_of_the_clock() -> None:
    """200 at once with all enabled destinations; on air only when the clock says so."""
    sandbox = still()
    async with connected(sandbox) as client:
        begun = (await client.post(f"{STUDIO}/go-live")).json()
        assert begun["destinationIds"] == ["dest_1", "dest_2"]
        assert (await client.get(f"{STUDIO}/stream-status")).json() == {"live": False}
        sandbox.clock.advance(2.9)
        assert (await client.get(f"{STUDIO}/stream-status")).json() == {"live": False}
        sandbox.clock.advance(0.1)
        assert (await client.get(f"{STUDIO}/stream-status")).json() == {
            "live": True,
            "mode": "cloud",
            "encoderStreamId": begun["encoderStreamId"],
            "broadcastStartedAt": "2026-06-05T18:00:00.000Z",
            "liveStartedAt": "2026-06-05T18:00:03.000Z",
        }


async def test_going_live_twice_is_one_stream() -> None:
    """While it runs, the same stream is answered again; after a stop it is another one."""
    sandbox = still()
    async with connected(sandbox) as client:
        first = (await client.post(f"{STUDIO}/go-live")).json()
        sandbox.clock.advance(10)
        assert (await client.post(f"{STUDIO}/go-live")).json() == first
        await client.post(f"{STUDIO}/go-offline")
        again = (await client.post(f"{STUDIO}/go-live")).json()
    assert again["encoderStreamId"] != first["encoderStreamId"]


@pytest.mark.parametrize(("waited", "lingers"), [(2.5, False), (5, True)])
async def test_going_offline_stops_a_live_and_a_starting_studio(
    waited: float, *, lingers: bool
) -> None:
    """A live one is off after a second; one that was starting never comes on air."""
    sandbox = still()
    async with connected(sandbox) as client:
        await client.post(f"{STUDIO}/go-live")
        sandbox.clock.advance(waited)
        assert (await client.post(f"{STUDIO}/go-offline")).json() == {"ok": True}
        for step in (0.6, 0.4):
            assert (await client.get(f"{STUDIO}/stream-status")).json()["live"] is lingers
            sandbox.clock.advance(step)
        assert (await client.get(f"{STUDIO}/stream-status")).json() == {"live": False}
        sandbox.clock.advance(10)
        assert (await client.get(f"{STUDIO}/stream-status")).json() == {"live": False}


async def test_a_studio_without_an_enabled_destination_goes_live_to_nowhere() -> None:
    """The documents name no refusal for it, so there is none."""
    async with connected(still()) as client:
        begun = await client.post("/v1/studios/studio_60/go-live")
    assert begun.json()["destinationIds"] == []


# Chat


async def texts(client: httpx.AsyncClient, limit: int = 200) -> list[str]:
    """What the chat of the Friday show says, in the order of the answer."""
    page = await client.get(f"{STUDIO}/chat/messages", params={"limit": limit})
    return [message["text"] for message in page.json()["data"]]


async def test_chat_flows_while_a_studio_is_live_and_only_then() -> None:
    """Viewers speak as the clock moves, some of them with ill intent, until the studio is off."""
    sandbox = still()
    async with connected(sandbox) as client:
        past = await texts(client)
        sandbox.clock.advance(600)
        assert await texts(client) == past
        await client.post(f"{STUDIO}/go-live")
        sandbox.clock.advance(3 + 0.9)
        assert await texts(client) == past
        sandbox.clock.advance(0.1)
        assert await texts(client) == [*past, "We are on! Hello from Lisbon"]
        sandbox.clock.advance(39)
        during = await texts(client)
        assert set(HOSTILE) <= set(during)
        await client.post(f"{STUDIO}/go-offline")
        sandbox.clock.advance(1)
        after = await texts(client)
        sandbox.clock.advance(600)
        assert await texts(client) == after
    assert len(past) < len(during) <= len(after)


async def test_what_viewers_said_is_not_lost_when_the_next_show_begins() -> None:
    """A broadcast whose chat nobody read is still told in full before the next one's."""
    sandbox = still()
    async with connected(sandbox) as client:
        for _ in range(2):
            await client.post(f"{STUDIO}/go-live")
            sandbox.clock.advance(3 + 7)
            await client.post(f"{STUDIO}/go-offline")
            sandbox.clock.advance(1)
        assert (await texts(client)).count(HOSTILE[0]) == 2


async def test_the_same_show_has_the_same_chat_however_often_it_is_read() -> None:
    """Reading more often changes neither ids nor words nor times."""

    async def shown(*, steps: int) -> object:
        sandbox = still()
        async with connected(sandbox) as client:
            await client.post(f"{STUDIO}/go-live")
            for _ in range(steps):
                sandbox.clock.advance(120 / steps)
                page = await client.get(f"{STUDIO}/chat/messages", params={"limit": 200})
        return page.json()

    assert await shown(steps=1) == await shown(steps=30)


async def test_a_sent_message_is_among_the_most_recent() -> None:
    """201 with its id; `limit` bounds the page from the recent end; a lone surrogate survives."""
    async with connected(still()) as client:
        await client.post(f"{STUDIO}/chat/messages", content=b'{"text": "odd \\ud800"}')
        body = {"text": "Hello all", "platforms": ["twitch", "youtube"]}
        sent = await client.post(f"{STUDIO}/chat/messages", json=body)
        page = await client.get(f"{STUDIO}/chat/messages", params={"limit": 1})
        assert await texts(client, 2) == ["odd ?", "Hello all"]
    assert sent.status_code == 201
    (message,) = page.json()["data"]
    assert message["id"] == sent.json()["messageId"]
    assert (message["text"], message["platform"]) == ("Hello all", "twitch")
    assert "nextCursor" not in page.json()


# Media


async def reserve(client: httpx.AsyncClient, size: int = 4) -> dict[str, Any]:
    """Begin an upload of `size` bytes."""
    body = {"filename": "clip.mp4", "contentType": "video/mp4", "byteSize": size}
    reserved: dict[str, Any] = (await client.post("/v1/media", json=body)).json()
    return reserved


async def status_of(client: httpx.AsyncClient, asset: str) -> str:
    """An asset's status, as the list tells it."""
    listed = (await client.get("/v1/media")).json()["data"]
    return str(next(item["status"] for item in listed if item["id"] == asset))


@pytest.mark.parametrize(("content", "outcome"), [(b"1234", "READY"), (b"12345", "FAILED")])
async def test_uploaded_bytes_are_processed(content: bytes, outcome: str) -> None:
    """The URL takes the bytes without a key; the right number becomes READY, a wrong one FAILED."""
    sandbox = still()
    async with connected(sandbox) as client, connected(sandbox, None) as anyone:
        upload = await reserve(client)
        assert upload["uploadUrl"].startswith("http://127.0.0.1:8766/uploads/")
        assert await status_of(client, upload["assetId"]) == "UPLOADING"
        assert (await anyone.put(upload["uploadUrl"], content=content)).status_code == 200
        sandbox.clock.advance(2)
        assert await status_of(client, upload["assetId"]) == outcome


@pytest.mark.parametrize(("waited", "status"), [(899, 200), (900, 403)])
async def test_an_upload_url_is_short_lived_and_works_once(waited: float, status: int) -> None:
    """A quarter of an hour of the clock, and never a second time."""
    sandbox = still()
    async with connected(sandbox) as client:
        url = (await reserve(client))["uploadUrl"]
        sandbox.clock.advance(waited)
        assert (await client.put(url, content=b"1234")).status_code == status
        assert (await client.put(url, content=b"1234")).status_code == 403


# Clock and log


def test_a_running_clock_runs_and_no_clock_turns_back() -> None:
    """Real by default, moved only forward."""
    clock, stopped = Clock(), Clock.frozen(at=100)
    before = clock.now()
    clock.advance(60)
    assert clock.now() >= before + 60
    assert stopped.now() == stopped.now() == 100
    with pytest.raises(ValueError, match="forward"):
        stopped.advance(-1)


async def test_everything_that_arrives_is_written_down() -> None:
    """Method, path as sent, query, body and whose key; mutations are counted apart."""
    sandbox = still()
    async with connected(sandbox) as client:
        await client.get("/v1/studios?limit=2", headers={"X-Request-Id": "one"})
        await client.patch("/v1/studios/a%2Fb", json={"name": "x"})
        await client.get("/v1/nope", headers={"X-API-Key": "sk_live_unknown"})
    first, second, third = sandbox.requests
    assert (first.method, first.path, first.query) == ("GET", "/v1/studios", {"limit": "2"})
    assert (first.key_name, first.request_id, first.body_json) == ("full", "one", None)
    assert (second.path, second.body_json) == ("/v1/studios/a%2Fb", {"name": "x"})
    assert third.key_name is None
    assert sandbox.mutations == [second]
    assert SANDBOX_KEY not in repr(first)
