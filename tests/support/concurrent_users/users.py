"""Concurrent users of one server, each with a key of their own, and what they do.

A user makes own requests, and tries secrets of the others, which are in `Shared`. Every answer goes
through `User.check_answer`, which looks for marks of others.
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
from tests.support.served_app import error_code

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Sequence

    import httpx
    from anyio.abc import TaskStatus

    from tests.support.concurrent_users.accounts import Account, SharedTrax
    from tests.support.jsonrpc import HttpCaller, Message
    from tests.support.product.shared_clock import HandClock

    Step = Callable[["User"], Coroutine[Any, Any, None]]

_SECRET: Final = re.compile(r"[\w-]{16,}")
_USABLE_SECONDS: Final = 200
_ANSWERS_PER_STEP: Final = 10
_NOT_FOUND: Final = (-32002, -32602)
_STUDIO_TOOLS: Final = (
    *("get_studio", "list_destinations", "list_sources", "get_stream_status"),
    *("list_chat_messages", "check_studio", "wait_for_chat_messages"),
)


@dataclass
class Shared:
    """Secrets and their owners, and things that others can try."""

    clock: HandClock
    owners: dict[str, int] = field(default_factory=dict)
    """The owner of each secret: confirmations, questions, sessions, upload URLs."""
    sessions: list[str] = field(default_factory=list)
    questions: list[tuple[float, int, str, str]] = field(default_factory=list)
    """Until when it is valid, whose it is, its id, and the choice that accepts it, if any."""
    cursors: list[tuple[int, str]] = field(default_factory=list)
    waiting: dict[int, int] = field(default_factory=dict)
    """Requests in progress, with the number of the user who made them."""

    def of_others(self, number: int) -> list[tuple[str, str]]:
        """The last questions of other users about the shared studio that are still valid."""
        now = self.clock.seconds()
        return [it[2:] for it in self.questions if it[1] != number and now < it[0]][-2:]


@dataclass
class User:
    """One of the users; `done` counts their requests and steps."""

    account: Account
    caller: HttpCaller
    trax: SharedTrax
    shared: Shared
    done: Counter[str] = field(default_factory=Counter)
    updated_uris: list[str] = field(default_factory=list)
    named_marks: set[str] = field(default_factory=set)
    """Marks of other users that occurred in own requests."""
    expected_changes: Counter[str] = field(default_factory=Counter)
    """Each change that must reach TRaX with this user's key."""

    def __post_init__(self) -> None:
        self.number = self.account.number
        self.random = Random(self.number)  # noqa: S311  the same order in each run
        self.studios = self.account.studios
        self._last_id = 1000 * (self.number + 1)
        if (session := self.caller.session) is not None:
            self.shared.sessions.append(session)
            self.shared.owners[session] = self.number

    @property
    def era(self) -> str:
        """The protocol era of this user."""
        return self.caller.era

    def other(self) -> Account:
        """A random account of another user."""
        others = [it for it in self.trax.accounts if it.number != self.number]
        return self.random.choice(others)

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

    async def data(self, tool: str, **arguments: object) -> Message:
        """Return the data of a successful call."""
        result = await self.call(tool, **arguments)
        assert not result.get("isError"), result
        data: Message = result["structuredContent"]
        return data

    async def post(self, message: Message, **headers: str) -> httpx.Response:
        """Post a message and check everything that comes back. Time passes with the answers."""
        response = await self.caller.post(message, **headers)
        self.done["requests"] += 1
        if self.done["requests"] % _ANSWERS_PER_STEP == 0:
            self.shared.clock.advance(STEP_SECONDS)
        self.check_answer(
            f"{response.headers}\n{response.text}", sent=f"{json.dumps(message)} {headers}"
        )
        return response

    def check_answer(self, text: str, *, sent: str = "") -> None:
        """Check that an answer holds nothing of another user's, except what the request named."""
        sent_marks, received_marks = marks(sent), marks(text)
        self.named_marks |= {mark for _, mark in sent_marks}
        leaked = {it for it in received_marks - sent_marks if it[0] != self.number}
        owners_of = {it: self.shared.owners.get(it, self.number) for it in _SECRET.findall(text)}
        leaked |= {(o, it) for it, o in owners_of.items() if o != self.number and it not in sent}
        assert leaked == set(), f"{self.number} sent {sent[:500]} and got {text[:2000]}"
        self.done["marked answers"] += bool(received_marks - sent_marks)
        if '"cacheScope":"public"' in text.replace(" ", ""):
            own_mark = (self.number, f"owner{self.number}x0q")
            assert received_marks - sent_marks - {own_mark} == set(), text

    async def preview(self, tool: str, studio: str) -> str:
        """Call a guarded tool, and return the id of the confirmation."""
        shown = (await self.call(tool, studioId=studio))["structuredContent"]
        assert shown["status"] == "confirmation_required", shown
        confirmation: str = shown["confirmation"]
        self.shared.owners[confirmation] = self.number
        return confirmation

    async def confirm(self, tool: str, studio: str, confirmation: str) -> Message:
        """Call the tool again with this confirmation."""
        return await self.call(tool, studioId=studio, confirm=True, confirmation=confirmation)

    async def question(self, studio: str) -> tuple[str, str]:
        """Call `go_live` with forms; return the request state and the accepting choice."""
        go_live = {"name": "go_live", "arguments": {"studioId": studio}}
        question = (await self.ask("tools/call", able=FORMS, **go_live))["result"]
        form = question["inputRequests"]["consent"]["params"]["requestedSchema"]
        self.shared.owners[question["requestState"]] = self.number
        return question["requestState"], form["properties"]["choice"]["enum"][0]

    async def answer(self, studio: str, state: str, choice: str) -> Message:
        """Accept such a question."""
        accepted = {"consent": {"action": "accept", "content": {"choice": choice}}}
        go_live: Message = {"name": "go_live", "arguments": {"studioId": studio}}
        answered = {**go_live, "requestState": state, "inputResponses": accepted}
        result: Message = (await self.ask("tools/call", able=FORMS, **answered))["result"]
        return result

    async def complete(self, argument: str, value: str = "", studio: str = "") -> list[str]:
        """Return the completions for an argument of a prompt."""
        context: Message = {"context": {"arguments": {"studio": studio}}} if studio else {}
        answer = await self.ask(
            "completion/complete",
            ref={"type": "ref/prompt", "name": "set_up_destination"},
            argument={"name": argument, "value": value},
            **context,
        )
        values: list[str] = answer["result"]["completion"]["values"]
        return values

    def resource_uris(self, studios: Sequence[str]) -> list[str]:
        """The resources of these studios that can be subscribed to."""
        return [f"trax://studios/{it}/{of}" for it in studios for of in ("chat", "stream-status")]

    async def follow_updates(self, *, task_status: TaskStatus[None]) -> None:
        """Subscribe to the own studios and the shared one; collect updates until cancelled."""
        uris = self.resource_uris([*self.studios, SHARED_STUDIO])
        wanted = {"resourceSubscriptions": uris}
        message = self.message("subscriptions/listen", notifications=wanted)
        opening = partial(self.caller.http.stream, "POST", "/mcp", json=message)
        if self.era == LEGACY:
            for uri in uris:
                assert (await self.ask("resources/subscribe", uri=uri))["result"] == {}
            message, opening = {}, partial(self.caller.http.stream, "GET", "/mcp")
        async with opening(headers=self.caller.all_headers(message or None)) as stream:
            task_status.started()
            async for line in stream.aiter_lines():
                self.check_answer(line)
                if "resources/updated" in line:
                    self.updated_uris.append(json.loads(line[len("data: ") :])["params"]["uri"])


