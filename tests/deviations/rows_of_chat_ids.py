"""Chat with other ids, or with none."""

from __future__ import annotations

from typing import Final

from tests.deviations import scenarios
from tests.deviations.plays import by_name
from tests.deviations.plays_of_chat import changing_ids, chat, messages, number_of
from tests.deviations.row import Row

ROWS: Final = (
    Row(
        name="chat_ids_numbers",
        trax="Gives messages numbers as ids.",
        play=messages(lambda _, it: it.update(id=number_of(it))),
        calls=scenarios.CHAT,
    ),
    Row(
        name="chat_ids_missing",
        trax="Gives messages no id.",
        play=messages(lambda _, it: it.pop("id")),
        calls=scenarios.CHAT,
    ),
    Row(
        name="chat_ids_empty",
        trax="Gives each message an empty id.",
        play=messages(lambda _, it: it.update(id="")),
        calls=scenarios.CHAT,
    ),
    Row(
        name="chat_ids_same",
        trax="Gives each message the same id.",
        play=messages(lambda _, it: it.update(id="m1")),
        calls=scenarios.CHAT,
    ),
    Row(
        name="chat_ids_per_platform",
        trax="Counts messages by platform, so that ids repeat.",
        play=by_name("chat-ids-per-platform"),
        calls=scenarios.CHAT,
    ),
    Row(
        name="chat_newest_first_numeric_ids",
        trax="Lists messages newest first, with numbers as ids.",
        play=chat(lambda it: [{**one, "id": number_of(one)} for one in reversed(it)]),
        calls=scenarios.CHAT,
        model=(
            "list_chat_messages: data=c2 b2 a2 c1 b1 a1 c0 b0 a0 Good night everyone same time next week? That was the best episode so far!",
        ),
    ),
    Row(
        name="chat_ids_changing",
        trax="Gives a message another id each time.",
        play=changing_ids,
        calls=scenarios.CHAT,
        model=(
            "wait 1: messages=That was the best episode so far! same time next week? Good night everyone a0 b0 c0, missed=true, waitedSeconds=3, gatheredSeconds=0",
            "wait 2: messages=That was the best episode so far! same time next week? Good night everyone a0 b0 c0 a1 b1 c1, missed=true, waitedSeconds=0, gatheredSeconds=0",
            "wait 3: messages=That was the best episode so far! same time next week? Good night everyone a0 b0 c0 a1 b1 c1 a2 b2 c2, missed=true, waitedSeconds=0, gatheredSeconds=0",
        ),
    ),
    Row(
        name="chat_id_boolean",
        trax="Gives one message the id true.",
        play=messages(lambda n, it: it.update(id=True) if n == 4 else None),
        calls=scenarios.CHAT,
    ),
    Row(
        name="chat_id_fraction",
        trax="Gives messages fractions as ids.",
        play=messages(lambda _, it: it.update(id=number_of(it) + 0.5)),
        calls=scenarios.CHAT,
    ),
    Row(
        name="chat_id_huge",
        trax="Gives messages numbers of thirty digits as ids.",
        play=messages(lambda _, it: it.update(id=10**29 + number_of(it))),
        calls=scenarios.CHAT,
    ),
)
