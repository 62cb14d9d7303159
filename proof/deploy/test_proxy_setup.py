"""How the shipped configuration of HAProxy is set up: names, what it logs and counts, its user."""

from __future__ import annotations

import asyncio
import os
import re
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

import httpx
import pytest

from proof.deploy.name_server import NameServer, name_server
from proof.replicas.proxied_replicas import CONFIGURATION, shipped_proxy
from tests.support.certificates import write_certificate
from tests.support.http_clients import plain_http
from tests.support.loopback_ports import held_port
from tests.support.server_process import PATIENCE_SECONDS

if TYPE_CHECKING:
    from asyncio import StreamReader, StreamWriter
    from collections.abc import AsyncIterator, Container

NAME: Final = "replica.test"
SECRET: Final = "never-logged"  # noqa: S105  what must be nowhere
MOMENT: Final = "100ms"
WAITING: Final = re.compile(r"(?<=    timeout )(client|client-hs) (10|15)s$", re.MULTILINE)
"""How long it waits for somebody who says nothing."""
HOLD: Final = re.compile(r"(?<=hold )(nx|other|refused|timeout) 1d$", re.MULTILINE)
"""How long an address is kept for which name servers have no good answer."""
_PAUSE_SECONDS: Final = 0.02


def configuration(folder: Path, names: NameServer, *, forgets: bool = False) -> Path:
    """A copy that asks this name server alone, and often.

    With `forgets`, it keeps no address for longer than a moment.
    """
    text = CONFIGURATION.read_text(encoding="utf-8")
    assert len(HOLD.findall(text)) == 4
    often = f"timeout resolve {MOMENT}\n timeout retry {MOMENT}"
    text = text.replace("parse-resolv-conf", f"nameserver own 127.0.0.1:{names.port}\n {often}")
    text = text.replace("hold valid 5s", f"hold valid {MOMENT}")
    if forgets:
        text = HOLD.sub(rf"\1 {MOMENT}", text)
    else:
        text = text.replace("init-addr last,libc,none", "init-addr none")
    file = folder / "haproxy.cfg"
    file.write_text(text, encoding="utf-8")
    return file


@asynccontextmanager
async def replica(
    host: str, port: int = 0, draining: Container[str] = (), late: asyncio.Event | None = None
) -> AsyncIterator[int]:
    """What answers each request but `/fails` with its host; yields its port.

    While its host is in `draining`, it says that it is not ready. It answers `/late` after `late`.
    """

    async def answer(reader: StreamReader, writer: StreamWriter) -> None:
        with suppress(asyncio.IncompleteReadError, OSError):
            asked = await reader.readuntil(b"\r\n\r\n")
            status = "503 Drains" if b"/readyz" in asked and host in draining else "200 OK"
            head = f"HTTP/1.1 {status}\r\ncontent-length: {len(host)}\r\nconnection: close\r\n\r\n"
            if b"/late" in asked and late is not None:
                await late.wait()
            if b"/fails" not in asked:
                writer.write((head + host).encode())
        writer.close()

    async with await asyncio.start_server(answer, host, port) as server:
        yield server.sockets[0].getsockname()[1]


async def wait_for_answer(address: str, wanted: str) -> None:
    """Wait until the proxy hands on the answer of this replica."""
    async with asyncio.timeout(PATIENCE_SECONDS), plain_http(address) as http:
        while (await http.get("/mcp")).text != wanted:  # noqa: ASYNC110  another process: it can only be asked
            await asyncio.sleep(_PAUSE_SECONDS)


async def test_a_name_that_only_this_machine_knows_is_good_for_ever(tmp_path: Path) -> None:
    """Such as one of /etc/hosts: no name server is asked.

    The other proxy, which follows names, has just forgotten the address.
    """
    async with name_server() as names, replica("localhost") as port:
        place, copy = f"localhost:{port}", configuration(tmp_path, names, forgets=True)
        async with (
            shipped_proxy(place, place, configuration=copy) as (address, _),
            shipped_proxy(place, place, configuration=copy, REPLICAS_IN_DNS="1") as (_, following),
        ):
            await following.stdout.match(r"replica-2 .*DNS NX")
            await wait_for_answer(address, "localhost")


async def test_a_name_is_followed_to_its_new_address_and_kept_without_one(tmp_path: Path) -> None:
    """As of a container that is made anew, and where name servers know nothing meanwhile.

    Where none is ready, one that drains is asked by the same name.
    """
    draining: set[str] = set()
    async with (
        name_server() as names,
        replica("127.0.0.2") as port,
        replica("127.0.0.3", port, draining),
    ):
        names.names[NAME] = "127.0.0.2"
        place, copy = f"{NAME}:{port}", configuration(tmp_path, names)
        async with shipped_proxy(place, place, configuration=copy, REPLICAS_IN_DNS="1") as (
            address,
            proxy,
        ):
            await wait_for_answer(address, "127.0.0.2")
            names.names[NAME] = "127.0.0.3"
            await wait_for_answer(address, "127.0.0.3")
            names.names.clear()
            await names.wait_for_questions(4)
            draining.add("127.0.0.3")
            await proxy.stdout.match("Running on backup")
            async with plain_http(address) as http:
                assert (await http.get("/mcp")).text == "127.0.0.3"


