"""A guarded call that meets a fault in its preview, or when it is sent after confirmation.

For `go_live`, and where they differ for the stop, which nothing may delay.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pytest

from tests.support.fault_table.faulty_world import leaked_strings, open_faulty
from tests.support.fault_table.role_calls import row_of, rows
from tests.support.fault_table.table import POSSIBLE, TABLE, Consequence, Role, read_table
from tests.world.answers import RAN, data_of, outcome, state_in, text_of
from tests.world.caller import PREVIEW_SECONDS

if TYPE_CHECKING:
    import mcp_types as types
    from syrupy.assertion import SnapshotAssertion

    from tests.support.fault_table.role_calls import Row

CONSUMED_AFTER: Final = {Consequence.OK, Consequence.UNKNOWN, Consequence.SEEN, Consequence.DONE}
"""After these the confirmation is used; after the others it is still valid."""

LACKS_SCOPE: Final = "403 insufficient_scope"

STATES: Final = {Role.START: "on_air", Role.STOP: "off_air"}

STOPS: Final = (
    "401 invalid_key",
    "500 after it was applied",
    "200 with HTML page",
    "no connection",
    "reset before delivery",
    "no response",
)
"""A stop meets these too: it is sent by a way of its own."""

PREVIEWS: Final = read_table("""
                             | go_live  go_offline
400 invalid_request          | never    asks
401 invalid_key              | never    never
403 insufficient_scope       | never    asks
404 not_found                | never    never
429 rate_limited             | again    asks
502 no_upstream              | again    asks
303 to another host          | never    asks
200 with HTML page           | again    asks
200 with unknown values      | asks     asks
200 without any field        | never    asks
no connection                | again    asks
no response                  | again    asks
reset inside the body        | again    asks
""")
"""What follows if all reads before the question meet the fault."""


def preview_rows(role: Role) -> list[Row]:
    """The column of this role."""
    return [row_of(role, name, Consequence(line[role])) for name, line in PREVIEWS.items()]


@pytest.mark.parametrize(
    "row", [*rows(Role.START), *(row_of(Role.STOP, it) for it in STOPS)], ids=str
)
async def test_a_confirmed_call_that_meets_a_fault_is_sent_once(
    row: Row, snapshot: SnapshotAssertion
) -> None:
    """It is sent once, its effect is observed, and the same confirmation does not send it again."""
    async with open_faulty(row) as faulty:
        preview = data_of(await faulty.call())
        confirmed = {"confirm": True, "confirmation": preview["confirmation"]}
        await faulty.advance(PREVIEW_SECONDS)
        faulty.begin_fault()
        result = await faulty.call(**confirmed)
        took_effect, sent = faulty.took_effect, len(faulty.changes)
        faulty.end_fault()
        again = outcome(await faulty.call(**confirmed))
        sent_again = len(faulty.changes) - sent
    if row.consequence in {Consequence.OK, Consequence.SEEN}:
        assert not result.is_error, result.content
        assert state_in(result) == STATES[row.role]
    else:
        assert faulty.failure_in(result) == snapshot
    if row.consequence is Consequence.SEEN:
        assert text_of(result).splitlines()[:-1] == snapshot
        assert not leaked_strings(result)
    assert took_effect is row.case.takes_effect
    assert row.consequence in POSSIBLE[row.case.takes_effect]
    is_stop = row.role is Role.STOP and row.consequence is Consequence.UNKNOWN
    is_repeated = is_stop and not took_effect  # the show was seen on air after two seconds
    assert sent == row.case.sends + is_repeated
    if row.consequence in CONSUMED_AFTER:
        expected: object = ("confirmation_invalid", "used"), 0
    elif row.role is Role.START and row.name == LACKS_SCOPE:
        expected = ("confirmation_invalid", "expired"), 0  # the key has no turn with others now
    else:
        expected = RAN, 1
    assert (again, sent_again) == expected


@pytest.mark.parametrize("row", preview_rows(Role.START_PREVIEW), ids=str)
async def test_a_go_live_preview_that_meets_a_fault_fails_as_the_table_says(
    row: Row, snapshot: SnapshotAssertion
) -> None:
    """Unknown facts prevent the preview, unless the key lacks the scope to read them."""
    async with open_faulty(row) as faulty:
        faulty.begin_fault()
        result = await faulty.call()
    assert (len(faulty.affected_ids), faulty.changes) == (
        row.tool_call.requests * row.case.tries + row.without_limit,
        [],
    )
    assert not leaked_strings(result)
    if row.consequence is Consequence.ASKS:
        assert outcome(result) == ("confirmation_required", None)
        assert len(unknown_facts(result)) == (0 if is_readable(row) else row.tool_call.requests)
    else:
        assert faulty.failure_in(result) == snapshot


@pytest.mark.parametrize("row", preview_rows(Role.STOP_PREVIEW), ids=str)
async def test_a_stop_is_possible_while_its_facts_meet_a_fault(
    row: Row, snapshot: SnapshotAssertion
) -> None:
    """Each fact is read once; the stop can be confirmed all the same, and then it works."""
    async with open_faulty(row) as faulty:
        faulty.begin_fault()
        result = await faulty.call()
        reads, sent = len(faulty.affected_ids), len(faulty.changes)
        if row.consequence is Consequence.ASKS:
            confirmation = data_of(result)["confirmation"]
            stopped = await faulty.call(confirm=True, confirmation=confirmation)
            assert outcome(stopped) == RAN
    assert (reads, sent) == (row.tool_call.requests + row.without_limit, 0)
    assert not leaked_strings(result)
    if row.consequence is Consequence.ASKS:
        assert outcome(result) == ("confirmation_required", None)
        assert len(unknown_facts(result)) == (0 if is_readable(row) else row.tool_call.requests)
        assert (len(faulty.changes), faulty.took_effect) == (1, True)
    else:
        assert faulty.failure_in(result) == snapshot


def unknown_facts(result: types.CallToolResult) -> list[str]:
    """The facts that the preview lists as unknown."""
    facts: list[str] = data_of(result)["preview"]["unknown"]
    return facts


def is_readable(row: Row) -> bool:
    """Whether the facts can be read in spite of the fault."""
    return TABLE[row.name][Role.READ] is Consequence.OK and row.name != "200 without any field"
