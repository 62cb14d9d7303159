"""One server and one client, shared by all examples of a property test.

The event loop runs in its own thread, so that hypothesis can drive the test. Each example starts
with the same world; after it the server must still answer.
"""

from __future__ import annotations

import json
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Final, TypeVar, cast

import anyio
import mcp
import mcp_types as types
from anyio.from_thread import start_blocking_portal
from mcp.shared.exceptions import MCPError

from tests.support.fuzzing.strategies import OTHER_ACCOUNT
from tests.support.product.frozen_sandbox import put_on_air, restore, still, world_of
from tests.support.product.local_servers import open_in_portal
from tests.support.product.sandbox import SANDBOX_KEY
from tests.support.product.server import Product
from tests.support.product.shared_clock import HandClock
from tests.support.served_app import Front, serving
from tests.support.server_process import PATIENCE_SECONDS
from tests.world.wire import HttpWire, Message, read_answer, request

if TYPE_CHECKING:
    from collections import deque
    from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from anyio.from_thread import BlockingPortal

    from tests.support.product.request_log import ReceivedRequest
    from tests.support.product.sandbox import Sandbox
    from tests.support.simulated_person import Person

ResultT = TypeVar("ResultT")

LONGEST_BODY: Final = 64 * 1024
"""Bytes of a request over HTTP."""

CLIENT_ERRORS: Final = {
    None,  # no error
    types.PARSE_ERROR,
    types.INVALID_REQUEST,
    types.INVALID_PARAMS,
    types.HEADER_MISMATCH,
    -32002,  # no such resource, in the earlier era
}
"""Codes of protocol errors that blame the request, not the server."""

MAX_NOTE_LENGTH: Final = 2_000
"""Characters of an example that a failure shows."""


@dataclass(frozen=True)
class FuzzSession:
    """A client, the server and the sandbox behind it."""

    trax: Sandbox
    clock: HandClock
    client: mcp.Client
    portal: BlockingPortal
    tools: Mapping[str, types.Tool]
    """The tools as listed."""

    def run(self, call: Callable[[], Awaitable[ResultT]]) -> ResultT:
        """Run a coroutine function in the server's loop, with a time limit."""

        async def bounded() -> ResultT:
            with anyio.fail_after(PATIENCE_SECONDS):
                return await call()

        return self.portal.call(bounded)

    def run_or_error(self, call: Callable[[], Awaitable[ResultT]]) -> ResultT | types.ErrorData:
        """Like `run`, but return a protocol error instead of raising it."""
        try:
            return self.run(call)
        except MCPError as error:
            return error.error

    @contextmanager
    def example(self, *given: object) -> Iterator[None]:
        """Run one example, undo its changes, and check that the server still answers."""
        before = world_of(self.trax)
        self.sent.clear()
        with noting(given):
            yield
            restore(self.trax, before)
            health = self.run(lambda: self.client.call_tool("get_health", {}))
            assert (health.structured_content or {})["status"] == "ok"

    @property
    def sent(self) -> deque[ReceivedRequest]:
        """The requests that reached the sandbox in this example."""
        return cast("deque[ReceivedRequest]", self.trax.requests)


@contextmanager
def noting(*given: object) -> Iterator[None]:
    """Add the input to a failure within the block."""
    try:
        yield
    except Exception as error:
        error.add_note(ascii(given)[:MAX_NOTE_LENGTH])
        raise


@contextmanager
def fuzz_session(
    era: str,
    *,
    short_seconds: float = 60.0,
    on_air: Sequence[str] = (),
    media_dir: Path | None = None,
    person: Person | None = None,
) -> Iterator[FuzzSession]:
    """A server on a sandbox without rate limit; its clock stands still.

    On this clock, waits of up to `short_seconds` return at once. The studios of `on_air` are live.
    With a `media_dir` the tool that reads files is there too. `person` answers forms.
    """
    trax = still()
    trax.rate_limit = None
    for studio in on_air:
        put_on_air(trax, studio)
    clock = HandClock(trax, short_seconds=short_seconds)
    settings = {"TRAX_MEDIA_DIRS": str(media_dir)} if media_dir else {}
    server = Product(trax, clock, settings).server()
    client = mcp.Client(server, mode=era, cache=None, elicitation_callback=person)
    with start_blocking_portal() as portal, open_in_portal(portal, client) as connected:
        tools = {it.name: it for it in portal.call(connected.list_tools).tools}
        yield FuzzSession(trax, clock, connected, portal, tools)


@dataclass(frozen=True)
class HttpFuzzSession:
    """A server on a port, and a client that sends any params."""

    front: Front
    caller: HttpWire
    portal: BlockingPortal

    def ask(self, method: str, params: Message, meta: Message) -> Message:
        """Send a request as JSON, also values such as NaN that are not valid JSON.

        `meta` is added to the metadata that the era requires. Also checks that the server answers
        the next call.
        """
        message = request(self.caller.era, method)
        required = message["params"].get("_meta", {})
        message["params"] = {**params, "_meta": {**required, **meta}}
        with noting(params, meta):
            return self.portal.call(self._ask, message)

    @property
    def sent(self) -> deque[ReceivedRequest]:
        """The requests to the sandbox that this request caused."""
        return cast("deque[ReceivedRequest]", self.front.trax.requests)

    async def _ask(self, message: Message) -> Message:
        self.sent.clear()
        with anyio.fail_after(PATIENCE_SECONDS):
            headers = self.caller.all_headers(message) | {"content-type": "application/json"}
            body = json.dumps(message)
            response = await self.caller.http.post("/mcp", content=body, headers=headers)
            is_too_long = len(body) > LONGEST_BODY
            assert response.status_code in ({413} if is_too_long else {200, 400})
            sent = list(self.sent)
            assert (await self.caller.call("get_health"))["structuredContent"]["status"] == "ok"
        self.sent.clear()
        self.sent.extend(sent)
        return {"error": {}} if is_too_long else read_answer(response)


@contextmanager
def http_fuzz_session(era: str) -> Iterator[HttpFuzzSession]:
    """A server on a port of this process, and a client with the sandbox owner's key."""
    with (
        start_blocking_portal() as portal,
        open_in_portal(portal, serving(short_seconds=60)) as front,
    ):
        front.trax.rate_limit = None
        caller = portal.call(partial(front.opened, era, x_api_key=SANDBOX_KEY))
        yield HttpFuzzSession(front, caller, portal)


def check_no_other_account(answer: object, given: object) -> None:
    """An answer names nothing of another account, except what the input already named.

    Hypothesis also uses constants from the code as input, including those of this module.
    """
    output, source = str(answer), str(given)
    assert not [it for it in OTHER_ACCOUNT if it in output and it not in source]
