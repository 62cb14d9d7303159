"""The SDK's client checks a tool's output schema in each connection: once is enough for all tests.

It takes half of the time of a tool call in a connection of its own.
"""

from __future__ import annotations

import json
from functools import wraps
from typing import TYPE_CHECKING, Any

from jsonschema import Draft202012Validator  # type: ignore[import-untyped]  # ours has no stubs

if TYPE_CHECKING:
    from collections.abc import Mapping


def check_each_schema_once() -> None:
    """Let jsonschema remember, in this process, which schemas it found to be valid."""
    check = Draft202012Validator.check_schema
    valid: set[str] = set()

    @wraps(check)
    def check_once(schema: Mapping[str, Any], *options: Any, **named: Any) -> None:  # noqa: ANN401
        text = json.dumps(schema, sort_keys=True)
        if text not in valid:
            check(schema, *options, **named)
            valid.add(text)

    Draft202012Validator.check_schema = check_once
