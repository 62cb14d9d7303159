"""Twelve people at one server, at once: nobody sees or uses what is another's.

Some have signed in, all with one client program, and some send their key. Each has an account of
their own, in either protocol era, and tries what belongs to the next. `make nightly` has more.
"""

from __future__ import annotations

import json
import os
import re
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import anyio

from tests.support.http_clients import plain_http
from tests.support.product.frozen_sandbox import frozen_sandbox
from tests.support.product.shared_clock import STEP_SECONDS, settled
from tests.world.caller import PREVIEW_SECONDS
from tests.world.sign_in import signing_in
from tests.world.wire import ERAS, LEGACY, HttpWire, Stream, credentials, tool_call

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from anyio.abc import TaskStatus
    from httpx import AsyncClient

    from tests.support.product.sandbox import Sandbox
    from tests.support.product.shared_clock import HandClock
    from tests.world.sign_in import SignInWorld

PEOPLE: Final = int(os.environ.get("PROOF_PEOPLE", "12"))
LONGEST_SECONDS: Final = 300
"""In real time; an idle machine needs a tenth of it for 200 people."""

MARK: Final = re.compile(r"of-person-(\d{3})")


def key_of(number: int) -> str:
    """The key of a person. Its mark is in it."""
    return f"sk_live_of-person-{number:03}"


def studio_of(number: int) -> str:
    return f"studio_of-person-{number:03}"


def chat_of(number: int) -> str:
    return f"trax://studios/{studio_of(number)}/chat"


def marks_in(content: object) -> set[int]:
    """The numbers of the people whose marks are in an answer."""
    return {int(it) for it in MARK.findall(json.dumps(content))}


def sandbox_of_many() -> Sandbox:
    """A sandbox with an account, a key and a studio for each person."""
    trax = frozen_sandbox()
    for number in range(PEOPLE):
        account = f"user_of-person-{number:03}"
        trax.add_key(key_of(number), account=account)
        name = f"The show of-person-{number:03}"
        trax.add_studio(name, record_id=studio_of(number), account=account)
    return trax


@dataclass
class Person:
    """One person with a client of their own."""

    number: int
    wire: HttpWire
    confirmation: str = ""
    stream: Stream = field(default_factory=lambda: Stream(0))

    @property
    def studio(self) -> dict[str, Any]:
        return {"studioId": studio_of(self.number)}

    async def look(self, method: str, **params: object) -> dict[str, Any]:
        """Ask for something of one's own; returns the answer, with no mark of another in it."""
        answer = await self.wire.ask(method, **params)
        assert marks_in(answer) == {self.number}, answer
        return answer

    async def preview(self) -> None:
        """Ask to go live, which gives a confirmation that belongs to this person."""
        shown = await self.look("tools/call", name="go_live", arguments=self.studio)
        self.confirmation = shown["result"]["structuredContent"]["confirmation"]

    async def try_others(self, other: Person) -> None:
        """Ask for what is another's, in one's own session and in theirs."""
        stolen = {"confirm": True, "confirmation": other.confirmation}
        for tool, arguments in (
            ("get_studio", other.studio),
            ("list_chat_messages", other.studio),
            ("send_chat_message", {**other.studio, "text": "Hello"}),
            ("go_live", {**other.studio, **stolen}),
        ):
            result = await self.wire.call(tool, **arguments)
            assert result["isError"], result
            assert not result["structuredContent"].get("observed")
        refused = await self.wire.call("go_live", **self.studio, **stolen)
        assert refused["structuredContent"]["reason"] == "expired", refused
        if self.wire.era == other.wire.era == LEGACY:
            own, self.wire.session = self.wire.session, other.wire.session
            assert (await self.wire.post(tool_call(LEGACY, "list_studios"))).status_code == 404
            assert await self.wire.statuses() == (404, 404)
            self.wire.session = own

    async def use(self, other: Person) -> None:
        """Use what is one's own, and try what is another's."""
        await self.look("tools/call", name="list_studios", arguments={})
        await self.look("tools/call", name="get_studio", arguments=self.studio)
        await self.try_others(other)
        await self.look("resources/read", uri=f"trax://studios/{studio_of(self.number)}")
        await self.look("resources/list")
        start_stream = {"type": "ref/prompt", "name": "start_stream"}
        await self.look(
            "completion/complete", ref=start_stream, argument={"name": "studio", "value": ""}
        )
        yes = {**self.studio, "confirm": True, "confirmation": self.confirmation}
        done = await self.wire.call("go_live", **yes)
        assert done["structuredContent"]["observed"]["state"] == "on_air", done

    async def follow(self, other: Person, *, task_status: TaskStatus[None]) -> None:
        """Subscribe to one's own chat, not to another's; collect updates until cancelled."""
        wire, own, others = self.wire, chat_of(self.number), chat_of(other.number)
        if wire.era == LEGACY:
            await wire.subscribe(own)
            refused = await wire.ask("resources/subscribe", uri=others)
        else:
            asked = {"resourceSubscriptions": [others]}
            refused = await wire.ask("subscriptions/listen", notifications=asked)
        assert refused["error"]["code"] in {-32002, -32602}
        async with wire.stream() if wire.era == LEGACY else wire.listen(own) as self.stream:
            task_status.started()
            await anyio.sleep_forever()


