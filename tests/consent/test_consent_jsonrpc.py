"""Consent as plain JSON-RPC, with messages that the SDK's client never sends.

Each test ends with a valid yes, which shows that nothing was refused for another reason. One
process in each era serves them all.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

import pytest
import pytest_asyncio

from tests.support.consent_clients import SECOND_KEY
from tests.support.form_requests import calling, choosing, open_wire, response_to
from tests.support.guarded_calls import DELETE_DESTINATION as OPERATION
from tests.support.guarded_calls import DELETE_SOURCE, GUARDED_OPERATIONS
from tests.support.product.sandbox import SANDBOX_KEY
from tests.support.real_transports import over_http
from tests.support.served_app import plain_http
from tests.world.wire import FORMS, INITIALIZED, LEGACY, MODERN, HttpWire, hello, request

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    import httpx

    from tests.support.form_requests import Wire

pytestmark = pytest.mark.asyncio(loop_scope="module")

Message = dict[str, Any]

UNLINK: Final = GUARDED_OPERATIONS["unlink_connection"]
YES: Final = 'Delete the destination "Main channel"'
MALFORMED: Final = ("declined", "malformed")
FAILED: Final = ("declined", "client_error")


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def earlier_process() -> AsyncIterator[Wire]:
    """A process that talks in the earlier era."""
    async with open_wire(LEGACY) as it:
        yield it


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def later_process() -> AsyncIterator[Wire]:
    """A process that talks in the later era."""
    async with open_wire(MODERN) as it:
        yield it


@pytest.fixture
def earlier(earlier_process: Wire) -> Wire:
    """The same for a test, with TRaX as at the beginning."""
    earlier_process.trax.reset()
    return earlier_process


@pytest.fixture
def later(later_process: Wire) -> Wire:
    """The same for a test, with TRaX as at the beginning."""
    later_process.trax.reset()
    return later_process


def status(answer: Message) -> tuple[str, str | None] | str:
    """Status and reason of a call, `ran`, or `refused` for a JSON-RPC error."""
    if "error" in answer:
        return "refused"
    data = answer["result"].get("structuredContent", {})
    return "ran" if data.get("executed") is not False else (data["status"], data.get("reason"))


async def agree(wire: Wire, call: Message) -> None:
    """Answer the next question with a valid yes, which sends one change."""
    before = len(wire.trax.sent)
    await wire.server.tell(response_to(await wire.question(), result=choosing(YES)))
    assert status(await wire.server.answer(call)) == "ran"
    assert len(wire.trax.sent) == before + 1


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
DECLINED: Final = {
    "a refusal that is filled in": DELETE_SOURCE,
    "a closed form that is filled in": UNLINK,
}
"""Calls of their own for answers after which a call may not be asked about for a minute."""


async def test_a_malformed_form_response_is_not_a_yes(earlier: Wire) -> None:
    """In the earlier era."""
    before, results = len(earlier.trax.sent), {}
    for name, (answer, _) in ANSWERS.items():
        call = await earlier.call(DECLINED.get(name, OPERATION))
        await earlier.server.tell(response_to(await earlier.question(), **answer))
        results[name] = status(await earlier.server.answer(call))
    assert results == {name: expected for name, (_, expected) in ANSWERS.items()}
    assert len(earlier.trax.sent) == before
    await agree(earlier, await earlier.call())


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


async def test_a_malformed_input_response_is_not_a_yes(later: Wire) -> None:
    """In the later era. The request state stays valid."""
    results = {}
    state = (await later.answer())["result"]["requestState"]
    good = {"consent": choosing(YES)}
    for name, responses in RESPONSES.items():
        results[name] = status(await later.answer(requestState=state, inputResponses=responses))
    for malformed in (7, [state], {"handle": state}):
        given = {"requestState": malformed, "inputResponses": good}
        results[str(malformed)] = status(await later.answer(**given))
    assert {it if it == "refused" else it[0] for it in results.values()} == {"refused", "declined"}
    assert later.trax.sent == []
    assert status(await later.answer(requestState=state, inputResponses=good)) == "ran"
    assert later.trax.sent == [OPERATION.sent]


async def test_a_yes_after_the_call_was_cancelled_has_no_effect(earlier: Wire) -> None:
    """The form was still open."""
    before = len(earlier.trax.sent)
    call = await earlier.call()
    cancelled = {"requestId": call["id"], "reason": "The person pressed Escape."}
    await earlier.server.tell(
        {"jsonrpc": "2.0", "method": "notifications/cancelled", "params": cancelled},
        response_to(await earlier.question(), result=choosing(YES)),
    )
    await earlier.server.ask(request(LEGACY, "tools/list", number=1000))
    assert len(earlier.trax.sent) == before
    await agree(earlier, await earlier.call())


async def test_a_yes_that_is_sent_twice_counts_once(earlier: Wire) -> None:
    """The second one does not answer a later question."""
    before = len(earlier.trax.sent)
    first = await earlier.call()
    yes = response_to(await earlier.question(), result=choosing(YES))
    await earlier.server.tell(yes, yes)
    assert status(await earlier.server.answer(first)) == "ran"
    earlier.trax.reset()
    second = await earlier.call()
    asked = await earlier.question()
    await earlier.server.tell(yes, response_to(asked, result=choosing(None)))
    assert status(await earlier.server.answer(second)) == MALFORMED
    assert len(earlier.trax.sent) == before + 1


async def test_fields_of_the_later_era_have_no_effect_in_the_earlier_era(earlier: Wire) -> None:
    """A person is asked."""
    before = len(earlier.trax.sent)
    later_fields = {"requestState": "x" * 22, "inputResponses": {"consent": choosing(YES)}}
    call = await earlier.call(**later_fields)
    await earlier.server.tell(response_to(await earlier.question(), result=choosing(None)))
    assert status(await earlier.server.answer(call)) == MALFORMED
    assert len(earlier.trax.sent) == before
    await agree(earlier, await earlier.call(**later_fields))


async def test_another_key_cannot_answer_in_the_session_of_the_caller() -> None:
    """Another key, or none, with the session id gets 404. The form stays open."""
    async with over_http(LEGACY) as (clients, address), plain_http(address) as http:
        owner = HttpWire(http, LEGACY, x_api_key=SANDBOX_KEY)
        owner.session = await session_of(owner)
        other = HttpWire(http, LEGACY, x_api_key=SECOND_KEY)
        keyless = HttpWire(http, LEGACY)
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


async def session_of(caller: HttpWire) -> str:
    """The session id after the handshake of a client that supports forms."""
    session = (await caller.post(hello(FORMS))).headers["mcp-session-id"]
    await caller.post(INITIALIZED, mcp_session_id=session)
    return session


async def events(stream: httpx.Response) -> AsyncIterator[Message]:
    """The messages in an event stream, in order."""
    async for line in stream.aiter_lines():
        if line.startswith("data: {"):
            yield json.loads(line.removeprefix("data: "))
