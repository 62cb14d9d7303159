r"""Makes untrusted text safe to show: between quotes, on one line, with nothing hidden in it.

Two notations. `escape` and `escape_invisible` write JSON escapes, for JSON and for text that a
model reads. `spell_out` and `quote` are for text that a person reads, whether as plain text or as
Markdown: a character that could change the text around it is spelt out as `\u0022`, several of the
same as `{3 \u0022}`, and blanks as `{3 blanks}`. Nothing in it stays hidden.
"""

import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator
from html.entities import html5
from ipaddress import AddressValueError, IPv4Address
from itertools import groupby, islice
from typing import Any, Final

MOST_OF_A_NAME: Final = 1_000
"""Of a name of TRaX's, no more is looked at."""

_INVISIBLE: Final = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
_PRINTABLE_ASCII: Final = frozenset(map(chr, range(0x20, 0x7F)))
_LOOK_EMPTY: Final = frozenset(
    "\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0\U00013441\U00013442\U00016fe4\U0001d159"
)
"""Characters that display as nothing although Unicode lists them as visible."""
_LINE_ENDS_AND_TABS: Final = re.compile("([\\n\\t])")
_SELECTORS: Final = re.compile("[\u180b-\u180d\u180f\ufe00-\ufe0e\U000e0100-\U000e01ef]")
"""Variation selectors can hide data. U+FE0F is allowed, since many emoji need it."""

_JOINER: Final = "\u200d"
_NON_JOINER: Final = "\u200c"
_FLAGS: Final = tuple(
    "\U0001f3f4" + "".join(chr(0xE0000 + ord(it)) for it in region) + "\U000e007f"
    for region in ("gbeng", "gbsct", "gbwls")
)
"""England, Scotland and Wales: the only flags that are written with invisible tags."""
_ENDS_A_STROKE: Final = frozenset(
    "\u0621\u0622\u0623\u0624\u0625\u0627\u0629\u062f\u0630\u0631\u0632\u0648\u0674\u0675\u0676\u0677\u06c0"
    "\u06cd\u06cf\u06d2\u06d3\u06d5\u06ee\u06ef"
) | {chr(it) for it in (*range(0x671, 0x674), *range(0x688, 0x69A), *range(0x6C3, 0x6CC))}
"""Arabic letters that join no letter after them: a non-joiner behind them changes nothing."""
_EMOJI_SELECTOR: Final = "\ufe0f"
_EMOJI_MODIFIERS: Final = "\ufe0f\U0001f3fb\U0001f3fc\U0001f3fd\U0001f3fe\U0001f3ff"
"""The selector, and skin tones."""
_ARABIC_MARKS: Final = "".join(map(chr, (*range(0x64B, 0x660), 0x670)))
_VIRAMA: Final = 9
"""The combining class of the sign that joins consonants, in the scripts of India and around it."""
_KEYCAP: Final = "\u20e3"
CONTINUED: Final = "\u21b3"
"""Marks where a long line goes on. Spelt out in text, so that no text can imitate it."""
_DOUBLE_QUOTES: Final = (
    '"\u00ab\u00bb\u02ba\u02dd\u02ee\u02f5\u02f6\u05f2\u05f4\u1cd3\u201c-\u201f\u2033\u2034\u2036'
    "\u2037\u2057\u275d\u275e\u2760\u2e42\u3003\u301d-\u301f\uff02\U0001f676-\U0001f678"
)
_SINGLE_QUOTES: Final = (
    "'`\u00b4\u02b9\u02bb-\u02bd\u02c8\u02ca\u02cb\u05f3\u2018-\u201b\u2032\u2035\u275b\u275c"
    "\u275f\uff07\uff40"
)
_BACKSLASHES: Final = r"\\" + "\u2216\u2572\u29f5\u29f9\ufe68\uff3c"
_BRACES: Final = "{\u2774\ufe5b\uff5b"
_UNENDED_ENTITIES: Final = "|".join(name for name in html5 if not name.endswith(";"))
"""HTML reads these without a semicolon too."""
_CHANGES_TEXT_AROUND_IT: Final = re.compile(
    "|".join(
        (
            f"[{_DOUBLE_QUOTES}{_BACKSLASHES}{CONTINUED}]",
            f"(?<=[{_SINGLE_QUOTES}])[{_SINGLE_QUOTES}]",  # two look like a double quote
            rf"[{_BRACES}](?=\d+ )",  # looks like a count
            r"<(?=[A-Za-z/!?@#:%])",  # a tag, a comment, or a mention
            r"(?<=--)>|(?<=--!)>",  # the end of a comment
            r"\](?=\()",  # a link or an image
            rf"&(?=#|[A-Za-z0-9]+;|{_UNENDED_ENTITIES})",
            r"(?<=~)~|(?<=\|)\|",  # text that is struck out, or hidden
            r"\A | \Z| (?= )|(?<= ) |[^\S ]",  # any blank but one space between words
        )
    )
)
_MARKS: Final = frozenset({"Mn", "Me"})
_MAX_MARKS: Final = 4
"""Combining marks on one letter. More of them cover the lines above and below."""


