"""People who sign in at a process that shares its memory: what outlives it, and what others get.

`proof/replicas/test_sign_in.py` does it with real processes on a real Valkey.
"""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Final

import anyio
import pytest
from mcp import Client, MCPError
from mcp.client.extension import advertise
from mcp.server.apps import APP_MIME_TYPE, EXTENSION_ID

from tests.support.guarded_calls import GO_LIVE, GO_OFFLINE, STUDIO, YES
from tests.support.product.frozen_sandbox import still
from tests.support.product.local_servers import listening
from tests.support.product.memory import SharedRecords, shared_memories
from tests.support.product.sandbox import SANDBOX_KEY
from tests.support.product.server import Product
from tests.support.product.shared_clock import HandClock, settled
from tests.support.served_app import plain_http, sdk_connection
from tests.support.served_sign_in import SignInFront, signing_in
from tests.world.wire import LEGACY, MODERN, HttpWire, tool_call
from tests.world.world import COLLEAGUE, known_to_all

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from contextlib import AbstractAsyncContextManager
    from pathlib import Path

    from tests.world.wire import Message

Tokens = dict[str, Any]

URL: Final = "https://trax.example.com"
APPS: Final = (advertise(EXTENSION_ID, {"mimeTypes": [APP_MIME_TYPE]}),)
TICKET: Final = "live.traxstreaming/ticket"
EXPIRED: Final = ("confirmation_invalid", "expired")
USED: Final = ("confirmation_invalid", "used")


class Machines:
    """Machines that a server moves between, with its two files, and one memory beside them."""

    def __init__(self, folder: Path) -> None:
        self.trax = known_to_all(still())
        self.clock = HandClock(self.trax)
        self.memory, self.of_another = shared_memories(self.clock)
        self._folder = folder

    def server(self) -> AbstractAsyncContextManager[SignInFront]:
        """The server, as a new process."""
        return signing_in(
            self._folder,
            trax=self.trax,
            memory=self.memory,
            public_url=URL,
            TRAX_ASK="panel",
        )

    @asynccontextmanager
    async def replica(self) -> AsyncIterator[HttpWire]:
        """A bot with the sandbox's key, at a replica where nobody signs in."""
        product = Product(self.trax, self.clock, memory=self.of_another)
        async with listening(product.app()) as address, plain_http(address) as http:
            yield HttpWire(http, MODERN, x_api_key=SANDBOX_KEY)


async def registered_at(front: SignInFront) -> str:
    """The id of a client that has registered."""
    async with front.steps() as steps:
        (await steps.register()).raise_for_status()
        return steps.client_id


async def signed_in(front: SignInFront, client_id: str, key: str = SANDBOX_KEY) -> Tokens:
    """The tokens of a person at a client."""
    async with front.steps(client_id) as steps:
        return await steps.sign_in(key)


async def previewed(caller: HttpWire, tool: str = "go_live") -> str:
    """The confirmation of a call on the studio of these tests."""
    shown = await caller.call(tool, **STUDIO)
    return str(shown["structuredContent"]["confirmation"])


async def confirmed(caller: HttpWire, yes: str, tool: str = "go_live") -> Message:
    """The answer to a call with a confirmation."""
    return await caller.call(tool, **STUDIO, confirm=True, confirmation=yes)


def reason(answer: Message) -> tuple[str, str]:
    """Why nothing was sent."""
    content = answer["structuredContent"]
    return content["status"], content["reason"]


@asynccontextmanager
async def panels(front: SignInFront, era: str, tokens: Tokens) -> AsyncIterator[Client]:
    """The SDK's client, which draws panels."""
    headers = {"authorization": f"Bearer {tokens['access_token']}"}
    async with (
        sdk_connection(front.address, headers) as connection,
        Client(
            connection,
            mode=era,
            cache=None,
            extensions=APPS,
        ) as client,
    ):
        yield client


async def waiting(client: Client) -> None:
    """The same call again, which waits until the server ends."""
    with pytest.raises(MCPError, match="shutting down"):
        await client.call_tool("go_live", STUDIO)


async def pressed(client: Client, ticket: str) -> str:
    """What the panel shows after a press on the choice that agrees."""
    answer = {"ticket": ticket, "question": "1", "choice": YES}
    state = (await client.call_tool("answer_approval", answer)).structured_content or {}
    return str(state["phase"])


