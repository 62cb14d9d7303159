"""A client that describes itself by a document on a host of the test's own internet."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final

from tests.support.document_server import (
    HOST,
    LONG_SECONDS,
    PATH,
    DocumentServer,
    serving_documents,
)
from tests.world.sign_in import signing_in

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from tests.world.oauth import OAuthSteps
    from tests.world.sign_in import SignInWorld

CALLBACK: Final = "https://client.example/callback"


@asynccontextmanager
async def described_client(
    folder: Path,
    *,
    host: str = HOST,
    path: str = PATH,
    timeout_seconds: float = LONG_SECONDS,
) -> AsyncIterator[tuple[DocumentServer, SignInWorld, OAuthSteps]]:
    """A server of documents, ours, and a client with the document at `host` and `path`."""
    async with serving_documents() as server:
        internet = server.internet(timeout_seconds=timeout_seconds)
        async with (
            signing_in(folder, internet=internet) as it,
            it.steps(server.client_id(host, path), redirect_uri=CALLBACK) as steps,
        ):
            yield server, it, steps
