"""Clients of both protocol eras, and people who sign in, behind a real Caddy as it is shipped."""

from __future__ import annotations

import asyncio
import os
import shutil
import ssl
from contextlib import asynccontextmanager
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

import httpx
import httpx2
import pytest
import pytest_asyncio
from mcp import Client
from mcp.client.streamable_http import streamable_http_client

from proof.replicas.proxied_replicas import wait_for_port
from tests import ROOT
from tests.support.guarded_calls import AUTO_GO_LIVE
from tests.support.hosted_process import hosted_server
from tests.support.oauth_steps import OAuthSteps
from tests.support.product.local_servers import listening
from tests.support.product.sandbox import SANDBOX_KEY, Sandbox
from tests.support.raw_upstream import closed_port
from tests.support.server_process import PATIENCE_SECONDS, Running
from tests.support.simulated_person import Person, agreeing
from tests.support.subscribers import CHAT, say, subscriber_on
from tests.world.wire import ERAS

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

pytestmark = pytest.mark.asyncio(loop_scope="module")

_CONFIGURATION: Final = ROOT / "deploy/Caddyfile"
_HERE: Final = "{\n\tauto_https disable_redirects\n\tadmin off\n\tskip_install_trust\n"
"""It takes no other port, and changes nothing of this machine."""
_AUTHORITY: Final = "caddy/pki/authorities/local/root.crt"


@dataclass(frozen=True)
class Proxied:
    """Caddy's address, the authority of its certificate, and the sandbox behind the server."""

    address: str
    trusted: ssl.SSLContext
    trax: Sandbox

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Any]:
        """A connection for the SDK's client."""
        async with httpx2.AsyncClient(
            headers={"X-API-Key": SANDBOX_KEY},
            timeout=PATIENCE_SECONDS,
            trust_env=False,
            verify=self.trusted,
        ) as web:
            yield streamable_http_client(f"{self.address}/mcp", http_client=web)

    def transport(self, *, at: str = "127.0.0.1") -> httpx.AsyncHTTPTransport:
        """The network, for somebody with this address."""
        return httpx.AsyncHTTPTransport(verify=self.trusted, local_address=at)


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def proxied(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Proxied]:
    """A server on which people sign in, behind Caddy, for all tests of this module."""
    folder, port, trax = tmp_path_factory.mktemp("caddy"), closed_port(), Sandbox(rate_limit=None)
    address = f"https://localhost:{port}"
    async with listening(trax.app) as trax.base_url:
        settings = {
            "TRAX_BASE_URL": trax.base_url,
            "TRAX_TRUSTED_PROXIES": "127.0.0.1",
            "TRAX_SIGN_IN_REGISTRATION": "1",
            "TRAX_CHAT_POLL_SECONDS": "0.25",
        }
        async with (
            hosted_server(folder, "--public-url", address, settings=settings) as server,
            caddy(folder, port, server.address.removeprefix("http://")),
        ):
            trusted = ssl.create_default_context(cafile=str(folder / _AUTHORITY))
            yield Proxied(address, trusted, trax)


@asynccontextmanager
async def caddy(folder: Path, port: int, server: str) -> AsyncIterator[None]:
    """Caddy before a server, with a certificate of its own for this machine."""
    program = shutil.which("caddy")
    assert program, "there is no Caddy: see `make replicas-whole`"
    text = _CONFIGURATION.read_text(encoding="utf-8")
    file = folder / "Caddyfile"
    file.write_text(text.replace("{\n", _HERE, 1), encoding="utf-8")
    process = await asyncio.create_subprocess_exec(
        program,
        *("run", "--adapter", "caddyfile", "--config", str(file)),
        env=os.environ
        | {"DOMAIN": f"localhost:{port}", "SERVER": server, "XDG_DATA_HOME": str(folder)},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    running = Running(process)
    try:
        await wait_for_port(port)
        yield
    finally:
        await running.leave()


@pytest.mark.parametrize("era", ERAS)
async def test_clients_of_both_eras_work_behind_caddy(proxied: Proxied, era: str) -> None:
    """Lists, a form, and a stream that tells of chat while it is open."""
    person = Person()
    person.answer_with(agreeing)
    async with (
        proxied.connection() as connection,
        Client(connection, mode=era, cache=None, elicitation_callback=person) as client,
    ):
        assert (await client.list_tools()).tools
        done = await client.call_tool(AUTO_GO_LIVE.tool, AUTO_GO_LIVE.arguments)
        assert not done.is_error
        assert len(person.forms) == 1
    async with (
        proxied.connection() as connection,
        asyncio.timeout(PATIENCE_SECONDS),
        subscriber_on(connection, era) as subscriber,
    ):
        await subscriber.subscribe(CHAT)
        cursor = await subscriber.cursor()
        say(proxied.trax, f"Hello {era}")
        await subscriber.wait_for_updates()
        assert await subscriber.texts(after=cursor) == [f"Hello {era}"]


async def test_health_is_not_shown_to_callers_of_caddy(proxied: Proxied) -> None:
    """It is between the proxy and the server."""
    async with httpx.AsyncClient(transport=proxied.transport()) as http:
        for path in ("/readyz", "/%72eadyz", "/healthz", "/%68ealthz"):
            answer = await http.get(f"{proxied.address}{path}")
            assert (answer.status_code, answer.text) == (HTTPStatus.NOT_FOUND, "")


async def test_caddy_says_where_a_request_comes_from_and_nobody_else_does(
    proxied: Proxied,
) -> None:
    """Ten wrong keys are enough for one address, whatever else it claims to be."""
    async with OAuthSteps(proxied.address, transport=proxied.transport()) as steps:
        assert (await steps.register()).is_success
        page = await steps.page()
        statuses = []
        for number in range(11):
            claimed = {"X-Forwarded-For": f"203.0.113.{number}"}
            answer = await steps.type_key(page, "sk_live_wrong", **claimed)
            statuses.append(answer.status_code)
    assert statuses == [HTTPStatus.FORBIDDEN] * 10 + [HTTPStatus.TOO_MANY_REQUESTS]
    async with OAuthSteps(
        proxied.address, client_id=steps.client_id, transport=proxied.transport(at="127.0.0.2")
    ) as steps:
        refused = await steps.type_key(await steps.page(), "sk_live_wrong")
    assert refused.status_code == HTTPStatus.FORBIDDEN
