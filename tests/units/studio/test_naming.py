"""Names, platforms and types in sentences that a person reads, with the ids of their things."""

from __future__ import annotations

from typing import Final

import pytest

from tests.units.consent.shown_table import GO_LIVE
from tests.units.studio_facts import (
    EVERYTHING,
    LIVE,
    account,
    destination,
    previewed,
    source,
    studio,
    to,
)
from trax_mcp.api.operations import DeleteDestination
from trax_mcp.studio import naming
from trax_mcp.studio.facts import Facts
from trax_mcp.studio.naming import Name, Sentence, note, sentence


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("Friday Show", "Friday Show"),
        ('"Main" (YouTube).\n', r"\u0022Main\u0022 (YouTube).\u000a"),
        ("x" * 80, "x" * 80),
        ("x" * 81, "x" * 79 + "…"),
    ],
    ids=["plain", "hostile", "just the length", "one too many"],
)
def test_a_name_is_quoted_and_at_most_80_characters_long(name: str, shown: str) -> None:
    assert naming.quoted(name) == f'"{shown}"'
    assert naming.quoted_whole(name) == f'"{shown if "…" not in shown else name}"'


WORDS: Final = {
    **{it: it for it in ("webcam", "webrtc-input", "image/svg+xml", "needs_reauth", "v1.2")},
    "x" * 40: "x" * 40,
    "x" * 41: f'"{"x" * 41}"',
    "x" * 99: f'"{"x" * 79}…"',
    "": '""',
    "two words": '"two words"',
    "webcam\n": r'"webcam\u000a"',
    " webcam": '"{1 blank}webcam"',
    "a:b": '"a:b"',
    "(a)": '"(a)"',
    'a"b': r'"a\u0022b"',
    "café": '"café"',
    "ｗｅｂｃａｍ": '"ｗｅｂｃａｍ"',  # noqa: RUF001  wide letters on purpose
    "web\u200bcam": r'"web\u200bcam"',
}


def test_only_one_plain_word_is_not_quoted() -> None:
    """States are such words. Anything else could be read as a part of the sentence."""
    assert {text: naming.word(text) for text in WORDS} == WORDS


TYPES: Final = {
    **{it: it for it in ("webcam", "rtmp", "srt", "webrtc-input", "media")},
    "screen": '"screen"',
    "Webcam": '"Webcam"',
}
PLATFORMS: Final = {
    "youtube": "YouTube",
    "YOUTUBE": "YouTube",
    "twitch": "Twitch",
    "kick": "Kick",
    "Facebook": "Facebook",
    "custom": '"custom"',
    "my own": '"my own"',
    "": '""',
    "youtube ": '"youtube{1 blank}"',
    "x" * 99: f'"{"x" * 79}…"',
}


def test_a_type_or_platform_is_quoted_unless_it_is_known() -> None:
    """Also one plain word: it could be read as a part of the sentence."""
    for kind, shown in TYPES.items():
        assert naming.source(source("c", "C", kind)).text == f'"C" ({shown})'
    assert {it: naming.platform(it) for it in PLATFORMS} == PLATFORMS


@pytest.mark.parametrize(
    ("platforms", "choice"),
    [
        ((), 'Go live: "Friday Show"'),
        (("kick",), 'Go live on Kick: "Friday Show"'),
        (("Facebook", "custom"), 'Go live on Facebook and "custom": "Friday Show"'),
        (("youtube", "twitch", "youtube"), 'Go live on YouTube and Twitch: "Friday Show"'),
        (("kick", "twitch", "mine"), 'Go live on Kick, Twitch and "mine": "Friday Show"'),
        (("kick", "a and b"), 'Go live on Kick and "a and b": "Friday Show"'),
    ],
)
def test_a_choice_names_each_platform_once_in_the_order_of_the_destinations(
    platforms: tuple[str, ...], choice: str
) -> None:
    places = (destination(f"d{number}", "D", it) for number, it in enumerate(platforms))
    assert previewed(GO_LIVE, to(*places)).choice == choice


def test_a_name_carries_the_id_of_its_thing() -> None:
    """A sentence collects these ids, so that another thing of the same name is another sentence."""
    portrait = destination("dest_1", "M", "kick", vertical=True)
    assert [
        naming.destination(destination("dest_1", "M", "kick")),
        naming.destination(portrait),
        naming.source(source("source_1", "C", "rtmp")),
        naming.connection(account("conn_1", "Robin", "kick")),
        naming.studio(studio("Show", "s1")),
        naming.studio(None),
    ] == [
        Name('"M" (Kick)', "dest_1"),
        Name('"M" (Kick, portrait)', "dest_1"),
        Name('"C" (rtmp)', "source_1"),
        Name('"Robin"', "conn_1"),
        Name('"Show"', "s1"),
        "the studio",
    ]


def test_a_sentence_collects_the_ids_of_its_names_and_fills_in_its_template_once() -> None:
    """Plain text and a note have no id. Consent does not depend on a note."""
    shown = sentence("{} in {}{}.", Name('"A"', "a"), Name('"{}"', "b"), " {0.id}{x!r}")
    assert shown == Sentence('"A" in "{}" {0.id}{x!r}.', ("a", "b"), is_note=False)
    assert note("It is on air {}.") == Sentence("It is on air {}.", (), is_note=True)


def test_names_are_read_from_facts_only() -> None:
    """Without facts the ids stand in their place, quoted too."""
    preview = previewed(DeleteDestination(studio_id="studio_42", dest_id='d"'), Facts())
    assert preview.choice == r'Delete the destination "d\u0022"'
    assert previewed(GO_LIVE, LIVE).choice == previewed(GO_LIVE, EVERYTHING).choice
