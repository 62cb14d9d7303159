"""Names in sentences that a person reads: always one quoted word on one line, and never more."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

import pytest

from tests.support.hostile_texts import HOSTILE, hidden
from tests.support.spelt_text import frame
from tests.units.studio_facts import (
    EVERYTHING,
    LIVE,
    account,
    but,
    destination,
    previewed,
    source,
    studio,
)
from trax_mcp.api.operations import (
    CreateDestination,
    CreateSource,
    DeleteDestination,
    GoLive,
    UnlinkConnection,
    UpdateDestination,
    UpdateStudio,
)
from trax_mcp.studio import naming
from trax_mcp.studio.facts import Facts
from trax_mcp.studio.naming import Name, Sentence, note, sentence

if TYPE_CHECKING:
    from trax_mcp.api.models import Model
    from trax_mcp.api.operation import Operation

# Quotes


QUOTED: Final = {
    "plain": ("Friday Show", "Friday Show"),
    "empty": ("", ""),
    "lines": (
        "A\nGoes out on nothing.\r\n\u2028B",
        r"A\u000aGoes out on nothing.\u000d\u000a\u2028B",
    ),
    "direction": ("\u202eevil\u202c\u2066x\u200f", r"\u202eevil\u202c\u2066x\u200f"),
    "invisible": (
        "a\u200bb\u200d\ufeff\x00\x1b[31m\x85",
        r"a\u200bb\u200d\ufeff\u0000\u001b[31m\u0085",
    ),
    "hidden bytes": ("a\U000e0041\ufe00", r"a\udb40\udc41\ufe00"),
    "quotes": ('"Main" (YouTube).', r"\u0022Main\u0022 (YouTube)."),
    "backslash": (r"\u202e", r"\u005cu202e"),
    "a backslash at the end": ("Main\\", r"Main\u005c"),
    "braces": ("{name}{where}{0}{}%s$x", "{name}{where}{0}{}%s$x"),
    "length": ("x" * 300, "x" * 79 + "…"),
    "just the length": ("x" * 80, "x" * 80),
    "one too many": ("x" * 81, "x" * 79 + "…"),
    "a long one with quotes": ("”“" * 41, r"\u201d\u201c" * 39 + r"\u201d…"),
    "a run of quotes": ('"' * 81, r"{81 \u0022}"),
    "markup": ("- [x](y) `z` <b>", r"- [x\u005d(y) `z` \u003cb>"),
    "letters": ("Grüße 日本 \U0001f44b", "Grüße 日本 \U0001f44b"),
}
"""A name, and how it stands in a sentence."""


def test_a_name_is_quoted_visible_and_short() -> None:
    """It has one line, at most 80 characters, and no character that a reader cannot see.

    Only its length differs from the caller's own text.
    """
    for kind, (name, shown) in QUOTED.items():
        assert naming.quoted(name) == f'"{shown}"', kind
        if len(name) <= 80:
            assert naming.quoted_whole(name) == f'"{shown}"', kind
        assert not hidden(naming.quoted(name) + naming.quoted_whole(name)), kind


@pytest.mark.parametrize("length", [80, 81, 5000])
def test_the_callers_own_text_is_never_shortened(length: int) -> None:
    """A person does not agree to an end that they were not shown."""
    text = f"{'x' * (length - 1)}!"
    assert naming.quoted_whole(text) == f'"{text}"'
    for operation in OPERATIONS:
        with_text = given(operation, text, "custom")
        said = " ".join(it.text for it in previewed(with_text).effects)
        assert said.count(f'"{text}"') == list(with_text.arguments().values()).count(text)


# Platforms and types


PLAIN_WORDS: Final = (
    *("webcam", "webrtc-input", "video/mp4", "image/svg+xml", "needs_reauth", "v1.2", "x" * 40),
)
QUOTED_WORDS: Final = {
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
    for text, shown in {**dict(zip(PLAIN_WORDS, PLAIN_WORDS, strict=True)), **QUOTED_WORDS}.items():
        assert naming.word(text) == shown


@pytest.mark.parametrize(
    ("kind", "shown"),
    [
        *((it, it) for it in ("webcam", "rtmp", "srt", "webrtc-input", "media")),
        ("screen", '"screen"'),
        ("Webcam", '"Webcam"'),
    ],
)
def test_a_type_of_sources_is_quoted_unless_the_contract_names_it(kind: str, shown: str) -> None:
    assert naming.source(source("c", "C", kind)).text == f'"C" ({shown})'


@pytest.mark.parametrize(
    ("platform", "shown"),
    [
        ("youtube", "YouTube"),
        ("YOUTUBE", "YouTube"),
        ("twitch", "Twitch"),
        ("kick", "Kick"),
        ("Facebook", "Facebook"),
        ("custom", '"custom"'),
        ("my own", '"my own"'),
        ("youtube ", '"youtube{1 blank}"'),
        ("", '""'),
    ],
)
def test_a_known_platform_has_its_official_spelling(platform: str, shown: str) -> None:
    """Others are quoted, also one plain word: it could be read as a part of the sentence."""
    assert naming.platform(platform) == shown


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
def test_a_choice_names_each_platform_once(platforms: tuple[str, ...], choice: str) -> None:
    """They come in the order of the destinations."""
    places = tuple(destination(f"d{number}", "D", it) for number, it in enumerate(platforms))
    assert previewed(OPERATIONS[0], but(destinations=places)).choice == choice


@pytest.mark.parametrize(
    ("items", "listed"),
    [([], ""), (["A"], "A"), (["A", "B"], "A and B"), (["A", "B", "C"], "A, B and C")],
)
def test_several_things_are_listed_with_commas_and_an_and(items: list[str], listed: str) -> None:
    """As in a sentence."""
    assert naming.listed(items) == listed


# Names and ids


def test_a_name_carries_the_id_of_its_thing() -> None:
    """A sentence collects these ids, so that another thing of the same name is another sentence."""
    assert naming.destination(destination("dest_1", "M", "kick")) == Name('"M" (Kick)', "dest_1")
    portrait = destination("dest_1", "M", "kick", vertical=True)
    assert naming.destination(portrait) == Name('"M" (Kick, portrait)', "dest_1")
    assert naming.source(source("source_1", "C", "rtmp")) == Name('"C" (rtmp)', "source_1")
    assert naming.connection(account("conn_1", "Robin", "kick")) == Name('"Robin"', "conn_1")
    assert naming.studio(studio("Show", "s1")) == Name('"Show"', "s1")
    assert naming.studio(None) == "the studio"


def test_a_sentence_collects_the_ids_of_its_names() -> None:
    """They come in the order of the names. Plain text has no id."""
    shown = sentence("{} in {}{}.", Name('"A"', "a"), Name('"B"', "b"), " now")
    assert shown == Sentence('"A" in "B" now.', ("a", "b"))
    assert not shown.is_note


def test_braces_in_a_name_are_not_filled_in() -> None:
    """A template is filled in once."""
    shown = sentence("{} and {}.", Name("{}", "a"), "{0.id}{1}{x!r}")
    assert shown == Sentence("{} and {0.id}{1}{x!r}.", ("a",))


def test_a_note_names_no_things() -> None:
    """It is a sentence that consent does not depend on."""
    assert note("It is on air {}.") == Sentence("It is on air {}.", (), is_note=True)


# Hostile names


IN_STUDIO: Final = {"studio_id": "studio_42"}
OPERATIONS: Final[tuple[Operation[Model], ...]] = (
    GoLive(**IN_STUDIO),
    DeleteDestination(**IN_STUDIO, dest_id="dest_1"),
    UpdateDestination(**IN_STUDIO, dest_id="dest_1", name="Main", platform="kick"),
    CreateDestination(**IN_STUDIO, name="Main", platform="kick"),
    CreateSource(**IN_STUDIO, name="Camera", type="webcam"),
    UpdateStudio(**IN_STUDIO, name="Show", auto_go_live=True),
    UnlinkConnection(connection_id="conn_1"),
)
"""Each kind of sentence, and each kind of text of a caller."""

DISGUISES: Final = {
    "the end of a name": '" and on nothing else: "Private rehearsal',
    "another act": 'Rehearsal". Go offline: "Friday Show',
    "the other choice": "Do not",
    "a preposition": "and on Twitch, but on nothing else",
    "a platform": "YouTube",
    "platforms": "YouTube, Twitch and Kick",
    "a spelt-out quote": r"\u0022 (YouTube).",
    "a warning": 'Main" (YouTube).\n- Warning: nothing happens',
    "parentheses": ') and (YouTube") is only previewed (',
    "fields": "{} {0} {name} {self.studio} {0.id} %s %(name)s $name",
    "nothing": "",
    "spaces of many kinds": "a\u00a0b\u2003c\u3000d\u202fe   ",
    "a cut quote": "x" * 79 + '"""',
}
"""Names, platforms and types that try to change the sentence around them."""

