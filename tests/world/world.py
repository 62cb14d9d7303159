"""One world for every test: over any transport, by hand or in virtual time, with any replicas."""

from __future__ import annotations

import sys
from collections import Counter
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

import anyio
from mcp import Client
from mcp.client.extension import advertise
from mcp.client.stdio import StdioServerParameters
from mcp.server.apps import APP_MIME_TYPE, EXTENSION_ID

from tests import ROOT
from tests.support.http_clients import plain_http, sdk_connection
from tests.support.product.frozen_sandbox import frozen_sandbox, virtual_sandbox
from tests.support.product.local_servers import listening
from tests.support.product.memory import engine_memory, shared_memories, store_secret_file
from tests.support.product.pages import open_page
from tests.support.product.sandbox import ACCOUNT, SANDBOX_KEY, SCOPES, Sandbox
from tests.support.product.sandbox_accounts import ANOTHER_ACCOUNT
from tests.support.product.server import Product, no_pause
from tests.support.product.shared_clock import HandClock
from tests.support.product.virtual_time import STARTED_AT, VirtualClock
from tests.support.server_process import PATIENCE_SECONDS, environment, running
from tests.world.caller import Caller
from tests.world.page import Page
from tests.world.replica import Replica
from tests.world.wire import FORMS, LEGACY, MODERN, HttpWire, credentials

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping, Sequence

    import httpx
    import mcp_types as types
    from anyio.abc import TaskGroup
    from mcp.client import Transport

    from tests.support.product.memory import Memory
    from tests.support.product.request_log import ReceivedRequest
    from tests.support.product.software_passkey import SoftwarePasskey
    from tests.support.simulated_person import Person

MINE: Final = SANDBOX_KEY
"""The key of the studio's owner."""
COLLEAGUE: Final = "sk_live_sandbox_colleague"
"""Another key of the same account, with the same access."""
NO_ACCESS: Final = "sk_live_sandbox_no_access"
"""A key of another account, which may go live and offline, and read nothing."""
CUSTOMER: Final = "sk_live_sandbox_customer"
"""A key of another account with all scopes there."""

KEY_CHECK: Final = ("/v1/studios", {"limit": "1"})
"""What TRaX is asked about a key."""
_APPS: Final = (advertise(EXTENSION_ID, {"mimeTypes": [APP_MIME_TYPE]}),)
_PATIENCE_IN_VIRTUAL_SECONDS: Final = 3600.0
_PROCESS_SETTINGS: Final = {"TRAX_LOG_LEVEL": "WARNING", "TRAX_TIMEOUT_SECONDS": "5"}


class Over(StrEnum):
    """What is between a caller and the server, and where the server runs."""

    MEMORY = "in memory"
    HTTP = "over HTTP, in this process"
    STDIO = "over stdio, in a process for each caller"
    PROCESS = "over HTTP, in a process for each replica"


