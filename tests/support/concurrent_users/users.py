"""Concurrent users of one server, each with a key of their own.

A user makes own requests, and tries secrets of the other users, which are in `SharedState`. Every
answer goes through `User.check_answer`, which looks for marks of others.
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

from tests.support.concurrent_users.accounts import SHARED_STUDIO, marks
from tests.support.jsonrpc import FORMS, LEGACY, read_answer, request
from tests.support.product.shared_clock import STEP_SECONDS

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Mapping, Sequence

    import httpx
    from anyio.abc import TaskStatus

    from tests.support.concurrent_users.accounts import Account, SharedTrax
    from tests.support.jsonrpc import HttpCaller, Message
    from tests.support.product.shared_clock import HandClock

    Step = Callable[["User"], Coroutine[Any, Any, None]]

_SECRET: Final = re.compile(r"[\w-]{16,}")
_USABLE_SECONDS: Final = 200
_ANSWERS_PER_STEP: Final = 10


@dataclass
class SharedState:
    """State that all users share: secrets and their owners, and things that others can try."""

    clock: HandClock
    owners: dict[str, int] = field(default_factory=dict)
    """The owner of each secret: confirmations, questions, sessions, upload URLs."""
    sessions: set[str] = field(default_factory=set)
    confirmations: list[tuple[float, int, str]] = field(default_factory=list)
    questions: list[tuple[float, int, str, str]] = field(default_factory=list)
    cursors: list[tuple[int, str]] = field(default_factory=list)
    waiting: dict[int, int] = field(default_factory=dict)
    """Requests in progress, with the number of the user who made them."""
    answer_count: int = 0

    def count_answer(self) -> None:
        """Count an answer; let time pass after every few of them."""
        self.answer_count += 1
        if self.answer_count % _ANSWERS_PER_STEP == 0:
            self.clock.advance(STEP_SECONDS)

    def register(self, owner: int, *secrets: str) -> None:
        """Register these secrets as this user's."""
        self.owners.update(dict.fromkeys(secrets, owner))

    def usable_confirmations(self, number: int) -> list[str]:
        """Confirmations of other users for the shared studio that are still valid."""
        return [
            it
            for valid_until, owner, it in self.confirmations
            if self._is_usable(valid_until, owner, number)
        ]

    def usable_questions(self, number: int) -> list[tuple[str, str]]:
        """Questions of other users that are still valid, each with the accepting choice."""
        return [
            (state, choice)
            for valid_until, owner, state, choice in self.questions
            if self._is_usable(valid_until, owner, number)
        ]

    def valid_until(self) -> float:
        """Until when something that is issued now is certainly valid."""
        return self.clock.seconds() + _USABLE_SECONDS

    def _is_usable(self, valid_until: float, owner: int, number: int) -> bool:
        return owner != number and self.clock.seconds() < valid_until