async def test_the_proxy_logs_what_fails_without_secrets_and_counts_for_prometheus() -> None:
    """A request that succeeds is in no log."""
    headers = {"X-API-Key": SECRET, "Authorization": f"Bearer {SECRET}"}
    async with AsyncExitStack() as stack:
        metrics = f"127.0.0.1:{stack.enter_context(held_port())}"
        place = f"127.0.0.1:{await stack.enter_async_context(replica('127.0.0.1'))}"
        async with (
            shipped_proxy(place, place, PROXY_METRICS=metrics) as (address, proxy),
            plain_http(address) as http,
            plain_http(f"http://{metrics}") as prometheus,
        ):
            for path, status in (("/works", HTTPStatus.OK), ("/fails", HTTPStatus.BAD_GATEWAY)):
                answer = await http.get(f"{path}?key={SECRET}", headers=headers)
                assert answer.status_code == status
            await proxy.stdout.match(r"^127\.0\.0\.1 mcp replicas/.* 502 .* GET /fails$")
            counted = (await prometheus.get("/metrics")).text.splitlines()
            assert 'haproxy_backend_http_responses_total{proxy="replicas",code="2xx"} 1' in counted
            assert (await prometheus.get("/")).status_code == HTTPStatus.NOT_FOUND
    assert SECRET not in proxy.stdout.text
    assert "BADREQ" not in proxy.stdout.text  # `shipped_proxy` has only looked whether it listens
    assert "/works" not in proxy.stdout.text


async def test_who_stops_in_the_middle_is_cut_off_and_who_waits_for_an_answer_is_not(
    tmp_path: Path,
) -> None:
    """In a TLS handshake, or in a body that was answered before its end: no key is needed there."""
    write_certificate(tmp_path)
    both, copy = tmp_path / "both.pem", tmp_path / "haproxy.cfg"
    text, times = WAITING.subn(rf"\1 {MOMENT}", CONFIGURATION.read_text(encoding="utf-8"))
    assert times == 2
    copy.write_text(text, encoding="utf-8")
    others_ended = asyncio.Event()
    async with (
        asyncio.timeout(PATIENCE_SECONDS),
        replica("127.0.0.1", late=others_ended) as port,
        shipped_proxy(*2 * [f"127.0.0.1:{port}"], configuration=copy) as (address, _),
        shipped_proxy(
            *2 * [f"127.0.0.1:{port}"], configuration=copy, PROXY_CERTIFICATE=str(both)
        ) as (over_tls, _),
        plain_http(address) as http,
        asyncio.TaskGroup() as tasks,
    ):
        waits = tasks.create_task(http.post("/late", content=b"{}"))
        for proxy, sent in (
            (address, b"POST /mcp HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n{"),
            (over_tls, b""),
        ):
            reader, writer = await asyncio.open_connection("127.0.0.1", urlsplit(proxy).port)
            writer.write(sent)
            with suppress(ConnectionError):
                await reader.read()
            writer.close()
        others_ended.set()
        assert (await waits).text == "127.0.0.1"


async def test_one_address_leaves_others_half_of_all_connections(tmp_path: Path) -> None:
    """Whatever it sends on them."""
    text = CONFIGURATION.read_text(encoding="utf-8")
    (most,) = re.findall(r"^    maxconn (\d+)$", text, re.MULTILINE)
    half = f"sc0_conn_cur gt {int(most) // 2}"
    assert half in text
    copy = tmp_path / "haproxy.cfg"
    copy.write_text(text.replace(half, "sc0_conn_cur gt 1"), encoding="utf-8")
    async with (
        asyncio.timeout(PATIENCE_SECONDS),
        replica("127.0.0.1") as port,
        shipped_proxy(*2 * [f"127.0.0.1:{port}"], configuration=copy) as (address, _),
        plain_http(address) as http,
        httpx.AsyncClient(
            base_url=address, transport=httpx.AsyncHTTPTransport(local_address="127.0.0.2")
        ) as other,
    ):
        while True:  # until it has noticed that the connection of `shipped_proxy` has ended
            with suppress(httpx.TransportError):
                assert (await http.get("/mcp")).status_code == HTTPStatus.OK
                break
        with pytest.raises(httpx.TransportError):
            async with plain_http(address) as second:
                await second.get("/mcp")
        assert (await other.get("/mcp")).status_code == HTTPStatus.OK


@pytest.mark.skipif(os.geteuid() != 0, reason="only root becomes another user")
async def test_a_proxy_that_root_starts_becomes_its_user() -> None:
    """Its group, and no other, goes with it."""
    async with shipped_proxy("127.0.0.1:1", "127.0.0.1:1", PROXY_USER="haproxy") as (_, proxy):
        status = Path(f"/proc/{proxy.process.pid}/status").read_text("utf-8")  # noqa: ASYNC240  no disk
    found = dict(re.findall(r"^(Uid|Gid|Groups):\s*(.*?)\s*$", status, re.MULTILINE))
    assert "0" not in {*found["Uid"].split(), *found["Gid"].split(), *found["Groups"].split()}
