"""Pages of chat as TRaX may send them: other ids, fewer messages, items that can't be messages.

What `list_chat_messages` shows, `wait_for_chat_messages` and the resource show too, or they say
that some were missed. `tests/units/chat` has the same for any order of pages.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import pytest

from tests.chat.waits import Json, begin, chat, chat_of, end_of, open_chat, say, wait
from tests.support.chat_polls import CHAT_PATH, cursor_of
from tests.support.product.faults import Fault
from tests.support.product.shared_clock import settled
from tests.support.resource_reads import CHAT, refused
from tests.world.answers import data_of, text_of
from tests.world.world import MINE

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.product.exchanges import Request, RequestHandler, Response
    from tests.world.world import World

LIST: Final = "list_chat_messages"
NOW: Final = {"timeoutSeconds": 0, "limit": 200}
LARGEST_ANSWER_BYTES: Final = 4 * 1024 * 1024
POLL: Final = 2.0
"""The shortest pause between two polls, in seconds."""


def pages(it: World, change: Callable[[list[Any]], list[Any]]) -> None:
    """From now on, TRaX sends its messages so."""
    patch = Fault.patched(lambda page: page.update(data=change(page["data"])))
    it.trax.faults.add(patch, times=None, method="GET", path=CHAT_PATH)


async def listed(it: World) -> list[Json]:
    messages: list[Json] = (await it[MINE].data(LIST, limit=200))["data"]
    return messages


async def news(it: World, after: str) -> Json:
    """What the tool tells after a cursor. The resource tells the same."""
    await it.hand_clock.pass_by(POLL)
    told, resource = await chat(it, after, **NOW), await it[MINE].read(CHAT, after=after)
    assert {name: resource[name] for name in ("messages", "missed", "cursor")} == {
        name: told[name] for name in ("messages", "missed", "cursor")
    }
    return told


def texts(messages: list[Json]) -> list[str]:
    return [message["text"] for message in messages]


# Ids


def with_ids(new_id: Callable[[int], object]) -> Callable[[list[Json]], list[Json]]:
    return lambda page: [
        {**it, "id": new_id(number), "platform": ("youtube", "twitch")[number % 2]}
        for number, it in enumerate(page)
    ]


def without(name: str) -> Callable[[list[Json]], list[Json]]:
    return lambda page: [{key: it[key] for key in it if key != name} for it in page]


IDS: Final[dict[str, Callable[[list[Json]], list[Json]]]] = {
    "numbers": with_ids(lambda number: number),
    "numbers, newest first": lambda page: with_ids(lambda number: number)(page)[::-1],
    "unique on each platform": with_ids(lambda number: number // 2),
    "missing": without("id"),
    "null": with_ids(lambda _: None),
    "empty": with_ids(lambda _: ""),
    "all the same": with_ids(lambda _: "message"),
}


@pytest.mark.parametrize("kind", IDS)
async def test_every_message_is_told_once_whatever_its_id(kind: str) -> None:
    """And what the list shows, both others show."""
    async with open_chat() as it:
        pages(it, IDS[kind])
        cursor = await cursor_of(it[MINE])
        for sent in (["one"], ["two", "three", "four"], [], ["five"]):
            say(it, *sent)
            before, told = cursor, await news(it, cursor)
            cursor = told["cursor"]
            assert (texts(told["messages"]), told["missed"]) == (sent, False)
            assert (cursor == before) is (not sent)
        recent, shown = await chat(it, limit=200), await listed(it)
    assert sorted(texts(recent["messages"])) == sorted(texts(shown))
    assert {type(it.get("id")) for it in shown} <= {str, type(None)}


async def test_ids_that_are_numbers_are_shown_as_text() -> None:
    """As promised to programs, in both halves."""
    async with open_chat() as it:
        pages(it, lambda page: [{**page[-1], "id": 7, "authorId": 12}])
        shown = [await it[MINE].call(LIST), await wait(it)]
    for result, name in zip(shown, ("data", "messages"), strict=True):
        assert (data_of(result)[name][0]["id"], data_of(result)[name][0]["authorId"]) == ("7", "12")
        assert '"id":"7"' in text_of(result)


async def test_without_ids_the_same_words_by_the_same_person_at_the_same_time_count_as_one() -> (
    None
):
    async with open_chat() as it:
        pages(it, without("id"))
        cursor = await cursor_of(it[MINE])
        say(it, "lol", "lol")
        it.trax.say("lol", author="Ben")
        it.hand_clock.advance(1)
        say(it, "lol")
        told = await news(it, cursor)
    assert [message["authorDisplayName"] for message in told["messages"]] == ["Ann", "Ben", "Ann"]
    assert not told["missed"]


@pytest.mark.parametrize(("kind", "name"), [("numbers", "id"), ("missing", "text")])
async def test_own_messages_are_marked_by_number_or_without_an_id_by_their_text(
    kind: str, name: str
) -> None:
    async with open_chat() as it:
        pages(it, IDS[kind])
        await it[MINE].call("send_chat_message", text="Welcome!")
        answers = [await it[MINE].data(LIST), await chat(it), await it[MINE].read(CHAT)]
    (last,) = (it for it in answers[0]["data"] if it["text"] == "Welcome!")
    assert [it["probablyOwn"] for it in answers] == [[last[name]]] * 3


# Gaps

EMPTY: Final[tuple[Json, ...]] = ({"data": []}, {"data": None})


async def test_a_page_on_which_nothing_is_known_is_a_gap_however_short() -> None:
    """TRaX may return fewer than it was asked for."""
    async with open_chat() as it:
        pages(it, lambda page: page[-25:])
        cursor = await cursor_of(it[MINE])
        say(it, *map(str, range(24)))
        told = await news(it, cursor)
        assert (len(told["messages"]), told["missed"]) == (24, False)
        say(it, *map(str, range(100, 140)))
        told = await news(it, told["cursor"])
        assert (texts(told["messages"]), told["missed"]) == ([*map(str, range(115, 140))], True)
        say(it, "later")
        told = await news(it, told["cursor"])
        assert (texts(told["messages"]), told["missed"]) == (["later"], False)


async def test_a_chat_that_was_emptied_is_a_gap_once_somebody_writes() -> None:
    """Until then nothing was missed: an empty page, or null for one, tells of no message."""
    async with open_chat() as it:
        cursor = await cursor_of(it[MINE])
        for emptied in EMPTY:
            it.trax.faults.add(Fault.status(200, emptied), times=None, path=CHAT_PATH)
            told = await news(it, cursor)
            assert (told["messages"], told["missed"], told["cursor"]) == ([], False, cursor)
            assert await listed(it) == []
            it.trax.faults.clear()
        pages(it, lambda page: page[-1:])
        say(it, "Anybody here?")
        told = await news(it, cursor)
    assert (texts(told["messages"]), told["missed"]) == (["Anybody here?"], True)


async def test_a_chat_that_begins_empty_misses_nothing() -> None:
    async with open_chat() as it:
        it.trax.faults.add(Fault.status(200, EMPTY[1]), times=None, path=CHAT_PATH)
        cursor = await cursor_of(it[MINE])
        it.trax.faults.clear()
        shown = it.trax.messages()
        told = await news(it, cursor)
    assert (told["messages"], told["missed"]) == (shown, False)


# What is left out

NOT_MESSAGES: Final[dict[str, object]] = {
    "null": None,
    "a text": "Hello",
    "a list": [],
    "an object without a field": {},
    "nothing to know it by": {"id": None, "platform": "kick", "timestamp": None},
}


@pytest.mark.parametrize("kind", NOT_MESSAGES)
async def test_what_cannot_be_a_message_is_left_out_and_said_once(kind: str) -> None:
    """A wait ends for it at once, and a subscriber is told to read."""
    async with open_chat() as it:
        cursor = await cursor_of(it[MINE])
        waiting = begin(it, cursor)
        await it[MINE].subscribe(CHAT)
        await settled()
        pages(it, lambda page: [*page, NOT_MESSAGES[kind]])
        await end_of(it, waiting)
        told = chat_of(await waiting.result())
        assert (told["messages"], told["missed"]) == ([], True)
        assert told["cursor"] != cursor
        assert it[MINE].updates == [CHAT]
        assert (await it[MINE].read(CHAT))["missed"]
        sent = say(it, "Hello")
        told = await news(it, told["cursor"])
        assert (told["messages"], told["missed"]) == (sent, False)


NO_LISTS: Final[tuple[Json, ...]] = ({}, {"data": "x"}, {"data": {}})


async def test_a_page_without_a_list_is_an_error() -> None:
    """It does not pass for an empty chat."""
    async with open_chat() as it:
        for page in NO_LISTS:
            it.trax.faults.add(Fault.status(200, page), path=CHAT_PATH)
            assert (await refused(it[MINE].client, CHAT)).data["error"]["code"] == "bad_answer"
            it.hand_clock.advance(40)


# How many are asked for


def asked(it: World) -> list[str | None]:
    """The limit of each request for chat."""
    return [log.query.get("limit") for log in it.trax.requests if log.path == CHAT_PATH]


async def test_fewer_messages_are_asked_for_after_a_page_that_is_too_large() -> None:
    """Half as many each time, but at least ten."""
    too_large = Fault.status(200, {"data": [{"id": "m", "text": "x" * LARGEST_ANSWER_BYTES}]})
    async with open_chat() as it:
        await cursor_of(it[MINE])
        it.trax.faults.add(too_large, times=6, path=CHAT_PATH)
        for _ in range(6):
            it.hand_clock.advance(40)
            error = (await refused(it[MINE].client, CHAT)).data["error"]
            assert (error["code"], "larger than 4 MiB" in error["message"]) == ("bad_answer", True)
        it.hand_clock.advance(40)
        await it[MINE].read(CHAT)
    assert asked(it) == ["200", "200", "100", "50", "25", "12", "10", "10"]


async def test_where_trax_refuses_a_limit_chat_is_asked_for_without_one() -> None:
    """And it is not asked twice. Then only an overlap of two pages proves that none is missing."""

    async def refuse(request: Request, next_handler: RequestHandler) -> Response:
        if "limit" in request.query:
            return await Fault.error(400, "invalid_request").middleware(request, next_handler)
        return await next_handler(request)

    async with open_chat() as it:
        it.trax.faults.add(Fault("no limit", refuse), times=None, path=CHAT_PATH)
        cursor = await cursor_of(it[MINE])
        sent = say(it, "one", "two")
        told = await news(it, cursor)
        assert (told["messages"], told["missed"]) == (sent, False)
        say(it, *map(str, range(60)))
        told = await news(it, told["cursor"])
    assert (len(told["messages"]), told["missed"]) == (50, True)
    assert asked(it) == ["200", None, None, None]


async def test_a_refusal_that_is_not_for_the_limit_is_reported() -> None:
    async with open_chat() as it:
        it.trax.faults.add(Fault.error(400, "invalid_request"), times=None, path=CHAT_PATH)
        error = (await refused(it[MINE].client, CHAT)).data["error"]
    assert error["code"] == "invalid_request"
    assert asked(it) == ["200", None]
