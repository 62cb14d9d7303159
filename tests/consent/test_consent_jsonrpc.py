"""Consent as plain JSON-RPC, with messages that the SDK's client never sends.

Each test ends with a valid yes, which shows that nothing was refused for another reason.
"""

from __future__ import annotations

import json
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Final

import pytest

from tests.support.consent_clients import SECOND_KEY, two_key_sandbox
from tests.support.form_requests import calling, question
from tests.support.guarded_calls import DELETE_DESTINATION as OPERATION
from tests.support.jsonrpc import FORMS, INITIALIZED, LEGACY, MODERN, HttpCaller, hello, request
from tests.support.product.local_servers import listening
from tests.support.real_transports import over_http
from tests.support.served_app import plain_http
from tests.support.server_process import Running, running
from trax_mcp.sandbox import SANDBOX_KEY

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    import httpx

    from tests.support.product.sandbox import Sandbox

pytestmark = pytest.mark.slow

Message = dict[str, Any]

YES: Final = 'Delete the destination "Main channel"'


def response_to(question: Message, **answer: object) -> Message:
    """The response to a question of the server."""
    return {"jsonrpc": "2.0", "id": question["id"], **answer}


def choosing(choice: object) -> Message:
    """An accepted form with a choice."""
    return {"action": "accept", "content": {"choice": choice}}


@asynccontextmanager
async def process(era: str) -> AsyncIterator[tuple[Sandbox, Running]]:
    """A process on stdio after its handshake, and its sandbox."""
    trax = two_key_sandbox()
    async with listening(trax.app) as address:
        settings = {"TRAX_API_KEY": SANDBOX_KEY, "TRAX_BASE_URL": address}
        async with running(settings=settings) as server:
            if era == LEGACY:
                await server.tell(hello(FORMS), INITIALIZED)
            yield trax, server


def status(answer: Message) -> tuple[str, str | None] | str:
    """Status and reason of a call, `ran`, or `refused` for a JSON-RPC error."""
    if "error" in answer:
        return "refused"
    data = answer["result"].get("structuredContent", {})
    return "ran" if data.get("executed") is not False else (data["status"], data.get("reason"))


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


async def test_a_malformed_form_response_is_not_a_yes() -> None:
    """In the earlier era."""
    results = {}
    async with process(LEGACY) as (trax, server):
        for number, (name, (answer, _)) in enumerate(ANSWERS.items(), start=1):
            call = calling(LEGACY, number=number)
            await server.tell(call)
            await server.tell(response_to(await question(server, number), **answer))
            results[name] = status(await server.answer(call))
        assert trax.mutations == []
        last = calling(LEGACY, number=99)
        await server.tell(last)
        asked = await question(server, len(ANSWERS) + 1)
        await server.tell(response_to(asked, result=choosing(YES)))
        assert status(await server.answer(last)) == "ran"
        assert len(trax.mutations) == 1
    assert results == {name: expected for name, (_, expected) in ANSWERS.items()}


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


async def test_a_malformed_input_response_is_not_a_yes() -> None:
    """In the later era. The request state stays valid."""
    results = {}
    async with process(MODERN) as (trax, server):
        asked = (await server.ask(calling(MODERN, number=1)))["result"]
        state = asked["requestState"]
        for number, (name, responses) in enumerate(RESPONSES.items(), start=2):
            call = calling(MODERN, number=number, requestState=state, inputResponses=responses)
            results[name] = status(await server.ask(call))
        good = {"consent": choosing(YES)}
        for number, malformed in ((90, 7), (91, [state]), (92, {"handle": state})):
            call = calling(MODERN, number=number, requestState=malformed, inputResponses=good)
            results[str(malformed)] = status(await server.ask(call))
        assert trax.mutations == []
        call = calling(MODERN, number=99, requestState=state, inputResponses=good)
        assert status(await server.ask(call)) == "ran"
        assert len(trax.mutations) == 1
    assert {it if it == "refused" else it[0] for it in results.values()} == {"refused", "declined"}


