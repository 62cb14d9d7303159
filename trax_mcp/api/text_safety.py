"""Makes untrusted text safe to quote: shortened, and with invisible characters escaped."""

import re
import unicodedata
from typing import Final

_INVISIBLE: Final = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
_LOOK_EMPTY: Final = frozenset(
    "\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0\U00013441\U00013442\U00016fe4\U0001d159"
)
"""Characters that display as nothing although Unicode lists them as visible."""
_SELECTORS: Final = re.compile("[\u180b-\u180d\u180f\ufe00-\ufe0e\U000e0100-\U000e01ef]")
"""Variation selectors can hide data. U+FE0F is allowed, since many emoji need it."""


def quote(text: str, *, longest: int) -> str:
    r"""Return `text` in double quotes on one line, at most `longest` characters of it.

    Control, format (zero-width, direction override) and separator characters become `\uXXXX`, so
    that a reader sees them. An ellipsis marks shortened text.
    """
    return f'"{escape(truncate(text, longest=longest))}"'


def escape(text: str) -> str:
    """Escape `text` for use between double quotes."""
    return escape_invisible(re.sub(r'(["\\])', r"\\\1", text))


def truncate(text: str, *, longest: int) -> str:
    """Return at most `longest` characters of `text`. An ellipsis marks shortened text."""
    return text if len(text) <= longest else text[: longest - 1] + "…"


def escape_invisible(text: str) -> str:
    r"""Replace invisible characters with `\uXXXX`, as JSON escapes them.

    A JSON document keeps its meaning, since such characters occur only inside its strings.
    Characters above U+FFFF become two escapes (RFC 8259, section 7).
    """
    escapes = {ord(it): _json_escape(it) for it in set(text) if _is_invisible(it)}
    return text.translate(escapes) if escapes else text


def _is_invisible(character: str) -> bool:
    return (
        unicodedata.category(character) in _INVISIBLE
        or character in _LOOK_EMPTY
        or _SELECTORS.match(character) is not None
    )


def _json_escape(character: str) -> str:
    units = character.encode("utf-16-be", errors="surrogatepass").hex()
    return "".join(f"\\u{units[at : at + 4]}" for at in range(0, len(units), 4))