async def read_own_things(user: User) -> None:
    """Read own things with every tool that reads, resources, completions and a prompt."""
    studio = user.random.choice(user.studios)
    for tool in _STUDIO_TOOLS:
        await user.data(tool, studioId=studio)
    for tool in ("list_studios", "list_connections", "list_media"):
        page = await user.data(tool, limit=1)
        assert marks(str(page["data"]))
        if "nextCursor" in page:
            user.shared.cursors.append((user.number, page["nextCursor"]))
    found = (await user.data("find_studio", query="Show"))["matches"]
    assert {it["id"] for it in found} <= {*user.studios, SHARED_STUDIO}
    for uri in ("trax://studios", f"trax://studios/{studio}", f"trax://studios/{studio}/chat"):
        assert marks(str((await user.ask("resources/read", uri=uri))["result"]))
    listed = (await user.ask("resources/list"))["result"]["resources"]
    assert set(user.studios) <= {it["uri"].split("/")[3] for it in listed[2:]}
    assert len(await user.complete("studio")) == len(user.studios) + 1
    assert len(await user.complete("connection", studio=studio)) == 1
    arguments: dict[str, Any] = {"name": "go_live", "arguments": {"studio": studio}}
    assert studio in str(await user.ask("prompts/get", **arguments))


async def change_own_things(user: User) -> None:
    """Write in chat, reserve an upload, and share questions about the common studio."""
    studio, text = user.random.choice(user.studios), user.account.new("said")
    await user.data("send_chat_message", studioId=studio, text=text)
    user.expected_changes[f"POST /v1/studios/{studio}/chat/messages"] += 1
    media = {"filename": f"{user.account.new()}.mp4", "contentType": "video/mp4", "byteSize": 1}
    reserved = await user.data("create_media_upload", **media)
    user.expected_changes["POST /v1/media"] += 1
    user.shared.owners[reserved["uploadUrl"].rsplit("/")[-1]] = user.number
    valid = (user.shared.clock.seconds() + _USABLE_SECONDS, user.number)
    confirmation = await user.preview("go_live", SHARED_STUDIO)
    user.shared.questions.append((*valid, confirmation, ""))
    if user.era != LEGACY:
        user.shared.questions.append((*valid, *await user.question(SHARED_STUDIO)))