async def test_a_yes_after_the_call_was_cancelled_has_no_effect() -> None:
    """The form was still open."""
    async with process(LEGACY) as (trax, server):
        await server.tell(calling(LEGACY, number=1))
        asked = await question(server, 1)
        cancelled = {"requestId": "call 1", "reason": "The person pressed Escape."}
        await server.tell(
            {"jsonrpc": "2.0", "method": "notifications/cancelled", "params": cancelled},
            response_to(asked, result=choosing(YES)),
        )
        await server.ask(request(LEGACY, "tools/list", number=1000))
        assert trax.mutations == []
        again = calling(LEGACY, number=3)
        await server.tell(again)
        await server.tell(response_to(await question(server, 2), result=choosing(YES)))
        assert status(await server.answer(again)) == "ran"
        assert len(trax.mutations) == 1


async def test_a_yes_that_is_sent_twice_counts_once() -> None:
    """The second one does not answer a later question."""
    async with process(LEGACY) as (trax, server):
        first, second = calling(LEGACY, number=1), calling(LEGACY, number=2)
        await server.tell(first)
        yes = response_to(await question(server, 1), result=choosing(YES))
        await server.tell(yes, yes)
        assert status(await server.answer(first)) == "ran"
        trax.world.destinations.change(trax.world.destinations["dest_2"], {"id": "dest_1"})
        await server.tell(second)
        asked = await question(server, 2)
        await server.tell(yes, response_to(asked, result={"action": "decline"}))
        assert status(await server.answer(second)) == ("declined", "declined")
        assert len(trax.mutations) == 1


async def test_fields_of_the_later_era_have_no_effect_in_the_earlier_era() -> None:
    """A person is asked."""
    async with process(LEGACY) as (trax, server):
        later_fields = {"requestState": "x" * 22, "inputResponses": {"consent": choosing(YES)}}
        call = calling(LEGACY, number=1, **later_fields)
        await server.tell(call)
        await server.tell(response_to(await question(server, 1), result={"action": "decline"}))
        assert status(await server.answer(call)) == ("declined", "declined")
        assert trax.mutations == []
        again = calling(LEGACY, number=2, **later_fields)
        await server.tell(again)
        await server.tell(response_to(await question(server, 2), result=choosing(YES)))
        assert status(await server.answer(again)) == "ran"
        assert len(trax.mutations) == 1


async def test_another_key_cannot_answer_in_the_session_of_the_caller() -> None:
    """Another key, or none, with the session id gets 404. The form stays open."""
    async with over_http(LEGACY) as (clients, address), plain_http(address) as http:
        owner = HttpCaller(http, LEGACY, x_api_key=SANDBOX_KEY)
        owner.session = await session_of(owner)
        other = HttpCaller(http, LEGACY, x_api_key=SECOND_KEY)
        keyless = HttpCaller(http, LEGACY)
        other.session = keyless.session = owner.session
        call = calling(LEGACY, number=1)
        async with http.stream("POST", "/mcp", json=call, headers=owner.all_headers()) as stream:
            messages = events(stream)
            asked = await anext(messages)
            yes = response_to(asked, result=choosing(YES))
            assert (await other.post(yes)).status_code == 404
            assert (await keyless.post(yes)).status_code == 404
            assert clients.sent == []
            assert (await owner.post(yes)).status_code == 202
            assert status(await anext(messages)) == "ran"
        assert clients.sent == [OPERATION.sent]


async def session_of(caller: HttpCaller) -> str:
    """The session id after the handshake of a client that supports forms."""
    session = (await caller.post(hello(FORMS))).headers["mcp-session-id"]
    await caller.post(INITIALIZED, mcp_session_id=session)
    return session


async def events(stream: httpx.Response) -> AsyncIterator[Message]:
    """The messages in an event stream, in order."""
    async for line in stream.aiter_lines():
        if line.startswith("data: {"):
            yield json.loads(line.removeprefix("data: "))
