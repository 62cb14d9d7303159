"""Assertions about answers that contain hostile chat, from either chat tool or the resource."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from tests.support.delimited_text import as_shown, strict_json, unfenced
from tests.support.hostile_texts import NOTICE, hidden

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

JsonObject = dict[str, Any]


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