async def wait_for_own_chat(user: User) -> None:
    """Wait until a viewer writes something in a studio that is off air."""
    studio = user.studios[1]
    wait = {"studioId": studio, "timeoutSeconds": 55}
    message = user.message("tools/call", name="wait_for_chat_messages", arguments=wait)
    user.shared.waiting[message["id"]] = user.number

    async def receive() -> None:
        received = read_answer(await user.post(message))["result"]["structuredContent"]
        del user.shared.waiting[message["id"]]
        assert received["studioId"] == studio

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(receive)
        for _ in range(4):
            await user.data("get_studio", studioId=studio)
        user.account.add_viewer_message(user.trax.sandbox, studio)


async def go_live_and_offline(user: User) -> None:
    """Take an own studio live and off again; others know the ids of the questions."""
    studio = user.studios[0]
    if user.era == LEGACY:
        confirmation = await user.preview("go_live", studio)
        live = await user.confirm("go_live", studio, confirmation)
    else:
        live = await user.answer(studio, *await user.question(studio))
    assert live["structuredContent"]["observed"]["state"] == "on_air", live
    stopped = await user.confirm("go_offline", studio, await user.preview("go_offline", studio))
    assert not stopped.get("isError")
    for action in ("go-live", "go-offline"):
        user.expected_changes[f"POST /v1/studios/{studio}/{action}"] += 1


async def read_others_things(user: User) -> None:
    """Read another user's studio by every way: it is not found."""
    studio = user.random.choice(user.other().studios)
    for tool in _STUDIO_TOOLS:
        assert error_code(await user.call(tool, studioId=studio)) == "not_found"
    for path in ("", "/stream-status", "/chat", "/chat?after=start"):
        answer = await user.ask("resources/read", uri=f"trax://studios/{studio}{path}")
        assert answer["error"]["code"] in _NOT_FOUND, answer
    for uri in user.resource_uris([studio]):
        if user.era == LEGACY:
            answer = await user.ask("resources/subscribe", uri=uri)
        else:
            wanted = {"resourceSubscriptions": [uri]}
            answer = await user.ask("subscriptions/listen", notifications=wanted)
        assert answer["error"]["code"] in _NOT_FOUND, answer
    assert await user.complete("studio", studio) == []
    assert len(await user.complete("platform", studio=studio)) == 1  # of the own linked account
    assert (await user.data("find_studio", query=studio))["matches"] == []


