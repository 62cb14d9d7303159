"""A server at which somebody has signed in, as a process."""

from __future__ import annotations

from contextlib import asynccontextmanager, closing
from pathlib import Path
from tempfile import mkdtemp
from typing import TYPE_CHECKING

from bench.measure import KEY, Served
from tests.support.hosted_process import hosted_server
from tests.support.http_clients import plain_http
from tests.world.wire import MODERN, HttpWire
from trax_mcp.clock import Clock
from trax_mcp.private_files import sign_in_secret
from trax_mcp.sign_in.sign_ins import Scope, SignIns

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


@asynccontextmanager
async def signed_in(folder: Path, trax: str, *, token: bool) -> AsyncIterator[Served]:
    """Start it with a client that sends a token, or the key for which the token stands."""
    folder = Path(mkdtemp(dir=folder))
    async with hosted_server(folder, settings={"TRAX_BASE_URL": trax}) as it:
        secret = sign_in_secret(it.secret_file)
        client = {"client_id": "bench", "client_name": "The bench", "redirect_host": "127.0.0.1"}
        with closing(SignIns(it.file, secret, Clock(), audience=it.address)) as sign_ins:
            access_token = sign_ins.begin(KEY, Scope.RUN, **client).access_token
        async with plain_http(it.address) as http:
            wire = HttpWire(http, MODERN)
            wire.headers = (
                {"authorization": f"Bearer {access_token}"} if token else {"x-api-key": KEY}
            )
            yield Served(it.process, wire)
