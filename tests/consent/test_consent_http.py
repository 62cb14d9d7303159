"""Consent over HTTP, on a real socket: by the SDK's clients, and by messages they never send."""

from __future__ import annotations

import json
from contextlib import asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import pytest

from tests.support.concurrency import Paused, all_at_once, cancel_while_held
from tests.support.guarded_calls import DELETE_DESTINATION, GO_LIVE
from tests.support.simulated_person import Person, agreeing
from tests.world.answers import RAN, audit_lines, outcome
from tests.world.wire import FORMS, LEGACY, MODERN, choosing, request, response_to
from tests.world.world import COLLEAGUE, MINE, Over, open_world

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from tests.world.wire import HttpWire

    Message = dict[str, Any]

USED: Final = ("confirmation_invalid", "used")
EXPIRED: Final = ("confirmation_invalid", "expired")
MALFORMED: Final = ("declined", "malformed")
UNSEEN: Final = ("cannot_ask", "unseen")
"""The client has answered at once."""
YES: Final = "Delete the YouTube destination"


async def test_a_yes_sends_one_call_over_http(era: str) -> None:
    """By confirmation, which nobody else can use and of whose uses one is sent; and by form."""
    async with open_world(MINE, COLLEAGUE, over=Over.HTTP, era=era) as it:
        confirmation = await it[MINE].confirmation(GO_LIVE)
        assert outcome(await it[COLLEAGUE].use(GO_LIVE, confirmation)) == EXPIRED
        assert it.sent == []
        use = partial(it[MINE].use, GO_LIVE, confirmation)
        assert await all_at_once(it.trax, GO_LIVE, [use] * 4) == [RAN, *[USED] * 3]
        assert outcome(await use()) == USED
        asking = await it.caller(person=Person(agreeing))
        assert outcome(await asking.call(DELETE_DESTINATION)) == RAN
        assert it.sent == [GO_LIVE.sent, DELETE_DESTINATION.sent]


async def test_a_call_that_is_cancelled_after_consent_completes_over_http(
    era: str, tmp_path: Path
) -> None:
    """By a notification or, in the later era, by closing the connection. The outcome is logged."""
    held, audit = Paused(), tmp_path / "audit"
    async with open_world(MINE, over=Over.HTTP, era=era, TRAX_AUDIT_LOG=str(audit)) as it:
        confirmation = await it[MINE].confirmation(GO_LIVE)
        it.trax.faults.add(held.fault, method="POST")
        call = partial(it[MINE].use, GO_LIVE, confirmation)
        await cancel_while_held(call, held, seen=it[MINE].client.list_tools)
        await it.product.calls_finished()
        assert it.sent == [GO_LIVE.sent]
        (sent,) = it.trax.mutations
    last = audit_lines(audit)[-1]
    assert (last["event"], last["outcome"], last["observed"]) == ("sent", "applied", "on_air")
    assert last["requestId"] == sent.request_id


# By hand


def deleting(era: str, **more: object) -> Message:
    """A call that needs a yes. `more` is added beside its arguments."""
    given = {"name": DELETE_DESTINATION.tool, "arguments": DELETE_DESTINATION.arguments, **more}
    return request(era, "tools/call", given, capabilities=FORMS)


def result_of(answer: Message) -> tuple[str, str | None] | str:
    """Status and reason of a call, `ran`, or `refused` for a JSON-RPC error."""
    if "error" in answer:
        return "refused"
    data = answer["result"].get("structuredContent", {})
    return "ran" if data.get("executed") is not False else (data["status"], data.get("reason"))


@asynccontextmanager
async def asked(caller: HttpWire, **more: object) -> AsyncIterator[AsyncIterator[Message]]:
    """Call in the earlier era. Yields the messages of the server: the form first."""
    call = deleting(LEGACY, **more)
    headers = caller.all_headers()
    async with caller.http.stream("POST", "/mcp", json=call, headers=headers) as stream:

        async def messages() -> AsyncIterator[Message]:
            async for line in stream.aiter_lines():
                if line.startswith("data: {"):
                    yield json.loads(line.removeprefix("data: "))

        yield messages()