async def entered(it: SignInWorld, http: AsyncClient, client_id: str, number: int) -> Person:
    """Let a person in, from an address of their own: every third by a key."""
    key = key_of(number)
    if number % 3:
        async with it.steps(client_id, ip=f"203.0.113.{number}") as steps:
            key = (await steps.sign_in(key))["access_token"]
    wire = HttpWire(http, ERAS[number // 2 % 2], **credentials(key))
    # A connection that waits for all others may be closed by the server while it is used again.
    wire.headers["connection"] = "close"
    await wire.open()
    await wire.call("list_studios")  # keys that TRaX has not accepted yet share their room
    return Person(number, wire)


@asynccontextmanager
async def everybody(it: SignInWorld) -> AsyncIterator[list[Person]]:
    """All people, each with a client."""
    async with it.steps() as steps, AsyncExitStack() as stack:
        await steps.register()
        https = [await stack.enter_async_context(plain_http(it.address)) for _ in range(PEOPLE)]
        yield [await entered(it, http, steps.client_id, at) for at, http in enumerate(https)]


async def let_time_pass(clock: HandClock) -> None:
    """Let time pass whenever everybody waits."""
    while True:
        with suppress(TimeoutError):  # busy: then time passes with the answers
            await settled()
            clock.advance(STEP_SECONDS)


async def test_people_at_one_server_share_nothing(tmp_path: Path) -> None:
    """Neither answers nor updates nor requests to TRaX hold anything of another person."""
    with anyio.fail_after(LONGEST_SECONDS):
        async with (
            signing_in(tmp_path, trax=sandbox_of_many(), short_seconds=0) as it,
            everybody(it) as people,
        ):
            async with anyio.create_task_group() as clock:
                clock.start_soon(let_time_pass, it.hand_clock)
                async with anyio.create_task_group() as previews:
                    for person in people:
                        previews.start_soon(person.preview)
                it.hand_clock.advance(PREVIEW_SECONDS)
                async with anyio.create_task_group() as tasks:
                    for person in people:
                        tasks.start_soon(person.use, people[(person.number + 1) % PEOPLE])
                clock.cancel_scope.cancel()
            async with anyio.create_task_group() as streams:
                for person in people:
                    await streams.start(person.follow, people[(person.number + 1) % PEOPLE])
                for number in range(PEOPLE):
                    it.trax.say(f"of-person-{number:03}", studio=studio_of(number))
                await it.hand_clock.pass_by(20)
                streams.cancel_scope.cancel()
            assert len(it.sign_ins()) == sum(bool(number % 3) for number in range(PEOPLE))
            for person in people:
                assert marks_in(person.stream.messages) == {person.number}
                assert set(person.stream.updates) == {chat_of(person.number)}
            assert_own_requests(it.trax)


def assert_own_requests(trax: Sandbox) -> None:
    """With each key TRaX was asked for own things, or for the next person's."""
    lives = [it for it in trax.mutations if it.path.endswith("/go-live")]
    accepted = {MARK.findall(it.path)[0] for it in lives}
    assert len(accepted) == len(lives) == PEOPLE
    for it in lives:
        assert MARK.findall(it.headers["authorization"]) == MARK.findall(it.path)
    for it in trax.requests:
        number = int(MARK.findall(it.headers["authorization"])[0])
        named = {int(found) for found in MARK.findall(f"{it.path} {it.query} {it.body_json}")}
        assert named <= {number, (number + 1) % PEOPLE}
