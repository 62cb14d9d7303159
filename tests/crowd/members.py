"""Ten callers of one server at once, each with a key of its own and an eye on everybody else's.

A member asks for what is theirs, and tries what is not: whatever the others call theirs is on the
board for all to see. All that a member is told goes through `Member.take`, which looks for marks.
It knows how one asks, and no rule of when an answer is right.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from dataclasses import dataclass, field
from functools import partial
from random import Random
from typing import TYPE_CHECKING, Any, Final

import anyio

from tests.crowd.accounts import COMMON, marks
from tests.hand import STEP_SECONDS
from tests.jsonrpc import FORMS, LEGACY, read_answer, request

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Mapping, Sequence

    import httpx
    from anyio.abc import TaskStatus

    from tests.crowd.accounts import Account, Town
    from tests.hand import HandClock
    from tests.jsonrpc import HttpCaller, Message

    Step = Callable[["Member"], Coroutine[Any, Any, None]]

_SECRET: Final = re.compile(r"[\w-]{16,}")
_FRESH_SECONDS: Final = 200
_ANSWERS_A_STEP: Final = 10


@dataclass
class Board:
    """What everybody may know of everybody: what is secret, and what can be tried."""

    clock: HandClock
    owners: dict[str, int] = field(default_factory=dict)
    """Whose each secret is: confirmations, questions, sessions, upload addresses."""
    sessions: set[str] = field(default_factory=set)
    handles: list[tuple[float, int, str]] = field(default_factory=list)
    questions: list[tuple[float, int, str, str]] = field(default_factory=list)
    cursors: list[tuple[int, str]] = field(default_factory=list)
    waiting: dict[int, int] = field(default_factory=dict)
    """Requests that are under way, with who made them."""
    answers: int = 0

    def count(self) -> None:
        """Let time pass with what is done: nobody rests here for long."""
        self.answers += 1
        if self.answers % _ANSWERS_A_STEP == 0:
            self.clock.advance(STEP_SECONDS)

    def pin(self, owner: int, *secrets: str) -> None:
        """Have these known as somebody's."""
        self.owners.update(dict.fromkeys(secrets, owner))

    def fresh_handles(self, number: int) -> list[str]:
        """Confirmations that others could use right now, on the stage."""
        return [it for until, owner, it in self.handles if self._is_good(until, owner, number)]

    def fresh_questions(self, number: int) -> list[tuple[str, str]]:
        """Questions that others could answer right now, and what a yes to them is."""
        return [
            (state, yes)
            for until, owner, state, yes in self.questions
            if self._is_good(until, owner, number)
        ]

    def until(self) -> float:
        """So long something that is given out now is certainly good."""
        return self.clock.seconds() + _FRESH_SECONDS

    def _is_good(self, until: float, owner: int, number: int) -> bool:
        return owner != number and self.clock.seconds() < until


