"""A caller: one connected client of the SDK, with the person in front of it."""

from __future__ import annotations

import json
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any, Final, Protocol

import anyio
import mcp_types as types
import pytest
from mcp import Client, MCPDeprecationWarning, MCPError

from tests.support.product.reference import listings
from tests.support.product.shared_clock import HandClock
from tests.support.server_process import PATIENCE_SECONDS
from tests.world.answers import data_of
from tests.world.wire import LEGACY

if TYPE_CHECKING:
    from collections.abc import Mapping

    from anyio.abc import TaskGroup
    from mcp.client.session import IncomingMessage
    from mcp.client.subscriptions import Subscription
    from mcp.shared.dispatcher import ProgressFnT

    from tests.support.product.virtual_time import VirtualClock
    from tests.support.simulated_person import Person

_FRIDAY = "studio_42"
PREVIEW_SECONDS: Final = 5.0
"""No person reads a preview in less."""


class Call(Protocol):
    """A tool and its arguments, such as the rows of `guarded_calls`."""

    @property
    def tool(self) -> str:
        """The name of the tool."""

    @property
    def arguments(self) -> Mapping[str, Any]:
        """Its arguments."""


class BackgroundCall:
    """A tool call that continues while the test acts."""

    def __init__(self) -> None:
        self.scope = anyio.CancelScope()
        self.error = ""
        self._ended = anyio.Event()
        self._result: types.CallToolResult | None = None

    async def run(self, caller: Caller, what: Call | str, arguments: dict[str, Any]) -> None:
        """Make the call."""
        with self.scope:
            try:
                self._result = await caller.call(what, **arguments)
            except MCPError as error:
                self.error = str(error)
            finally:
                self._ended.set()

    @property
    def has_ended(self) -> bool:
        """Whether its result is here."""
        return self._ended.is_set()

    async def result(self) -> types.CallToolResult:
        """Wait for its result."""
        with anyio.fail_after(PATIENCE_SECONDS):
            await self._ended.wait()
        assert self._result is not None, self.error
        return self._result

    async def end(self) -> None:
        """Cancel it, and wait for its end."""
        self.scope.cancel()
        with anyio.fail_after(PATIENCE_SECONDS, shield=True):
            await self._ended.wait()

    async def failure(self) -> str:
        """Wait for the error that the protocol answers with."""
        with anyio.fail_after(PATIENCE_SECONDS):
            await self._ended.wait()
        assert self._result is None, self._result
        return self.error


