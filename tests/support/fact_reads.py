"""What the tests of the fact reader share: operations, the requests for each, and short cuts.

All goes through the sandbox: its log tells what was read, its faults decide what fails.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, Final

import anyio
import pytest

from tests.conftest import OWNER
from tests.support.operation_table import CHANGES
from trax_mcp.api.caller import Caller
from trax_mcp.api.errors import TraxError
from trax_mcp.consent.plans import plan_for
from trax_mcp.sandbox.keys import ACCOUNT, SCOPES
from trax_mcp.sandbox.records import Destination, Key
from trax_mcp.studio.fact_reader import FactReader

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tests.support.product.sandbox import Sandbox
    from trax_mcp.api.client import Client
    from trax_mcp.api.models import Model
    from trax_mcp.api.operation import Operation
    from trax_mcp.studio.facts import Facts

STUDIO: Final = "/v1/studios/studio_42"
STATUS, PLACES, SOURCES = (f"{STUDIO}/{it}" for it in ("stream-status", "destinations", "sources"))
ACCOUNTS, HEALTH, STUDIOS = "/v1/connections", "/v1/health", "/v1/studios"

FIRST: Final = {example.operation: entry.reads for entry, example in CHANGES}
"""The requests before anything else, for each operation: concurrent, and each sent once."""

SECOND: Final = {it.operation: entry.later_reads for entry, it in CHANGES if entry.later_reads}
"""The requests that need the first answers."""


def reader_for(
    trax: Client, operation: Operation[Model], caller: Caller = OWNER, *, quick: bool | None = None
) -> FactReader:
    """The reader that the guard uses for an operation: a quick one for a stop."""
    quick = operation.stops_broadcast if quick is None else quick
    return FactReader(trax, caller, operation.studio(), quick=quick)


async def read(trax: Client, operation: Operation[Model], caller: Caller = OWNER) -> Facts:
    """Read everything that the plan of an operation wants."""
    with anyio.fail_after(5):
        return await reader_for(trax, operation, caller).read(plan_for(operation).reads)


async def failure_code(trax: Client, operation: Operation[Model], caller: Caller = OWNER) -> str:
    """Read and fail. Return the code of the failure, which has changed nothing."""
    with pytest.raises(TraxError) as caught:
        await read(trax, operation, caller)
    assert caught.value.failure.outcome == "not_applied"
    return caught.value.failure.code


def asked(sandbox: Sandbox, since: int = 0) -> Counter[str]:
    """How often each path was read. Checks that nothing else was sent."""
    received = list(sandbox.requests)[since:]
    assert {it.method for it in received} <= {"GET"}
    return Counter(it.path for it in received)


def narrow(sandbox: Sandbox, *without: str) -> Caller:
    """A key of the same account that lacks these scopes."""
    secret = "sk_live_sandbox_narrow"
    sandbox.world.keys[secret] = Key(secret, "narrow", ACCOUNT, SCOPES - set(without))
    return Caller(secret)


def names(items: Iterable[Any] | None) -> list[str]:
    """The names of destinations, sources or studios."""
    return [it.name for it in items or ()]


def enable_many(sandbox: Sandbox, count: int) -> None:
    """Give the studio `count` more destinations, enough for more than one page."""
    for number in range(count):
        which = f"dest_9{number:03}"
        sandbox.world.destinations[which] = Destination(which, "studio_42", which, "custom")
