"""What a person and a model read of an answer, as lines of the table."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, Final

from tests.world.answers import data_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import mcp_types as types

    from tests.deviations.scenarios import Told

_MOST: Final = 4
"""Fields of an answer in one line of the table."""
_VARYING: Final = {
    "confirmation",
    "expiresAt",
    "checkedAt",
    "cursor",
    "requestId",
    "preview",
    "now",
}
_WORDS: Final = {"summary", "warnings", "practice"}
_LISTS_OF_CHAT: Final = {"messages", "data"}
_BOUNDARY: Final = re.compile(r"viewers-[0-9a-f]{16}")


def person_of(result: types.CallToolResult) -> str:
    """The summary, the warnings, and the question with its first choice."""
    data = data_of(result)
    lines = [str(data.get("summary", ""))]
    if preview := data.get("preview"):
        lines = [*preview["effects"], *preview["unknown"]]
        lines += [f"Warning: {it}" for it in preview["warnings"]] + [f"[{preview['yes']}]"]
    lines += [f"Warning: {it}" for it in data.get("warnings", ())]
    return " / ".join(lines)


def fields_of(result: types.CallToolResult) -> dict[str, str]:
    """Each field that a model reads besides, by its path."""
    return dict(_flat(data_of(result)))


def _flat(data: Mapping[str, Any], path: str = "") -> Iterator[tuple[str, str]]:
    for name, value in data.items():
        if name in _VARYING or (not path and name in _WORDS):
            continue
        where = f"{path}.{name}" if path else name
        if isinstance(value, dict):
            yield from _flat(value, where)
        elif name in _LISTS_OF_CHAT and _is_chat(value):
            yield where, " ".join(str(it["text"]) for it in value) or "nothing"
        elif isinstance(value, list) and value and isinstance(value[0], dict):
            yield from _flat({str(number): it for number, it in enumerate(value)}, where)
        else:
            text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
            yield where, _BOUNDARY.sub("viewers-...", text)


def _is_chat(value: object) -> bool:
    return isinstance(value, list) and all("text" in it for it in value)


def model_of(told: Told, usual: Told | None) -> str:
    """An error, or the fields that are not as usual."""
    data = data_of(told.result)
    if (error := data.get("error")) and told.result.is_error:
        seen = f", {data['observed']['state']}" if "observed" in data else ""
        again = ", call again" if error["retryable"] else ""
        return f"{error['code']}, {error['outcome']}{seen}{again}: {error['message']}"
    before = fields_of(usual.result) if usual else {}
    now = fields_of(told.result)
    changed = [f"{name}={value}" for name, value in now.items() if before.get(name) != value]
    changed += [f"no {name}" for name in before if name not in now]
    more = [f"and {len(changed) - _MOST} more"] if len(changed) > _MOST else []
    return ", ".join(changed[:_MOST] + more)


def lines_for_people(told: list[Told], usual: Mapping[str, Told]) -> tuple[str, ...]:
    """What a person reads otherwise than usual."""
    return tuple(
        f"{it.label}: {text}"
        for it in told
        if (text := person_of(it.result))
        and not (it.label in usual and text == person_of(usual[it.label].result))
    )


def lines_for_models(told: list[Told], usual: Mapping[str, Told]) -> tuple[str, ...]:
    """What a model reads otherwise than usual."""
    return tuple(
        f"{it.label}: {text}" for it in told if (text := model_of(it, usual.get(it.label)))
    )