@dataclass
class Member:
    """One of the ten at work. `done` counts what they have asked for, `told` the marked answers."""

    account: Account
    caller: HttpCaller
    town: Town
    board: Board
    done: Counter[str] = field(default_factory=Counter)
    told: int = 0
    news: list[str] = field(default_factory=list)
    named: set[str] = field(default_factory=set)
    """Marks of others that they have used in a request."""
    changed: Counter[str] = field(default_factory=Counter)
    """Each change that TRaX must have seen with their key, and no other."""

    def __post_init__(self) -> None:
        self.on_air = anyio.Lock()
        self.number = self.account.number
        self.random = Random(self.number)  # noqa: S311  an order that is the same each time
        self.own = self.account.studios(self.town.trax)
        self._requests = 1000 * (self.number + 1)

    @property
    def era(self) -> str:
        """The era that they speak."""
        return self.caller.era

    @property
    def others(self) -> list[Account]:
        """Everybody else."""
        return [it for it in self.town.people if it.number != self.number]

    def other(self) -> Account:
        """One of them."""
        return self.random.choice(self.others)

    def message(self, method: str, *, able: Message | None = None, **params: object) -> Message:
        """A request with a number that nobody else uses."""
        self._requests += 1
        return request(self.era, method, params, number=self._requests, able=able)

    async def ask(self, method: str, *, able: Message | None = None, **params: Any) -> Message:  # noqa: ANN401  any JSON
        """Ask for something, and return the whole answer."""
        return read_answer(await self.post(self.message(method, able=able, **params)))

    async def call(self, tool: str, **arguments: object) -> Message:
        """Call a tool, and return its result."""
        answer = await self.ask("tools/call", name=tool, arguments=arguments)
        result: Message = answer["result"]
        return result

    async def post(self, message: Message, **headers: str) -> httpx.Response:
        """Post a message, and look through all that comes back."""
        response = await self.caller.post(message, **headers)
        self.done["asked"] += 1
        self.board.count()
        self.take(f"{response.headers}\n{response.text}", asked=f"{json.dumps(message)} {headers}")
        return response

    def take(self, came: str, *, asked: str = "") -> None:
        """Take in what was told: nothing in it is another's, but what was named in the request."""
        said, found = marks(asked), marks(came)
        self.named |= {mark for _, mark in said}
        strange = {it for it in found - said if it[0] != self.number}
        strange |= {(owner, it) for it, owner in self._secrets(came) if it not in asked}
        assert strange == set(), f"{self.number} asked {asked[:500]} and was told {came[:2000]}"
        self.told += bool(found - said)
        if '"cacheScope":"public"' in came.replace(" ", ""):
            assert found - said - {(self.number, f"owner{self.number}x0q")} == set(), came

    def _secrets(self, came: str) -> list[tuple[str, int]]:
        known = {it: self.board.owners.get(it, self.number) for it in _SECRET.findall(came)}
        return [(it, owner) for it, owner in known.items() if owner != self.number]

    async def preview(self, tool: str, studio: str) -> str:
        """Have an act shown, and return the confirmation, which is no secret among these."""
        shown = (await self.call(tool, studioId=studio))["structuredContent"]
        assert shown["status"] == "confirmation_required", shown
        handle: str = shown["confirmation"]
        self.board.pin(self.number, handle)
        return handle

    async def confirm(self, tool: str, studio: str, handle: str) -> Message:
        """Say yes to it."""
        return await self.call(tool, studioId=studio, confirm=True, confirmation=handle)

    async def question(self, studio: str) -> tuple[str, str]:
        """Be asked in a form whether to go live; returns the state, and what a yes is."""
        named = {"name": "go_live", "arguments": {"studioId": studio}}
        asked = (await self.ask("tools/call", able=FORMS, **named))["result"]
        form = asked["inputRequests"]["consent"]["params"]["requestedSchema"]
        yes: str = form["properties"]["choice"]["enum"][0]
        self.board.pin(self.number, asked["requestState"])
        return asked["requestState"], yes

    async def answer(self, studio: str, state: str, yes: str) -> Message:
        """Answer such a question with a yes."""
        answered = await self.ask(
            "tools/call",
            able=FORMS,
            name="go_live",
            arguments={"studioId": studio},
            requestState=state,
            inputResponses={"consent": {"action": "accept", "content": {"choice": yes}}},
        )
        result: Message = answered["result"]
        return result

    async def read(self, uri: str) -> dict[str, Any]:
        """Read a resource."""
        contents = (await self.ask("resources/read", uri=uri))["result"]["contents"]
        read: dict[str, Any] = json.loads(contents[0]["text"])
        return read

    async def complete(self, value: str = "", *, argument: str = "studio", studio: str = "") -> Any:  # noqa: ANN401  any JSON
        """What is suggested for an argument of a prompt."""
        prompt = "troubleshoot" if argument == "studio" else "set_up_destination"
        given: Message = {"context": {"arguments": {"studio": studio}}} if studio else {}
        answer = await self.ask(
            "completion/complete",
            ref={"type": "ref/prompt", "name": prompt},
            argument={"name": argument, "value": value},
            **given,
        )
        return answer["result"]["completion"]["values"]

    def addresses(self, studios: Sequence[str]) -> list[str]:
        """What can be subscribed to of these."""
        return [f"trax://studios/{it}/{of}" for it in studios for of in ("chat", "stream-status")]

    async def follow(self, *, task_status: TaskStatus[None]) -> None:
        """Be told of all that happens in their own studios, and on the stage, for ever."""
        uris = self.addresses([*self.own, COMMON])
        wanted = {"resourceSubscriptions": uris}
        message = self.message("subscriptions/listen", notifications=wanted)
        opening = partial(self.caller.http.stream, "POST", "/mcp", json=message)
        if self.era == LEGACY:
            for uri in uris:
                assert (await self.ask("resources/subscribe", uri=uri))["result"] == {}
            message, opening = {}, partial(self.caller.http.stream, "GET", "/mcp")
        async with opening(headers=self.caller.all_headers(message or None)) as stream:
            task_status.started()
            await self._listen(stream)

    async def _listen(self, stream: httpx.Response) -> None:
        async for line in stream.aiter_lines():
            self.take(line)
            if "resources/updated" in line:
                told = json.loads(line.removeprefix("data: "))
                self.news.append(told["params"]["uri"])


async def at_work(member: Member, steps: Mapping[Step, int]) -> None:
    """Take each step so many times, in an order that is the same each time, three at once."""
    plan = [step for step, times in steps.items() for _ in range(times)]
    member.random.shuffle(plan)

    async def take_steps() -> None:
        while plan:
            step = plan.pop()
            await step(member)
            member.done[step.__name__] += 1

    async with anyio.create_task_group() as tasks:
        for _ in range(3):
            tasks.start_soon(take_steps)