@dataclass
class World:
    """A TRaX, the time of everything, the servers on it, and who calls them."""

    trax: Sandbox
    clock: HandClock | VirtualClock | None
    """None in real time: of processes, and with an engine."""
    era: str
    over: Over
    tasks: TaskGroup = field(init=False)
    settings: Mapping[str, str] = field(repr=False)
    replicas: list[Replica] = field(default_factory=list)
    callers: dict[str, Caller] = field(default_factory=dict)
    """The callers that it was opened with, by key."""
    page: Page | None = None
    """The tab of the approval page, if the world has one."""
    http: httpx.AsyncClient = field(init=False, repr=False)
    """A plain HTTP client of its server, or of the first replica, over HTTP."""
    _callers: list[Caller] = field(default_factory=list, repr=False)
    _stack: AsyncExitStack = field(default_factory=AsyncExitStack, repr=False)

    @property
    def product(self) -> Product:
        """The only server, or the first replica."""
        product = self.replicas[0].product
        assert product is not None, "the server is a process"
        return product

    @property
    def hand_clock(self) -> HandClock:
        """Its clock, which the test moves."""
        assert isinstance(self.clock, HandClock), self.clock
        return self.clock

    @property
    def open_page(self) -> Page:
        """The tab of the approval page."""
        assert self.page is not None, "it was opened without a page"
        return self.page

    @property
    def address(self) -> str:
        """Its URL without the path."""
        return self.replicas[0].address

    @property
    def calls(self) -> list[ReceivedRequest]:
        """What has reached TRaX, without the question whether a key is good, asked over HTTP."""
        return [it for it in self.trax.requests if (it.path, it.query) != KEY_CHECK]

    @property
    def keys(self) -> list[str]:
        """The key of each of them. Empty if it had none."""
        sent = [it.headers.get("authorization", "") for it in self.calls]
        return [it.removeprefix("Bearer ") for it in sent]

    # Callers

    def __getitem__(self, key: str) -> Caller:
        return self.callers[key]

    async def caller(
        self,
        key: str = MINE,
        *,
        era: str | None = None,
        person: Person | None = None,
        apps: bool = False,
        named: types.Implementation | None = None,
        at: int = 0,
    ) -> Caller:
        """Connect a client to the replica `at` until the world ends. Its `key` may be "", for none.

        With a `person` it shows forms, with `apps` it draws panels, and `named` is what it says of
        itself. Over HTTP its `key` may be the access token of a sign-in, as that of `wire`.
        """
        return await self._stack.enter_async_context(
            self.visitor(key, era=era, person=person, apps=apps, named=named, at=at)
        )

    @asynccontextmanager
    async def visitor(
        self,
        key: str = MINE,
        *,
        era: str | None = None,
        person: Person | None = None,
        apps: bool = False,
        named: types.Implementation | None = None,
        at: int = 0,
    ) -> AsyncIterator[Caller]:
        """The same until the block ends."""
        it = Caller(era or self.era, self.tasks, person, self.clock)
        if isinstance(self.clock, VirtualClock):
            it.patience_seconds = _PATIENCE_IN_VIRTUAL_SECONDS
        before = self._open_streams(at)
        async with AsyncExitStack() as stack:
            it.client = await stack.enter_async_context(
                Client(
                    await stack.enter_async_context(self._connection(key, at)),
                    mode=it.era,
                    cache=None,
                    client_info=named,
                    elicitation_callback=person,
                    message_handler=it.on_message,
                    extensions=_APPS if apps else None,
                )
            )
            stack.push_async_callback(it.end)
            if it.era == LEGACY:
                await self._stream_opened(at, before)
            self._callers.append(it)
            try:
                yield it
            finally:  # not `remove`, which compares them
                self._callers = [other for other in self._callers if other is not it]

    async def wire(
        self,
        key: str | None = MINE,
        *,
        era: str | None = None,
        forms: bool = False,
        at: int = 0,
        **headers: str,
    ) -> HttpWire:
        """A client without the SDK over HTTP, after its handshake; `headers` as `x_name="..."`.

        With `forms` it says in its handshake that it shows forms.
        """
        http = await self._stack.enter_async_context(plain_http(self.replicas[at].address))
        own = credentials(key) if key is not None else {}
        caller = HttpWire(http, era or self.era, **own, **headers)
        await caller.open(FORMS if forms else None)
        return caller

    def _open_streams(self, at: int) -> int:
        product = self.replicas[at].product if self.over is Over.HTTP else None
        return product.open_streams if product else 0

    async def _stream_opened(self, at: int, before: int) -> None:
        """Wait for the stream of a session, on which its notifications come."""
        if self.over is Over.HTTP and isinstance(self.clock, HandClock):
            with anyio.fail_after(PATIENCE_SECONDS):
                while self._open_streams(at) == before:  # noqa: ASYNC110  it can only be asked
                    await anyio.sleep(0.002)

    @asynccontextmanager
    async def _connection(self, key: str, at: int) -> AsyncIterator[Transport | Any]:
        match self.over:
            case Over.MEMORY:
                product = self.replicas[at].product
                assert product is not None
                yield product.server(key or None)
            case Over.STDIO:
                settings = {**({"TRAX_API_KEY": key} if key else {}), **self.settings}
                yield StdioServerParameters(
                    command=sys.executable,
                    args=["-m", "trax_mcp"],
                    env=environment(settings),
                    cwd=ROOT,
                )
            case _:
                async with sdk_connection(self.replicas[at].address, credentials(key)) as http:
                    yield http

    # TRaX

    @property
    def sent(self) -> list[str]:
        """Every change that reached TRaX, whether or not it succeeded."""
        return self.trax.sent

    @property
    def received(self) -> Counter[str]:
        """How often each request reached TRaX: `GET /v1/studios`, without the query."""
        return Counter(f"{it.method} {it.path}" for it in self.trax.requests)

    @property
    def arrived(self) -> list[tuple[float, str]]:
        """When each change reached TRaX, in seconds of virtual time, and its method and path."""
        began = STARTED_AT.timestamp()
        return [(it.at - began, f"{it.method} {it.path}") for it in self.trax.mutations]

    def times_of(self, path: str) -> list[float]:
        """The same for changes with this end of their path."""
        return [seconds for seconds, sent in self.arrived if sent.endswith(path)]

    @property
    def is_live(self) -> bool:
        """Whether the Friday Night Show is on air, or about to be."""
        return self.trax.is_running()

    async def _end_calls(self) -> None:
        """Cancel what still runs in the background, before its client goes."""
        for caller in self._callers:
            await caller.end_calls()

    def add_bot(self, key: str, *, account: str = ACCOUNT) -> None:
        """Give TRaX a key that may go live and offline, and read nothing."""
        self.trax.add_key(key, account=account, scopes={"stream:golive"})

    # Replicas of their own processes

    async def start_replica(self, **settings: str) -> Replica:
        """Start one more process over HTTP, with more settings."""
        started = running("http", "--port", "0", settings={**self.settings, **settings})
        process = await self._stack.enter_async_context(started)
        replica = Replica(address=await process.address(), process=process)
        self.replicas.append(replica)
        return replica


