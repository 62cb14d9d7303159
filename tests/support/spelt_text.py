r"""Reads texts that were spelt out and wrapped, independently of the product.

`\uXXXX` is one character, `{20000 blanks}` and `{3 \uXXXX}` are several of the same.
"""

from __future__ import annotations

import re
from typing import Final

_PART: Final = re.compile(
    r"\{(?P<count>[1-9][0-9]*) (?:blanks?|(?P<repeated>(?:\\u[0-9a-f]{4}){1,2}))\}"
    r"|(?P<escaped>(?:\\u[0-9a-f]{4})+)|(?P<plain>[^\\])"
)
_QUOTED: Final = re.compile('"([^"]*)"')
_WRAPPED: Final = re.compile("(\u21b3?)\n  \u21b3 ")


def read_back(spelt: str) -> str:
    """The text that was spelt out. Every backslash must belong to the notation."""
    text, end = "", 0
    for part in _PART.finditer(spelt):
        assert part.start() == end, spelt
        end = part.end()
        if part["count"]:
            text += (_characters(part["repeated"]) if part["repeated"] else " ") * int(
                part["count"]
            )
        else:
            text += _characters(part["escaped"]) if part["escaped"] else part["plain"]
    assert end == len(spelt), spelt
    return text


def names_in(sentence: str) -> list[str]:
    """What stands in quotes in a sentence, in order, read back."""
    return [read_back(it) for it in _QUOTED.findall(sentence)]


def is_shown(shown: str, name: str) -> bool:
    """Whether a name, read back, is the name, or its beginning and end around an ellipsis."""
    start, _, end = shown.partition("…")
    return shown == name or ("…" in shown and name.startswith(start) and name.endswith(end))


def frame(sentence: str) -> str:
    """A sentence without the content of its quotes. Nothing may be left that opens a quote."""
    framed = _QUOTED.sub("<>", sentence)
    assert '"' not in framed
    return framed


def unwrapped(text: str) -> str:
    """The text with each long line on one line again."""
    return _WRAPPED.sub(lambda it: "" if it[1] else " ", text)


def _characters(escapes: str) -> str:
    units = bytes.fromhex(escapes.replace("\\u", ""))
    return units.decode("utf-16-be", errors="surrogatepass")
