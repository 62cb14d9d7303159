"""A server with its approval page over real sockets, and a go-live that waits on it."""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.approval_setup import approval_setups

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from contextlib import AbstractAsyncContextManager
    from pathlib import Path

    from tests.support.approval_setup import (
        ApprovalSetup,
        BackgroundCall,
        OpenSetup,
        PageQuestion,
    )
    from tests.support.page_client import PageClient
    from tests.support.product.sandbox import Sandbox
    from tests.support.product.shared_clock import HandClock

    Ask = Callable[..., AbstractAsyncContextManager["Asked"]]


@dataclass
class Asked:
    """A question that the page shows, and that can be answered now."""

    setup: ApprovalSetup
    call: BackgroundCall
    question: PageQuestion

    @property
    def tab(self) -> PageClient:
        """The requests of the page."""
        return self.setup.page.tab

    @property
    def sent(self) -> list[str]:
        """The changes that reached TRaX."""
        return self.setup.sent

    async def press(self, choice: str, **changes: Any) -> None:  # noqa: ANN401  any JSON
        """Press a button of the question; `changes` replace parts of its name."""
        await self.tab.press({**self.question.data, **changes}, choice)


@pytest.fixture
def open_setup(sandbox: Sandbox, clock: HandClock, tmp_path: Path) -> OpenSetup:
    """Opens a server with a page, and a client of it."""
    return approval_setups(sandbox, clock, tmp_path / "audit.jsonl")


@pytest.fixture
def asking(open_setup: OpenSetup) -> Ask:
    """Calls go_live on such a server, and opens the page."""

    @asynccontextmanager
    async def ask(**more: Any) -> AsyncIterator[Asked]:  # noqa: ANN401  as `open_setup` takes it
        async with open_setup(**{"TRAX_ASK": "page", **more}) as setup:
            call = setup.start()
            question = await setup.page.next()
            setup.clock.advance(1)  # no yes counts in the first second
            yield Asked(setup, call, question)

    return ask