@asynccontextmanager
async def open_world(
    *keys: str,
    over: Over = Over.MEMORY,
    era: str = MODERN,
    virtual: bool = False,
    replicas: int = 1,
    trax: Sandbox | None = None,
    short_seconds: float = 2.0,
    transport: Callable[[Sandbox], httpx.AsyncBaseTransport] | None = None,
    page: bool = False,
    has_browser: bool = True,
    passkey: SoftwarePasskey | None = None,
    memory: Memory | None = None,
    engine: str = "",
    person: Person | None = None,
    apps: bool = False,
    **settings: str,
) -> AsyncIterator[World]:
    """Open a world with these settings of the server, and a caller for each key.

    Time is moved by hand, or `virtual` (in a test that is `in_virtual_time`). The sandbox knows
    the keys above. `short_seconds` is for the `HandClock`. `transport` stands between the server
    and TRaX. With `page` the server has its pages, and a recorded browser. Two `replicas`
    in this process share their memory. With the address of an `engine` all replicas share that, in
    real time. The `person` and `apps` are those of every caller.
    """
    if trax is None:
        real = Sandbox(rate_limit=None) if engine else frozen_sandbox()
        trax = virtual_sandbox() if virtual else real
    trax = known_to_all(trax)
    clock = VirtualClock() if virtual else HandClock(trax, short_seconds=short_seconds)
    async with AsyncExitStack() as servers:
        if engine:
            secret = servers.enter_context(store_secret_file())
            settings |= {"TRAX_STORE_URL": engine, "TRAX_STORE_SECRET_FILE": secret}
        it = World(trax, clock, era, over, settings)
        if over in {Over.STDIO, Over.PROCESS}:
            await _start_processes(it, servers, replicas)
        else:
            practice = "TRAX_SANDBOX" in settings
            opened = open_page(clock, passkey, practice=practice, has_browser=has_browser)
            browser = await servers.enter_async_context(opened) if page else None
            it.page = Page(browser) if browser else None
            memories: Sequence[Memory | None] = (memory,)
            if engine:
                it.clock = None
                memories = [
                    await servers.enter_async_context(engine_memory(engine))
                    for _ in range(replicas)
                ]
            elif replicas > 1:
                memories = shared_memories(clock)
            for shared in memories:
                product = Product(
                    trax,
                    shared.clock if engine and shared else clock,
                    {"TRAX_TIMEOUT_SECONDS": "10", **settings} if virtual else settings,
                    transport=transport(trax) if transport else None,
                    page=browser.page if browser else None,
                    rooms=browser.rooms if browser else None,
                    pause=anyio.sleep if virtual else no_pause,
                    passkey=passkey,
                    memory=shared,
                )
                servers.push_async_callback(product.aclose)
                it.replicas.append(await _served(product, servers, over))
            if it.address:
                it.http = await servers.enter_async_context(plain_http(it.address))
        async with called_by(it, *keys, person=person, apps=apps):
            yield it


@asynccontextmanager
async def called_by(
    it: World, *keys: str, person: Person | None = None, apps: bool = False
) -> AsyncIterator[None]:
    """Connect a caller for each key to a world, and end all callers and tasks with the block."""
    async with anyio.create_task_group() as it.tasks:
        try:
            async with it._stack:
                for key in keys:
                    it.callers[key] = await it.caller(key, person=person, apps=apps)
                try:
                    yield
                finally:
                    await it._end_calls()
        finally:
            it.tasks.cancel_scope.cancel()


async def _start_processes(it: World, servers: AsyncExitStack, replicas: int) -> None:
    it.clock = None
    it.trax.base_url = await servers.enter_async_context(listening(it.trax.app))
    it.settings = {**_PROCESS_SETTINGS, "TRAX_BASE_URL": it.trax.base_url, **it.settings}
    for _ in range(replicas if it.over is Over.PROCESS else 0):
        await it.start_replica()
    if it.replicas:
        it.http = await servers.enter_async_context(plain_http(it.address))


async def _served(product: Product, servers: AsyncExitStack, over: Over) -> Replica:
    if over is Over.MEMORY:
        return Replica(product)
    app = product.app()
    return Replica(product, await servers.enter_async_context(listening(app)))


def known_to_all(trax: Sandbox) -> Sandbox:
    """Give a sandbox the keys of this module."""
    trax.add_key(COLLEAGUE)
    trax.add_key(NO_ACCESS, account=ANOTHER_ACCOUNT, scopes={"stream:golive"})
    trax.add_key(CUSTOMER, account=ANOTHER_ACCOUNT, scopes=SCOPES)
    return trax