async def test_a_yes_outlives_the_process_and_is_that_of_one_person_at_one_client(
    tmp_path: Path, era: str
) -> None:
    """It is good once. A session does not outlive it: its client opens another."""
    machines = Machines(tmp_path)
    async with machines.server() as front:
        client_id, another = await registered_at(front), await registered_at(front)
        tokens = await signed_in(front, client_id)
        elsewhere = await signed_in(front, another)
        someone = await signed_in(front, client_id, COLLEAGUE)
        before = await front.opened_with(era, tokens)
        yes = await previewed(before)
    async with machines.server() as front, front.steps(client_id) as steps:
        if era == LEGACY:
            after = front.signed_in(era, tokens)
            after.session = before.session
            assert (await after.post(tool_call(era, "list_studios"))).status_code == 404
        for others in (someone, elsewhere):
            stranger = await front.opened_with(era, others)
            assert reason(await confirmed(stranger, yes)) == EXPIRED
        async with machines.replica() as bot:
            assert reason(await confirmed(bot, yes)) == EXPIRED
        assert machines.trax.mutations == []
        tokens = (await steps.refresh(tokens["refresh_token"])).json()
        after = await front.opened_with(era, tokens)
        done = await confirmed(after, yes)
        assert done["structuredContent"]["observed"]["state"] == "on_air"
        assert reason(await confirmed(after, yes)) == USED
    assert [f"{it.method} {it.path}" for it in machines.trax.mutations] == [GO_LIVE.sent]


async def test_a_question_in_a_panel_outlives_the_process(tmp_path: Path, era: str) -> None:
    """The same person answers it, at the same client. A call waits for it as the process ends."""
    machines = Machines(tmp_path)
    async with machines.server() as front:
        client_id = await registered_at(front)
        tokens = await signed_in(front, client_id)
        someone = await signed_in(front, client_id, COLLEAGUE)
        async with panels(front, era, tokens) as client:
            asked = await client.call_tool("go_live", STUDIO)
            ticket = str((asked.meta or {})[TICKET])
            await client.call_tool("answer_approval", {"ticket": ticket})
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(waiting, client)
                await settled()
                await front.product.shut_down()
    machines.clock.advance(1)
    async with machines.server() as front:
        async with panels(front, era, someone) as stranger:
            assert await pressed(stranger, ticket) == "gone"
        assert machines.trax.mutations == []
        async with panels(front, era, tokens) as client:
            assert await pressed(client, ticket) == "ended"
            learnt = await client.call_tool("go_live", STUDIO)
    assert (learnt.structured_content or {})["observed"]["state"] == "on_air"
    assert len(machines.trax.mutations) == 1


async def test_a_sign_in_that_was_revoked_meanwhile_has_no_yes(tmp_path: Path) -> None:
    machines = Machines(tmp_path)
    async with machines.server() as front:
        tokens = await signed_in(front, await registered_at(front))
        yes = await previewed(front.signed_in(MODERN, tokens))
        front.revoke()
    async with machines.server() as front:
        call = tool_call(MODERN, "go_live", studioId="studio_42", confirm=True, confirmation=yes)
        assert (await front.signed_in(MODERN, tokens).post(call)).status_code == 401
    assert machines.trax.mutations == []


async def test_a_stop_at_a_replica_beside_it_counts_for_who_has_signed_in(tmp_path: Path) -> None:
    """A yes to a stop is good wherever their key comes. It voids what was asked before."""
    machines = Machines(tmp_path)
    async with machines.server() as front, machines.replica() as bot:
        person = front.signed_in(MODERN, await signed_in(front, await registered_at(front)))
        yes, stop = await previewed(person), await previewed(person, "go_offline")
        await confirmed(bot, stop, "go_offline")
        assert reason(await confirmed(person, yes)) == EXPIRED
    assert [f"{it.method} {it.path}" for it in machines.trax.mutations] == [GO_OFFLINE.sent]


async def test_reads_stops_and_sign_ins_go_on_while_the_memory_is_away(tmp_path: Path) -> None:
    machines = Machines(tmp_path)
    async with machines.server() as front:
        client_id = await registered_at(front)
        person = front.signed_in(MODERN, await signed_in(front, client_id))
        assert isinstance(machines.memory.records, SharedRecords)
        machines.memory.records.is_away = True
        await signed_in(front, client_id, COLLEAGUE)
        studio = await person.call("check_studio", **STUDIO)
        refused = await person.call("go_live", **STUDIO)
        await confirmed(person, await previewed(person, "go_offline"), "go_offline")
    assert not studio.get("isError")
    assert refused["structuredContent"]["error"]["code"] == "store_unavailable"
    assert [f"{it.method} {it.path}" for it in machines.trax.mutations] == [GO_OFFLINE.sent]
