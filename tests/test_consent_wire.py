"""Consent as plain JSON-RPC, for what the SDK's client would never send: in pipes and on a socket.

Where nothing may be sent, a real yes works in the end: nothing is refused for another reason.
"""

from __future__ import annotations

import json
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Final

from tests.acts import DELETE_DESTINATION as ACT
from tests.consent import SECOND_KEY, peopled
from tests.front import plain_http
from tests.jsonrpc import FORMS, INITIALIZED, LEGACY, MODERN, HttpCaller, hello, request
from tests.ports import listening
from tests.processes import Running, running
from tests.wires import over_http
from trax_mcp.sandbox import SANDBOX_KEY, Sandbox

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    import httpx

Message = dict[str, Any]

YES: Final = "Delete Main channel"


def calling(era: str, *, number: int, **more: object) -> Message:
    """A call of the act by a client that can show forms; `more` stands beside its arguments."""
    given = {"name": ACT.tool, "arguments": ACT.arguments, **more}
    message = request(era, "tools/call", given, able=FORMS)
    return {**message, "id": f"call {number}"}  # told apart from what the server asks


def saying(asked: Message, **answer: object) -> Message:
    """What is sent in answer to a question of the server."""
    return {"jsonrpc": "2.0", "id": asked["id"], **answer}


def choosing(choice: object) -> Message:
    """A form that was accepted with a choice in it."""
    return {"action": "accept", "content": {"choice": choice}}


@asynccontextmanager
async def process(era: str) -> AsyncIterator[tuple[Sandbox, Running]]:
    """A process on stdio, past its handshake, and the sandbox that it talks to."""
    trax = peopled()
    async with listening(trax.app) as address:
        settings = {"TRAX_API_KEY": SANDBOX_KEY, "TRAX_BASE_URL": address}
        async with running(settings=settings) as server:
            if era == LEGACY:
                await server.tell(hello(FORMS), INITIALIZED)
            yield trax, server


async def question(server: Running, number: int) -> Message:
    """The server's question number so-and-so, in the earlier era."""
    seen = 0

    def asked(line: str) -> Message | None:
        nonlocal seen
        message: Message = json.loads(line)
        seen += message.get("method") == "elicitation/create"
        return message if seen == number else None

    return await server.stdout.find(asked)


def status(answer: Message) -> tuple[str, str | None] | str:
    """What a call was told: status and reason, `ran`, or that the message was refused."""
    if "error" in answer:
        return "refused"
    told = answer["result"].get("structuredContent", {})
    return (told["status"], told.get("reason")) if answer["result"].get("isError") else "ran"


MALFORMED: Final = ("declined", "malformed")
FAILED: Final = ("declined", "client_error")

ANSWERS: Final[dict[str, tuple[Message, tuple[str, str]]]] = {
    "nothing": ({"result": {}}, MALFORMED),
    "an acceptance of nothing": ({"result": {"action": "accept"}}, MALFORMED),
    "content that is text": ({"result": {"action": "accept", "content": YES}}, MALFORMED),
    "a list of choices": ({"result": choosing([YES])}, MALFORMED),
    "a choice inside": ({"result": choosing({"choice": YES})}, MALFORMED),
    "no choice": ({"result": choosing(None)}, MALFORMED),
    "another action": ({"result": {**choosing(YES), "action": "agree"}}, MALFORMED),
    "no action": ({"result": {"content": {"choice": YES}}}, MALFORMED),
    "a refusal that is filled in": (
        {"result": {**choosing(YES), "action": "decline"}},
        ("declined", "declined"),
    ),
    "a closed form that is filled in": (
        {"result": {**choosing(YES), "action": "cancel"}},
        ("declined", "cancelled"),
    ),
    "an error": ({"error": {"code": -32603, "message": YES}}, FAILED),
}


async def test_an_answer_that_makes_no_sense_is_no_yes() -> None:
    """Whatever a client of the earlier era writes in the place of a form."""
    told = {}
    async with process(LEGACY) as (trax, server):
        for number, (name, (answer, _)) in enumerate(ANSWERS.items(), start=1):
            call = calling(LEGACY, number=number)
            await server.tell(call)
            await server.tell(saying(await question(server, number), **answer))
            told[name] = status(await server.answer(call))
        assert trax.mutations == []
        last = calling(LEGACY, number=99)
        await server.tell(last)
        asked = await question(server, len(ANSWERS) + 1)
        await server.tell(saying(asked, result=choosing(YES)))
        assert status(await server.answer(last)) == "ran"
        assert len(trax.mutations) == 1
    assert told == {name: expected for name, (_, expected) in ANSWERS.items()}


RESPONSES: Final[dict[str, object]] = {
    "text": YES,
    "a list": [choosing(YES)],
    "nothing": {},
    "the answer without its name": choosing(YES),
    "text for an answer": {"consent": YES},
    "content that is text": {"consent": {"action": "accept", "content": YES}},
    "a list of choices": {"consent": choosing([YES])},
    "a choice inside": {"consent": choosing({"choice": YES})},
    "another action": {"consent": {**choosing(YES), "action": "agree"}},
}