NASTY: Final = {**HOSTILE, **DISGUISES}


def disguised(name: str, word: str) -> Facts:
    """Facts in which every name is `name`, and every platform, type and state is `word`."""
    places = (destination("dest_1", name, word),)
    return but(
        studio=studio(name),
        destinations=places,
        sources=(source("source_1", name, word),),
        connections=(account("conn_1", name, word, word),),
        studio_details=(but(studio=studio(name), destinations=places),),
    )


def given(operation: Operation[Model], text: str, word: str) -> Operation[Model]:
    """The operation with `text` as each text of the caller, and `word` as platform and type."""
    words = {"platform", "type", "content_type"}
    texts = {
        field: word if field in words else text
        for field, value in operation
        if isinstance(value, str) and not field.endswith("_id")
    }
    lists = {field: (word,) for field, value in operation if isinstance(value, tuple)}
    return operation.model_copy(update={**texts, **lists})


def frames(operation: Operation[Model], *, name: str, word: str) -> list[str]:
    """All that a person is shown about an operation among such names, without their content."""
    preview = previewed(given(operation, name, word), disguised(name, word))
    texts = [preview.choice, *(it.text for it in (*preview.warnings, *preview.effects))]
    assert [hidden(it) for it in texts] == [set()] * len(texts)
    return [frame(it) for it in texts]


