r"""What cannot be seen is spelt out, and a parser reads the same as before.

`quote`, for words that stand in a sentence of ours, is proven in `test_words`.
"""

from __future__ import annotations

import json
import sys
from typing import Any, Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.hostility import BLANK, HOSTILE, IGNORABLE, hidden, is_hidden
from trax_mcp.api.text_safety import escape_invisible, quote

SPELT: Final = {
    "control": ("\x00\t\n\r\x1b\x7f", r"\u0000\u0009\u000a\u000d\u001b\u007f"),
    "C1": ("\x80\x85\x9b\x9f", r"\u0080\u0085\u009b\u009f"),
    "zero width": ("\u200b\u200c\u200d\u2060\ufeff", r"\u200b\u200c\u200d\u2060\ufeff"),
    "soft hyphen": ("a\u00adb", r"a\u00adb"),
    "overrides": ("\u202a\u202b\u202c\u202d\u202e", r"\u202a\u202b\u202c\u202d\u202e"),
    "isolates": ("\u2066\u2067\u2068\u2069", r"\u2066\u2067\u2068\u2069"),
    "direction marks": ("\u200e\u200f\u061c", r"\u200e\u200f\u061c"),
    "lines": ("a\u2028b\u2029c", r"a\u2028b\u2029c"),
    "tags": ("\U000e0001\U000e0041\U000e007f", r"\udb40\udc01\udb40\udc41\udb40\udc7f"),
    "selectors": ("\ufe00\ufe0e\U000e0100\U000e01ef", r"\ufe00\ufe0e\udb40\udd00\udb40\uddef"),
    "Mongolian selectors": ("\u180b\u180d\u180e\u180f", r"\u180b\u180d\u180e\u180f"),
    "fillers": ("\u115f\u1160\u3164\uffa0\u034f", r"\u115f\u1160\u3164\uffa0\u034f"),
    "blanks": ("\u2800\U00016fe4\U0001d159", r"\u2800\ud81b\udfe4\ud834\udd59"),
    "unassigned": ("\u0378\uffff\U0010ffff", r"\u0378\uffff\udbff\udfff"),
    "private": ("\ue000\uf8ff\U000f0000", r"\ue000\uf8ff\udb80\udc00"),
    "halves": ("a\ud800b\udfffc", r"a\ud800b\udfffc"),
    "a family": ("\U0001f468\u200d\U0001f469", "\U0001f468\\u200d\U0001f469"),
}
"""Kinds of what nobody sees, and how they read."""

SEEN: Final = {
    "Latin": "Grüße, naïve façade, Žluťoučký kůň",
    "Vietnamese, composed of parts": "Tie\u0302\u0301ng Vie\u0323\u0302t",
    "Greek and Cyrillic": "Καλησπέρα, добрый вечер",
    "Arabic and Hebrew": "مساء الخير שלום",
    "Indic": "नमस्ते வணக்கம் สวัสดี",
    "East Asian": "こんばんは 안녕하세요 晚上好",
    "emoji": "\U0001f600\U0001f44b\U0001f3fd\U0001f1e9\U0001f1ea",
    "emoji by selector": "\u2764\ufe0f 1\ufe0f\u20e3",
    "marks on marks": "z\u0338\u0489\u0300\u20dd",
    "spaces": "a b\u00a0c\u202fd\u3000e\u2009f",
    "signs": '<b>"}]}\\u202e\\ {0} %s `x` €™…',
    "nothing": "",
}

_CHARACTERS = st.characters() | st.sampled_from(sorted({*BLANK, *map(chr, IGNORABLE), *'"\\/u'}))
TEXTS = st.text(_CHARACTERS)
JSON = st.recursive(
    TEXTS | st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=20,
)


@pytest.mark.parametrize("kind", SPELT)
def test_what_cannot_be_seen_is_spelt_out(kind: str) -> None:
    """As JSON writes it: four digits, and beyond U+FFFF a pair of them."""
    words, shown = SPELT[kind]
    assert escape_invisible(words) == shown


@pytest.mark.parametrize("kind", SPELT)
def test_what_cannot_be_seen_is_spelt_out_in_quotes_too(kind: str) -> None:
    """Words in a sentence of ours hide as little."""
    words, shown = SPELT[kind]
    assert quote(words, longest=80) == f'"{shown}"'


@pytest.mark.parametrize("kind", SEEN)
def test_what_can_be_seen_is_left_as_it_is(kind: str) -> None:
    """Every script, emoji, accent and space; and what only looks like an escape."""
    assert escape_invisible(SEEN[kind]) == SEEN[kind]


def test_every_character_of_unicode_is_either_seen_or_spelt_out() -> None:
    """One by one: none that is ignorable, unassigned, private or control is left as it is."""
    every = "".join(map(chr, range(sys.maxunicode + 1)))
    assert hidden(escape_invisible(every)) == set()
    seen = "".join(it for it in every if not is_hidden(it))
    assert escape_invisible(seen) == seen


@settings(deadline=None)
@given(JSON)
def test_a_parser_reads_the_same_value(value: Any) -> None:  # noqa: ANN401  any JSON
    """Whatever is in a JSON document, however it is written, and as exactly as JSON itself can."""
    document = json.dumps(value, ensure_ascii=False)
    shown = escape_invisible(document)
    assert json.loads(shown) == json.loads(json.dumps(value))
    assert hidden(shown) == set()


@settings(deadline=None)
@given(TEXTS)
def test_each_character_is_spelt_out_by_itself(text: str) -> None:
    """Whatever stands beside it."""
    assert escape_invisible(text) == "".join(map(escape_invisible, text))


@pytest.mark.parametrize("kind", HOSTILE)
def test_hostile_words_hide_nothing(kind: str) -> None:
    """In a document and in a sentence; in the sentence they are bounded as well."""
    words = HOSTILE[kind]
    shown = escape_invisible(json.dumps(words, ensure_ascii=False))
    assert json.loads(shown) == words
    assert not hidden(shown)
    quoted = quote(words, longest=80)
    assert not hidden(quoted)
    assert len(quoted) <= 80 * len(r"\udb40\udc01") + len('""')
