"""`wait_for_chat_messages` called wrongly, or where it is not offered: TRaX is not asked.

Through a real client in both eras. What the arguments of other tools must be is proven beside them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pytest

from tests.audience import STUDIO
from tests.conftest import OWNER
from tests.waits import TOOL, failure, told, waiting
from trax_mcp.server.tool_filter import ToolFilter

if TYPE_CHECKING:
    from tests.waits import Json

# Wrong arguments

SECONDS: Final = "`timeoutSeconds` must be a number of seconds from 0 to 55"
TEXT: Final = "`after` must be a non-empty string"
LIMIT: Final = "`limit` must be a whole number of at least 1"
TAKES: Final = "wait_for_chat_messages, which takes `studioId`, `after`, `timeoutSeconds`, `limit`"

NO_TIMES: Final[tuple[object, ...]] = (
    *(-1, -0.1, 55.1, 56, 10**30, True, False, [5], {}),
    *("x", "", "-1", "56", " 5", "5.5", "1e1", "NaN", "Infinity"),
)

WRONG: Final[list[tuple[Json, str]]] = [
    *(({"timeoutSeconds": seconds}, SECONDS) for seconds in NO_TIMES),
    ({"after": ""}, TEXT),
    ({"after": "  "}, TEXT),
    ({"after": 7}, TEXT),
    ({"after": ["x"]}, TEXT),
    ({"after": "x" * 5_000}, "`after` must be a cursor as it was given"),
    ({"limit": 0}, LIMIT),
    ({"limit": -3}, LIMIT),
    ({"limit": 1.5}, LIMIT),
    ({"limit": True}, LIMIT),
    ({"limit": "many"}, LIMIT),
    ({"studioId": ""}, "`studioId` must be a non-empty string"),
    ({"studioId": ".."}, "`studioId` must be an id as TRaX gave it, on one line, not `.` or `..`"),
    ({"studioId": None}, "`studioId` is required"),
    ({"timeout": 5}, f'"timeout" is not an argument of {TAKES}'),
    ({"timeout_seconds": 5}, f'"timeout_seconds" is not an argument of {TAKES}'),
    ({"confirm": True}, f'"confirm" is not an argument of {TAKES}'),
    ({"after": "", "limit": 0, "timeoutSeconds": 99}, f"{TEXT}; {SECONDS}; {LIMIT}"),
]


@pytest.mark.parametrize(("wrong", "problem"), WRONG, ids=range(len(WRONG)))
async def test_wrong_arguments_are_refused_by_name_and_trax_is_not_asked(
    era: str, wrong: Json, problem: str
) -> None:
    """At once, with what is allowed."""
    async with waiting(era) as waiter:
        result = await waiter.client.call_tool(TOOL, {"studioId": STUDIO, **wrong})
        message = f"{problem}. Nothing was sent: correct the arguments and call again."
        assert failure(result) == {
            "code": "invalid_arguments",
            "message": message,
            "retryable": False,
            "outcome": "not_applied",
        }
        await waiter.clock.pass_by(20)
        assert waiter.looks == 0


async def test_null_is_the_same_as_left_out(era: str) -> None:
    """Models fill in everything."""
    async with waiting(era) as waiter:
        given = dict.fromkeys(("after", "timeoutSeconds", "limit"))
        result = await waiter.client.call_tool(TOOL, {"studioId": STUDIO, **given})
        assert len(told(result)["messages"]) == 3


# Where it is offered

OFFERED: Final[dict[str, tuple[ToolFilter, str | None]]] = {
    "reading only": (ToolFilter(read_only=True), None),
    "by its tag": (ToolFilter(only=frozenset({"chat"})), None),
    "by its name": (ToolFilter(only=frozenset({TOOL})), None),
    "not among others": (ToolFilter(only=frozenset({"stream"})), "not_offered"),
    "not by a namesake": (ToolFilter(only=frozenset({"list_chat_messages"})), "not_offered"),
}


@pytest.mark.parametrize(("offer", "code"), OFFERED.values(), ids=OFFERED)
async def test_it_is_offered_where_the_operator_says_so(
    era: str, offer: ToolFilter, code: str | None
) -> None:
    """Listed and callable, or neither, and then it says why."""
    async with waiting(era, caller=OWNER, offer=offer) as waiter:
        listed = [tool.name for tool in (await waiter.client.list_tools()).tools]
        assert (TOOL in listed) is (code is None)
        result = await waiter.wait()
        if code is None:
            assert len(told(result)["messages"]) == 3
        else:
            assert (failure(result)["code"], waiter.looks) == (code, 0)
