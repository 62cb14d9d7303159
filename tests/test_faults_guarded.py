"""A guarded call that meets a fault: before anybody is asked, and when it is sent after a yes.

A line of the table each, for going live and for the stop, which nothing may hold up.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

import pytest

from tests.consent import told
from tests.faults.callers import expected, row_of, rows
from tests.faults.stage import leaks, staged
from tests.faults.table import TABLE, TRUE, Fate, Role

if TYPE_CHECKING:
    import mcp_types as types

    from tests.faults.callers import Row

SPENT: Final = {Fate.OK, Fate.UNKNOWN, Fate.SEEN, Fate.DONE}
"""After these the yes is spent; after the others it is as good as before."""

STATES: Final = {Role.START: "on_air", Role.STOP: "off_air"}


@pytest.mark.parametrize("row", [*rows(Role.START), *rows(Role.STOP)], ids=str)
async def test_what_a_person_said_yes_to_meets_a_fault(row: Row) -> None:
    """It is sent once; what may have happened is looked for, and the same yes sends it no more."""
    async with staged(row) as stage:
        yes = await stage.agreed()
        stage.strike()
        result = await stage.call(**yes)
        happened, sent = stage.happened, len(stage.changes)
        stage.relent()
        again = told(await stage.call(**yes))
        sent_again = len(stage.changes) - sent
    if row.fate is Fate.OK:
        assert not result.is_error, result.content
        assert (result.structured_content or {})["observed"]["state"] == STATES[row.role]
    else:
        assert stage.told(result) == expected(row)
    assert happened is row.mishap.acts
    assert row.fate in TRUE[row.mishap.acts]
    assert sent == row.mishap.sends
    spent = ("confirmation_invalid", "used")
    assert (again, sent_again) == ((spent, 0) if row.fate in SPENT else (("ran", None), 1))


@pytest.mark.parametrize("row", rows(Role.FACTS), ids=str)
async def test_what_is_looked_at_before_going_live_meets_a_fault(row: Row) -> None:
    """Nobody is asked about what is not known, but for what this key may not read."""
    async with staged(row) as stage:
        stage.strike()
        result = await stage.call()
    assert (len(stage.struck), stage.changes) == (row.caller.requests * row.mishap.tries, [])
    assert not leaks(result)
    if row.fate is Fate.ASKS:
        assert told(result) == ("confirmation_required", None)
        assert len(unknown(result)) == (0 if is_fine(row) else row.caller.requests)
    else:
        assert stage.told(result) == expected(row)


@pytest.mark.parametrize("row", rows(Role.HURRY), ids=str)
async def test_what_is_looked_at_before_a_stop_meets_a_fault(row: Row) -> None:
    """Each look is made once; a person can say yes all the same, and then the studio is stopped."""
    async with staged(row) as stage:
        stage.strike()
        result = await stage.call()
        looks, sent = len(stage.struck), len(stage.changes)
        if row.fate is Fate.ASKS:
            confirmation = (result.structured_content or {})["confirmation"]
            stopped = await stage.call(confirm=True, confirmation=confirmation)
            assert told(stopped) == ("ran", None)
    assert (looks, sent) == (row.caller.requests, 0)
    assert not leaks(result)
    if row.fate is Fate.ASKS:
        assert told(result) == ("confirmation_required", None)
        assert len(unknown(result)) == (0 if is_fine(row) else row.caller.requests)
        assert (len(stage.changes), stage.happened) == (1, True)
    else:
        assert stage.told(result) == expected(row)


DAY: Final = timedelta(days=1)


@pytest.mark.parametrize("jump", [-DAY, DAY], ids=["back", "ahead"])
@pytest.mark.parametrize(
    ("waits", "comes"), [(299, ("ran", None)), (301, ("confirmation_invalid", "expired"))]
)
async def test_a_clock_that_is_set_anew_makes_no_yes_last_longer_or_shorter(
    monkeypatch: pytest.MonkeyPatch, *, jump: timedelta, waits: int, comes: tuple[str, str | None]
) -> None:
    """Five minutes are five minutes, whatever the wall clock of this machine says meanwhile."""
    async with staged(row_of(Role.START, "no connection")) as stage:
        yes, now = await stage.agreed(), stage.clock.now
        monkeypatch.setattr(stage.clock, "now", lambda: now() + jump)
        stage.clock.advance(waits)
        assert told(await stage.call(**yes)) == comes


def unknown(result: types.CallToolResult) -> list[str]:
    """What a person is shown as not known."""
    shown: list[str] = (result.structured_content or {})["preview"]["unknown"]
    return shown


def is_fine(row: Row) -> bool:
    """Whether what is looked at can be read."""
    line = TABLE[row.name]
    return (line[Role.READ], line[Role.FACTS]) == (Fate.OK, Fate.ASKS)