_LABEL: Final = "[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?"
_ADDRESS: Final = re.compile(
    rf"[a-z][a-z0-9+.-]*://(?P<host>{_LABEL}(?:\.{_LABEL})*\.?)(?::[0-9]{{1,5}})?"
    r"(?:/[!-\[\]-~]*|[?#][!-?A-\[\]-~]*)?",  # visible ASCII without a backslash
    re.IGNORECASE | re.ASCII,
)
_NUMBER: Final = re.compile(r"[0-9]+|0x[0-9a-f]*")
_LONGEST_HOST: Final = 253  # RFC 1035, section 2.3.4


def quote(text: str, *, longest: int, ascii_only: bool = False) -> str:
    """Return `text` in double quotes on one line, spelt out, at most `longest` characters of it.

    An ellipsis marks shortened text.
    """
    return f'"{spell_out(text, longest=longest, ascii_only=ascii_only)}"'


def spell_out(text: str, *, longest: int, ascii_only: bool = False) -> str:
    r"""Spell out what could hide in `text` or change the text around it.

    A run of the same such character counts as one character: `{900 blanks}`, `{3 \u200b}`. Of a
    longer text, only so much is looked at as fits into a name.
    """
    begin = text[: max(longest, MOST_OF_A_NAME)]
    parts = list(islice(_parts(begin, _unsafe_indexes(begin, ascii_only=ascii_only)), longest + 1))
    if len(parts) <= longest and begin == text:
        return "".join(parts)
    return "".join(parts[: longest - 1]).rstrip(_JOINER) + "…"


def quote_within(text: str, *, columns: int) -> str:
    """Return `text` in double quotes, spelt out, in so many columns: cut in the middle if need be.

    A wide character counts as two. No sign is cut into pieces.
    """
    begin = text[:MOST_OF_A_NAME]
    signs = _signs(_parts(begin, _unsafe_indexes(begin, ascii_only=False)))
    if columns_of("".join(signs)) <= columns and begin == text:
        return f'"{"".join(signs)}"'
    half = (columns - 1) // 2
    end = _fitting(reversed(signs), half) if begin == text else []
    start = _fitting(signs, columns - 1 - sum(map(columns_of, end)))
    return f'"{"".join(start)}…{"".join(reversed(end))}"'


def columns_of(text: str) -> int:
    """How many columns of a terminal a text takes. A wide character takes two, a mark none."""
    return sum(map(_columns_of_one, text))


def _columns_of_one(character: str) -> int:
    if character == _EMOJI_SELECTOR:
        return 1  # most signs before it become wide
    if character.isascii():
        return 1
    if unicodedata.category(character) in _MARKS or _is_invisible(character):
        return 0
    return 2 if unicodedata.east_asian_width(character) in {"W", "F"} else 1


