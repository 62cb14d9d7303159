"""A store of sign-ins on a clock that is moved by hand, and a server of client documents."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.document_server import DocumentServer, serving_documents
from tests.support.sign_in_setup import WallClock, store_in

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

    from trax_mcp.sign_in.store import SignInStore


@pytest.fixture
def clock() -> WallClock:
    return WallClock()


@pytest.fixture
def store(tmp_path: Path, clock: WallClock) -> Iterator[SignInStore]:
    opened = store_in(tmp_path, clock)
    yield opened
    opened.close()


@pytest.fixture
async def server() -> AsyncIterator[DocumentServer]:
    """A server of good documents."""
    async with serving_documents() as serving:
        yield serving
