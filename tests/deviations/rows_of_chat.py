"""Deviations of chat."""

from __future__ import annotations

from typing import Final

from tests.deviations import scenarios
from tests.deviations.plays_of_chat import chat, messages
from tests.deviations.row import Row

ROWS: Final = (
    Row(
        name="chat_epochms",
        trax="Gives messages numbers as times.",
        play=messages(lambda n, it: it.update(timestamp=1_780_682_400_000 + n)),
        calls=scenarios.CHAT,
    ),
    Row(
        name="chat_newest_first",
        trax="Lists messages newest first.",
        play=chat(lambda it: it.reverse()),
        calls=scenarios.BUSY_CHAT,
    ),
    Row(
        name="chat_null_author",
        trax="Gives messages no author.",
        play=messages(lambda _, it: it.update(authorDisplayName=None)),
        calls=scenarios.CHAT,
    ),
    Row(
        name="chat_no_platform",
        trax="Gives messages no platform.",
        play=messages(lambda _, it: it.pop("platform")),
        calls=scenarios.CHAT,
    ),
    Row(
        name="chat_future",
        trax="Gives messages times in a year.",
        play=messages(lambda n, it: it.update(timestamp=f"2027-06-05T18:00:{n:02}Z")),
        calls=scenarios.CHAT,
    ),
)
