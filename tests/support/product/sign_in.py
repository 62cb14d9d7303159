"""The server with sign-in as `trax-mcp http --sign-in` builds it, and its operator's commands.

Its files are real. Only the internet is replaced, where clients publish their documents.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from unittest.mock import patch

import httpx

from tests.support.product.commands import run_command
from trax_mcp.sign_in import SignInUnavailable
from trax_mcp.sign_in.clients import TIMEOUT_SECONDS
from trax_mcp.sign_in.sign_ins import SignInFile

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import NoReturn

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
