"""A guarded call that meets a fault in its preview, or when it is sent after confirmation.

One test per line of the table, for `go_live` and for the stop, which nothing may delay.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

import pytest

from tests.conftest import text_of
from tests.support.consent_clients import status_and_reason
from tests.support.fault_table.fault_scenario import leaked_strings, open_scenario
from tests.support.fault_table.role_calls import expected_failure, observed_lines, row_of, rows
from tests.support.fault_table.table import POSSIBLE, TABLE, Consequence, Role

if TYPE_CHECKING:
    import mcp_types as types

    from tests.support.fault_table.role_calls import Row

pytestmark = pytest.mark.slow  # real sockets

CONSUMED_AFTER: Final = {Consequence.OK, Consequence.UNKNOWN, Consequence.SEEN, Consequence.DONE}
"""After these the confirmation is used; after the others it is still valid."""

STATES: Final = {Role.START: "on_air", Role.STOP: "off_air"}


@pytest.mark.parametrize("row", [*rows(Role.START), *rows(Role.STOP)], ids=str)
async def test_a_confirmed_call_that_meets_a_fault_is_sent_once(row: Row) -> None:
    """It is sent once, its effect is observed, and the same confirmation does not send it again."""
    async with open_scenario(row) as scenario:
        confirmed = await scenario.confirm()
        scenario.begin_fault()
        result = await scenario.call(**confirmed)
        took_effect, sent = scenario.took_effect, len(scenario.changes)
        scenario.end_fault()
        again = status_and_reason(await scenario.call(**confirmed))
        sent_again = len(scenario.changes) - sent
    if row.consequence in {Consequence.OK, Consequence.SEEN}:
        assert not result.is_error, result.content
        assert (result.structured_content or {})["observed"]["state"] == STATES[row.role]
    else:
        assert scenario.failure_in(result) == expected_failure(row)
    if row.consequence is Consequence.SEEN:
        assert text_of(result).splitlines()[:-1] == observed_lines(row)
        assert not leaked_strings(result)
    assert took_effect is row.case.takes_effect
    assert row.consequence in POSSIBLE[row.case.takes_effect]
    assert sent == row.case.sends
    consumed = ("confirmation_invalid", "used")
    assert (again, sent_again) == (
        (consumed, 0) if row.consequence in CONSUMED_AFTER else (("ran", None), 1)
    )


@pytest.mark.parametrize("row", rows(Role.START_PREVIEW), ids=str)
async def test_a_go_live_preview_that_meets_a_fault_fails_as_the_table_says(row: Row) -> None:
    """Unknown facts prevent the preview, unless the key lacks the scope to read them."""
    async with open_scenario(row) as scenario:
        scenario.begin_fault()
        result = await scenario.call()
    assert (len(scenario.affected_ids), scenario.changes) == (
        row.tool_call.requests * row.case.tries,
        [],
    )
    assert not leaked_strings(result)
    if row.consequence is Consequence.ASKS:
        assert status_and_reason(result) == ("confirmation_required", None)
        assert len(unknown_facts(result)) == (0 if is_readable(row) else row.tool_call.requests)
    else:
        assert scenario.failure_in(result) == expected_failure(row)


@pytest.mark.parametrize("row", rows(Role.STOP_PREVIEW), ids=str)
async def test_a_stop_is_possible_while_its_facts_meet_a_fault(row: Row) -> None:
    """Each fact is read once; the stop can be confirmed all the same, and then it works."""
    async with open_scenario(row) as scenario:
        scenario.begin_fault()
        result = await scenario.call()
        reads, sent = len(scenario.affected_ids), len(scenario.changes)
        if row.consequence is Consequence.ASKS:
            confirmation = (result.structured_content or {})["confirmation"]
            stopped = await scenario.call(confirm=True, confirmation=confirmation)
            assert status_and_reason(stopped) == ("ran", None)
    assert (reads, sent) == (row.tool_call.requests, 0)
    assert not leaked_strings(result)
    if row.consequence is Consequence.ASKS:
        assert status_and_reason(result) == ("confirmation_required", None)
        assert len(unknown_facts(result)) == (0 if is_readable(row) else row.tool_call.requests)
        assert (len(scenario.changes), scenario.took_effect) == (1, True)
    else:
        assert scenario.failure_in(result) == expected_failure(row)


DAY: Final = timedelta(days=1)
EXPIRED: Final = ("confirmation_invalid", "expired")


@pytest.mark.parametrize(
    ("clock_change", "waited_seconds", "expected_result"),
    [
        (-DAY, 299, ("ran", None)),
        (-DAY, 301, EXPIRED),
        (DAY, 0, EXPIRED),
    ],
)
async def test_a_confirmation_ends_by_whichever_clock_comes_first(
    monkeypatch: pytest.MonkeyPatch,
    *,
    clock_change: timedelta,
    waited_seconds: int,
    expected_result: tuple[str, str | None],
) -> None:
    """After five minutes, or when the time is over that was printed."""
    async with open_scenario(row_of(Role.START, "no connection")) as scenario:
        confirmed, now = await scenario.confirm(), scenario.clock.now
        monkeypatch.setattr(scenario.clock, "now", lambda: now() + clock_change)
        scenario.clock.advance(waited_seconds)
        assert status_and_reason(await scenario.call(**confirmed)) == expected_result


def unknown_facts(result: types.CallToolResult) -> list[str]:
    """The facts that the preview lists as unknown."""
    facts: list[str] = (result.structured_content or {})["preview"]["unknown"]
    return facts


def is_readable(row: Row) -> bool:
    """Whether the facts can be read in spite of the fault."""
    line = TABLE[row.name]
    return (line[Role.READ], line[Role.START_PREVIEW]) == (Consequence.OK, Consequence.ASKS)
