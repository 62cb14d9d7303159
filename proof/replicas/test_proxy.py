"""Clients of both protocol eras behind a real HAProxy, with the configuration that is shipped."""

from __future__ import annotations

import asyncio
import ssl
from collections import Counter
from contextlib import suppress
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

import anyio
import httpx
import httpx2
import pytest
from mcp import Client
from mcp.client.streamable_http import streamable_http_client

from proof.replicas.proxied_replicas import proxied_replicas, shipped_proxy
from proof.replicas.replicas import replicas_on
from tests.support.certificates import write_certificate
from tests.support.guarded_calls import AUTO_GO_LIVE, GO_LIVE
from tests.support.http_clients import plain_http
from tests.support.simulated_person import Person, agreeing
from tests.world.answers import has_run
from tests.world.wire import ERAS, LEGACY, request
from tests.world.world import COLLEAGUE, MINE, Over

if TYPE_CHECKING:
    from asyncio import StreamReader, StreamWriter
    from pathlib import Path

    from proof.replicas.throwaway_engine import ThrowawayEngine
    from tests.world.wire import HttpWire
    from tests.world.world import World

CHAT: Final = "trax://studios/studio_42/chat"
CLIENTS: Final = 4
READERS: Final = 2


async def use_lists(client: Client) -> None:
    """Read every list, and call a tool."""
    assert (await client.list_tools()).tools
    assert (await client.list_prompts()).prompts
    assert (await client.list_resources()).resources
    assert has_run(await client.call_tool("list_studios", {}))


async def status(wire: HttpWire) -> int:
    """How a request is answered."""
    return (await wire.post(request(wire.era, "tools/list", {}))).status_code


async def test_clients_of_both_eras_work_behind_the_proxy(engine: ThrowawayEngine) -> None:
    """Lists, forms and subscriptions, over rolling restarts; and sessions of the earlier era.

    A stolen session id opens nothing, neither there nor past the proxy.
    """
    async with proxied_replicas(engine) as proxied:
        it = proxied.it
        await asyncio.gather(*(many_use(it, era) for era in ERAS for _ in range(CLIENTS)))
        for era in ERAS:
            person = Person(agreeing)
            asking = await it.caller(era=era, person=person)
            assert has_run(await asking.call(AUTO_GO_LIVE))
            assert len(person.forms) == 1
            await asking.subscribe(CHAT)
            cursor = (await asking.read(CHAT))["cursor"]
            it.trax.say("Hello")
            await asking.wait_for_updates()
            told = await asking.read(CHAT, after=cursor)
            assert [message["text"] for message in told["messages"]] == ["Hello"]
        assert it.sent == [AUTO_GO_LIVE.sent] * len(ERAS)
        owner = await it.wire(era=LEGACY)
        for at in range(3):
            thief = await it.wire(COLLEAGUE, era=LEGACY, at=at)
            thief.session = owner.session
            assert await status(thief) == HTTPStatus.NOT_FOUND
        assert await status(owner) == HTTPStatus.OK
        for path in ("/readyz", "/%72eadyz", "/healthz", "/%68ealthz"):
            assert (await owner.http.get(path)).status_code == HTTPStatus.NOT_FOUND


async def many_use(it: World, era: str) -> None:
    """Connect, and use each list a few times."""
    async with it.visitor(era=era) as caller:
        for _ in range(3):
            await use_lists(caller.client)


async def test_a_rolling_restart_loses_no_read_and_no_approval(engine: ThrowawayEngine) -> None:
    """Each replica drains and starts again, while readers read and an approval waits.

    A session outlives the drain of its replica, but not its end: the next replica answers 404, so
    that the client opens a new session.
    """
    reads = 0

    async def read_on(reader: HttpWire) -> None:
        nonlocal reads
        while True:
            assert not (await reader.call("list_studios")).get("isError")
            reads += 1

    async with proxied_replicas(engine) as proxied:
        it = proxied.it
        bot, sessions = await it.wire(), [await it.wire(era=LEGACY) for _ in range(CLIENTS)]
        shown = await bot.call(GO_LIVE.tool, **GO_LIVE.arguments)
        evidence = {"confirm": True, "confirmation": shown["structuredContent"]["confirmation"]}
        async with anyio.create_task_group() as tasks:
            for _ in range(READERS):
                tasks.start_soon(read_on, await it.wire())
            for at in (1, 2):
                before = reads
                await proxied.drain(at)
                answered = {await status(wire) for wire in sessions}
                await proxied.end(at)
                left = {await status(wire) for wire in sessions}
                if at == 1:
                    assert answered == {HTTPStatus.OK}
                    assert left == {HTTPStatus.OK, HTTPStatus.NOT_FOUND}
                await proxied.start(at)
                assert reads > before
            tasks.cancel_scope.cancel()
        done = await bot.call(GO_LIVE.tool, **GO_LIVE.arguments, **evidence)
        assert not done.get("isError"), done
        assert it.sent == [GO_LIVE.sent]


async def test_clients_of_both_eras_work_over_https(
    engine: ThrowawayEngine, tmp_path: Path
) -> None:
    """With a certificate, the proxy speaks nothing else: HTTP/2 to who can, and HTTP/1.1."""
    write_certificate(tmp_path)
    trusting = ssl.create_default_context(cafile=str(tmp_path / "authority.pem"))
    async with replicas_on(engine, over=Over.PROCESS) as it:
        names = [replica.address.removeprefix("http://") for replica in it.replicas]
        certificate = str(tmp_path / "both.pem")
        async with (
            shipped_proxy(*names, PROXY_CERTIFICATE=certificate) as (address, _),
            httpx2.AsyncClient(
                headers={"X-API-Key": MINE}, trust_env=False, verify=trusting, timeout=20
            ) as web,
        ):
            for era in ERAS:
                connection = streamable_http_client(f"{address}/mcp", http_client=web)
                async with Client(connection, mode=era, cache=None) as client:
                    await use_lists(client)
            port = int(address.rpartition(":")[2])
            for protocol in ("h2", "http/1.1"):
                trusting.set_alpn_protocols([protocol])
                _, writer = await asyncio.open_connection("127.0.0.1", port, ssl=trusting)
                assert writer.get_extra_info("ssl_object").selected_alpn_protocol() == protocol
                writer.close()
            async with plain_http(f"http://127.0.0.1:{port}") as http:
                with pytest.raises(httpx.RemoteProtocolError):
                    await http.get("/mcp")


async def test_the_proxy_sends_no_request_on_a_connection_that_a_replica_may_close() -> None:
    """It could not tell whether the replica got it. A replica closes what is idle."""
    requests: Counter[object] = Counter()

    async def answer(reader: StreamReader, writer: StreamWriter) -> None:
        with suppress(asyncio.IncompleteReadError, OSError):
            while head := await reader.readuntil(b"\r\n\r\n"):
                requests[writer] += b"/readyz" not in head
                writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")
        writer.close()

    replica = await asyncio.start_server(answer, "127.0.0.1", 0)
    name = f"127.0.0.1:{replica.sockets[0].getsockname()[1]}"
    async with shipped_proxy(name, name) as (address, _), plain_http(address) as http:
        for _ in range(CLIENTS):
            assert (await http.get("/mcp")).status_code == HTTPStatus.OK
    replica.close()
    assert (requests.total(), max(requests.values())) == (CLIENTS, 1)
