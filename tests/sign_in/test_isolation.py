"""Twenty people at one server, at once: nobody sees or uses what is another's.

Some have signed in, all with one client program, and some send their key. Each has an account of
their own, in either protocol era, and tries what belongs to the next. `make nightly` has more.
"""

from __future__ import annotations

import json
import os
import re
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import anyio

from tests.support.product.frozen_sandbox import still
from tests.support.product.shared_clock import STEP_SECONDS, settled
from tests.support.served_app import plain_http
from tests.support.served_sign_in import signing_in
from tests.world.wire import ERAS, LEGACY, read_answer, request, tool_call

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence
    from pathlib import Path

    from anyio.abc import TaskStatus
    from httpx import AsyncClient

    from tests.support.product.sandbox import Sandbox
    from tests.support.product.shared_clock import HandClock
    from tests.support.served_sign_in import SignInFront
    from tests.world.wire import HttpWire

PEOPLE: Final = int(os.environ.get("PROOF_PEOPLE", "20"))
LONGEST_SECONDS: Final = 300
"""In real time; an idle machine needs a tenth of it for 200 people."""

FOLLOWERS: Final = min(PEOPLE, 20)
"""With more, they would wait for connections of the one pool."""

MARK: Final = re.compile(r"of-person-(\d{3})")


def key_of(number: int) -> str:
    """The key of a person. Its mark is in it."""
    return f"sk_live_of-person-{number:03}"


def studio_of(number: int) -> str:
    """The id of the one studio of a person."""
    return f"studio_of-person-{number:03}"


def world_of_many() -> Sandbox:
    """A sandbox with an account, a key and a studio for each person."""
    trax = still()
    for number in range(PEOPLE):
        account = f"user_of-person-{number:03}"
        trax.add_key(key_of(number), account=account)
        name = f"The show of-person-{number:03}"
        trax.add_studio(name, record_id=studio_of(number), account=account)
    return trax


def chat_of(number: int) -> str:
    """The resource of the chat in that studio."""
    return f"trax://studios/{studio_of(number)}/chat"


@dataclass
class Person:
    """One person with a client of their own."""

    number: int
    caller: HttpWire
    confirmation: str = ""
    updates: list[str] = field(default_factory=list)

    async def look(self, method: str, **params: object) -> str:
        """Ask for something of one's own; returns the answer, with no mark of another in it."""
        answer = read_answer(await self.caller.post(request(self.caller.era, method, params)))
        text = json.dumps(answer)
        assert {int(it) for it in MARK.findall(text)} == {self.number}, text
        return text

    async def try_others(self, other: Person) -> None:
        """Ask for what is another's."""
        studio = {"studioId": studio_of(other.number)}
        for tool, arguments in (
            ("get_studio", studio),
            ("list_chat_messages", studio),
            ("send_chat_message", {**studio, "text": "Hello"}),
            ("go_live", {**studio, "confirm": True, "confirmation": other.confirmation}),
        ):
            result = await self.caller.call(tool, **arguments)
            assert result["isError"], result
            assert not result["structuredContent"].get("observed")
        own = {"studioId": studio_of(self.number), "confirm": True}
        stolen = await self.caller.call("go_live", **own, confirmation=other.confirmation)
        assert stolen["structuredContent"]["reason"] == "expired", stolen

    async def use_others_session(self, other: Person) -> None:
        """Send a request in a session of another."""
        if self.caller.era == other.caller.era == LEGACY:
            own, self.caller.session = self.caller.session, other.caller.session
            assert (await self.caller.post(tool_call(LEGACY, "list_studios"))).status_code == 404
            assert await self.caller.statuses() == (404, 404)
            self.caller.session = own

    async def follow(self, other: Person, *, task_status: TaskStatus[None]) -> None:
        """Subscribe to the own chat, not to another's; collect updates until cancelled."""
        post, era = self.caller.post, self.caller.era
        message = listen(era, chat_of(self.number))
        opening = partial(self.caller.http.stream, "POST", "/mcp", json=message)
        refused = listen(era, chat_of(other.number))
        if era == LEGACY:
            opening = partial(self.caller.http.stream, "GET", "/mcp")
            asked = request(era, "resources/subscribe", {"uri": chat_of(self.number)})
            assert read_answer(await post(asked))["result"] == {}
            refused = request(era, "resources/subscribe", {"uri": chat_of(other.number)})
        assert read_answer(await post(refused))["error"]["code"] in {-32002, -32602}
        headers = self.caller.all_headers(None if era == LEGACY else message)
        async with opening(headers=headers) as stream:
            task_status.started()
            async for line in stream.aiter_lines():
                assert set(MARK.findall(line)) <= {f"{self.number:03}"}, line
                if "resources/updated" in line:
                    self.updates.append(json.loads(line.removeprefix("data: "))["params"]["uri"])


