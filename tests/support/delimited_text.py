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

_OPENING: Final = re.compile(r"<(viewers-[0-9a-f]{16})>")


def boundary_of(text: str) -> str:
    """The boundary around the text. Checks that it occurs nowhere else."""
    notice, opening, _, closing = text.split("\n")
    found = _OPENING.fullmatch(opening)
    assert found
    assert (notice, closing) == (NOTICE, f"</{found[1]}>")
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


def as_shown(sent: Any) -> Any:  # noqa: ANN401  any JSON
    """The value as a model sees it: with long texts truncated."""
    match sent:
        case str():
            kept = sum(
                width <= MAX_TEXT_LENGTH
                for width in accumulate(map(_width, sent[:MAX_TEXT_LENGTH]))
            )
            excess = len(sent) - kept
            return sent if not excess else f"{sent[:kept]}… [cut: {excess} more characters]"
        case dict():
            return {as_shown(name): as_shown(value) for name, value in sent.items()}
        case list():
            return [as_shown(item) for item in sent]
        case _:
            return sent


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
    assert next(iter(structured.items())) == ("notice", NOTICE)
    rest = {name: it for name, it in structured.items() if name != "notice"}
    shown = strict_json(unfenced(text))
    assert shown == as_shown(rest)
    assert list(shown) == list(rest)


def nothing_forged_in(resource: str) -> JsonObject:
    """Assert that a chat resource is one object on one line, with the notice first."""
    assert not hidden(resource)
    assert len(resource.splitlines()) == 1
    read: JsonObject = strict_json(resource)
    assert list(read) == ["notice", "studioId", "messages", "cursor", "missed"]
    assert read["notice"] == NOTICE
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
