"""How a client's document is read: real TLS on loopback, and hosts that misbehave."""

from __future__ import annotations

import asyncio
import gzip
import json
import socket
import threading
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

import anyio
import pytest

from tests.support.document_server import (
    HOST,
    HOSTS,
    LOOPBACK,
    DocumentServer,
    answer_of,
    document,
    json_answer,
    serving_documents,
)
from tests.support.server_process import PATIENCE_SECONDS
from tests.support.still_clock import StillClock
from trax_mcp.sign_in import client_documents
from trax_mcp.sign_in.attempts import TooManyAttempts
from trax_mcp.sign_in.client_documents import MAX_WAITING, STALE_SECONDS, ClientDocuments
from trax_mcp.sign_in.client_metadata import ClientRefused
from trax_mcp.sign_in.document_fetch import Withdrawn, resolve_host
from trax_mcp.sign_in.grants import OAuthClient
from trax_mcp.sign_in.redirect_uris import is_loopback_uri

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

pytestmark = pytest.mark.slow

PERSON = "8.8.8.8"
CANARY = "canary-7f3a"
SOON = 0.5
"""A time-out for hosts that never end."""


@pytest.fixture
async def server() -> AsyncIterator[DocumentServer]:
    """A server of good documents."""
    async with serving_documents() as serving:
        yield serving


async def refusal(documents: ClientDocuments, client_id: str, address: str = PERSON) -> str:
    """What a person reads when the client is refused."""
    with anyio.fail_after(PATIENCE_SECONDS), pytest.raises(ClientRefused) as refused:
        await documents.find(client_id, address)
    sentence = str(refused.value)
    assert "Nothing was allowed." in sentence
    assert CANARY not in sentence
    return sentence


async def test_a_client_is_what_its_document_says(server: DocumentServer) -> None:
    found = await server.documents().find(server.client_id(), PERSON)

    assert found == OAuthClient(
        id=server.client_id(),
        name="Example Client",
        redirect_uris=("https://client.example/callback", "http://localhost/callback"),
        host=HOST,
    )


async def test_a_document_is_asked_for_by_its_exact_path_at_the_checked_address(
    server: DocumentServer,
) -> None:
    """With no trace of any other request, uncompressed, and under the name of its host."""
    path = "/a;b=c/%7Euser/(x)'*!$&+,:@~_-.json"
    await server.documents().find(server.client_id(path=path), PERSON)

    [request] = server.requests
    lines = request.split("\r\n")
    assert lines[0] == f"GET {path} HTTP/1.1"
    headers = {name.lower(): value for name, _, value in (it.partition(": ") for it in lines[1:])}
    assert headers["host"] == f"{HOST}:{server.port}"
    assert headers["accept"] == "application/json"
    assert headers["accept-encoding"] == "identity"
    assert not headers.keys() & {"cookie", "authorization", "referer", "x-forwarded-for"}
    assert server.server_names == [HOST]


