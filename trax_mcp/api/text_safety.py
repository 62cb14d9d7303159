"""Other people's words, made safe to stand inside ours: bounded, and nothing in them invisible.

Studio names, chat and upstream error texts are written by strangers. This room knows nothing of
where the words came from or who will read them.
"""

import re
import unicodedata
from typing import Final

_INVISIBLE: Final = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
_LOOK_EMPTY: Final = frozenset(
    "\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0\U00013441\U00013442\U00016fe4\U0001d159"
)
"""Letters, marks and signs that show as nothing."""
_SELECTORS: Final = re.compile("[\u180b-\u180d\u180f\ufe00-\ufe0e\U000e0100-\U000e01ef]")
"""Variation selectors can carry hidden bytes; only U+FE0F, which makes an emoji one, is common."""


def quote(words: str, *, longest: int) -> str:
    r"""Return `words` in double quotes on one line, at most `longest` characters of them.

    Control, format (zero-width, direction override) and separator characters stand as `\uXXXX`,
    so that a reader sees them instead of obeying them. A cut is marked with an ellipsis.
    """
    cut = truncate(words, longest=longest)
    return '"' + escape_invisible(re.sub(r'(["\\])', r"\\\1", cut)) + '"'


def truncate(words: str, *, longest: int) -> str:
    """Return at most `longest` characters of `words`; a cut is marked with an ellipsis."""
    return words if len(words) <= longest else words[: longest - 1] + "…"


def escape_invisible(text: str) -> str:
    r"""Return `text` with everything that cannot be seen as `\uXXXX`, as JSON writes it.

    In a JSON document, where such characters stand only inside strings, what a parser reads stays
    the same. Beyond U+FFFF it takes a pair of them (RFC 8259, section 7).
    """
    hidden = {ord(it): _spelt_out(it) for it in set(text) if _is_invisible(it)}
    return text.translate(hidden) if hidden else text


def _is_invisible(character: str) -> bool:
    return (
        unicodedata.category(character) in _INVISIBLE
        or character in _LOOK_EMPTY
        or _SELECTORS.match(character) is not None
    )


def _spelt_out(character: str) -> str:
    units = character.encode("utf-16-be", errors="surrogatepass").hex()
    return "".join(f"\\u{units[at : at + 4]}" for at in range(0, len(units), 4))
