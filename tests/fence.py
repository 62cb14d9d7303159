"""How a careful reader takes strangers' words from a text, and fails where anything is forged.

It knows what the fence promises, and nothing of how one is made.
"""

from __future__ import annotations

import json
import re
from itertools import accumulate
from typing import Any, Final

from tests.hostility import NOTICE, hidden, is_hidden

LONGEST: Final = 1_000
"""Characters of one text, as it is shown to a model."""

_OPENING: Final = re.compile(r"<(viewers-[0-9a-f]{16})>")


def boundary_of(text: str) -> str:
    """What stands on either side of the words in a text; nowhere else, and nothing around it."""
    notice, opening, _, closing = text.split("\n")
    found = _OPENING.fullmatch(opening)
    assert found
    assert (notice, closing) == (NOTICE, f"</{found[1]}>")
    assert text.count(found[1]) == 2
    return found[1]


def unfenced(text: str) -> str:
    """What stands between the boundaries: one line, however lines are split; all to be seen."""
    boundary_of(text)
    assert len(text.splitlines()) == 4
    shown = text.splitlines()[2]
    assert not hidden(shown)
    return shown


def strictly(text: str) -> Any:  # noqa: ANN401  any JSON
    """The value of a JSON text; no name may come twice in an object."""
    return json.loads(text, object_pairs_hook=_once)


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    read = dict(pairs)
    assert len(read) == len(pairs)
    return read


def as_shown(sent: Any) -> Any:  # noqa: ANN401  any JSON
    """What a model is shown of what was sent: all, but no text without end."""
    match sent:
        case str():
            kept = sum(width <= LONGEST for width in accumulate(map(_width, sent[:LONGEST])))
            rest = len(sent) - kept
            return sent if not rest else f"{sent[:kept]}… [cut: {rest} more characters]"
        case dict():
            return {as_shown(name): as_shown(value) for name, value in sent.items()}
        case list():
            return [as_shown(item) for item in sent]
        case _:
            return sent


def _width(character: str) -> int:
    """How many characters it takes to show one."""
    if not is_hidden(character):
        return 1
    return len(r"\u202e") if ord(character) <= 0xFFFF else len(r"\udb40\udc01")
