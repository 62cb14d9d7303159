"""One server and one client, open over all examples of a property test.

The event loop runs in a thread of its own, so that a test can be driven by hypothesis and needs no
loop for each example. Each example meets the same world, and after it the server must still answer.
"""

from __future__ import annotations

import json
from base64 import b64encode
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Final, TypeVar, cast

import anyio
import mcp
import mcp_types as types
from anyio.from_thread import start_blocking_portal
from mcp.shared.exceptions import MCPError

from tests.conftest import OWNER, client_on
from tests.front import Front, serving
from tests.fuzz.values import STRANGERS, is_whole
from tests.hand import HandClock
from tests.jsonrpc import HttpCaller, Message, read_answer, request
from tests.ports import held
from tests.processes import PATIENCE_SECONDS
from tests.witness import put_on_air, restore, still, world_of
from trax_mcp.sandbox import SANDBOX_KEY
from trax_mcp.server.app import ServerDeps, build_server
from trax_mcp.server.tool_filter import ToolFilter

if TYPE_CHECKING:
    from collections import deque
    from collections.abc import Awaitable, Callable, Iterator, Sequence
    from pathlib import Path

    from anyio.from_thread import BlockingPortal

    from tests.person import Person
    from trax_mcp.sandbox import Received, Sandbox

ResultT = TypeVar("ResultT")

REFUSALS: Final = {
    None,  # it was answered
    types.PARSE_ERROR,
    types.INVALID_REQUEST,
    types.INVALID_PARAMS,
    types.HEADER_MISMATCH,
    -32002,  # no such resource, in the earlier era
}
"""Codes of protocol errors that say that a request was wrong, and none that a server was."""

LONGEST_HEADER: Final = 4_096
LONGEST_NOTE: Final = 2_000
"""Characters of an example that a failure shows."""


@dataclass(frozen=True)
class Stage:
    """The server from both sides: a client of it, and the TRaX behind it."""

    trax: Sandbox
    clock: HandClock
    client: mcp.Client
    portal: BlockingPortal

    def await_(self, asking: Callable[[], Awaitable[ResultT]]) -> ResultT:
        """Do something in the server's loop; nothing takes for ever."""

        async def bounded() -> ResultT:
            with anyio.fail_after(PATIENCE_SECONDS):
                return await asking()

        return self.portal.call(bounded)

    def try_(self, asking: Callable[[], Awaitable[ResultT]]) -> ResultT | types.ErrorData:
        """The same, or the protocol error that came of it."""
        try:
            return self.await_(asking)
        except MCPError as error:
            return error.error

    @contextmanager
    def example(self, *given: object) -> Iterator[None]:
        """One example: nothing of it is left behind, and it ends with a server that answers."""
        before = world_of(self.trax)
        self.sent.clear()
        with told(given):
            yield
            restore(self.trax, before)
            health = self.await_(lambda: self.client.call_tool("get_health", {}))
            assert (health.structured_content or {})["status"] == "ok"

    @property
    def sent(self) -> deque[Received]:
        """What reached TRaX in this example."""
        return cast("deque[Received]", self.trax.requests)


@contextmanager
def told(*given: object) -> Iterator[None]:
    """A failure within says what was given."""
    try:
        yield
    except Exception as error:
        error.add_note(ascii(given)[:LONGEST_NOTE])
        raise


@contextmanager
def stage(
    era: str,
    *,
    short_seconds: float = 60.0,
    on_air: Sequence[str] = (),
    media_dirs: Sequence[Path] = (),
    person: Person | None = None,
) -> Iterator[Stage]:
    """A server that offers everything, on a sandbox that limits nobody; its clock stands still.

    `short_seconds` is the clock's: so long a wait is no wait. `on_air` are studios that are live,
    and `person` is shown forms.
    """
    trax = still()
    trax.rate_limit = None
    for studio in on_air:
        put_on_air(trax, studio)
    clock = HandClock(trax, short_seconds=short_seconds)
    house = ServerDeps(clock=clock, offer=ToolFilter(local=True), media_dirs=media_dirs)
    server = build_server(client_on(trax), own=OWNER, house=house)
    client = mcp.Client(server, mode=era, cache=None, elicitation_callback=person)
    with start_blocking_portal() as portal, held(portal, client) as connected:
        yield Stage(trax, clock, connected, portal)


@dataclass(frozen=True)
class HttpExchange:
    """The server on a port, and a caller that writes whatever it is told to."""

    front: Front
    caller: HttpCaller
    portal: BlockingPortal

    def ask(self, method: str, params: object, meta: Message | None = None) -> Message:
        """Send a request as JSON, and what is no JSON but read as such by many: NaN, halves.

        `meta` is said besides what the era wants. Returns the answer, once it is seen that the
        server answers the next call.
        """
        message = request(self.caller.era, method)
        if isinstance(params, dict):
            usual = message["params"].get("_meta", {})
            message["params"] = {**params, "_meta": {**usual, **(meta or {})}}
        else:
            message["params"] = params
        with told(params, meta):
            return self.portal.call(self._ask, message)

    @property
    def sent(self) -> deque[Received]:
        """What the request made reach TRaX."""
        return cast("deque[Received]", self.front.trax.requests)

    async def _ask(self, message: Message) -> Message:
        self.sent.clear()
        with anyio.fail_after(PATIENCE_SECONDS):
            response = await self.caller.http.post(
                "/mcp", content=json.dumps(message), headers=self._headers(message)
            )
            assert response.status_code in {200, 400}
            sent = list(self.sent)
            assert (await self.caller.call("get_health"))["structuredContent"]["status"] == "ok"
        self.sent.clear()
        self.sent.extend(sent)
        return read_answer(response)

    def _headers(self, message: Message) -> dict[str, str]:
        """As its era wants them: there, an address stands in a header too, if it can be written."""
        params = message["params"] if isinstance(message["params"], dict) else {}
        headers = self.caller.all_headers({**message, "params": params})
        uri = params.get("uri")
        if "uri" in params:  # it may be no text, or none that a header takes
            headers.pop("mcp-name", None)
        if isinstance(uri, str) and is_whole(uri) and len(uri) <= LONGEST_HEADER:
            headers["mcp-name"] = f"=?base64?{b64encode(uri.encode()).decode()}?="
        return headers | {"content-type": "application/json"}


@contextmanager
def wire(era: str) -> Iterator[HttpExchange]:
    """A server on a port of this process, and a caller with the sandbox owner's key."""
    with start_blocking_portal() as portal, held(portal, serving(short_seconds=60)) as front:
        front.trax.rate_limit = None
        caller = portal.call(partial(front.opened, era, x_api_key=SANDBOX_KEY))
        yield HttpExchange(front, caller, portal)


def nothing_of_strangers(answer: object, given: object) -> None:
    """Nothing in an answer is of another account, but what was asked with is said again at times.

    Hypothesis also tries the words that it finds in the code, those here among them.
    """
    told, asked = str(answer), str(given)
    assert not [it for it in STRANGERS if it in told and it not in asked]