async def test_a_response_that_makes_no_sense_is_no_yes() -> None:
    """Nor what a client of the later era sends back with a handle; and the handle stays good."""
    told = {}
    async with process(MODERN) as (trax, server):
        asked = (await server.ask(calling(MODERN, number=1)))["result"]
        state = asked["requestState"]
        for number, (name, responses) in enumerate(RESPONSES.items(), start=2):
            call = calling(MODERN, number=number, requestState=state, inputResponses=responses)
            told[name] = status(await server.ask(call))
        good = {"consent": choosing(YES)}
        for number, strange in ((90, 7), (91, [state]), (92, {"handle": state})):
            call = calling(MODERN, number=number, requestState=strange, inputResponses=good)
            told[str(strange)] = status(await server.ask(call))
        assert trax.mutations == []
        call = calling(MODERN, number=99, requestState=state, inputResponses=good)
        assert status(await server.ask(call)) == "ran"
        assert len(trax.mutations) == 1
    assert {it if it == "refused" else it[0] for it in told.values()} == {"refused", "declined"}


async def test_a_yes_that_comes_after_the_call_was_cancelled_is_nothing() -> None:
    """The form was still open when the model had given up."""
    async with process(LEGACY) as (trax, server):
        await server.tell(calling(LEGACY, number=1))
        asked = await question(server, 1)
        cancelled = {"requestId": "call 1", "reason": "The person pressed Escape."}
        await server.tell(
            {"jsonrpc": "2.0", "method": "notifications/cancelled", "params": cancelled},
            saying(asked, result=choosing(YES)),
        )
        await server.ask(request(LEGACY, "tools/list", number=1000))
        assert trax.mutations == []
        again = calling(LEGACY, number=3)
        await server.tell(again)
        await server.tell(saying(await question(server, 2), result=choosing(YES)))
        assert status(await server.answer(again)) == "ran"
        assert len(trax.mutations) == 1


async def test_a_yes_that_is_said_twice_counts_once() -> None:
    """And the second one counts for no later question."""
    async with process(LEGACY) as (trax, server):
        first, second = calling(LEGACY, number=1), calling(LEGACY, number=2)
        await server.tell(first)
        yes = saying(await question(server, 1), result=choosing(YES))
        await server.tell(yes, yes)
        assert status(await server.answer(first)) == "ran"
        trax.world.destinations.change(trax.world.destinations["dest_2"], {"id": "dest_1"})
        await server.tell(second)
        asked = await question(server, 2)
        await server.tell(yes, saying(asked, result={"action": "decline"}))
        assert status(await server.answer(second)) == ("declined", "declined")
        assert len(trax.mutations) == 1


async def test_the_fields_of_the_later_era_mean_nothing_in_the_earlier_one() -> None:
    """A person is asked, whatever was written beside the arguments."""
    async with process(LEGACY) as (trax, server):
        smuggled = {"requestState": "x" * 22, "inputResponses": {"consent": choosing(YES)}}
        call = calling(LEGACY, number=1, **smuggled)
        await server.tell(call)
        await server.tell(saying(await question(server, 1), result={"action": "decline"}))
        assert status(await server.answer(call)) == ("declined", "declined")
        assert trax.mutations == []
        again = calling(LEGACY, number=2, **smuggled)
        await server.tell(again)
        await server.tell(saying(await question(server, 2), result=choosing(YES)))
        assert status(await server.answer(again)) == "ran"
        assert len(trax.mutations) == 1


async def test_nobody_else_answers_in_the_session_of_the_one_who_was_asked() -> None:
    """404 for another key with the session's id, and for none; the form stays open."""
    async with over_http(LEGACY) as (desk, address), plain_http(address) as http:
        mine = HttpCaller(http, LEGACY, x_api_key=SANDBOX_KEY)
        mine.session = await session_of(mine)
        theirs = HttpCaller(http, LEGACY, x_api_key=SECOND_KEY)
        unnamed = HttpCaller(http, LEGACY)
        theirs.session = unnamed.session = mine.session
        call = calling(LEGACY, number=1)
        async with http.stream("POST", "/mcp", json=call, headers=mine.all_headers()) as stream:
            messages = events(stream)
            asked = await anext(messages)
            yes = saying(asked, result=choosing(YES))
            assert (await theirs.post(yes)).status_code == 404
            assert (await unnamed.post(yes)).status_code == 404
            assert desk.sent == []
            assert (await mine.post(yes)).status_code == 202
            assert status(await anext(messages)) == "ran"
        assert desk.sent == [ACT.sent]


async def session_of(caller: HttpCaller) -> str:
    """Shake hands as a client that can show forms."""
    session = (await caller.post(hello(FORMS))).headers["mcp-session-id"]
    await caller.post(INITIALIZED, mcp_session_id=session)
    return session


async def events(stream: httpx.Response) -> AsyncIterator[Message]:
    """The messages in a stream of events, as they come."""
    async for line in stream.aiter_lines():
        if line.startswith("data: {"):
            yield json.loads(line.removeprefix("data: "))
