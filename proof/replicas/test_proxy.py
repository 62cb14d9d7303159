"""Clients of both protocol eras behind a real HAProxy, with the configuration that is shipped."""

from __future__ import annotations

import asyncio
import signal
import ssl
from collections import Counter
from contextlib import suppress
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import anyio
import httpx
import pytest
import pytest_asyncio
from mcp import Client

from proof.replicas.proxied_replicas import ProxiedReplicas, proxied_replicas, shipped_proxy
from tests.support.certificates import write_certificate
from tests.support.consent_clients import SECOND_KEY
from tests.support.guarded_calls import AUTO_GO_LIVE, GO_LIVE
from tests.support.served_app import plain_http
from tests.support.server_process import PATIENCE_SECONDS
from tests.support.simulated_person import Person, agreeing
from tests.support.subscribers import CHAT, say, subscriber_on
from tests.world.wire import ERAS, LEGACY, MODERN, request

if TYPE_CHECKING:
    from asyncio import StreamReader, StreamWriter
    from collections.abc import AsyncIterator
    from pathlib import Path

pytestmark = pytest.mark.asyncio(loop_scope="module")

CLIENTS = 6


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def proxied() -> AsyncIterator[ProxiedReplicas]:
    """Two replicas behind the proxy, for all tests of this module."""
    async with proxied_replicas() as proxied:
        yield proxied


async def use_lists(connection: Any, era: str, *, times: int = 3) -> None:  # noqa: ANN401  what `Client` takes
    """Read every list, and call a tool, as one client."""
    async with Client(connection, mode=era, cache=None) as client:
        for _ in range(times):
            assert (await client.list_tools()).tools
            assert (await client.list_prompts()).prompts
            assert (await client.list_resources()).resources
            assert not (await client.call_tool("list_studios", {})).is_error


async def test_clients_of_both_eras_work_behind_the_proxy(proxied: ProxiedReplicas) -> None:
    """Lists, forms and subscriptions; and each session stays with its replica."""
    async with asyncio.TaskGroup() as tasks:
        for era in ERAS:
            for _ in range(CLIENTS):
                tasks.create_task(use_lists(await proxied.connection(), era))
    for era in ERAS:
        person = Person()
        person.answer_with(agreeing)
        client = Client(
            await proxied.connection(), mode=era, cache=None, elicitation_callback=person
        )
        async with client:
            done = await client.call_tool(AUTO_GO_LIVE.tool, AUTO_GO_LIVE.arguments)
            assert not done.is_error
        assert len(person.forms) == 1
        async with subscriber_on(await proxied.connection(), era) as subscriber:
            await subscriber.subscribe(CHAT)
            cursor = await subscriber.cursor()
            say(proxied.trax, "Hello")
            await subscriber.wait_for_updates()
            assert await subscriber.texts(after=cursor) == ["Hello"]
    assert proxied.count(AUTO_GO_LIVE) == len(ERAS)


async def test_clients_of_both_eras_work_over_https(
    proxied: ProxiedReplicas, tmp_path: Path
) -> None:
    """With a certificate, the proxy speaks nothing else: HTTP/2 to who can, and HTTP/1.1."""
    write_certificate(tmp_path)
    trusted, both = tmp_path / "authority.pem", tmp_path / "both.pem"
    names = (f"127.0.0.1:{it.port}" for it in proxied.both)
    async with shipped_proxy(*names, PROXY_CERTIFICATE=str(both)) as (address, _):
        for era in ERAS:
            connection = await proxied.connection(address=address, trusted=trusted)
            await use_lists(connection, era, times=1)
        port, trusting = int(address.rpartition(":")[2]), ssl.create_default_context()
        trusting.load_verify_locations(trusted)
        for protocol in ("h2", "http/1.1"):
            trusting.set_alpn_protocols([protocol])
            _, writer = await asyncio.open_connection("127.0.0.1", port, ssl=trusting)
            assert writer.get_extra_info("ssl_object").selected_alpn_protocol() == protocol
            writer.close()
        async with plain_http(f"http://127.0.0.1:{port}") as http:
            with pytest.raises(httpx.RemoteProtocolError):
                await http.get("/mcp")


async def test_a_stolen_session_id_opens_nothing(proxied: ProxiedReplicas) -> None:
    """Neither behind the proxy nor on one of the replicas; its owner goes on."""
    owner = await proxied.caller(LEGACY)
    await owner.open()
    for address in (proxied.address, *(it.address for it in proxied.both)):
        thief = await proxied.caller(LEGACY, key=SECOND_KEY, address=address)
        thief.session = owner.session
        answer = await thief.post(request(LEGACY, "tools/list", {}))
        assert answer.status_code == HTTPStatus.NOT_FOUND
    assert not (await owner.call("list_studios")).get("isError")


async def test_health_is_not_shown_to_callers_of_the_proxy(proxied: ProxiedReplicas) -> None:
    """It is between the proxy and the replicas."""
    http = (await proxied.caller(MODERN)).http
    for path in ("/readyz", "/%72eadyz", "/healthz", "/%68ealthz"):
        assert (await http.get(path)).status_code == HTTPStatus.NOT_FOUND


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
    port = replica.sockets[0].getsockname()[1]
    name = f"127.0.0.1:{port}"
    async with shipped_proxy(name, name) as (address, _), plain_http(address) as http:
        for _ in range(CLIENTS):
            assert (await http.get("/mcp")).status_code == HTTPStatus.OK
    replica.close()
    assert (requests.total(), max(requests.values())) == (CLIENTS, 1)


async def test_a_rolling_restart_loses_no_read_and_no_yes(proxied: ProxiedReplicas) -> None:
    """Each replica drains and starts again, while readers read and a yes waits."""
    bot = await proxied.caller(MODERN)
    shown = await bot.call(GO_LIVE.tool, **GO_LIVE.arguments)
    evidence = {"confirm": True, "confirmation": shown["structuredContent"]["confirmation"]}
    reads = 0

    async def read_on() -> None:
        nonlocal reads
        reader = await proxied.caller(MODERN)
        while True:
            assert not (await reader.call("list_studios")).get("isError")
            reads += 1

    async with anyio.create_task_group() as tasks:
        for _ in range(CLIENTS):
            tasks.start_soon(read_on)
        for replica in proxied.both:
            before = reads
            await replica.restart()
            assert reads > before
        tasks.cancel_scope.cancel()
    done = await bot.call(GO_LIVE.tool, **GO_LIVE.arguments, **evidence)
    assert not done.get("isError"), done
    assert proxied.count(GO_LIVE) == 1


async def test_a_session_outlives_the_drain_of_its_replica_but_not_its_end(
    proxied: ProxiedReplicas,
) -> None:
    """The next replica answers 404, so that the client opens a new session."""
    sessions = [await proxied.caller(LEGACY) for _ in range(CLIENTS)]
    for it in sessions:
        await it.open()

    async def statuses() -> set[int]:
        return {(await it.post(request(LEGACY, "tools/list", {}))).status_code for it in sessions}

    first, _ = proxied.both
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(proxied.next_down())
        await asyncio.sleep(0)
        first.running.process.send_signal(signal.SIGTERM)
    assert await statuses() == {HTTPStatus.OK}
    async with asyncio.timeout(PATIENCE_SECONDS):
        await first.running.process.wait()
    assert await statuses() == {HTTPStatus.OK, HTTPStatus.NOT_FOUND}