def listen(era: str, uri: str) -> dict[str, Any]:
    """The later era's request to hear of this resource."""
    return request(era, "subscriptions/listen", {"notifications": {"resourceSubscriptions": [uri]}})


async def entered(front: SignInFront, http: AsyncClient, client_id: str, number: int) -> Person:
    """Let a person in, from an address of their own: every third by a key."""
    if number % 3:
        async with front.steps(client_id, ip=f"203.0.113.{number}") as steps:
            tokens = await steps.sign_in(key_of(number))
        caller = front.signed_in(ERAS[number // 2 % 2], tokens)
    else:
        caller = front.caller(ERAS[number // 2 % 2], x_api_key=key_of(number))
    caller.http = http
    # A connection that waits for all others may be closed by the server while it is used again.
    caller.headers["connection"] = "close"
    await caller.open()
    await caller.call("list_studios")  # keys that TRaX has not accepted yet share their room
    return Person(number, caller)


@asynccontextmanager
async def everybody(front: SignInFront) -> AsyncIterator[list[Person]]:
    """All people, each with a client. Some come at a time."""
    people: dict[int, Person] = {}
    some = anyio.CapacityLimiter(20)
    async with front.steps() as steps:
        await steps.register()
    async with AsyncExitStack() as stack:

        async def come(number: int) -> None:
            async with some:
                http = await stack.enter_async_context(plain_http(front.address))
                people[number] = await entered(front, http, steps.client_id, number)

        async with anyio.create_task_group() as tasks:
            for number in range(PEOPLE):
                tasks.start_soon(come, number)
        yield [people[number] for number in range(PEOPLE)]


async def use(person: Person, other: Person) -> None:
    """Use what is one's own, and try what is another's."""
    studio = {"studioId": studio_of(person.number)}
    await person.look("tools/call", name="list_studios", arguments={})
    await person.look("tools/call", name="get_studio", arguments=studio)
    await person.try_others(other)
    await person.use_others_session(other)
    await person.look("resources/read", uri=f"trax://studios/{studio_of(person.number)}")
    await person.look("resources/list")
    completed = {"ref": {"type": "ref/prompt", "name": "go_live"}}
    await person.look("completion/complete", **completed, argument={"name": "studio", "value": ""})
    yes = {**studio, "confirm": True, "confirmation": person.confirmation}
    done = await person.caller.call("go_live", **yes)
    assert done["structuredContent"]["observed"]["state"] == "on_air", done


async def preview(person: Person) -> None:
    """Ask to go live, which gives a confirmation that belongs to this person."""
    shown = await person.caller.call("go_live", studioId=studio_of(person.number))
    content: dict[str, Any] = shown["structuredContent"]
    assert {int(it) for it in MARK.findall(json.dumps(shown))} == {person.number}
    person.confirmation = content["confirmation"]


async def follow_all(front: SignInFront, people: Sequence[Person]) -> None:
    """Let each follow their chat while somebody writes in all of them."""
    async with anyio.create_task_group() as streams:
        for person in people[:FOLLOWERS]:
            await streams.start(person.follow, people[(person.number + 1) % PEOPLE])
        for number in range(PEOPLE):
            front.trax.say(f"of-person-{number:03}", studio=studio_of(number))
        await front.clock.pass_by(20)
        streams.cancel_scope.cancel()


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
            signing_in(tmp_path, trax=world_of_many(), short_seconds=0) as front,
            everybody(front) as people,
        ):
            async with anyio.create_task_group() as clock:
                clock.start_soon(let_time_pass, front.clock)
                async with anyio.create_task_group() as previews:
                    for person in people:
                        previews.start_soon(preview, person)
                async with anyio.create_task_group() as tasks:
                    for person in people:
                        tasks.start_soon(use, person, people[(person.number + 1) % PEOPLE])
                clock.cancel_scope.cancel()
            await follow_all(front, people)
            assert len(front.sign_ins()) == sum(bool(number % 3) for number in range(PEOPLE))
            for it in people[:FOLLOWERS]:
                assert set(it.updates) == {chat_of(it.number)}
            assert_own_requests(front)


def assert_own_requests(front: SignInFront) -> None:
    """With each key TRaX was asked for own things, or for the next person's."""
    lives = [it for it in front.trax.mutations if it.path.endswith("/go-live")]
    accepted = {MARK.findall(it.path)[0] for it in lives}
    assert len(accepted) == len(lives) == PEOPLE
    for it in lives:
        assert MARK.findall(it.headers["authorization"]) == MARK.findall(it.path)
    for it in front.trax.requests:
        number = int(MARK.findall(it.headers["authorization"])[0])
        named = {int(found) for found in MARK.findall(f"{it.path} {it.query} {it.body_json}")}
        assert named <= {number, (number + 1) % PEOPLE}
