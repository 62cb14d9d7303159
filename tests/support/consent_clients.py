"""A server with the clients that the consent tests need, and readers of its answers."""

from __future__ import annotations

import json
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Protocol

import anyio
import mcp_types as types
from mcp import Client

from tests.conftest import text_of
from tests.support.guarded_calls import GUARD_ALSO
from tests.support.product.frozen_sandbox import still
from tests.support.product.server import Product
from tests.support.product.shared_clock import HandClock
from tests.support.server_process import PATIENCE_SECONDS
from tests.support.simulated_person import Person
from tests.world.wire import MODERN

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

    import httpx
    from mcp.client.session import MessageHandlerFnT

    from tests.support.guarded_calls import GuardedOperation
    from tests.support.product.sandbox import Sandbox

SECOND_KEY: Final = "sk_live_sandbox_second"
"""Another key of the same account, with the same access."""


class Time(Protocol):
    """Time that a test can advance."""

    def advance(self, seconds: float) -> None:
        """Advance the time by `seconds`."""


@dataclass(slots=True)
class Clients:
    """The clients of a server, and what is behind it.

    `plain` cannot ask a person. `asking` can, and asks `person`. `other` has another key and cannot
    ask.
    """

    trax: Sandbox
    clock: Time
    plain: Client
    asking: Client
    other: Client
    person: Person
    product: Product | None = None

    async def call(
        self, operation: GuardedOperation, client: Client | None = None, /, **evidence: object
    ) -> types.CallToolResult:
        """Call by `plain` or another client. `evidence` is `confirm` and `confirmation`."""
        with anyio.fail_after(PATIENCE_SECONDS):
            return await (client or self.plain).call_tool(
                operation.tool, {**operation.arguments, **evidence}
            )

    async def confirmation(
        self, operation: GuardedOperation, *, client: Client | None = None
    ) -> str:
        """Call without evidence, and return the confirmation in the preview."""
        shown = (await self.call(operation, client)).structured_content or {}
        confirmation: str = shown["confirmation"]
        return confirmation

    async def use(
        self, operation: GuardedOperation, confirmation: str, *, client: Client | None = None
    ) -> types.CallToolResult:
        """Call with a confirmation."""
        return await self.call(operation, client, confirm=True, confirmation=confirmation)

    async def confirmed(self, operation: GuardedOperation) -> types.CallToolResult:
        """Call with a new confirmation."""
        return await self.use(operation, await self.confirmation(operation))

    async def question(self, operation: GuardedOperation) -> types.InputRequiredResult:
        """Call in the later era, and return the question, which is the call's result."""
        asked = await self.answer(operation)
        assert isinstance(asked, types.InputRequiredResult), asked
        return asked

    async def answer(
        self,
        operation: GuardedOperation,
        state: str | None = None,
        responses: types.InputResponses | None = None,
        *,
        client: Client | None = None,
    ) -> types.CallToolResult | types.InputRequiredResult:
        """Call in the later era, with the answer to an earlier question."""
        with anyio.fail_after(PATIENCE_SECONDS):
            return await (client or self.asking).session.call_tool(
                operation.tool,
                operation.arguments,
                input_responses=responses,
                request_state=state,
                allow_input_required=True,
            )

    async def calls_finished(self) -> None:
        """Wait until no guarded call runs, in a server of this process."""
        assert self.product is not None
        await self.product.calls_finished()

    @property
    def sent(self) -> list[str]:
        """Every change that reached TRaX, whether or not it succeeded."""
        return self.trax.sent


@asynccontextmanager
async def in_memory(
    era: str = MODERN,
    *,
    transport: Callable[[Sandbox], httpx.AsyncBaseTransport] | None = None,
    on_message: MessageHandlerFnT | None = None,
    **settings: str,
) -> AsyncIterator[Clients]:
    """Clients of a server in this process, on a sandbox with a manual clock.

    `on_message` receives the notifications that `asking` receives.
    """
    trax = two_key_sandbox()
    clock, person = HandClock(trax), Person()
    product = Product(
        trax,
        clock,
        {"TRAX_GUARD_ALSO": GUARD_ALSO, **settings},
        transport=transport(trax) if transport else None,
    )
    first, second = product.server(), product.server(SECOND_KEY)
    async with (
        Client(first, mode=era, cache=None) as plain,
        Client(
            first, mode=era, cache=None, elicitation_callback=person, message_handler=on_message
        ) as asking,
        Client(second, mode=era, cache=None) as other,
    ):
        yield Clients(trax, clock, plain, asking, other, person, product)


def two_key_sandbox() -> Sandbox:
    """A seeded sandbox with a second key."""
    trax = still()
    trax.add_key(SECOND_KEY)
    return trax


def rename_all(trax: Sandbox) -> None:
    """Rename everything that has a name, on TRaX itself."""
    for kind in ("studios", "connections"):
        for it in trax.records(kind):
            _rename(trax, it)
            for part in ("destinations", "sources") if kind == "studios" else ():
                for place in trax.records(part, of=it["id"]):
                    _rename(trax, place)


def _rename(trax: Sandbox, record: dict[str, Any]) -> None:
    field = "displayName" if "displayName" in record else "name"
    trax.change(record["id"], **{field: f"{record[field]}!"})


def status_and_reason(result: object) -> tuple[str, str | None]:
    """Status and reason of a call that did not run, a failure's code, or `ran`."""
    assert isinstance(result, types.CallToolResult), result
    data = result.structured_content or {}
    if has_run(result):
        return ("ran", None)
    if "error" in data:
        return ("failed", data["error"]["code"])
    return (data["status"], data.get("reason"))


def has_run(result: types.CallToolResult) -> bool:
    """Whether a call ran. A step of a call that goes on is no error."""
    data = result.structured_content or {}
    return not result.is_error and data.get("executed") is not False


def data_in_text(result: types.CallToolResult) -> str:
    """The JSON in the text of an answer, which sentences may precede."""
    return text_of(result).rpartition("\n")[2]


def audit_lines(path: Path) -> list[dict[str, Any]]:
    """The lines of an audit log, oldest first."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
