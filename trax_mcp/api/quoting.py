"""Other people's words, made safe to stand inside ours: one line, bounded, nothing invisible.

Studio names, chat authors and upstream error texts are written by strangers. This room knows
nothing of where the words came from or who will read them.
"""

import unicodedata

_INVISIBLE = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})


def quote_words(words: str, *, longest: int) -> str:
    r"""Return `words` in double quotes on one line, at most `longest` characters of them.

    Control, format (zero-width, direction override) and separator characters stand as `\uXXXX`,
    so that a reader sees them instead of obeying them. A cut is marked with an ellipsis.
    """
    cut = words if len(words) <= longest else words[: longest - 1] + "…"
    return '"' + "".join(_visible(character) for character in cut) + '"'


def _visible(character: str) -> str:
    if character in '"\\':
        return "\\" + character
    if unicodedata.category(character) in _INVISIBLE:
        return f"\\u{ord(character):04x}"
    return character
