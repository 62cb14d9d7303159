"""What a caller got: the text, the data, and in one word what became of a call."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

import mcp_types as types

if TYPE_CHECKING:
    from pathlib import Path

RAN = ("ran", None)
"""The outcome of a call that was sent and accepted."""


def text_of(result: types.CallToolResult) -> str:
    """The text of a tool's answer."""
    (block,) = result.content
    assert isinstance(block, types.TextContent)
    return block.text


def data_of(result: types.CallToolResult) -> dict[str, Any]:
    """The structured content of a tool's answer."""
    assert isinstance(result.structured_content, dict), result
    return result.structured_content


WORDS: Final = ("summary", "warnings", "message", "notice", "practice")
"""What an answer says in words, in front of its data."""


def words_of(result: types.CallToolResult) -> dict[str, Any]:
    """What an answer says in words."""
    return {name: it for name, it in data_of(result).items() if name in WORDS}


def plain_data_of(result: types.CallToolResult) -> dict[str, Any]:
    """The data of an answer, without its words."""
    return {name: it for name, it in data_of(result).items() if name not in WORDS}


def lines_of(words: dict[str, Any]) -> list[str]:
    """Words as the text has them, each in its own line, but for several of a summary."""
    practice, summary = words.get("practice", ""), words.get("summary", "")
    warnings = [f"Warning: {it}" for it in words.get("warnings", ())]
    told = (practice, *summary.split("\n"), *warnings, words.get("message"), words.get("notice"))
    return [it for it in told if it]


def data_in_text(result: types.CallToolResult) -> str:
    """The JSON in the text of an answer, which sentences may precede."""
    return text_of(result).rpartition("\n")[2]


def has_run(result: types.CallToolResult) -> bool:
    """Whether a call ran. A step of a call that goes on is no error."""
    data = result.structured_content or {}
    return not result.is_error and data.get("executed") is not False


def outcome(result: object) -> tuple[str, str | None]:
    """`RAN`, the status and reason of a call that did not run, or ("failed", its code)."""
    assert isinstance(result, types.CallToolResult), result
    data = result.structured_content or {}
    if has_run(result):
        return RAN
    if "error" in data:
        return ("failed", data["error"]["code"])
    return (data["status"], data.get("reason"))


def approved_in(result: types.CallToolResult) -> str | None:
    """Where a call that ran was approved: "form", "page", "panel", "confirmation", ..."""
    return (result.meta or {}).get("live.traxstreaming/approvedIn")


def state_in(result: types.CallToolResult) -> str:
    """The observed state of a go-live or a stop that ran."""
    return str(data_of(result)["observed"]["state"])


def error_in(result: types.CallToolResult) -> dict[str, Any]:
    """The error of a failed call."""
    assert result.is_error, result.structured_content
    error: dict[str, Any] = data_of(result)["error"]
    return error


def audit_lines(path: Path) -> list[dict[str, Any]]:
    """The lines of an audit log, oldest first."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
