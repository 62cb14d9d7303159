"""Answers of check_studio and find_studio: sentences, and the announced data after them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from tests.support.hostile_texts import NAMES_NOTICE, hidden
from tests.world.answers import lines_of, plain_data_of, text_of, words_of

if TYPE_CHECKING:
    import mcp_types as types


def sentences_and_data(result: types.CallToolResult) -> tuple[list[str], dict[str, Any]]:
    """The sentences, and the data. The structured content has both."""
    assert not result.is_error, text_of(result)
    *sentences, announced, data = text_of(result).split("\n")
    assert announced == NAMES_NOTICE
    assert not hidden(data)
    assert json.loads(data) == plain_data_of(result)
    assert [*sentences, announced] == lines_of(words_of(result))
    return sentences, json.loads(data)


def shown(result: types.CallToolResult) -> str:
    """The whole answer, for a snapshot: a line for each sentence, and for each studio."""
    sentences, data = sentences_and_data(result)
    lines: list[str] = []
    for name, value in data.items():
        items = value if isinstance(value, list) else [value]
        lines += [f"{name}: {json.dumps(item, ensure_ascii=False)}" for item in items]
        lines += [] if items else [f"{name}: []"]
    return "\n".join([*sentences, "", *lines])