async def test_the_environment_does_not_send_the_read_through_a_proxy(
    server: DocumentServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")

    await server.documents().find(server.client_id(), PERSON)


async def test_a_certificate_for_another_host_is_refused(server: DocumentServer) -> None:
    sentence = await refusal(server.documents(), server.client_id("not-in-it.example"))

    assert "cannot be reached over HTTPS" in sentence
    assert server.requests == []


async def test_a_certificate_that_no_known_authority_has_issued_is_refused() -> None:
    async with serving_documents(is_trusted=False) as server:
        await refusal(server.documents(), server.client_id())

        assert server.requests == []


@pytest.mark.parametrize(
    "addresses",
    [
        (),
        ("10.0.0.1",),
        ("169.254.169.254",),
        ("127.0.0.1", "10.0.0.1"),
        ("10.0.0.1", "127.0.0.1"),
        ("127.0.0.1", "fd00:ec2::254"),
    ],
)
async def test_a_host_with_any_address_that_is_not_public_is_not_connected_to(
    server: DocumentServer, addresses: Sequence[str]
) -> None:
    documents = server.documents(addresses={HOST: addresses})

    sentence = await refusal(documents, server.client_id())

    assert f"{HOST} has no address on the public internet" in sentence
    assert server.server_names == []


async def test_by_the_real_rule_loopback_is_not_connected_to(server: DocumentServer) -> None:
    async def resolve(_host: str) -> Sequence[str]:
        return (LOOPBACK,)

    documents = ClientDocuments(StillClock(), resolve=resolve, tls=server.tls)

    await refusal(documents, server.client_id())
    assert server.server_names == []


async def test_a_name_that_resolves_otherwise_a_moment_later_changes_nothing(
    server: DocumentServer,
) -> None:
    """The name is asked for once, and its address is connected to as it was checked."""
    asked: list[str] = []
    checked: list[str] = []

    async def resolve(host: str) -> Sequence[str]:
        asked.append(host)
        return (LOOPBACK,) if len(asked) == 1 else ("10.0.0.1",)

    def is_public(ip: str) -> bool:
        checked.append(ip)
        return ip == LOOPBACK

    clock = StillClock()
    documents = ClientDocuments(clock, resolve=resolve, is_public=is_public, tls=server.tls)
    await documents.find(server.client_id(), PERSON)
    assert (asked, checked) == ([HOST], [LOOPBACK])

    clock.at += 3600
    await refusal(documents, server.client_id())
    assert len(server.requests) == 1


async def test_the_next_address_is_tried_if_one_cannot_be_reached(server: DocumentServer) -> None:
    documents = server.documents(addresses={HOST: ("127.0.0.2", LOOPBACK)})

    await documents.find(server.client_id(), PERSON)


@pytest.mark.parametrize(
    "status", ["301 Moved", "302 Found", "303 See Other", "307 Temporary", "308 Permanent"]
)
async def test_a_redirect_from_a_document_is_not_followed(
    server: DocumentServer, status: str
) -> None:
    where = server.client_id("other.example")
    headers = {"Location": where}
    server.answers[HOST] = json_answer(document(server.client_id()), status=status, headers=headers)

    sentence = await refusal(server.documents(), server.client_id())

    assert f"answers with HTTP {status[:3]}" in sentence
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    "status", ["204 No Content", "206 Partial", "401 No", "404 No", "410 Gone", "500 canary-7f3a"]
)
async def test_another_status_than_ok_is_refused(server: DocumentServer, status: str) -> None:
    server.answers[HOST] = json_answer(document(server.client_id()), status=status)

    await refusal(server.documents(), server.client_id())


@pytest.mark.parametrize(
    "content_type",
    ["", "text/html", "text/plain", "application/octet-stream", "text/json", "image/svg+json", "*"],
)
async def test_another_content_type_than_json_is_refused(
    server: DocumentServer, content_type: str
) -> None:
    """A host that keeps its users' files must not speak for them."""
    answer = json_answer(document(server.client_id()), headers={"Content-Type": content_type})
    server.answers[HOST] = answer

    assert "does not send JSON" in await refusal(server.documents(), server.client_id())


@pytest.mark.parametrize(
    "content_type",
    ["application/json; charset=utf-8", "Application/JSON", "application/oauth-client+json"],
)
async def test_each_spelling_of_json_is_read(server: DocumentServer, content_type: str) -> None:
    answer = json_answer(document(server.client_id()), headers={"Content-Type": content_type})
    server.answers[HOST] = answer

    await server.documents().find(server.client_id(), PERSON)


@pytest.mark.parametrize("encoding", ["gzip", "br", "deflate", "identity, gzip", "GZIP"])
async def test_a_compressed_document_is_not_decompressed(
    server: DocumentServer, encoding: str
) -> None:
    body = gzip.compress(json.dumps(document(server.client_id())).encode())
    server.answers[HOST] = answer_of(body, headers={"Content-Encoding": encoding})

    assert "compresses it" in await refusal(server.documents(), server.client_id())


async def test_a_document_of_five_kilobytes_is_read_and_a_larger_one_is_not(
    server: DocumentServer,
) -> None:
    body = json.dumps(document(server.client_id())).encode()
    server.answers[HOST] = answer_of(body.ljust(5 * 1024))
    await server.documents().find(server.client_id(), PERSON)

    server.answers[HOST] = answer_of(body.ljust(5 * 1024 + 1))
    assert "more than a description" in await refusal(server.documents(), server.client_id())