def _signs(parts: Iterable[str]) -> list[str]:
    """Parts, with each mark, joiner and what it joins behind the sign that it belongs to."""
    signs = list[str]()
    for part in parts:
        is_mark = len(part) == 1 and (
            part in {_JOINER, _NON_JOINER, *_EMOJI_MODIFIERS}
            or unicodedata.category(part) in {*_MARKS, "Cf"}
        )
        is_joined = bool(signs) and signs[-1].endswith(_JOINER)
        is_flag = bool(signs) and _is_half_a_flag(part) and _is_half_a_flag(signs[-1])
        if signs and (is_mark or is_joined or is_flag):
            signs[-1] += part
        else:
            signs.append(part)
    return signs


def _is_half_a_flag(text: str) -> bool:
    return len(text) == 1 and "\U0001f1e6" <= text <= "\U0001f1ff"


def _fitting(signs: Iterable[str], columns: int) -> list[str]:
    """The first signs that fit into so many columns."""
    fitting, taken = list[str](), 0
    for sign in signs:
        taken += columns_of(sign)
        if taken > columns:
            break
        fitting.append(sign)
    return fitting


def escape(text: str) -> str:
    """Escape `text` for use between double quotes, as JSON does."""
    return escape_invisible(re.sub(r'(["\\])', r"\\\1", text))


def visible(text: str, *, longest: int) -> str:
    """Text for an element of its own on a page: one line, nothing hidden, at most so long.

    Quotes, tags and the like stay, since an element ends where it ends. Piled marks are left out:
    they cover the lines around them.
    """
    line = " ".join(text[: 2 * max(longest, MOST_OF_A_NAME)].split())
    unsafe = _unsafe_indexes(line, ascii_only=False)
    hidden = {it for it in unsafe if _is_invisible(line[it])}
    piled = {it for it in unsafe - hidden if unicodedata.category(line[it]) in _MARKS}
    kept = [it for it in range(len(line)) if it not in piled]
    spelt_out = {at for at, it in enumerate(kept) if it in hidden}
    parts = list(islice(_parts("".join(line[it] for it in kept), spelt_out), longest + 1))
    if len(parts) <= longest:
        return "".join(parts)
    return "".join(parts[: longest - 1]).rstrip(_JOINER) + "…"


def truncate(text: str, *, longest: int) -> str:
    """Return at most `longest` characters of `text`. An ellipsis marks shortened text."""
    return text if len(text) <= longest else text[: longest - 1] + "…"


def escape_invisible(text: str) -> str:
    r"""Replace invisible characters with `\uXXXX`, as JSON escapes them.

    A JSON document keeps its meaning, since such characters occur only inside its strings.
    Characters above U+FFFF become two escapes (RFC 8259, section 7).
    """
    suspects = set(text) - _PRINTABLE_ASCII
    escapes = {ord(it): _json_escape(it) for it in suspects if _is_invisible(it)}
    return text.translate(escapes) if escapes else text


def spell_out_in(data: Any, *, cut: Callable[[str], str] = str) -> Any:  # noqa: ANN401  any JSON
    r"""JSON with each text as a model may read it: cut, and with invisible characters as `\\uXXXX`.

    Line ends and tabs stay, since JSON escapes them wherever it is written.
    """
    match data:
        case str():
            return _visible(cut(data))
        case dict():
            return {
                spell_out_in(name, cut=cut): spell_out_in(value, cut=cut)
                for name, value in data.items()
            }
        case list() | tuple():
            return [spell_out_in(item, cut=cut) for item in data]
        case _:
            return data


def _visible(text: str) -> str:
    if text.isascii() and text.isprintable():
        return text
    parts = _LINE_ENDS_AND_TABS.split(text)
    return "".join(it if it in {"\n", "\t"} else escape_invisible(it) for it in parts)


def _is_invisible(character: str) -> bool:
    return (
        unicodedata.category(character) in _INVISIBLE
        or character in _LOOK_EMPTY
        or _SELECTORS.match(character) is not None
    )


