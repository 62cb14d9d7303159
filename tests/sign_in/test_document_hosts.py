"""How a client's document is read: real TLS on loopback, and hosts that misbehave."""

from __future__ import annotations

import asyncio
import gzip
import json
from typing import TYPE_CHECKING

import anyio
import pytest

from tests.support.document_server import (
    HOST,
    LOOPBACK,
    PERSON,
    SOON,
    DocumentServer,
    answer_of,
    document,
    json_answer,
    refusal,
    serving_documents,
)
from tests.support.product.still_clock import StillClock
from tests.support.server_process import PATIENCE_SECONDS
from trax_mcp.sign_in.client_documents import ClientDocuments
from trax_mcp.sign_in.grants import OAuthClient

if TYPE_CHECKING:
    from collections.abc import Sequence

pytestmark = pytest.mark.slow


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
