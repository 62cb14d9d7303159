"""Two replicas on an engine, and what tests of them wait for."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

import anyio

from tests.support.http_clients import plain_http
from tests.support.server_process import PATIENCE_SECONDS
from tests.world.answers import RAN, data_of, outcome
from tests.world.world import MINE, Over, World, open_world

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from contextlib import AbstractAsyncContextManager

    import mcp_types as types

    from proof.replicas.throwaway_engine import ThrowawayEngine
    from tests.support.guarded_calls import GuardedOperation
    from tests.world.caller import Caller

    Outcome = tuple[str, str | None]

USED: Final = ("confirmation_invalid", "used")
EXPIRED: Final = ("confirmation_invalid", "expired")
UNAVAILABLE: Final = ("failed", "store_unavailable")
ON_AIR: Final = ("nothing_to_do", None)
NOT_KNOWN: Final = "it's unclear whether the call ran"
SOON_SECONDS: Final = 5.0
"""Within this a stop reaches TRaX, whatever the engine does: twice what an idle machine takes.

An engine that is asked in vain at each step of a stop costs more.
"""
READING_SECONDS: Final = 1.1
"""No person reads a form or a panel in less."""
_PAUSE_SECONDS: Final = 0.02


def replicas_on(
    engine: ThrowawayEngine, *, over: Over = Over.MEMORY, replicas: int = 2
) -> AbstractAsyncContextManager[World]:
    """Replicas on an engine, in this process or in processes of their own."""
    return open_world(over=over, replicas=replicas, engine=engine.url)


async def at_both(it: World, *, key: str = MINE, apps: bool = False) -> tuple[Caller, Caller]:
    """A client of each of the first two replicas."""
    return await it.caller(key, apps=apps), await it.caller(key, apps=apps, at=1)


def in_new_studio(it: World, operation: GuardedOperation) -> GuardedOperation:
    """The same call in a studio of its own, so that tests do not meet."""
    studio = it.trax.add_studio("One of many")
    it.trax.add_destination(
        "Main", record_id=f"of_{studio}", studio=studio, platform="custom", streamKey="1"
    )
    return in_studio(operation, studio)


def in_studio(operation: GuardedOperation, studio: str) -> GuardedOperation:
    """The same call in another studio."""
    arguments = {**operation.arguments, "studioId": studio}
    if "destId" in arguments:
        arguments["destId"] = f"of_{studio}"
    sent = operation.sent.replace("studio_42", studio).replace("dest_3", f"of_{studio}")
    return replace(operation, arguments=arguments, sent=sent)


async def consent(caller: Caller, operation: GuardedOperation) -> Outcome:
    """What comes of a call with a new confirmation, or without one where none is given."""
    asked = await caller.call(operation)
    confirmation = data_of(asked).get("confirmation")
    if not confirmation:
        return outcome(asked)
    if operation.tool != "go_offline":  # a stop waits for nobody
        await caller.read_preview()
    return outcome(await caller.use(operation, confirmation))


async def ran_when_back(caller: Caller, operation: GuardedOperation) -> None:
    """Ask and approve until the call has run, as the engine is back or is told of stops."""
    with anyio.fail_after(PATIENCE_SECONDS):
        while (found := await consent(caller, operation)) != RAN:
            assert found in {UNAVAILABLE, EXPIRED}, found
            await anyio.sleep(_PAUSE_SECONDS)


async def when_back(call: Callable[[], Awaitable[types.CallToolResult]]) -> Outcome:
    """The outcome of a call as soon as the replica has noticed that the engine answers again."""
    with anyio.fail_after(PATIENCE_SECONDS):
        while (found := outcome(await call())) == UNAVAILABLE:  # noqa: ASYNC110  it can only be asked
            await anyio.sleep(_PAUSE_SECONDS)
    return found


async def until(is_so: Callable[[], object], *, seconds: float = PATIENCE_SECONDS) -> None:
    """Wait until something is so in another process, or in TRaX."""
    with anyio.fail_after(seconds):
        while not is_so():  # noqa: ASYNC110  nothing here tells when
            await anyio.sleep(_PAUSE_SECONDS)


async def until_shown(address: str, path: str, text: str) -> None:
    """Wait until a page of a server, such as `/readyz`, contains this text."""
    async with plain_http(address) as http:
        with anyio.fail_after(PATIENCE_SECONDS):
            while text not in (await http.get(path)).text:  # noqa: ASYNC110  it can only be asked
                await anyio.sleep(_PAUSE_SECONDS)