@dataclass
class User:
    """One of the users; `done` counts their requests and steps."""

    account: Account
    caller: HttpCaller
    trax: SharedTrax
    shared: SharedState
    done: Counter[str] = field(default_factory=Counter)
    marked_answers: int = 0
    updated_uris: list[str] = field(default_factory=list)
    named_marks: set[str] = field(default_factory=set)
    """Marks of other users that occurred in own requests."""
    expected_changes: Counter[str] = field(default_factory=Counter)
    """Each change that must reach TRaX with this user's key."""

    def __post_init__(self) -> None:
        self.broadcast_lock = anyio.Lock()
        self.number = self.account.number
        self.random = Random(self.number)  # noqa: S311  the same order in each run
        self.own_studios = self.account.studios
        self._last_id = 1000 * (self.number + 1)

    @property
    def era(self) -> str:
        """The protocol era of this user."""
        return self.caller.era

    @property
    def others(self) -> list[Account]:
        """The accounts of all other users."""
        return [it for it in self.trax.accounts if it.number != self.number]

    def other(self) -> Account:
        """A random account of another user."""
        return self.random.choice(self.others)

    def message(self, method: str, *, able: Message | None = None, **params: object) -> Message:
        """A request with an id that no other user uses."""
        self._last_id += 1
        return request(self.era, method, params, number=self._last_id, capabilities=able)

    async def ask(self, method: str, *, able: Message | None = None, **params: Any) -> Message:  # noqa: ANN401  any JSON
        """Send a request and return the whole answer."""
        return read_answer(await self.post(self.message(method, able=able, **params)))

    async def call(self, tool: str, **arguments: object) -> Message:
        """Call a tool and return its result."""
        answer = await self.ask("tools/call", name=tool, arguments=arguments)
        result: Message = answer["result"]
        return result

    async def post(self, message: Message, **headers: str) -> httpx.Response:
        """Post a message and check everything that comes back."""
        response = await self.caller.post(message, **headers)
        self.done["requests"] += 1
        self.shared.count_answer()
        self.check_answer(
            f"{response.headers}\n{response.text}", sent=f"{json.dumps(message)} {headers}"
        )
        return response

    def check_answer(self, text: str, *, sent: str = "") -> None:
        """Check that an answer holds nothing of another user's, except what the request named."""
        sent_marks, received_marks = marks(sent), marks(text)
        self.named_marks |= {mark for _, mark in sent_marks}
        leaked = {it for it in received_marks - sent_marks if it[0] != self.number}
        leaked |= {(owner, it) for it, owner in self._others_secrets(text) if it not in sent}
        assert leaked == set(), f"{self.number} sent {sent[:500]} and got {text[:2000]}"
        self.marked_answers += bool(received_marks - sent_marks)
        if '"cacheScope":"public"' in text.replace(" ", ""):
            own_mark = (self.number, f"owner{self.number}x0q")
            assert received_marks - sent_marks - {own_mark} == set(), text

    def _others_secrets(self, text: str) -> list[tuple[str, int]]:
        owners_of = {it: self.shared.owners.get(it, self.number) for it in _SECRET.findall(text)}
        return [(it, owner) for it, owner in owners_of.items() if owner != self.number]

    async def preview(self, tool: str, studio: str) -> str:
        """Call a guarded tool, register and return the confirmation id."""
        preview = (await self.call(tool, studioId=studio))["structuredContent"]
        assert preview["status"] == "confirmation_required", preview
        confirmation: str = preview["confirmation"]
        self.shared.register(self.number, confirmation)
        return confirmation

    async def confirm(self, tool: str, studio: str, confirmation: str) -> Message:
        """Call the tool again with this confirmation."""
        return await self.call(tool, studioId=studio, confirm=True, confirmation=confirmation)

    async def question(self, studio: str) -> tuple[str, str]:
        """Call `go_live` with forms; return the request state and the accepting choice."""
        go_live = {"name": "go_live", "arguments": {"studioId": studio}}
        question = (await self.ask("tools/call", able=FORMS, **go_live))["result"]
        form = question["inputRequests"]["consent"]["params"]["requestedSchema"]
        choice: str = form["properties"]["choice"]["enum"][0]
        self.shared.register(self.number, question["requestState"])
        return question["requestState"], choice

    async def answer(self, studio: str, state: str, choice: str) -> Message:
        """Accept such a question."""
        answered = await self.ask(
            "tools/call",
            able=FORMS,
            name="go_live",
            arguments={"studioId": studio},
            requestState=state,
            inputResponses={"consent": {"action": "accept", "content": {"choice": choice}}},
        )
        result: Message = answered["result"]
        return result

    async def read(self, uri: str) -> dict[str, Any]:
        """Read a resource and return its JSON."""
        contents = (await self.ask("resources/read", uri=uri))["result"]["contents"]
        read: dict[str, Any] = json.loads(contents[0]["text"])
        return read

    async def complete(self, value: str = "", *, argument: str = "studio", studio: str = "") -> Any:  # noqa: ANN401  any JSON
        """Return the completions for an argument of a prompt."""
        prompt = "troubleshoot" if argument == "studio" else "set_up_destination"
        context: Message = {"context": {"arguments": {"studio": studio}}} if studio else {}
        answer = await self.ask(
            "completion/complete",
            ref={"type": "ref/prompt", "name": prompt},
            argument={"name": argument, "value": value},
            **context,
        )
        return answer["result"]["completion"]["values"]

    def resource_uris(self, studios: Sequence[str]) -> list[str]:
        """The resources of these studios that can be subscribed to."""
        return [f"trax://studios/{it}/{of}" for it in studios for of in ("chat", "stream-status")]

    async def follow_updates(self, *, task_status: TaskStatus[None]) -> None:
        """Subscribe to the own studios and the shared one; collect updates until cancelled."""
        uris = self.resource_uris([*self.own_studios, SHARED_STUDIO])
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
            self.check_answer(line)
            if "resources/updated" in line:
                notification = json.loads(line.removeprefix("data: "))
                self.updated_uris.append(notification["params"]["uri"])


async def run_steps(user: User, steps: Mapping[Step, int]) -> None:
    """Run each step this many times in a fixed random order, three at once."""
    queue = [step for step, times in steps.items() for _ in range(times)]
    user.random.shuffle(queue)

    async def run_queue() -> None:
        while queue:
            step = queue.pop()
            await step(user)
            user.done[step.__name__] += 1

    async with anyio.create_task_group() as tasks:
        for _ in range(3):
            tasks.start_soon(run_queue)
