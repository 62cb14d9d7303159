"""The server with sign-in as `trax-mcp http --sign-in` builds it, and its operator's commands.

Its files are real. Only the internet is replaced, where clients publish their documents.
"""

from __future__ import annotations

from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from unittest.mock import patch

import httpx

from tests.support.product.commands import run_command
from trax_mcp.cli import serve_http
from trax_mcp.sign_in import SignInUnavailable
from trax_mcp.sign_in.clients import TIMEOUT_SECONDS, Clients
from trax_mcp.sign_in.sign_ins import SignInFile

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator, Sequence
    from typing import NoReturn

    from starlette.types import ASGIApp

    from tests.support.product.commands import Outcome
    from tests.support.product.server import Product


class Unreachable(httpx.AsyncBaseTransport):
    """No host answers. So the clients that are known by heart are known, and no others."""

    async def handle_async_request(self, _request: httpx.Request) -> NoReturn:
        raise httpx.ConnectError("")


@dataclass(frozen=True, kw_only=True)
class Internet:
    """What stands for the internet. Without changes, no host answers.

    `hosts` are those of documents, as the operator sets them, and `transport` leads there.
    """

    hosts: Sequence[str] = ()
    transport: httpx.AsyncBaseTransport = field(default_factory=Unreachable)
    timeout_seconds: float = TIMEOUT_SECONDS


@asynccontextmanager
async def app_with_sign_in(
    product: Product, internet: Internet, *, key: str | None = None
) -> AsyncIterator[ASGIApp]:
    """The app of a product with `TRAX_SIGN_IN`, and its open files. `key` as in `Product.app`."""
    with patch.object(serve_http, "Clock", lambda: product.clock):
        opened = serve_http._open_sign_in(product.settings)
        sign_ins = await opened.__aenter__()
    assert sign_ins is not None
    clients = Clients(
        product.clock,
        mac=sign_ins.client_mac,
        document_hosts=product.settings.client_document_hosts,
        transport=internet.transport,
        timeout_seconds=internet.timeout_seconds,
    )
    try:
        yield product.app(key, sign_ins=sign_ins, clients=clients)
    finally:
        await opened.__aexit__(None, None, None)


def sign_in_command(product: Product, *arguments: str) -> Outcome:
    """Run `trax-mcp sign-in` as the operator of a server, at the time of its clock."""
    names = ("sign_in_file", "sign_in_secret_file")
    files = {f"TRAX_{it.upper()}": str(getattr(product.settings, it)) for it in names}
    with patch("trax_mcp.cli.sign_in.Clock", lambda: product.clock):
        return run_command("sign-in", *arguments, settings=files)


@contextmanager
def unreadable_sign_ins(sentence: str) -> Iterator[None]:
    """Neither read nor write any file of sign-ins; people are told this sentence."""

    def fail(*_: object, **_options: object) -> NoReturn:
        raise SignInUnavailable(sentence)

    with patch.object(SignInFile, "_read", fail), patch.object(SignInFile, "_changing", fail):
        yield
