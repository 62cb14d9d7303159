"""Twenty people who have signed in, at once: nobody sees or uses what is another's.

One server, one client program, a key and an account for each person, both protocol eras. Each tries
what belongs to the next.
"""

from __future__ import annotations

import json
import os
import re
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING, Any, Final

import anyio

from tests.support.jsonrpc import ERAS, LEGACY, read_answer, request, tool_call
from tests.support.product.frozen_sandbox import still
from tests.support.served_app import plain_http
from tests.support.served_sign_in import signing_in

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from httpx import AsyncClient

    from tests.support.jsonrpc import HttpCaller
    from tests.support.product.sandbox import Sandbox
    from tests.support.served_sign_in import SignInFront

PEOPLE: Final = int(os.environ.get("PROOF_PEOPLE", "20"))
LONGEST_SECONDS: Final = 300
"""In real time; an idle machine needs a tenth of it for 200 people."""

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


class Person:
    """One person with a client of their own."""

    def __init__(self, number: int, caller: HttpCaller, token: str) -> None:
        self.number = number
        self.caller = caller
        self.token = token
        self.confirmation = ""

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
            message = tool_call(LEGACY, "list_studios")
            session = str(other.caller.session)
            assert (await self.caller.post(message, mcp_session_id=session)).status_code == 404


async def signed_in(front: SignInFront, http: AsyncClient, client_id: str, number: int) -> Person:
    """Sign a person in, from an address of their own."""
    async with front.steps(client_id, ip=f"203.0.113.{number}") as steps:
        tokens = await steps.sign_in(key_of(number))
    caller = front.signed_in(ERAS[number // 2 % 2], tokens)
    caller.http = http
    # A connection that waits for all others may be closed by the server while it is used again.
    caller.headers["connection"] = "close"
    await caller.open()
    return Person(number, caller, tokens["access_token"])


@asynccontextmanager
async def everybody(front: SignInFront) -> AsyncIterator[list[Person]]:
    """All people, each with a client that has signed in. Some sign in at a time."""
    people: dict[int, Person] = {}
    some = anyio.CapacityLimiter(20)
    async with front.steps() as steps:
        await steps.register()
    async with AsyncExitStack() as stack:

        async def come(number: int) -> None:
            async with some:
                http = await stack.enter_async_context(plain_http(front.address))
                people[number] = await signed_in(front, http, steps.client_id, number)

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
    yes = {**studio, "confirm": True, "confirmation": person.confirmation}
    done = await person.caller.call("go_live", **yes)
    assert done["structuredContent"]["observed"]["state"] == "on_air", done


async def preview(person: Person) -> None:
    """Ask to go live, which gives a confirmation that belongs to this person."""
    shown = await person.caller.call("go_live", studioId=studio_of(person.number))
    content: dict[str, Any] = shown["structuredContent"]
    assert {int(it) for it in MARK.findall(json.dumps(shown))} == {person.number}
    person.confirmation = content["confirmation"]


async def test_people_who_have_signed_in_share_nothing(tmp_path: Path) -> None:
    """Neither answers nor requests to TRaX hold anything of another person."""
    with anyio.fail_after(LONGEST_SECONDS):
        async with (
            signing_in(tmp_path, trax=world_of_many()) as front,
            everybody(front) as people,
        ):
            async with anyio.create_task_group() as previews:
                for person in people:
                    previews.start_soon(preview, person)
            async with anyio.create_task_group() as tasks:
                for person in people:
                    tasks.start_soon(use, person, people[(person.number + 1) % PEOPLE])
            assert len(front.sign_ins()) == PEOPLE
            assert len({it.token for it in people}) == PEOPLE
            assert_own_requests(front)


def assert_own_requests(front: SignInFront) -> None:
    """With each key TRaX was asked for own things alone, or refused."""
    lives = [it for it in front.trax.mutations if it.path.endswith("/go-live")]
    accepted = {MARK.findall(it.path)[0] for it in lives}
    assert len(accepted) == len(lives) == PEOPLE
    for it in lives:
        assert MARK.findall(it.headers["authorization"]) == MARK.findall(it.path)