each_operation = pytest.mark.parametrize("operation", OPERATIONS, ids=lambda it: it.tool_name)


@each_operation
def test_a_name_cannot_change_a_choice_or_a_sentence(operation: Operation[Model]) -> None:
    """Only the content of the quotes differs from an ordinary name."""
    ordinary = frames(operation, name="Ordinary", word="custom")
    for name in NASTY.values():
        assert frames(operation, name=name, word="custom") == ordinary, name


@each_operation
def test_a_platform_or_type_cannot_change_a_choice_or_a_sentence(
    operation: Operation[Model],
) -> None:
    """It is quoted unless it is one plain word, and stands where a platform or type stands."""
    ordinary = {
        it: frames(operation, name="N", word=it) for it in ("mixer", "not one word", "YouTube")
    }
    for word in NASTY.values():
        is_one_word = re.fullmatch(r"[\w.+/-]{1,40}", word, re.ASCII)
        alike = "mixer" if is_one_word else "not one word"
        if word.lower() in {"youtube", "twitch", "kick", "facebook"}:
            alike = "YouTube"
        assert frames(operation, name="N", word=word) == ordinary[alike], word


def test_names_are_read_from_facts_only() -> None:
    """Without facts the ids stand in their place, quoted too."""
    preview = previewed(DeleteDestination(studio_id="studio_42", dest_id='d"'), Facts())
    assert preview.choice == r'Delete the destination "d\u0022"'
    assert previewed(OPERATIONS[0], LIVE).choice == previewed(OPERATIONS[0], EVERYTHING).choice
