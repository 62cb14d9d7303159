"""What a careful client finds in answers that hold hostile chat, and where it fails.

It takes answers apart, of either tool or of the resource, and knows nothing of how they were got.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from tests.fence import as_shown, strictly, unfenced
from tests.hostility import NOTICE, hidden

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

JsonObject = dict[str, Any]


def messages(result: JsonObject) -> Sequence[JsonObject]:
    """The messages of an answer, whichever tool it is of."""
    found: Sequence[JsonObject] = result["data" if "data" in result else "messages"]
    return found


def nothing_forged(text: str, structured: JsonObject) -> None:
    """A tool's answer: announced first, fenced for a model, whole for a program."""
    assert next(iter(structured.items())) == ("notice", NOTICE)
    rest = {name: it for name, it in structured.items() if name != "notice"}
    shown = strictly(unfenced(text))
    assert shown == as_shown(rest)
    assert list(shown) == list(rest)


def nothing_forged_in(resource: str) -> JsonObject:
    """A chat resource: one object, with nothing around it and the notice first."""
    assert not hidden(resource)
    assert len(resource.splitlines()) == 1
    read: JsonObject = strictly(resource)
    assert list(read) == ["notice", "studioId", "messages", "cursor", "missed"]
    assert read["notice"] == NOTICE
    assert re.fullmatch(r"start|([\w-]{8}){1,8}", read["cursor"], re.ASCII)
    return read


def read_in(answer: JsonObject) -> JsonObject:
    """What an answer tells of chat, of a tool or of the resource; nothing in it is forged."""
    result = answer["result"]
    if "contents" in result:
        (contents,) = result["contents"]
        return nothing_forged_in(contents["text"])
    (block,) = result["content"]
    structured: JsonObject = result["structuredContent"]
    nothing_forged(block["text"], structured)
    return structured


def joined(answers: Iterable[JsonObject]) -> Sequence[JsonObject]:
    """The messages of several answers, in the order in which they came."""
    return [message for answer in answers for message in messages(answer)]


def are_the_last(some: Sequence[JsonObject], said: Sequence[JsonObject]) -> bool:
    """Whether these are the last of what was said, as many as there are; none are not."""
    return bool(some) and list(some) == list(said[-len(some) :])
