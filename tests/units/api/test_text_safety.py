r"""Invisible characters are escaped, and JSON parses to the same value as before.

`quote`, for text inside a sentence, is tested in `test_naming`.
"""

from __future__ import annotations

import json
from itertools import chain
from typing import TYPE_CHECKING, Any, Final

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.hostile_texts import BLANK, HOSTILE, IGNORABLE, hidden, is_hidden
from tests.support.hypothesis_profiles import examples
from trax_mcp.api.text_safety import escape_invisible, quote

if TYPE_CHECKING:
    import pytest

ESCAPED: Final = {
    "control": ("\x00\t\n\r\x1b\x7f", r"\u0000\u0009\u000a\u000d\u001b\u007f"),
    "C1": ("\x80\x85\x9b\x9f", r"\u0080\u0085\u009b\u009f"),
    "a joiner": ("a\u200db\u200d", r"a\u200db\u200d"),
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
    "lone surrogates": ("a\ud800b\udfffc", r"a\ud800b\udfffc"),
}
"""Kinds of invisible characters, and their escaped form."""

VISIBLE: Final = {
    "Latin": "Grüße, naïve façade, Žluťoučký kůň",
    "Vietnamese, decomposed": "Tie\u0302\u0301ng Vie\u0323\u0302t",
    "Greek and Cyrillic": "Καλησπέρα, добрый вечер",
    "Arabic and Hebrew": "مساء الخير שלום",
    "Indic": "नमस्ते வணக்கம் สวัสดี",
    "East Asian": "こんばんは 안녕하세요 晚上好",
    "emoji": "\U0001f600\U0001f44b\U0001f3fd\U0001f1e9\U0001f1ea",
    "emoji with selector": "\u2764\ufe0f 1\ufe0f\u20e3",
    "stacked marks": "z\u0338\u0489\u0300\u20dd",
    "spaces": "a b\u00a0c\u202fd\u3000e\u2009f",
    "symbols": '<b>"}]}\\u202e\\ {0} %s `x` €™…',
    "empty": "",
}

_CHARACTERS = st.characters() | st.sampled_from(sorted({*BLANK, *map(chr, IGNORABLE), *'"\\/u'}))
TEXTS = st.text(_CHARACTERS)
JSON = st.recursive(
    TEXTS | st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=20,
)


def test_invisible_characters_are_escaped() -> None:
    """As in JSON: four digits, and a pair above U+FFFF. The same inside a quoted text."""
    for text, escaped in ESCAPED.values():
        assert escape_invisible(text) == escaped
        assert quote(text, longest=80) == f'"{escaped}"'


def test_joiners_and_the_selector_of_an_emoji_are_not_spelt_out() -> None:
    """Without them it looks different. Anywhere else they hide, and so does a second joiner."""
    sinhala = "\u0dc1\u0dca\u200d\u0dbb"
    rainbow, coder = "\U0001f3f3\ufe0f\u200d\U0001f308", "\U0001f469\U0001f3fd\u200d\U0001f4bb"
    for text in (sinhala, rainbow, coder):
        assert quote(text, longest=80) == f'"{text}"'
        assert "\\u" in quote(text.replace("\u200d", "\u200d" * 2), longest=80)
        assert quote(text, longest=80, ascii_only=True).isascii()


def test_other_variation_selectors_are_spelt_out_also_where_they_change_a_letter() -> None:
    """They can hide data."""
    for letter, selector in (("\u2764", "\ufe0e"), ("\u845b", "\U000e0100"), ("\u1820", "\u180b")):
        assert quote(letter + selector, longest=80) == f'"{letter}{escape_invisible(selector)}"'


def test_visible_text_is_unchanged() -> None:
    """Every script, emoji, accent and space, and text that only looks like an escape."""
    for text in VISIBLE.values():
        assert escape_invisible(text) == text


def test_every_unicode_character_is_either_visible_or_escaped() -> None:
    """No character that is ignorable, unassigned, private or control is left.

    Every one of the first two planes and of the tags, and some of the large uniform blocks.
    """
    codes = chain(range(0x20000), range(0x20000, 0x110000, 61), range(0xE0000, 0xE1000))
    all_characters = "".join(map(chr, codes))
    assert hidden(escape_invisible(all_characters)) == set()
    visible = "".join(it for it in all_characters if not is_hidden(it))
    assert escape_invisible(visible) == visible


@settings(max_examples=examples(300))
@given(JSON)
def test_escaped_json_parses_to_the_same_value(value: Any) -> None:  # noqa: ANN401  any JSON
    """For any value, however it is written in JSON."""
    document = json.dumps(value, ensure_ascii=False)
    escaped = escape_invisible(document)
    assert json.loads(escaped) == json.loads(json.dumps(value))
    assert hidden(escaped) == set()


@settings(max_examples=examples(300))
@given(TEXTS)
def test_each_character_is_escaped_independently(text: str) -> None:
    """Neighbours do not matter."""
    assert escape_invisible(text) == "".join(map(escape_invisible, text))


def test_hostile_text_contains_no_invisible_character_after_escaping() -> None:
    """In JSON and in a quoted text, which is also bounded."""
    for text in HOSTILE.values():
        escaped = escape_invisible(json.dumps(text, ensure_ascii=False))
        assert json.loads(escaped) == text
        assert not hidden(escaped)
        quoted = quote(text, longest=80)
        assert not hidden(quoted)
        assert len(quoted) <= 80 * len(r"\udb40\udc01") + len('""')


def test_no_pattern_is_compiled_for_the_characters_of_a_name(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """That took seconds for the names of a long list, and no other call was served meanwhile."""
    letters = "".join(map(chr, range(0x4E00, 0x4E00 + 80)))
    monkeypatch.setattr("re.compile", None)
    assert quote(letters + letters[:1] * 3, longest=200) == f'"{letters}{letters[:1] * 3}"'