ANSWERS: Final[dict[str, tuple[Message, tuple[str, str]]]] = {
    "nothing": ({"result": {}}, MALFORMED),
    "an acceptance of nothing": ({"result": {"action": "accept"}}, MALFORMED),
    "content that is text": ({"result": {"action": "accept", "content": YES}}, MALFORMED),
    "a list of choices": ({"result": choosing([YES])}, MALFORMED),
    "a choice inside": ({"result": choosing({"choice": YES})}, MALFORMED),
    "no choice": ({"result": choosing(None)}, MALFORMED),
    "another action": ({"result": {**choosing(YES), "action": "agree"}}, MALFORMED),
    "no action": ({"result": {"content": {"choice": YES}}}, MALFORMED),
    "an error": ({"error": {"code": -32603, "message": YES}}, ("declined", "client_error")),
    "a closed form that is filled in": (
        {"result": {**choosing(YES), "action": "cancel"}},
        UNSEEN,
    ),
    "a refusal that is filled in": (
        {"result": {**choosing(YES), "action": "decline"}},
        UNSEEN,
    ),
}


async def test_a_malformed_form_response_is_not_a_yes() -> None:
    """In the earlier era. Fields of the later one have no effect there, and a valid yes does."""
    early = {"requestState": "x" * 22, "inputResponses": {"consent": choosing(YES)}}
    async with open_world(over=Over.HTTP, era=LEGACY) as it:
        caller = await it.wire(forms=True)
        for name, (answer, expected) in ANSWERS.items():
            async with asked(caller, **early) as messages:
                await caller.post(response_to(await anext(messages), **answer))
                assert (name, result_of(await anext(messages))) == (name, expected)
            assert it.sent == []
        async with asked(caller, **early) as messages:
            yes = response_to(await anext(messages), result=choosing(YES))
            await caller.post(yes)
            assert result_of(await anext(messages)) == "ran"
        it.trax.reset()
        async with asked(caller) as messages:
            later = await anext(messages)
            await caller.post(yes)  # once more: it does not answer another form
            await caller.post(response_to(later, result=choosing(None)))
            assert result_of(await anext(messages)) == MALFORMED
        assert it.sent == [DELETE_DESTINATION.sent]


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
    async with open_world(over=Over.HTTP) as it:
        caller = await it.wire()

        async def answered(**more: object) -> Message:
            response = await caller.post(deleting(MODERN, **more))
            answer: Message = response.json()
            return answer

        state = (await answered())["result"]["requestState"]
        good = {"consent": choosing(YES)}
        given = [
            *({"requestState": state, "inputResponses": it} for it in RESPONSES.values()),
            *({"requestState": it, "inputResponses": good} for it in (7, [state], {"id": state})),
        ]
        for more in given:
            result = result_of(await answered(**more))
            assert result == "refused" or result[0] == "declined", more
        assert it.sent == []
        assert result_of(await answered(requestState=state, inputResponses=good)) == "ran"
        assert it.sent == [DELETE_DESTINATION.sent]


@pytest.mark.parametrize("key", [COLLEAGUE, None], ids=["another key", "no key"])
async def test_another_key_cannot_answer_in_the_session_of_the_caller(key: str | None) -> None:
    """It knows the session's id, and gets 404. The form stays open."""
    async with open_world(over=Over.HTTP, era=LEGACY) as it:
        owner, other = await it.wire(forms=True), await it.wire(COLLEAGUE)
        other.session = owner.session
        other.headers = {"x-api-key": key} if key else {}
        async with asked(owner) as messages:
            yes = response_to(await anext(messages), result=choosing(YES))
            assert (await other.post(yes)).status_code == 404
            assert it.sent == []
            assert (await owner.post(yes)).status_code == 202
            assert result_of(await anext(messages)) == "ran"
        assert it.sent == [DELETE_DESTINATION.sent]
