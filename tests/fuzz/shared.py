"""One world for all examples of a property, in whose event loop each of them runs."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeVar, cast

import anyio
from anyio.from_thread import start_blocking_portal
from mcp.shared.exceptions import MCPError

from tests.support.product.frozen_sandbox import contents_of, put_on_air, restore
from tests.support.product.local_servers import open_in_portal
from tests.support.server_process import PATIENCE_SECONDS
from tests.world.answers import data_of
from tests.world.wire import MODERN
from tests.world.world import MINE, Over, World, open_world

if TYPE_CHECKING:
    from collections import deque
    from collections.abc import Awaitable, Callable, Iterator, Sequence

    import mcp_types as types
    from anyio.from_thread import BlockingPortal

    from tests.support.simulated_person import Person

ResultT = TypeVar("ResultT")

OTHER_ACCOUNT: Final = ("The Stranger's Studio", "Elsewhere", "Stranger's Channel", "private.mp4")
"""Names of another account in the same sandbox: no answer may contain them."""


@dataclass(frozen=True)
class SharedWorld:
    """A world, its tools as listed, and the way into its event loop."""

    world: World
    tools: dict[str, types.Tool]
    portal: BlockingPortal

    def example(self, check: Callable[..., Awaitable[ResultT]], *given: object) -> ResultT:
        """Check one example, undo its changes, and check that the server still answers."""

        async def bounded() -> ResultT:
            before = contents_of(self.world.trax)
            cast("deque[object]", self.world.trax.requests).clear()
            with anyio.fail_after(PATIENCE_SECONDS):
                found = await check(*given)
                restore(self.world.trax, before)
                assert data_of(await self.world[MINE].call("get_health"))["status"] == "ok"
            return found

        return self.portal.call(bounded)


async def answer_or_error(answer: Awaitable[ResultT]) -> ResultT | types.ErrorData:
    """A protocol error as a value."""
    try:
        return await answer
    except MCPError as error:
        return error.error


@contextmanager
def shared_world(
    *,
    era: str = MODERN,
    over: Over = Over.MEMORY,
    short_seconds: float = 60.0,
    on_air: Sequence[str] = (),
    person: Person | None = None,
    media_dir: str = "",
) -> Iterator[SharedWorld]:
    """A world without rate limit, with the studios of `on_air` live and the owner's caller."""
    opened = open_world(
        MINE,
        era=era,
        over=over,
        short_seconds=short_seconds,
        person=person,
        TRAX_MEDIA_DIRS=media_dir,
    )
    with start_blocking_portal() as portal, open_in_portal(portal, opened) as it:
        it.trax.rate_limit = None
        for studio in on_air:
            put_on_air(it.trax, studio)
        listed = portal.call(it[MINE].client.list_tools).tools
        yield SharedWorld(it, {tool.name: tool for tool in listed}, portal)


def check_no_other_account(answer: object, given: object) -> None:
    """Check that nothing of another account is shown, unless it was given."""
    shown, known = str(answer), str(given)
    assert [it for it in OTHER_ACCOUNT if it in shown and it not in known] == []
