"""How many documents are read at once, and for whom."""

from __future__ import annotations

import asyncio
import socket
import threading
from typing import TYPE_CHECKING, Any

import anyio
import pytest

from tests.support.document_server import (
    HOST,
    HOSTS,
    PERSON,
    SOON,
    DocumentServer,
    document,
    json_answer,
    refusal,
)
from tests.support.product.still_clock import StillClock
from tests.support.server_process import PATIENCE_SECONDS
from trax_mcp.sign_in.attempts import TooManyAttempts
from trax_mcp.sign_in.client_documents import MAX_WAITING, ClientDocuments
from trax_mcp.sign_in.document_fetch import resolve_host

if TYPE_CHECKING:
    from collections.abc import Sequence

pytestmark = pytest.mark.slow


async def test_a_slow_host_does_not_hold_up_another(server: DocumentServer) -> None:
    """Three reads of one host go on at a time, so some are always left for others."""
    released = asyncio.Event()

    async def hold(_writer: asyncio.StreamWriter) -> None:
        await released.wait()

    server.answers[HOST] = hold
    documents = server.documents()
    async with asyncio.timeout(PATIENCE_SECONDS), asyncio.TaskGroup() as tasks:
        for number in range(3):
            slow = server.client_id(path=f"/{number}")
            tasks.create_task(refusal(documents, slow, f"8.8.8.{number}"))
        while len(server.requests) < 3:
            await anyio.lowlevel.checkpoint()
        with pytest.raises(TooManyAttempts) as busy:
            await documents.find(server.client_id(path="/4"), "8.8.4.4")
        assert busy.value.retry_after == 5

        found = await documents.find(server.client_id("other.example"), PERSON)
        assert found.host == "other.example"
        released.set()


async def test_one_customer_cannot_occupy_all_reads(server: DocumentServer) -> None:
    released = asyncio.Event()

    async def hold(_writer: asyncio.StreamWriter) -> None:
        await released.wait()

    documents = server.documents()
    async with asyncio.timeout(PATIENCE_SECONDS), asyncio.TaskGroup() as tasks:
        for number, host in enumerate(HOSTS[:3]):
            server.answers[host] = hold
            slow = server.client_id(host)
            tasks.create_task(refusal(documents, slow, f"2606:4700:1:1::{number}"))
        while len(server.requests) < 3:
            await anyio.lowlevel.checkpoint()
        with pytest.raises(TooManyAttempts):
            await documents.find(server.client_id("fifth.example"), "2606:4700:1:1::9")
        await documents.find(server.client_id("fifth.example"), "2606:4700:1:2::9")
        released.set()


async def test_an_address_has_thirty_documents_read_within_ten_minutes(
    server: DocumentServer,
) -> None:
    clock = StillClock()
    documents = server.documents(clock)
    for number in range(30):
        await documents.find(server.client_id(path=f"/{number}"), PERSON)

    with pytest.raises(TooManyAttempts) as refused:
        await documents.find(server.client_id(path="/30"), PERSON)
    assert refused.value.retry_after == 600
    await documents.find(server.client_id(path="/29"), PERSON)
    await documents.find(server.client_id(path="/30"), "8.8.4.4")
    assert len(server.requests) == 31


async def test_all_who_wait_for_a_document_share_one_read(server: DocumentServer) -> None:
    released = asyncio.Event()
    body = json_answer(document(server.client_id()))

    async def hold(writer: asyncio.StreamWriter) -> None:
        await released.wait()
        writer.write(body)
        await writer.drain()

    server.answers[HOST] = hold
    documents = server.documents()
    async with asyncio.timeout(PATIENCE_SECONDS), asyncio.TaskGroup() as tasks:
        reads = [
            tasks.create_task(documents.find(server.client_id(), f"8.8.8.{number}"))
            for number in range(20)
        ]
        while not server.requests:
            await anyio.lowlevel.checkpoint()
        released.set()

    assert len({read.result() for read in reads}) == 1
    assert len(server.requests) == 1


async def test_only_so_many_wait_for_a_document() -> None:
    """Each occupies a connection, which others may need for a stop."""

    async def never(_host: str) -> Sequence[str]:
        await anyio.sleep_forever()
        return ()

    documents = ClientDocuments(StillClock(), resolve=never)
    async with anyio.create_task_group() as tasks:
        for number in range(1 + MAX_WAITING):
            tasks.start_soon(documents.find, f"https://{HOST}/client", f"8.8.8.{number}")
        await anyio.wait_all_tasks_blocked()
        with pytest.raises(TooManyAttempts), anyio.fail_after(SOON):
            await documents.find(f"https://{HOST}/client", "8.8.4.4")
        tasks.cancel_scope.cancel()


async def test_a_request_that_waits_for_a_cancelled_read_reads_by_itself(
    server: DocumentServer,
) -> None:
    async def hold(_writer: asyncio.StreamWriter) -> None:
        del server.answers[HOST]
        await asyncio.Event().wait()

    server.answers[HOST] = hold
    documents = server.documents()
    async with asyncio.timeout(PATIENCE_SECONDS), asyncio.TaskGroup() as tasks:
        first = tasks.create_task(documents.find(server.client_id(), PERSON))
        while not server.requests:
            await anyio.lowlevel.checkpoint()
        second = tasks.create_task(documents.find(server.client_id(), "8.8.4.4"))
        await anyio.lowlevel.checkpoint()
        first.cancel()

    assert second.result().host == HOST
    assert len(server.requests) == 2


async def test_names_that_no_name_server_answers_take_no_more_than_their_own_threads(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A lookup cannot be cancelled, so it outlives its request. Others are not kept waiting."""
    released = threading.Event()
    asked: list[str] = []

    def look_up(host: str, *_arguments: object, **_options: object) -> list[Any]:
        asked.append(host)
        if host == "quick.example.":
            return [(2, 1, 6, "", ("8.8.8.8", 0)), (10, 1, 6, "", ("2606:4700::1", 0, 0, 0))]
        released.wait(PATIENCE_SECONDS)
        raise OSError

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    async with asyncio.timeout(PATIENCE_SECONDS):
        try:
            for number in range(40):
                with anyio.move_on_after(0.01):
                    await resolve_host(f"slow{number}.example")
            assert len(asked) == 16
            assert await anyio.to_thread.run_sync(lambda: "other work") == "other work"
        finally:
            released.set()
        found = await resolve_host("quick.example")
    assert found == ["8.8.8.8", "2606:4700::1"]
    assert len(asked) == 17, "a request that has ended asks nothing any more"
