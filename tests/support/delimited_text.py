"""Reads chat and names out of answers, and fails if anything in them is forged."""

from __future__ import annotations

import json
import re
from itertools import accumulate
from typing import TYPE_CHECKING, Any, Final

from tests.support.hostile_texts import NOTICE, hidden, is_hidden

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

JsonObject = dict[str, Any]

MAX_TEXT_LENGTH: Final = 1_000
"""The most characters of one text that a model sees."""
SHORTER_TEXT_LENGTH: Final = 200
"""The same in a message that would be larger than this."""
MAX_MESSAGE_BYTES: Final = 8_000
MAX_HALF_BYTES: Final = 9_000
"""The most bytes of each half of an answer with chat."""

_OPENING: Final = re.compile(r"<(viewers-[0-9a-f]{16})>")


def boundary_of(text: str) -> str:
    """The boundary around the text. Checks that it occurs nowhere else."""
    notice, opening, _, closing = text.split("\n")
    found = _OPENING.fullmatch(opening)
    assert found
    assert (notice.startswith(NOTICE), closing) == (True, f"</{found[1]}>")
    assert text.count(found[1]) == 2
    return found[1]


def unfenced(text: str) -> str:
    """The text between the boundaries. Checks that it is one line without invisible characters."""
    boundary_of(text)
    assert len(text.splitlines()) == 4
    shown = text.splitlines()[2]
    assert not hidden(shown)
    return shown


def strict_json(text: str) -> Any:  # noqa: ANN401  any JSON
    """Parse JSON. Fails if an object contains a name twice."""
    return json.loads(text, object_pairs_hook=_unique_names)


def _unique_names(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    read = dict(pairs)
    assert len(read) == len(pairs)
    return read


def as_shown(sent: JsonObject) -> Any:  # noqa: ANN401  any JSON
    """A message as a model sees it: spelt out, with long texts truncated, and more of them."""
    shown = _as_shown(sent, MAX_TEXT_LENGTH)
    size = len(json.dumps(shown, ensure_ascii=False, separators=(",", ":")).encode())
    return shown if size <= MAX_MESSAGE_BYTES else _as_shown(sent, SHORTER_TEXT_LENGTH)


def _as_shown(sent: Any, longest: int) -> Any:  # noqa: ANN401  any JSON
    match sent:
        case str():
            widths = accumulate(map(_width, sent[:longest]))
            kept = sum(width <= longest for width in widths)
            excess = len(sent) - kept
            return _spelt(sent if not excess else f"{sent[:kept]}… [cut: {excess} more characters]")
        case dict():
            return {
                _as_shown(name, longest): _as_shown(value, longest) for name, value in sent.items()
            }
        case list():
            return [_as_shown(item, longest) for item in sent]
        case _:
            return sent


def _spelt(text: str) -> str:
    """The text with escapes for what is invisible, but for line ends and tabs."""
    return "".join(_escape(it) if is_hidden(it) and it not in {"\n", "\t"} else it for it in text)


def _escape(character: str) -> str:
    units = character.encode("utf-16-be", errors="surrogatepass").hex()
    return "".join(f"\\u{units[at : at + 4]}" for at in range(0, len(units), 4))


def _width(character: str) -> int:
    """The number of characters that show this one."""
    if not is_hidden(character):
        return 1
    return len(r"\u202e") if ord(character) <= 0xFFFF else len(r"\udb40\udc01")


def messages(result: JsonObject) -> Sequence[JsonObject]:
    """The messages of an answer of either chat tool."""
    found: Sequence[JsonObject] = result["data" if "data" in result else "messages"]
    return found


def nothing_forged(text: str, structured: JsonObject) -> None:
    """Assert that a tool's answer starts with the notice, has a fenced text and is complete."""
    first, notice = next(iter(structured.items()))
    assert (first, notice) == ("notice", text.partition("\n")[0])
    rest = {name: it for name, it in structured.items() if name != "notice"}
    shown = strict_json(unfenced(text))
    assert shown == rest
    assert list(shown) == list(rest)
    as_json = json.dumps(structured, ensure_ascii=False, separators=(",", ":"))
    assert not hidden(as_json)
    assert max(len(it.encode()) for it in (text, as_json)) <= MAX_HALF_BYTES


def nothing_forged_in(resource: str) -> JsonObject:
    """Assert that a chat resource is one object on one line, with the notice first."""
    assert not hidden(resource)
    assert len(resource.splitlines()) == 1
    read: JsonObject = strict_json(resource)
    assert [it for it in read if it != "more"] == [
        *("notice", "now", "studioId", "messages", "cursor", "missed")
    ]
    assert read["notice"].startswith(NOTICE)
    assert not [it for it in read["messages"] if hidden(json.dumps(it, ensure_ascii=False))]
    assert re.fullmatch(r"start|([\w-]{4}){1,4}", read["cursor"], re.ASCII)
    return read


def read_in(answer: JsonObject) -> JsonObject:
    """The chat in an answer of a tool or the resource. Asserts that nothing in it is forged."""
    result = answer["result"]
    if "contents" in result:
        (contents,) = result["contents"]
        return nothing_forged_in(contents["text"])
    (block,) = result["content"]
    structured: JsonObject = result["structuredContent"]
    nothing_forged(block["text"], structured)
    return structured


def joined(answers: Iterable[JsonObject]) -> Sequence[JsonObject]:
    """The messages of several answers, in order."""
    return [message for answer in answers for message in messages(answer)]


def are_the_last(some: Sequence[JsonObject], said: Sequence[JsonObject]) -> bool:
    """Whether `some` is a non-empty suffix of `said`."""
    return bool(some) and list(some) == list(said[-len(some) :])