async def test_an_answer_without_end_is_cut_off(server: DocumentServer) -> None:
    sent = 0

    async def flood(writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        writer.write(
            b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
            b"Transfer-Encoding: chunked\r\n\r\n"
        )
        while True:
            writer.write(b"1000\r\n" + b" " * 0x1000 + b"\r\n")
            sent += 0x1000
            await writer.drain()

    server.answers[HOST] = flood
    await refusal(server.documents(), server.client_id())

    with anyio.fail_after(PATIENCE_SECONDS):
        while server.connections:
            await anyio.lowlevel.checkpoint()
    assert sent < 100 * 1024 * 1024


@pytest.mark.parametrize(
    "drip",
    [
        b"",
        b"H",
        b"HTTP/1.1 100 Continue\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX-Slow: ",
        b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 4000\r\n\r\n ",
    ],
)
async def test_a_host_that_sends_drop_by_drop_is_given_up(
    server: DocumentServer, drip: bytes
) -> None:
    async def trickle(writer: asyncio.StreamWriter) -> None:
        writer.write(drip)
        while not writer.is_closing():
            writer.write(drip if b"100" in drip else drip[-1:])
            await writer.drain()
            await anyio.sleep(0.01)

    server.answers[HOST] = trickle
    documents = server.documents(timeout_seconds=SOON)

    assert "does not answer in time" in await refusal(documents, server.client_id())


async def test_the_connection_to_a_host_that_never_begins_tls_is_closed() -> None:
    """A host that could keep it open would take one after the other, until none is left."""
    closed = asyncio.Event()

    async def hang(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()  # until the other end closes
        writer.close()
        closed.set()

    async with await asyncio.start_server(hang, LOOPBACK, 0) as hanging:
        server = DocumentServer(port=hanging.sockets[0].getsockname()[1])
        await refusal(server.documents(timeout_seconds=SOON), server.client_id())

        async with asyncio.timeout(PATIENCE_SECONDS):
            await closed.wait()


async def test_a_name_server_that_never_answers_is_given_up() -> None:
    async def resolve(_host: str) -> Sequence[str]:
        await anyio.sleep_forever()
        raise AssertionError

    documents = ClientDocuments(StillClock(), resolve=resolve, timeout_seconds=SOON)

    assert "in time" in await refusal(documents, "https://client.example/client.json")


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"\x00\x01\x02",
        b"HTTP/1.1 200 OK\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 90\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 50_000 + b"\r\n",
        b"HTTP/1.1 302 Found\r\nLocation: https://[\r\n\r\n",
        b"HTTP/0.9 canary-7f3a\r\n\r\n",
    ],
)
async def test_an_answer_that_is_not_http_is_refused(server: DocumentServer, answer: bytes) -> None:
    server.answers[HOST] = answer

    await refusal(server.documents(), server.client_id())


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


@pytest.mark.parametrize(
    ("cache_control", "seconds"),
    [
        ("", 300),
        ("no-store", 300),
        ("max-age=0", 300),
        ("public, max-age=1000", 1000),
        ("Max-Age=1000", 1000),
        ("max-age=999999999", 3600),
        ("max-age=99999999999999999999", 3600),
        ("max-age=-1", 300),
    ],
)
async def test_a_document_is_read_again_after_the_time_that_it_names_within_bounds(
    server: DocumentServer, cache_control: str, seconds: int
) -> None:
    server.answers[HOST] = json_answer(
        document(server.client_id()), headers={"Cache-Control": cache_control}
    )
    clock = StillClock()
    documents = server.documents(clock)
    await documents.find(server.client_id(), PERSON)

    clock.at += seconds - 1
    await documents.find(server.client_id(), PERSON)
    assert len(server.requests) == 1

    clock.at += 1
    changed = document(server.client_id(), client_name="New Name")
    server.answers[HOST] = json_answer(changed)
    assert (await documents.find(server.client_id(), PERSON)).name == "New Name"


async def test_a_document_that_cannot_be_read_again_counts_for_a_day(
    server: DocumentServer,
) -> None:
    clock = StillClock()
    documents = server.documents(clock)
    read_at = clock.at
    client = await documents.find(server.client_id(), PERSON)

    server.answers[HOST] = json_answer({}, status="503 No")
    clock.at += 300
    assert await documents.find(server.client_id(), PERSON) == client
    assert await documents.find(server.client_id(), PERSON) == client
    assert len(server.requests) == 2, "for a minute, nobody waits for a host that is down"
    while clock.at < read_at + STALE_SECONDS - 3600:
        clock.at += 3600
        assert await documents.find(server.client_id(), PERSON) == client

    clock.at = read_at + STALE_SECONDS
    await refusal(documents, server.client_id())