async def change_others_things(user: User) -> None:
    """Change another user's things, by every kind of id."""
    sandbox, other, mine = user.trax.sandbox, user.other(), user.studios[1]
    studio = other.studios[0]
    destination, source = (
        sandbox.records(kind, of=studio)[0]["id"] for kind in ("destinations", "sources")
    )
    connection = sandbox.records("connections", of=other.user_id)[0]["id"]
    for tool, arguments in (
        ("go_live", {"studioId": studio}),
        ("update_studio", {"studioId": studio, "autoGoLive": True}),
        ("delete_destination", {"studioId": studio, "destId": destination}),
        ("delete_destination", {"studioId": mine, "destId": destination}),
        ("delete_source", {"studioId": mine, "sourceId": source}),
        ("unlink_connection", {"connectionId": connection}),
    ):
        assert error_code(await user.call(tool, **arguments)) == "not_found", tool
    # A stop is sent without known facts; TRaX refuses it.
    stopped = await user.call("go_offline", studioId=studio)
    if (confirmation := stopped["structuredContent"].get("confirmation")) is not None:
        stopped = await user.confirm("go_offline", studio, confirmation)
        user.expected_changes[f"POST /v1/studios/{studio}/go-offline"] += 1
    assert error_code(stopped) == "not_found"


async def use_others_questions(user: User) -> None:
    """Give yes with another user's confirmation or question, for the same call and an own one."""
    for state, choice in user.shared.of_others(user.number):
        for studio in (SHARED_STUDIO, user.studios[1]):
            if choice and user.era != LEGACY:
                result = await user.answer(studio, state, choice)
            else:
                result = await user.confirm("go_live", studio, state)
            content = result["structuredContent"]
            assert (content["status"], content["reason"]) == ("confirmation_invalid", "expired")
        user.done["another's question"] += 1


async def use_others_session_and_cursors(user: User) -> None:
    """Another user's session is not found, and their cursors show own things."""
    sessions = [it for it in user.shared.sessions if user.shared.owners[it] != user.number]
    session = user.random.choice(sessions)
    message = user.message("tools/call", name="list_studios", arguments={})
    response = await user.post(message, mcp_session_id=session)
    if user.era == LEGACY:
        headers = user.caller.all_headers() | {"mcp-session-id": session}
        deleted = await user.caller.http.delete("/mcp", headers=headers)
        async with user.caller.http.stream("GET", "/mcp", headers=headers) as stream:
            assert (response.status_code, deleted.status_code, stream.status_code) == (404,) * 3
            user.check_answer((await stream.aread()).decode(), sent=session)
    else:  # it ignores sessions
        assert read_answer(response)["result"]["structuredContent"]["data"]
    for _, cursor in [it for it in user.shared.cursors if it[0] != user.number][-1:]:
        await user.data("list_studios", cursor=cursor)
        await user.data("list_connections", cursor=cursor)
    messages = user.trax.sandbox.messages(user.other().studios[0], last=8)
    after = json.dumps([it["id"] for it in messages])
    wait = {"studioId": user.studios[0], "after": after, "timeoutSeconds": 0}
    assert (await user.data("wait_for_chat_messages", **wait))["missed"]


async def cancel_others_requests(user: User) -> None:
    """Cancel another user's pending requests."""
    for number in [it for it, owner in user.shared.waiting.items() if owner != user.number]:
        params = {"requestId": number, "reason": "because"}
        message = {"jsonrpc": "2.0", "method": "notifications/cancelled", "params": params}
        response = await user.post(message)
        assert response.status_code in {202, 400}, response.text
        user.done["another's request"] += 1


STEPS: Final[dict[Step, int]] = {
    read_own_things: 2,
    change_own_things: 3,
    wait_for_own_chat: 3,
    go_live_and_offline: 1,
    read_others_things: 1,
    change_others_things: 1,
    use_others_questions: 4,
    use_others_session_and_cursors: 2,
    cancel_others_requests: 5,
}
"""What each user does, and how often."""


async def run_steps(user: User) -> None:
    """Run all steps in a fixed random order, three at once."""
    queue = [step for step, times in STEPS.items() for _ in range(times)]
    user.random.shuffle(queue)

    async def run_queue() -> None:
        while queue:
            step = queue.pop()
            await step(user)
            user.done[step.__name__] += 1

    async with anyio.create_task_group() as tasks:
        for _ in range(3):
            tasks.start_soon(run_queue)
