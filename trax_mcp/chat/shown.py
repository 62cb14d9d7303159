"""Chat messages as a model reads them: nothing invisible, no long text, and only so many bytes."""

import json
from collections.abc import Sequence
from itertools import accumulate
from typing import Any, Final

from trax_mcp.api.text_safety import escape_invisible, spell_out_in

LONGEST_TEXT: Final = 1_000
"""Characters of one text as a model sees it. Chat messages are shorter on every platform."""
ANSWER_BYTES: Final = 8_000
"""The most bytes of messages in an answer of a tool, which then has 9 kB at most."""
_SHORTER_TEXT: Final = 200
"""Characters of one text, where several long ones make a message too large for an answer."""


def shown(message: Any) -> Any:  # noqa: ANN401  TRaX's message, which is mostly an object
    """A message with invisible characters spelt out, and with long texts cut."""
    whole = spell_out_in(message, cut=_cut)
    if len(_json(whole).encode()) <= ANSWER_BYTES:
        return whole
    return spell_out_in(message, cut=_cut_short)


def size_of(message: Any) -> int:  # noqa: ANN401  as above
    """The bytes of a message in an answer, which names it once more if it is an own one."""
    it = shown(message)
    name = (it.get("id") or it.get("text", "")) if isinstance(it, dict) else ""
    return len(_json(it).encode()) + len(_json(name).encode()) + len(",,")


def newest(messages: Sequence[Any], *, is_oldest_first: bool) -> Sequence[Any]:
    """The newest of these messages: as many as fit into one answer, at least one."""
    newest_first = messages[::-1] if is_oldest_first else messages
    sizes = accumulate(map(size_of, newest_first))
    count = max(1, sum(size <= ANSWER_BYTES for size in sizes))
    return messages[-count:] if is_oldest_first else messages[:count]


def _cut(text: str) -> str:
    return _cut_to(text, LONGEST_TEXT)


def _cut_short(text: str) -> str:
    return _cut_to(text, _SHORTER_TEXT)


def _cut_to(text: str, longest: int) -> str:
    """Keep at most so many characters, counted after escaping."""
    if len(text) <= longest and len(escape_invisible(text)) <= longest:
        return text
    ends = accumulate(len(escape_invisible(character)) for character in text[:longest])
    kept = sum(end <= longest for end in ends)
    return f"{text[:kept]}… [cut: {len(text) - kept} more characters]"


def _json(data: object) -> str:
    return json.dumps(data, ensure_ascii=False, separators=(",", ":"))
