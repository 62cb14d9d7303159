"""Text that other people choose is escaped for models and spelt out for people.

Nothing in it stays hidden, it ends no quote and no line, and two texts never look the same.
"""

from __future__ import annotations

import json
from itertools import chain
from typing import Any, Final

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.support.hostile_names import NAMES, PLAIN
from tests.support.hostile_texts import BLANK, HOSTILE, IGNORABLE, hidden, is_hidden
from tests.support.hypothesis_profiles import examples
from tests.support.spelt_text import is_shown, read_back
from trax_mcp.api.text_safety import escape_invisible, host_of, quote, spell_out, visible

_SUSPECTS = st.sampled_from(
    [
        *(*sorted(BLANK), *sorted(map(chr, IGNORABLE))),
        *" \u3000\u00a0\t\"“'`\\＼{｛}31 blanks<b/!->[](&;quot~|\u0300\u21b3…u02",  # noqa: RUF001  on purpose
    ]
)
TEXTS = st.text(st.characters() | _SUSPECTS)
ENCODABLE = st.text(st.characters(codec="utf-8") | _SUSPECTS)
JSON = st.recursive(
    TEXTS | st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=20,
)

# Every one of the first two planes and of the tags, and some of the large uniform blocks.
ALL_CHARACTERS: Final = "".join(
    map(chr, chain(range(0x20000), range(0x20000, 0x110000, 61), range(0xE0000, 0xE1000)))
)


def test_every_unicode_character_is_either_visible_or_escaped() -> None:
    """No character that is ignorable, unassigned, private or control is left."""
    assert hidden(spell_out(ALL_CHARACTERS, longest=len(ALL_CHARACTERS))) == set()
    assert hidden(escape_invisible(ALL_CHARACTERS)) == set()
    visible = "".join(it for it in ALL_CHARACTERS if not is_hidden(it))
    assert escape_invisible(visible) == visible
    assert escape_invisible("a\u202e\U000e0041\ud800") == r"a\u202e\udb40\udc41\ud800"


@settings(max_examples=examples(300))
@given(JSON)
def test_escaped_json_parses_to_the_same_value(value: Any) -> None:  # noqa: ANN401  any JSON
    document = json.dumps(value, ensure_ascii=False)
    escaped = escape_invisible(document)
    assert json.loads(escaped) == json.loads(json.dumps(value))
    assert hidden(escaped) == set()


@settings(max_examples=examples(300))
@given(TEXTS)
def test_each_character_is_escaped_independently(text: str) -> None:
    assert escape_invisible(text) == "".join(map(escape_invisible, text))


@settings(deadline=None)
@given(ENCODABLE, st.booleans())
@example("{20000 blanks}", False)  # noqa: FBT003  an example of a drawn value
@example("\\u0022", False)  # noqa: FBT003  an example of a drawn value
@example("x{3\u00a0blanks}", True)  # noqa: FBT003  an example of a drawn value
def test_every_text_is_spelt_out_so_that_it_can_be_read_back(text: str, ascii_only: bool) -> None:  # noqa: FBT001  drawn
    spelt = spell_out(text, longest=len(text), ascii_only=ascii_only)
    assert read_back(spelt) == text
    assert hidden(spelt) == set()
    assert '"' not in spelt
    assert not ascii_only or spelt.isascii()


def test_hostile_texts_are_spelt_out_shortened_and_told_apart() -> None:
    texts = [*HOSTILE.values(), *NAMES.values(), *PLAIN]
    assert len({spell_out(it, longest=len(it)) for it in texts}) == len(texts)
    for text in texts:
        spelt = spell_out(text, longest=80)
        assert is_shown(read_back(spelt), text)
        assert not hidden(spelt)
        assert '"' not in spelt
        assert len(spelt) <= 80 * len(r"\udb40\udc01")


def test_an_ordinary_name_is_shown_as_it_is() -> None:
    assert [quote(it, longest=80) for it in PLAIN] == [f'"{it}"' for it in PLAIN]


SPELT: Final = {
    "": "",
    "{name}{where}{0}{}%s$x": "{name}{where}{0}{}%s$x",
    f"a{' ' * 20_000}b": "a{20000 blanks}b",
    " a ": "{1 blank}a{1 blank}",
    "a\u3000b": r"a\u3000b",
    "\u3000" * 3: r"{3 \u3000}",
    "a \u3000 b": r"a \u3000 b",
    '"a" “b”': r"\u0022a\u0022 \u201cb\u201d",
    "''": r"'\u0027",
    "<b> </b> <!-- --> <3 < a": r"\u003cb> \u003c/b> \u003c!-- --\u003e <3 < a",
    "[a](b) [c] (d)": r"[a\u005d(b) [c] (d)",
    "&amp; &amp &a &#1": r"\u0026amp; \u0026amp &a \u0026#1",
    "~~a~~ ||b||": r"~\u007ea~\u007e |\u007cb|\u007c",
    r"\u0022": r"\u005cu0022",
    "a\u21b3b": r"a\u21b3b",
    "\u0338a": r"\u0338a",
    "{3 blanks} {3} {a}": r"\u007b3 blanks} {3} {a}",
    "e\u0301 \u0301e" + "\u0301" * 6: "e\u0301 \\u0301e" + "\u0301" * 4 + r"{2 \u0301}",
}
"""Texts, and how they are spelt out."""