def _json_escape(character: str) -> str:
    units = character.encode("utf-16-be", errors="surrogatepass").hex()
    return "".join(f"\\u{units[at : at + 4]}" for at in range(0, len(units), 4))


def _unsafe_indexes(text: str, *, ascii_only: bool) -> set[int]:
    unsafe = {it.start() for it in _CHANGES_TEXT_AROUND_IT.finditer(text)}
    flags = set[int]() if ascii_only else _indexes_of_flags(text)
    marks = 0
    for index, character in enumerate(text):
        if index in flags:
            continue
        if character.isascii() and character.isprintable():
            marks = 0
            continue
        if character in {_EMOJI_SELECTOR, _JOINER, _NON_JOINER}:
            if ascii_only or index == 0 or not _changes_a_sign(text, index):
                unsafe.add(index)
            continue
        is_mark = unicodedata.category(character) in _MARKS
        marks = marks + 1 if is_mark else 0
        if ascii_only or _is_invisible(character) or marks > _MAX_MARKS:
            unsafe.add(index)
        elif is_mark and (index == 0 or index - 1 in unsafe or text[index - 1] == " "):
            unsafe.add(index)  # it would change the quote, or what is spelt out, before it
    return unsafe


def _changes_a_sign(text: str, index: int) -> bool:
    """Whether a joiner makes an emoji or a word look different, or an emoji selector a sign.

    Source for joiners in words: UAX #31, section 2.3.1, rules A1, A2 and B.
    """
    character, before, after = text[index], text[index - 1], text[index + 1 : index + 2]
    if character == _EMOJI_SELECTOR:
        return not before.isalnum() or after == _KEYCAP
    if unicodedata.combining(before) == _VIRAMA:
        return after.isalpha()
    if character == _NON_JOINER:
        letter = text[:index].rstrip(_ARABIC_MARKS)[-1:]
        return _is_arabic(letter) and letter not in _ENDS_A_STROKE and _is_arabic(after)
    start = index - 1
    while start and text[start] in _EMOJI_MODIFIERS:
        start -= 1
    signs = text[start] + after
    return [unicodedata.category(it) for it in signs] in (["So", "So"], ["So", "Sm"])


def _is_arabic(letter: str) -> bool:
    return "\u0620" <= letter <= "\u06ff" and unicodedata.category(letter) == "Lo"


def _indexes_of_flags(text: str) -> set[int]:
    starts = ((flag, it.start()) for flag in _FLAGS for it in re.finditer(flag, text))
    return {index for flag, start in starts for index in range(start, start + len(flag))}


def _parts(text: str, unsafe: set[int]) -> Iterator[str]:
    """Each character as it is shown. A run of the same unsafe character is one part."""
    indexes = groupby(range(len(text)), key=lambda index: (text[index], index in unsafe))
    for (character, is_unsafe), run in indexes:
        length = len(list(run))
        if not is_unsafe:
            yield from character * length
        elif character == " ":
            yield "{1 blank}" if length == 1 else f"{{{length} blanks}}"
        else:
            escaped = _json_escape(character)
            yield escaped if length == 1 else f"{{{length} {escaped}}}"


def host_of(address: str) -> str | None:
    """The host of a stream's address in lower case. None if clients may read it differently.

    RFC 3986, the URL standard of browsers and the streaming tools differ over users, backslashes,
    blanks, non-ASCII letters, missing slashes, an `@` after `?` or `#`, and numbers as hosts.
    """
    if (parts := _ADDRESS.fullmatch(address)) is None:
        return None
    host = parts["host"].lower()
    if _NUMBER.fullmatch(host.removesuffix(".").rpartition(".")[2]):
        try:  # the URL standard reads 1, 0x7f.1 and 010.0.0.1 as IPv4
            IPv4Address(host)
        except AddressValueError:
            return None
    return host if len(host) <= _LONGEST_HOST else None
