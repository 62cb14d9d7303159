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
    known,
    previewed,
    source,
    studio,
    to,
)
from trax_mcp.actions.destinations import DeleteDestination
from trax_mcp.actions.studios import UpdateStudio
from trax_mcp.api.text_safety import columns_of
from trax_mcp.studio import naming
from trax_mcp.studio.facts import Facts
from trax_mcp.studio.naming import Looks, Name, Sentence, note, sentence


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
GO_LIVE_ON_FOUR: Final = "Go live on YouTube, Twitch, Kick and Facebook"
PLATFORMS: Final = {
    "youtube": "YouTube",
    "YOUTUBE": "YouTube",
    "twitch": "Twitch",
    "kick": "Kick",
    "Facebook": "Facebook",
    "custom": '"custom"',
    "\u212aick": '"\u212aick"',
    "my own": '"my own"',
    "": '""',
    "youtube ": '"youtube{1 blank}"',
    "x" * 99: f'"{"x" * 79}…"',
}


def test_a_type_or_platform_is_quoted_unless_it_is_known() -> None:
    """Also one plain word: it could be read as a part of the sentence."""
    for kind, shown in TYPES.items():
        assert str(naming.source(source("c", "C", kind))) == f'"C" ({shown})'
    assert {it: naming.platform(it) for it in PLATFORMS} == PLATFORMS


@pytest.mark.parametrize(
    ("platforms", "choice"),
    [
        ((), "Go live"),
        (("kick",), "Go live on Kick"),
        (("mine",), "Go live"),
        (("Facebook", "custom"), "Go live on Facebook and 1 more"),
        (("youtube", "twitch", "youtube"), "Go live on YouTube and Twitch"),
        (
            ("youtube", "twitch", "kick", "facebook"),
            "Go live on YouTube, Twitch, Kick and Facebook",
        ),
        (("youtube", "twitch", "kick", "facebook", "mine"), "Go live on 5 platforms"),
    ],
)
def test_a_choice_names_each_known_platform_once_in_the_order_of_the_destinations(
    platforms: tuple[str, ...], choice: str
) -> None:
    places = (destination(f"d{number}", "D", it) for number, it in enumerate(platforms))
    assert previewed(GO_LIVE, to(*places)).yes == choice


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
        Name('"M"', "dest_1", "Kick", '"M"', "Kick"),
        Name('"M"', "dest_1", "Kick, portrait", '"M"', "Kick, portrait"),
        Name('"C"', "source_1", "rtmp", '"C"', "rtmp"),
        Name('"Robin"', "conn_1", "", '"Robin"'),
        Name('"Show"', "s1", "", '"Show"'),
        "the studio",
    ]


def test_a_sentence_keeps_the_ids_of_its_names_and_fills_in_its_template_once() -> None:
    """Plain text and a note have no id. Consent does not depend on a note."""
    shown = sentence("{} in {}{}.", Name('"A"', "a"), Name('"{}"', "b"), " {0.id}{x!r}")
    assert shown.text == '"A" in "{}" {0.id}{x!r}.'
    assert [it.id for it in shown.names] == ["a", "b"]
    assert note("It is on air {}.") == Sentence(("It is on air {}.",), is_note=True)


WIDE: Final = "\u8996"
FAMILY: Final = "\U0001f468\u200d\U0001f469\u200d\U0001f467"
CUT: Final = {
    "Friday Night Show": '"Friday Night Show"',
    "x" * 32: f'"{"x" * 32}"',
    f"{'a' * 20}{'b' * 20}": f'"{"a" * 16}…{"b" * 15}"',
    WIDE * 17: f'"{WIDE * 8}…{WIDE * 7}"',
    f"{'a' * 31}{FAMILY}": f'"{"a" * 16}…{"a" * 9}{FAMILY}"',
    f'{"a" * 30}"x': rf'"{"a" * 16}…{"a" * 8}\u0022x"',
}
"""Names, and what a small screen shows of them."""


def test_a_name_for_small_screens_is_cut_in_the_middle_and_no_sign_into_pieces() -> None:
    assert {name: naming.in_columns(name) for name in CUT} == CUT
    assert max(columns_of(it) for it in CUT.values()) <= 32 + len('""')


def test_names_that_look_the_same_once_cut_take_their_ids_there() -> None:
    one, other = (f"{'a' * 20}{which}{'b' * 20}" for which in "12")
    name = naming.named(one, "s1", "webcam", among=Looks({"s1": one, "s2": other}))
    assert (str(name), name.in_short) == (
        f'"{one}" (webcam)',
        f'"{"a" * 16}…{"b" * 15}" (webcam, s1)',
    )
    assert str(naming.named("A", "s1", among=Looks({"s1": "A", "s2": "A"}))) == '"A" (s1)'


@pytest.mark.parametrize("kind", ["rehearsal", "PUBLIC"])
def test_a_studio_takes_its_id_where_its_name_is_cut(kind: str) -> None:
    """Another one, which the caller may not see, can look the same there."""
    name = f"Friday Night Show - {kind} only - main stage EU"
    short = '"Friday Nig… stage EU" (studio_42)'
    for action in (GO_LIVE, UpdateStudio(studio_id="studio_42", auto_go_live=True)):
        asked = previewed(action, known(EVERYTHING, studio=studio(name))).headline
        assert [f'"{name}"' in asked.text, "studio_42" in asked.text] == [True, False]
        assert short in asked.in_short
    whole = previewed(GO_LIVE, known(EVERYTHING, studio=studio("x" * 32))).headline
    assert "studio_42" not in whole.in_short


def test_names_are_read_from_facts_only() -> None:
    """Without facts the ids stand in their place, quoted too."""
    preview = previewed(DeleteDestination(studio_id="studio_42", dest_id='d"'), Facts())
    assert preview.headline.text == r'Delete "d\u0022" from the studio?'
    assert previewed(GO_LIVE, LIVE).headline == previewed(GO_LIVE, EVERYTHING).headline
