"""`trax-mcp` as a process that serves many examples, so that damage adds up."""

from __future__ import annotations

import re
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeVar, cast

import anyio
from anyio.from_thread import start_blocking_portal

from tests.support.product.local_servers import open_in_portal, upstream
from tests.support.product.sandbox import SANDBOX_KEY
from tests.support.server_process import PATIENCE_SECONDS, running
from tests.world.world import KEY_CHECK

if TYPE_CHECKING:
    from collections import deque
    from collections.abc import Awaitable, Callable, Iterator

    from anyio.from_thread import BlockingPortal

    from tests.support.product.request_log import ReceivedRequest
    from tests.support.product.sandbox import Sandbox
    from tests.support.server_process import Running

ResultT = TypeVar("ResultT")

_ALLOWED_STDERR: Final = (
    r"trax-mcp is listening on http://127\.0\.0\.1:\d+/mcp",
    r"WARNING mcp\.server\.runner: dropped 'notifications/[a-z_/]+': malformed params",
    r"WARNING uvicorn\.error: Invalid HTTP request received\.",
    # The operator of a server behind a host name needs to see the rejected name.
    r"WARNING trax_mcp\.http\.authentication: Refused a request for another host: [ -~]*",
    r"WARNING trax_mcp\.http\.authentication: Refused a request of another origin: [ -~]*",
)
"""The only lines that a client may cause on stderr."""


@dataclass
class SharedProcess:
    """A server, the TRaX behind it, and the way into the event loop of its pipes."""

    trax: Sandbox
    process: Running
    portal: BlockingPortal
    _lines_checked: int = 0

    @property
    def calls(self) -> list[ReceivedRequest]:
        """What has reached TRaX, without the question whether a key is good."""
        return [it for it in self.trax.requests if (it.path, it.query) != KEY_CHECK]

    def run(self, check: Callable[..., Awaitable[ResultT]], *given: object) -> ResultT:
        """Run a coroutine function, with a time limit, after which the server still runs."""

        async def bounded() -> ResultT:
            with anyio.fail_after(PATIENCE_SECONDS):
                return await check(*given)

        cast("deque[object]", self.trax.requests).clear()
        found = self.portal.call(bounded)
        assert self.process.process.returncode is None
        self.check_stderr()
        return found

    def check_stderr(self) -> None:
        """Check that stderr has only allowed lines."""
        lines = self.process.stderr.all[self._lines_checked :]
        self._lines_checked += len(lines)
        allowed = re.compile("|".join(_ALLOWED_STDERR))
        assert [it for it in lines if not allowed.fullmatch(it.rstrip("\n"))] == []


@contextmanager
def shared_process(*arguments: str) -> Iterator[SharedProcess]:
    """Run `trax-mcp` with these arguments on a sandbox without rate limit."""
    own_key = {} if "http" in arguments else {"TRAX_API_KEY": SANDBOX_KEY}
    with start_blocking_portal() as portal, open_in_portal(portal, upstream()) as trax:
        trax.rate_limit = None
        settings = {**own_key, "TRAX_BASE_URL": trax.base_url}
        with open_in_portal(portal, running(*arguments, settings=settings)) as process:
            yield SharedProcess(trax, process, portal)