@dataclass
class Caller:
    """A connected client. Calls are made on the Friday Night Show unless `studioId` says more.

    `person` answers its forms, if it shows forms. `updates` are the URIs of the notifications that
    it received, in order.
    """

    era: str
    client: Client = field(init=False)
    tasks: TaskGroup
    person: Person | None = None
    clock: HandClock | VirtualClock | None = None
    """That of its world. None where the server is a process, whose time no test can move."""
    progress: ProgressFnT | None = None
    """Receives the progress of its calls."""
    patience_seconds: float = PATIENCE_SECONDS
    updates: list[str] = field(default_factory=list)
    subscription: Subscription = field(init=False)
    _updated: anyio.Event = field(default_factory=anyio.Event)
    _listening: AsyncExitStack = field(default_factory=AsyncExitStack)
    _background: list[BackgroundCall] = field(default_factory=list)

    # Calls

    async def call(self, what: Call | str, /, **arguments: object) -> types.CallToolResult:
        """Call a tool by its name, or a row of a table with more arguments."""
        tool, own = (what, _usual(what)) if isinstance(what, str) else (what.tool, what.arguments)
        with anyio.fail_after(self.patience_seconds):
            return await self.client.call_tool(
                tool, {**own, **arguments}, progress_callback=self.progress
            )

    def start(self, what: Call | str, /, **arguments: object) -> BackgroundCall:
        """Call a tool in the background."""
        call = BackgroundCall()
        self._background.append(call)
        self.tasks.start_soon(call.run, self, what, arguments)
        return call

    async def data(self, what: Call | str, /, **arguments: object) -> dict[str, Any]:
        """Call a tool, and return the data of its answer."""
        return data_of(await self.call(what, **arguments))

    async def preview(self, what: Call | str, /, **arguments: object) -> dict[str, Any]:
        """Call a tool, which must not run yet; returns the data of its answer."""
        shown = await self.data(what, **arguments)
        assert shown["executed"] is False, shown
        return shown

    async def confirmation(self, what: Call | str, /, **arguments: object) -> str:
        """The confirmation in the preview of a call, once a person can have read that."""
        confirmation = str((await self.preview(what, **arguments))["confirmation"])
        tool = what if isinstance(what, str) else what.tool
        if tool != "go_offline":  # a stop waits for nobody
            await self.read_preview()
        return confirmation

    async def read_preview(self) -> None:
        """Take the time in which a person reads a preview, in its world's time."""
        if isinstance(self.clock, HandClock):
            self.clock.advance(PREVIEW_SECONDS)
        else:
            await anyio.sleep(PREVIEW_SECONDS)

    async def use(
        self, what: Call | str, confirmation: str, /, **arguments: object
    ) -> types.CallToolResult:
        """Call with a confirmation."""
        return await self.call(what, **arguments, confirm=True, confirmation=confirmation)

    async def confirmed(self, what: Call | str, /, **arguments: object) -> types.CallToolResult:
        """Call with a new confirmation."""
        return await self.use(what, await self.confirmation(what, **arguments), **arguments)

    async def answer(
        self,
        what: Call,
        state: str | None = None,
        responses: types.InputResponses | None = None,
    ) -> types.CallToolResult | types.InputRequiredResult:
        """Call in the later era by hand, with the answer to an earlier question."""
        with anyio.fail_after(self.patience_seconds):
            return await self.client.session.call_tool(
                what.tool,
                dict(what.arguments),
                input_responses=responses,
                request_state=state,
                allow_input_required=True,
            )

    async def question(self, what: Call) -> types.InputRequiredResult:
        """Call in the later era, and return the question, which is the call's result."""
        asked = await self.answer(what)
        assert isinstance(asked, types.InputRequiredResult), asked
        return asked

    # Resources

    async def read(self, uri: str, *, after: str | None = None) -> dict[str, Any]:
        """Read a resource as JSON, chat optionally after a cursor."""
        with anyio.fail_after(self.patience_seconds):
            full_uri = uri if after is None else f"{uri}?after={after}"
            (contents,) = (await self.client.read_resource(full_uri)).contents
        assert isinstance(contents, types.TextResourceContents)
        read: dict[str, Any] = json.loads(contents.text)
        return read

    async def subscribe(self, *uris: str) -> list[str]:
        """Subscribe to these URIs. Returns those that the server accepted."""
        with anyio.fail_after(self.patience_seconds):
            if self.era != LEGACY:
                listening = self.client.listen(resource_subscriptions=uris)
                self.subscription = await self._listening.enter_async_context(listening)
                return list(self.subscription.honored.resource_subscriptions or ())
            for uri in uris:
                with pytest.warns(MCPDeprecationWarning):
                    await self.client.subscribe_resource(uri)
            return list(uris)

    async def unsubscribe(self, *uris: str) -> None:
        """Unsubscribe from these URIs; in the later era, from all."""
        with anyio.fail_after(self.patience_seconds):
            await self._listening.aclose()
            for uri in uris if self.era == LEGACY else ():
                with pytest.warns(MCPDeprecationWarning):
                    await self.client.unsubscribe_resource(uri)

    async def wait_for_updates(self, count: int = 1) -> None:
        """Wait until it has received `count` notifications in all."""
        with anyio.fail_after(self.patience_seconds):
            while len(self.updates) < count:
                self._updated = anyio.Event()
                await self._updated.wait()

    async def on_message(self, message: IncomingMessage) -> None:
        """Record an update notification: the `message_handler` of the client."""
        if isinstance(message, types.ResourceUpdatedNotification):
            self.updates.append(message.params.uri)
            self._updated.set()

    async def end_calls(self) -> None:
        """Cancel the calls that still run in the background."""
        for call in self._background:
            await call.end()

    async def end(self) -> None:
        """End what it has begun, before its connection ends."""
        await self.end_calls()
        await self._listening.aclose()


def _usual(tool: str) -> dict[str, str]:
    return {"studioId": _FRIDAY} if tool in _tools_of_a_studio() else {}


@cache
def _tools_of_a_studio() -> frozenset[str]:
    """The tools that require a studio."""
    return frozenset(
        it.name for it in listings() if "studioId" in it.input_schema.get("required", ())
    )
