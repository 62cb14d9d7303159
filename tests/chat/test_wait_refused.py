"""`wait_for_chat_messages` with invalid arguments, or not offered: nothing is sent."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pytest

from tests.support.subscribers import STUDIO
from tests.support.wait_client import TOOL, chat_of, failure, waiting

if TYPE_CHECKING:
    from tests.support.wait_client import Json

# Invalid arguments

SECONDS: Final = "`timeoutSeconds` must be"
TEXT: Final = "`after` must be a non-empty string"
GATHER: Final = "`gatherSeconds` must be"
LIMIT: Final = "`limit` must be at least 1"
TAKES: Final = (
    "wait_for_chat_messages, which takes `studioId`, `after`, `timeoutSeconds`, `gatherSeconds`,"
    " `limit`"
)

INVALID: Final[list[tuple[Json, str]]] = [
    ({"timeoutSeconds": -0.1}, f"{SECONDS} at least 0"),
    ({"timeoutSeconds": 55.1}, f"{SECONDS} at most 55"),
    *(({"timeoutSeconds": it}, f"{SECONDS} a number") for it in (True, "", "5.5", "NaN")),
    ({"gatherSeconds": -1}, f"{GATHER} at least 0"),
    ({"gatherSeconds": "21"}, f"{GATHER} at most 20"),
    ({"after": ""}, TEXT),
    ({"after": 7}, TEXT),
    ({"after": "x" * 4_097}, "`after` must have at most 4,096 characters (a limit of this server)"),
    ({"limit": 0}, LIMIT),
    ({"studioId": ".."}, "`studioId` must be an id as TRaX gave it, on one line, not `.` or `..`"),
    ({"studioId": None}, "`studioId` is required"),
    ({"confirm": True}, f'"confirm" is not an argument of {TAKES}'),
    ({"after": "", "limit": 0, "timeoutSeconds": 99}, f"{TEXT}; {SECONDS} at most 55; {LIMIT}"),
]


@pytest.mark.parametrize(("arguments", "problem"), INVALID, ids=range(len(INVALID)))
async def test_invalid_arguments_are_refused_by_name_without_a_request(
    arguments: Json, problem: str
) -> None:
    """The error says what is allowed."""
    async with waiting() as waiter:
        result = await waiter.client.call_tool(TOOL, {"studioId": STUDIO, **arguments})
        message = f"{problem}. Nothing was sent: correct the arguments and call again."
        assert failure(result) == {
            "code": "invalid_arguments",
            "message": message,
            "retryable": False,
            "outcome": "not_applied",
        }
        await waiter.clock.pass_by(20)
        assert waiter.request_count == 0


async def test_a_null_argument_counts_as_omitted() -> None:
    """Models fill in every argument."""
    async with waiting() as waiter:
        arguments = dict.fromkeys(("after", "timeoutSeconds", "gatherSeconds", "limit"))
        result = await waiter.client.call_tool(TOOL, {"studioId": STUDIO, **arguments})
        assert len(chat_of(result)["messages"]) == 3


# Tool filters

FILTERS: Final[dict[str, tuple[Json, str | None]]] = {
    "read-only": ({"TRAX_READ_ONLY": "1"}, None),
    "its tag": ({"TRAX_TOOLS": "chat"}, None),
    "its name": ({"TRAX_TOOLS": TOOL}, None),
    "another tag": ({"TRAX_TOOLS": "stream"}, "not_offered"),
    "another name": ({"TRAX_TOOLS": "list_chat_messages"}, "not_offered"),
}


@pytest.mark.parametrize(("settings", "code"), FILTERS.values(), ids=FILTERS)
async def test_the_tool_is_offered_where_the_operator_allows_it(
    settings: Json, code: str | None
) -> None:
    """It is both listed and callable, or neither."""
    async with waiting(**settings) as waiter:
        listed = [tool.name for tool in (await waiter.client.list_tools()).tools]
        assert (TOOL in listed) is (code is None)
        result = await waiter.wait()
        if code is None:
            assert len(chat_of(result)["messages"]) == 3
        else:
            assert (failure(result)["code"], waiter.request_count) == (code, 0)
