"""People who sign in at a process that shares its memory: what outlives it, and what others get.

`proof/replicas/test_sign_in.py` does it with real processes on a real Valkey.
"""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Final

from tests.support.guarded_calls import GO_LIVE, GO_OFFLINE, STUDIO
from tests.support.http_clients import plain_http
from tests.support.product.frozen_sandbox import frozen_sandbox
from tests.support.product.local_servers import listening
from tests.support.product.memory import SharedRecords, shared_memories
from tests.support.product.server import Product
from tests.support.product.shared_clock import HandClock, settled
from tests.world.caller import PREVIEW_SECONDS
from tests.world.panel import Panel, open_panel
from tests.world.sign_in import signing_in
from tests.world.wire import LEGACY, MODERN, HttpWire, tool_call
from tests.world.world import COLLEAGUE, MINE, known_to_all

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from contextlib import AbstractAsyncContextManager
    from pathlib import Path

    from tests.world.sign_in import SignInWorld
    from tests.world.wire import Message

Tokens = dict[str, Any]

URL: Final = "https://trax.example.com"
EXPIRED: Final = ("confirmation_invalid", "expired")
USED: Final = ("confirmation_invalid", "used")


class Machines:
    """Machines that a server moves between, with its two files, and one memory beside them."""

    def __init__(self, folder: Path) -> None:
        self.trax = known_to_all(frozen_sandbox())
        self.clock = HandClock(self.trax)
        self.memory, self.of_another = shared_memories(self.clock)
        self._folder = folder

    def server(self) -> AbstractAsyncContextManager[SignInWorld]:
        return signing_in(
            self._folder,
            trax=self.trax,
            memory=self.memory,
            public_url=URL,
            TRAX_ASK="panel,preview",
        )

    @asynccontextmanager
    async def replica(self) -> AsyncIterator[HttpWire]:
        """A bot with the sandbox's key, at a replica where nobody signs in."""
        product = Product(self.trax, self.clock, memory=self.of_another)
        async with listening(product.app()) as address, plain_http(address) as http:
            yield HttpWire(http, MODERN, x_api_key=MINE)


async def signed_in(it: SignInWorld, key: str = MINE, client_id: str = "") -> tuple[str, Tokens]:
    """The tokens of a person at a client, which may have registered before; and its id."""
    async with it.steps(client_id) as steps:
        if not client_id:
            (await steps.register()).raise_for_status()
        return steps.client_id, await steps.sign_in(key)


async def previewed(caller: HttpWire, tool: str = "go_live") -> str:
    shown = await caller.call(tool, **STUDIO)
    return str(shown["structuredContent"]["confirmation"])


async def confirmed(caller: HttpWire, yes: str, tool: str = "go_live") -> Message:
    answer = await caller.call(tool, **STUDIO, confirm=True, confirmation=yes)
    content: Message = answer["structuredContent"]
    return content


async def reason(caller: HttpWire, yes: str) -> tuple[str, str]:
    content = await confirmed(caller, yes)
    return content["status"], content["reason"]


async def test_a_yes_outlives_the_process_and_is_that_of_one_person_at_one_client(
    tmp_path: Path, era: str
) -> None:
    """It is good once. A session does not outlive it: its client opens another."""
    machines = Machines(tmp_path)
    async with machines.server() as it:
        client_id, tokens = await signed_in(it)
        _, elsewhere = await signed_in(it)
        _, someone = await signed_in(it, COLLEAGUE, client_id)
        before = await it.wire(tokens["access_token"], era=era)
        yes = await previewed(before)
    machines.clock.advance(PREVIEW_SECONDS)
    async with machines.server() as it, it.steps(client_id) as steps:
        if era == LEGACY:
            after = it.signed_in(tokens, era)
            after.session = before.session
            assert (await after.post(tool_call(era, "list_studios"))).status_code == 404
        for others in (someone, elsewhere):
            assert await reason(await it.wire(others["access_token"], era=era), yes) == EXPIRED
        async with machines.replica() as bot:
            assert await reason(bot, yes) == EXPIRED
        assert it.sent == []
        tokens = (await steps.refresh(tokens["refresh_token"])).json()
        after = await it.wire(tokens["access_token"], era=era)
        assert (await confirmed(after, yes))["observed"]["state"] == "on_air"
        assert await reason(after, yes) == USED
        assert it.sent == [GO_LIVE.sent]


async def test_a_question_in_a_panel_outlives_the_process(tmp_path: Path, era: str) -> None:
    """The same person answers it, at the same client. A call waits for it as the process ends."""
    machines = Machines(tmp_path)
    async with machines.server() as it:
        client_id, tokens = await signed_in(it)
        _, someone = await signed_in(it, COLLEAGUE, client_id)
        panel = await open_panel(
            await it.caller(tokens["access_token"], era=era, apps=True), GO_LIVE
        )
        shown = await panel.look()
        waiting = panel.caller.start(GO_LIVE)
        await settled()
        await it.product.shut_down()
        assert "shutting down" in await waiting.failure()
    machines.clock.advance(1)
    async with machines.server() as it:
        phases = []
        for person in (someone, tokens):
            caller = await it.caller(person["access_token"], era=era, apps=True)
            state = await Panel(caller, panel.ticket, shown).press(panel.yes)
            phases.append((state["phase"], len(it.sent)))
        assert phases == [("gone", 0), ("ended", 1)]
        learnt = await caller.data(GO_LIVE)
        assert learnt["observed"]["state"] == "on_air"
        assert len(it.sent) == 1


async def test_a_stop_at_a_replica_beside_it_counts_for_people_who_have_signed_in(
    tmp_path: Path,
) -> None:
    """A yes to a stop is good wherever their key comes. It voids what was asked before."""
    machines = Machines(tmp_path)
    async with machines.server() as it, machines.replica() as bot:
        person = it.signed_in((await signed_in(it))[1])
        yes, stop = await previewed(person), await previewed(person, "go_offline")
        machines.clock.advance(PREVIEW_SECONDS)
        await confirmed(bot, stop, "go_offline")
        assert await reason(person, yes) == EXPIRED
        assert it.sent == [GO_OFFLINE.sent]


async def test_reads_stops_and_sign_ins_go_on_while_the_memory_is_away(tmp_path: Path) -> None:
    machines = Machines(tmp_path)
    async with machines.server() as it:
        client_id, tokens = await signed_in(it)
        person = it.signed_in(tokens)
        assert isinstance(machines.memory.records, SharedRecords)
        machines.memory.records.is_away = True
        await signed_in(it, COLLEAGUE, client_id)
        assert not (await person.call("check_studio", **STUDIO)).get("isError")
        refused = await person.call("go_live", **STUDIO)
        assert refused["structuredContent"]["error"]["code"] == "store_unavailable"
        await confirmed(person, await previewed(person, "go_offline"), "go_offline")
        assert it.sent == [GO_OFFLINE.sent]
