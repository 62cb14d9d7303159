"""Messages that this server has probably sent itself are marked: no assistant answers itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import anyio
import pytest

from tests.chat.waits import SILENT, TOOL, Json, open_chat, say
from tests.support.hostile_texts import NOTICE
from tests.support.product.faults import Fault
from tests.support.resource_reads import CHAT
from tests.world.answers import data_of, text_of
from tests.world.world import COLLEAGUE, MINE

if TYPE_CHECKING:
    from tests.world.caller import Caller
    from tests.world.world import World

LIST: Final = "list_chat_messages"
SEND: Final = "send_chat_message"
TEXT: Final = "We are back at eight: caf\u00e9 \U0001f44b"
OWN: Final = (
    "Those in `probablyOwn` were probably sent through this server in the last ten minutes: don't"
    " answer them."
)


async def chat(caller: Caller, way: str, **studio: str) -> Json:
    """The chat as a tool or the resource gives it. The text of a tool begins with its notice."""
    if way == CHAT:
        return await caller.read(CHAT)
    result = await caller.call(way, **studio)
    content = data_of(result)
    assert text_of(result).startswith(f"{content['notice']}\n<viewers-")
    return content


async def send(it: World) -> str:
    """Send a message, and return the id of what TRaX lists last."""
    await it[MINE].call(SEND, text=TEXT)
    return str(it.trax.messages()[-1]["id"])


async def own(caller: Caller, **studio: str) -> list[str]:
    """The ids that are marked as own."""
    marked: list[str] = (await chat(caller, LIST, **studio)).get("probablyOwn", [])
    return marked


@pytest.mark.parametrize("way", [LIST, TOOL, CHAT])
async def test_a_message_that_was_sent_from_here_is_marked(way: str) -> None:
    """By its id, beside the messages as TRaX sent them, and the notice says what that means."""
    async with open_chat() as it:
        say(it, "Hello", "We are back at nine")
        before = await chat(it[MINE], way)
        it.hand_clock.advance(2)
        sent = await send(it)
        answer = await chat(it[MINE], way)
    assert before["notice"] == NOTICE
    assert "probablyOwn" not in before
    assert answer["notice"] == f"{NOTICE} {OWN}"
    messages = answer["data" if way == LIST else "messages"]
    assert messages == it.trax.messages()[-len(messages) :]
    assert answer["probablyOwn"] == [sent]
    assert list(answer).index("probablyOwn") < 4


@pytest.mark.parametrize("way", [LIST, TOOL, CHAT])
async def test_each_answer_has_its_time(way: str) -> None:
    """So that a model knows how old a message is."""
    async with open_chat() as it:
        for _ in range(2):
            it.hand_clock.advance(90)
            now = it.hand_clock.now().strftime("%Y-%m-%dT%H:%M:%SZ")
            answer = await chat(it[MINE], way)
            assert [*answer.items()][1] == ("now", now)


async def test_a_message_counts_as_own_for_ten_minutes() -> None:
    """After that a viewer may well say the same."""
    async with open_chat() as it:
        sent = await send(it)
        it.hand_clock.advance(599)
        assert await own(it[MINE]) == [sent]
        it.hand_clock.advance(2)
        assert await own(it[MINE]) == []


async def test_a_message_stays_own_however_many_follow() -> None:
    """A busy bot says more in ten minutes than anybody would count."""
    async with open_chat() as it:
        sent = await send(it)
        for number in range(150):
            await it[MINE].call(SEND, text=f"number {number}")
        it.trax.faults.add(Fault.patched(lambda page: page["data"][-1].update(id=sent, text="We")))
        assert sent in await own(it[MINE])
        (echo,) = say(it, TEXT)
        assert echo["id"] in await own(it[MINE])


async def test_an_echo_may_differ_in_blanks_and_in_how_letters_are_composed() -> None:
    """As platforms may show it. Each that repeats it counts: TRaX does not say who wrote it."""
    async with open_chat() as it:
        sent = await send(it)
        echoes = say(it, f"  {TEXT.replace(' ', '  ')}\n", TEXT.replace("\u00e9", "e\u0301"))
        say(it, f"{TEXT}!", TEXT.upper())
        assert await own(it[MINE]) == [sent, *(echo["id"] for echo in echoes)]


async def test_a_message_with_the_id_of_traxs_answer_is_own() -> None:
    """Whatever has become of its text."""
    async with open_chat() as it:
        sent = await send(it)
        it.trax.faults.add(Fault.patched(lambda page: page["data"][-1].update(text="We ...")))
        assert await own(it[MINE]) == [sent]


async def test_only_the_key_that_sent_it_is_told_and_only_in_that_studio() -> None:
    """Others see a message as anybody's."""
    async with open_chat(COLLEAGUE) as it:
        sent = await send(it)
        say(it, TEXT, studio=SILENT)
        assert "probablyOwn" not in await chat(it[COLLEAGUE], LIST)
        assert await own(await it.caller()) == [sent]
        assert await own(it[MINE], studioId=SILENT) == []


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
    async with open_chat() as it:
        it.trax.faults.add(fault, method="POST")
        await send(it)
        (message,) = say(it, TEXT)
        assert (message["id"] in await own(it[MINE])) is is_own


async def test_a_message_that_waits_for_a_yes_was_not_sent() -> None:
    async with open_chat(TRAX_GUARD_ALSO=SEND) as it:
        await send(it)
        say(it, TEXT)
        assert await own(it[MINE]) == []


async def test_a_message_is_marked_before_trax_has_answered() -> None:
    """A poll may find it first."""
    answered = anyio.Event()
    async with open_chat() as it:
        it.trax.faults.add(Fault.delay(answered, when="after"), method="POST")
        sending = it[MINE].start(SEND, text=TEXT)
        await it.hand_clock.pass_until(lambda: it.trax.messages()[-1]["text"] == TEXT)
        assert await own(it[MINE]) == [it.trax.messages()[-1]["id"]]
        assert not sending.has_ended
        answered.set()
        await sending.result()
