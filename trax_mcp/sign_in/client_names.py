"""The name of a client, fit to be shown on one line. Pure.

A client chooses its name, so it may try to look like another, or like a part of the page.
"""

import unicodedata
from typing import Final

from trax_mcp.api.text_safety import escape_invisible, truncate

MAX_LENGTH: Final = 60
_READ: Final = 2000
_LOOK_ALIKES: Final = ("CYRILLIC ", "GREEK ", "ARMENIAN ", "CHEROKEE ", "COPTIC ", "LISU ")
"""Scripts with letters that look like Latin ones."""
_REPLACED: Final = "\ufffd"


def clean_name(name: str) -> str:
    """Return `name` on one line, cut, with a mark for each character that hides or imitates.

    Those are invisible ones, and letters among Latin ones that look like them. A name all in
    another script is kept. Empty if there is nothing to see in it.
    """
    name = truncate(" ".join(name[:_READ].split()), longest=MAX_LENGTH)
    is_latin = any(it.isascii() and it.isalpha() for it in name)
    return "".join(_REPLACED if _is_unfit(it, is_latin=is_latin) else it for it in name)


def _is_unfit(character: str, *, is_latin: bool) -> bool:
    if escape_invisible(character) != character:
        return True
    return is_latin and unicodedata.name(character, "").startswith(_LOOK_ALIKES)
