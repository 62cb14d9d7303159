"""The name of a client, fit to be shown on one line. Pure.

A client chooses its name, so it may try to look like another, or like a part of the page.
"""

import unicodedata
from typing import Final

from trax_mcp.api.text_safety import spell_out

MAX_LENGTH: Final = 60
_READ_BYTES: Final = 2000
_LOOK_ALIKES: Final = ("CYRILLIC ", "GREEK ", "ARMENIAN ", "CHEROKEE ", "COPTIC ", "LISU ")
"""Scripts with letters that look like Latin ones."""


def clean_name(name: str) -> str:
    """Return `name` on one line, cut, and with everything hidden in it spelt out.

    Other scripts are kept, unless their letters stand among Latin ones that they look like.
    Empty if there is nothing to see in it.
    """
    name = " ".join(name[:_READ_BYTES].split())
    return spell_out(name, longest=MAX_LENGTH, ascii_only=_mixes_look_alikes(name))


def _mixes_look_alikes(name: str) -> bool:
    if not any(it.isascii() and it.isalpha() for it in name):
        return False
    return any(unicodedata.name(it, "").startswith(_LOOK_ALIKES) for it in name if not it.isascii())
