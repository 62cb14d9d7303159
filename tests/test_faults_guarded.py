"""A guarded call that meets a fault: before anybody is asked, and when it is sent after a yes.

A line of the table each, for going live and for the stop, which nothing may hold up.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

import pytest

from tests.consent import told
from tests.faults.callers import CALLERS, MET, expected, name_of, rows, word_of
from tests.faults.stage import leaks, staged
from tests.faults.table import TABLE, Kind, Word

if TYPE_CHECKING:
    import mcp_types as types

TRUE: Final = {
    True: {Word.OK, Word.DONE, Word.SEEN},
    False: {Word.AGAIN, Word.NEVER, Word.UNKNOWN},
}
"""What may be said of what has happened, since it can be seen, and of what has not."""

SPENT: Final = {Word.OK, Word.UNKNOWN, Word.SEEN, Word.DONE}
"""After these the yes is spent; after the others it is as good as before."""

STATES: Final = {Kind.START: "on_air", Kind.STOP: "off_air"}


@pytest.mark.parametrize(("kind", "row"), [(kind, row) for kind in STATES for row in rows(kind)])
async def test_what_a_person_said_yes_to_meets_a_fault(kind: Kind, row: str) -> None:
    """It is sent once; what may have happened is looked for, and the same yes sends it no more."""
    met, word = MET[name_of(row)], word_of(row)
    async with staged(row, kind) as stage:
        yes = await stage.agreed()
        stage.strike()
        result = await stage.call(**yes)
        happened, sent = stage.happened, len(stage.changes)
        stage.relent()
        again = told(await stage.call(**yes))
        sent_again = len(stage.changes) - sent
    if word is Word.OK:
        assert not result.is_error, result.content
        assert (result.structured_content or {})["observed"]["state"] == STATES[kind]
    else:
        assert stage.told(result) == expected(row, kind)
    assert happened is met.acts
    assert word in TRUE[met.acts]
    assert sent == (met.tries if met.told else 1)
    spent = ("confirmation_invalid", "used")
    assert (again, sent_again) == ((spent, 0) if word in SPENT else (("ran", None), 1))


@pytest.mark.parametrize("row", rows(Kind.FACTS))
async def test_what_is_looked_at_before_going_live_meets_a_fault(row: str) -> None:
    """Nobody is asked about what is not known, but for what this key may not read."""
    met, word = MET[name_of(row)], word_of(row)
    async with staged(row, Kind.FACTS) as stage:
        stage.strike()
        result = await stage.call()
    assert (len(stage.struck), stage.changes) == (CALLERS[Kind.FACTS].requests * met.tries, [])
    assert not leaks(result)
    if word is Word.ASKS:
        assert told(result) == ("confirmation_required", None)
        assert len(unknown(result)) == (0 if is_fine(row) else CALLERS[Kind.FACTS].requests)
    else:
        assert stage.told(result) == expected(row, Kind.FACTS)


@pytest.mark.parametrize("row", rows(Kind.HURRY))
async def test_what_is_looked_at_before_a_stop_meets_a_fault(row: str) -> None:
    """Each look is made once; a person can say yes all the same, and then the studio is stopped."""
    word = word_of(row)
    async with staged(row, Kind.HURRY) as stage:
        stage.strike()
        result = await stage.call()
        looks, sent = len(stage.struck), len(stage.changes)
        if word is Word.ASKS:
            confirmation = (result.structured_content or {})["confirmation"]
            stopped = await stage.call(confirm=True, confirmation=confirmation)
            assert told(stopped) == ("ran", None)
    assert (looks, sent) == (CALLERS[Kind.HURRY].requests, 0)
    assert not leaks(result)
    if word is Word.ASKS:
        assert told(result) == ("confirmation_required", None)
        assert len(unknown(result)) == (0 if is_fine(row) else CALLERS[Kind.HURRY].requests)
        assert (len(stage.changes), stage.happened) == (1, True)
    else:
        assert stage.told(result) == expected(row, Kind.HURRY)


DAY: Final = timedelta(days=1)


@pytest.mark.parametrize("jump", [-DAY, DAY], ids=["back", "ahead"])
@pytest.mark.parametrize(
    ("waits", "comes"), [(299, ("ran", None)), (301, ("confirmation_invalid", "expired"))]
)
async def test_a_clock_that_is_set_anew_makes_no_yes_last_longer_or_shorter(
    monkeypatch: pytest.MonkeyPatch, *, jump: timedelta, waits: int, comes: tuple[str, str | None]
) -> None:
    """Five minutes are five minutes, whatever the wall clock of this machine says meanwhile."""
    async with staged("no connection", Kind.START) as stage:
        yes, now = await stage.agreed(), stage.clock.now
        monkeypatch.setattr(stage.clock, "now", lambda: now() + jump)
        stage.clock.advance(waits)
        assert told(await stage.call(**yes)) == comes


def unknown(result: types.CallToolResult) -> list[str]:
    """What a person is shown as not known."""
    shown: list[str] = (result.structured_content or {})["preview"]["unknown"]
    return shown


def is_fine(row: str) -> bool:
    """Whether what is looked at can be read."""
    return (
        TABLE[name_of(row)][Kind.FACTS] is Word.ASKS and TABLE[name_of(row)][Kind.READ] is Word.OK
    )
