"""Messages that this server has probably sent itself are marked: no assistant answers itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import anyio
import mcp
import pytest

from tests.conftest import text_of
from tests.support.concurrency import begin
from tests.support.product.faults import Fault
from tests.support.resource_reads import CHAT, SILENT, read
from tests.support.subscribers import STUDIO
from tests.support.wait_client import NOTICE, TOOL, waiting

if TYPE_CHECKING:
    from tests.support.wait_client import Json, Waiter

LIST: Final = "list_chat_messages"
SEND: Final = "send_chat_message"
TEXT: Final = "We are back at eight: caf\u00e9 \U0001f44b"
OWN: Final = (
    "Those in `probablyOwn` were probably sent through this server in the last ten minutes: do not"
    " answer them."
)
SECOND_KEY: Final = "sk_live_sandbox_second"

each_way = pytest.mark.parametrize("way", [LIST, TOOL, CHAT])


async def chat(client: mcp.Client, way: str, *, studio: str = STUDIO) -> Json:
    """The chat as a tool or the resource gives it. The text of a tool begins with its notice."""
    if way == CHAT:
        return await read(client, CHAT.replace(STUDIO, studio))
    result = await client.call_tool(way, {"studioId": studio})
    content: Json = result.structured_content or {}
    assert text_of(result).startswith(f"{content['notice']}\n<viewers-")
    return content


async def send(waiter: Waiter, text: str = TEXT, **arguments: Any) -> Json:  # noqa: ANN401  of the tool
    """Send a message, and return what TRaX lists last."""
    await waiter.client.call_tool(SEND, {"studioId": STUDIO, "text": text, **arguments})
    return waiter.trax.messages()[-1]


async def own(waiter: Waiter, way: str = LIST, *, studio: str = STUDIO) -> list[str]:
    """The ids that are marked as own."""
    marked: list[str] = (await chat(waiter.client, way, studio=studio)).get("probablyOwn", [])
    return marked


@each_way
async def test_a_message_that_was_sent_from_here_is_marked(way: str) -> None:
    """By its id, beside the messages as TRaX sent them, and the notice says what that means."""
    async with waiting() as waiter:
        waiter.say("Hello", "We are back at nine")
        sent = await send(waiter)
        answer = await chat(waiter.client, way)
        assert answer["probablyOwn"] == [sent["id"]]
        assert answer["notice"] == f"{NOTICE} {OWN}"
        messages = answer["data" if way == LIST else "messages"]
        assert messages == waiter.trax.messages()[-len(messages) :]
        assert list(answer).index("probablyOwn") < 3


@each_way
async def test_without_one_nothing_is_said_of_it(way: str) -> None:
    async with waiting() as waiter:
        waiter.say(TEXT)
        answer = await chat(waiter.client, way)
    assert answer["notice"] == NOTICE
    assert "probablyOwn" not in answer


async def test_a_message_counts_as_own_for_ten_minutes() -> None:
    """After that a viewer may well say the same."""
    async with waiting() as waiter:
        sent = await send(waiter)
        waiter.clock.advance(599)
        assert await own(waiter) == [sent["id"]]
        waiter.clock.advance(2)
        assert await own(waiter) == []


@pytest.mark.parametrize(
    "echo", [f"  {TEXT.replace(' ', '  ')}\n", TEXT.replace("\u00e9", "e\u0301")], ids=ascii
)
async def test_an_echo_may_differ_in_blanks_and_in_how_letters_are_composed(echo: str) -> None:
    """As platforms may show it. Each that repeats it counts: TRaX does not say who wrote it."""
    async with waiting() as waiter:
        sent = await send(waiter)
        (echoed,) = waiter.say(echo)
        waiter.say(f"{TEXT}!", TEXT.upper())
        assert await own(waiter) == [sent["id"], echoed["id"]]


async def test_a_message_with_the_id_of_traxs_answer_is_own() -> None:
    """Whatever has become of its text."""
    async with waiting() as waiter:
        sent = await send(waiter)
        waiter.trax.faults.add(Fault.patched(lambda page: page["data"][-1].update(text="We ...")))
        assert await own(waiter) == [sent["id"]]


async def test_only_the_key_that_sent_it_is_told_and_only_in_that_studio() -> None:
    """Others see a message as anybody's."""
    async with waiting() as waiter:
        waiter.trax.add_key(SECOND_KEY)
        sent = await send(waiter)
        waiter.say(TEXT, studio=SILENT)
        async with mcp.Client(waiter.product.server(SECOND_KEY), cache=None) as other:
            assert "probablyOwn" not in await chat(other, LIST)
        async with mcp.Client(waiter.product.server(), cache=None) as same:
            assert (await chat(same, LIST))["probablyOwn"] == [sent["id"]]
        assert await own(waiter, studio=SILENT) == []


@pytest.mark.parametrize(
    ("fault", "is_own"),
    [
        (Fault.error(503, "write_disabled", "Off."), False),
        (Fault.error(403, "insufficient_scope", "No."), False),
        (Fault.dropped(when="after"), True),
        (Fault.status(502), True),
        (Fault.truncated(), True),
    ],
    ids=("writes are off", "no scope", "answer lost", "bad gateway", "answer broken"),
)
async def test_a_message_that_trax_did_not_take_is_nobodys(fault: Fault, *, is_own: bool) -> None:
    """One whose answer was lost may have been sent."""
    async with waiting() as waiter:
        waiter.trax.faults.add(fault, method="POST")
        await send(waiter)
        (message,) = waiter.say(TEXT)
        assert (message["id"] in await own(waiter)) is is_own


async def test_a_message_that_waits_for_a_yes_was_not_sent() -> None:
    async with waiting(TRAX_GUARD_ALSO=SEND) as waiter:
        await send(waiter)
        waiter.say(TEXT)
        assert await own(waiter) == []


async def test_a_message_is_marked_before_trax_has_answered() -> None:
    """A poll may find it first."""
    answered = anyio.Event()
    async with waiting() as waiter, anyio.create_task_group() as tasks:
        waiter.trax.faults.add(Fault.delay(answered, when="after"), method="POST")
        arguments = {"studioId": STUDIO, "text": TEXT}
        results = begin(tasks, lambda: waiter.client.call_tool(SEND, arguments))
        while waiter.trax.messages()[-1]["text"] != TEXT:
            await anyio.lowlevel.checkpoint()
        assert await own(waiter) == [waiter.trax.messages()[-1]["id"]]
        assert results == []
        answered.set()
