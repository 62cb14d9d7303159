"""A person's yes, step by step, and what came of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import anyio

from tests.support.server_process import PATIENCE_SECONDS

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.guarded_calls import GuardedOperation
    from tests.world.wire import HttpWire

Outcome = tuple[str, str | None]
"""The status and reason of a call that did not run, a failure's code, or `ran`."""

RAN: Final[Outcome] = ("ran", None)
USED: Final[Outcome] = ("confirmation_invalid", "used")
CHANGED: Final[Outcome] = ("confirmation_invalid", "changed")
EXPIRED: Final[Outcome] = ("confirmation_invalid", "expired")
UNAVAILABLE: Final[Outcome] = ("failed", "store_unavailable")
ON_AIR: Final[Outcome] = ("nothing_to_do", None)
_PAUSE_SECONDS: Final = 0.01


async def until(condition: Callable[[], object]) -> None:
    """Wait until a condition of another process or of time is true."""
    with anyio.fail_after(PATIENCE_SECONDS):
        while not condition():  # noqa: ASYNC110  nothing here tells when
            await anyio.sleep(_PAUSE_SECONDS)


async def preview(caller: HttpWire, operation: GuardedOperation) -> str:
    """Call without consent, and return the confirmation for it."""
    shown = await caller.call(operation.tool, **operation.arguments)
    data = shown["structuredContent"]
    assert "confirmation" in data, data
    confirmation: str = data["confirmation"]
    return confirmation


async def press(caller: HttpWire, operation: GuardedOperation, confirmation: str) -> Outcome:
    """Call with a confirmation."""
    return outcome(await answer(caller, operation, confirmation))


async def press_when_back(
    caller: HttpWire, operation: GuardedOperation, confirmation: str
) -> Outcome:
    """Press as soon as the replica has noticed that the engine answers again."""
    with anyio.fail_after(PATIENCE_SECONDS):
        while (result := await press(caller, operation, confirmation)) == UNAVAILABLE:  # noqa: ASYNC110  nothing here tells when
            await anyio.sleep(_PAUSE_SECONDS)
    return result


async def answer(
    caller: HttpWire, operation: GuardedOperation, confirmation: str
) -> dict[str, Any]:
    """The whole answer of a call with a confirmation."""
    evidence = {"confirm": True, "confirmation": confirmation}
    with anyio.fail_after(PATIENCE_SECONDS):
        return await caller.call(operation.tool, **operation.arguments, **evidence)


async def consent(caller: HttpWire, operation: GuardedOperation) -> Outcome:
    """Call with a new confirmation."""
    return await press(caller, operation, await preview(caller, operation))


def outcome(result: dict[str, Any]) -> Outcome:
    """What came of a call."""
    data = result["structuredContent"]
    if not result.get("isError") and data.get("executed") is not False:
        return RAN
    if "error" in data:
        return ("failed", data["error"]["code"])
    return (data["status"], data.get("reason"))