def test_only_deceptive_characters_are_spelt_out() -> None:
    assert {text: spell_out(text, longest=len(text)) for text in SPELT} == SPELT


@pytest.mark.parametrize("longest", [1, 2, 80])
def test_an_ellipsis_marks_what_is_cut_and_a_run_counts_as_one_character(longest: int) -> None:
    """A name after 900 blanks is still shown."""
    text = "ab" * longest
    assert quote(text[:longest], longest=longest) == f'"{text[:longest]}"'
    assert quote(text, longest=longest) == f'"{text[: longest - 1]}…"'
    assert quote(f"{text[: longest - 1]}{' ' * 900}", longest=longest).endswith('{900 blanks}"')


def test_joiners_and_the_selector_of_an_emoji_are_not_spelt_out() -> None:
    """Without them it looks different. Anywhere else they hide, and so does a second joiner."""
    sinhala = "\u0dc1\u0dca\u200d\u0dbb"
    rainbow, coder = "\U0001f3f3\ufe0f\u200d\U0001f308", "\U0001f469\U0001f3fd\u200d\U0001f4bb"
    for text in (sinhala, rainbow, coder):
        assert quote(text, longest=80) == f'"{text}"'
        assert "\\u" in quote(text.replace("\u200d", "\u200d" * 2), longest=80)
        assert quote(text, longest=80, ascii_only=True).isascii()
    assert quote("Ma\u200din", longest=80) == r'"Ma\u200din"'


def test_other_variation_selectors_are_spelt_out_also_where_they_change_a_letter() -> None:
    for letter, selector in (("\u2764", "\ufe0e"), ("\u845b", "\U000e0100"), ("\u1820", "\u180b")):
        assert quote(letter + selector, longest=80) == f'"{letter}{escape_invisible(selector)}"'


def test_text_of_its_own_element_keeps_quotes_and_tags_and_hides_nothing() -> None:
    """Piled marks are left out: spelt out they would fill the page."""
    plain = '<b>"a"</b> & [a](https://example.com) {3 blanks} | ~~x~~'
    assert visible(plain, longest=80) == plain
    assert visible(" one\r\n\u2028two\t ", longest=80) == "one two"
    assert visible("a" + "\u0301" * 120 + "b", longest=80) == "a" + "\u0301" * 4 + "b"
    assert visible("\u202egnp.exe" + "\u200b" * 9, longest=80) == r"\u202egnp.exe{9 \u200b}"
    assert visible("x" * 81, longest=80) == "x" * 79 + "…"
    for text in (*HOSTILE, *NAMES):
        shown = visible(text, longest=80)
        assert len(shown.splitlines()) <= 1
        assert not hidden(shown), text


def test_no_pattern_is_compiled_for_the_characters_of_a_name(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """That took seconds for the names of a long list, and no other call was served meanwhile."""
    letters = "".join(map(chr, range(0x4E00, 0x4E00 + 80)))
    monkeypatch.setattr("re.compile", None)
    assert quote(letters + letters[:1] * 3, longest=200) == f'"{letters}{letters[:1] * 3}"'


# Addresses


HOSTS: Final = {
    "rtmps://evil.example/app/key": "evil.example",
    "RTMP://EVIL.Example:1935/app": "evil.example",
    "rtsp://192.168.1.5:554/1": "192.168.1.5",
    "https://youtube.com/@evil.example": "youtube.com",
    "srt://in.example:9000?streamid=#!::r=a,m=publish": "in.example",
    "https://xn--youtue-tg7b.example/": "xn--youtue-tg7b.example",
    "rtmp://localhost/app": "localhost",
}
UNCLEAR: Final = (
    # A user, or what some clients take for one
    "https://youtube.com@evil.example/", "https://youtube.com:443@evil.example/",
    "rtsp://admin:secret@192.168.1.5:554/1", "rtmp://youtube.com:1935@evil.example/app",
    "rtmps://youtube.com@evil.example/app", "https://a@youtube.com@evil.example/",
    "https://youtube.com?@evil.example/", "https://youtube.com#@evil.example/",
    "https://evil.example\\@youtube.com/", "youtube.com:443@evil.example",
    # No host, or no scheme
    "https:\\\\evil.example/", "https:evil.example", "https:///evil.example", "//evil.example/",
    "evil.example/app", "rtmp://:1935/app", "file:///etc/passwd", "x" * 300,
    # Letters that look like others, or nothing
    "https://yоutube.com/", "https://youtube。com/", "https://ｙｏｕtube.com/",  # noqa: RUF001  on purpose
    "https://straße.example/", "https://youtube%2ecom/", "https://you\ttube.com/",
    "https://youtube.com\n.evil.example/", " https://youtube.com/",
    "https://youtube.com\u200b.evil.example/", "https://youtube.com/ .evil.example",
    # Numbers, and no names
    "http://2130706433/", "http://0x7f.1/", "http://127.1/", "http://010.0.0.1/",
    "rtmp://[2001:db8::1]:1935/app", "http://[fe80::1%25eth0]/", "http://[evil.example]/",
    "http://a..example/", "http://-a.example/", "http://a.example:123456/",
)  # fmt: skip
"""Clients differ about the host of these, or it is not plain."""


def test_a_host_is_known_only_if_every_client_would_connect_to_it() -> None:
    assert {address: host_of(address) for address in HOSTS} == HOSTS
    assert [it for it in UNCLEAR if host_of(it) is not None] == []