@pytest.mark.parametrize(
    "answer",
    [
        json_answer({}, status="404 Not Found"),
        json_answer({}, status="410 Gone"),
        json_answer({}),
        json_answer(document("https://other.example/client.json")),
    ],
)
async def test_a_document_that_was_withdrawn_counts_no_more(
    server: DocumentServer, answer: bytes
) -> None:
    clock = StillClock()
    documents = server.documents(clock)
    await documents.find(server.client_id(), PERSON)
    clock.at += 3600

    server.answers[HOST] = answer
    await refusal(documents, server.client_id())
    server.answers[HOST] = json_answer({}, status="503 No")
    await refusal(documents, server.client_id())


CLAUDE = "https://claude.ai/oauth/mcp-oauth-client-metadata"
CLAUDE_CODE = "https://claude.ai/oauth/claude-code-client-metadata"


async def test_claude_is_known_where_its_host_turns_this_server_away() -> None:
    """Its document has another port here, so the read fails as it does behind such a host."""

    async def resolve(_host: str) -> Sequence[str]:
        return ("127.0.0.2",)

    documents = ClientDocuments(StillClock(), resolve=resolve, is_public=bool)

    claude, claude_code = [await documents.find(it, PERSON) for it in (CLAUDE, CLAUDE_CODE)]

    assert (claude.name, claude_code.name) == ("Claude", "Claude Code")
    assert claude.redirect_uris == ("https://claude.ai/api/mcp/auth_callback",)
    assert [claude.host, claude_code.host] == ["claude.ai", "claude.ai"]
    for redirect_uri in claude_code.redirect_uris:
        assert is_loopback_uri(redirect_uri)


async def test_a_known_client_counts_no_more_once_its_document_is_withdrawn() -> None:
    async def fetch(*_arguments: object, **_options: object) -> tuple[bytes, str]:
        raise Withdrawn

    with patch.object(client_documents, "fetch_document", fetch):
        await refusal(ClientDocuments(StillClock()), CLAUDE)


async def test_the_document_of_a_known_client_counts_if_it_can_be_read() -> None:
    async def fetch(*_arguments: object, **_options: object) -> tuple[bytes, str]:
        return json.dumps(document(CLAUDE, client_name="Claude of today")).encode(), ""

    with patch.object(client_documents, "fetch_document", fetch):
        found = await ClientDocuments(StillClock()).find(CLAUDE, PERSON)

    assert found.name == "Claude of today"


async def test_a_failed_read_of_a_document_is_not_kept(server: DocumentServer) -> None:
    documents = server.documents(StillClock())
    server.answers[HOST] = json_answer({}, status="503 No")
    await refusal(documents, server.client_id())

    del server.answers[HOST]
    await documents.find(server.client_id(), PERSON)


async def test_a_limit_does_not_end_a_client_that_is_known(server: DocumentServer) -> None:
    clock = StillClock()
    documents = server.documents(clock)
    client = await documents.find(server.client_id(), PERSON)
    clock.at += 300
    for number in range(29):
        await documents.find(server.client_id(path=f"/{number}"), PERSON)

    assert await documents.find(server.client_id(), PERSON) == client
    clock.at += 60
    with pytest.raises(TooManyAttempts):
        await documents.find(server.client_id(path="/new"), PERSON)
    assert await documents.find(server.client_id(), PERSON) == client


async def test_each_id_is_a_client_of_its_own(server: DocumentServer) -> None:
    """Ids that differ by a slash, or by the case of a letter, share nothing that is kept."""
    documents = server.documents()
    ids = [server.client_id(path=path) for path in ("/client", "/client/", "/Client", "/clien%74")]

    found = [await documents.find(client_id, PERSON) for client_id in ids]

    assert [it.id for it in found] == ids
    assert len(server.requests) == 4


async def test_the_same_document_under_another_id_is_refused(server: DocumentServer) -> None:
    server.answers[HOST] = json_answer(document(server.client_id()))
    documents = server.documents()
    await documents.find(server.client_id(), PERSON)

    for path in ("/oauth/client.json/", "/oauth/Client.json", "/oauth/client%2ejson"):
        assert "another client" in await refusal(documents, server.client_id(path=path))


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
