"""What waits for a yes: unguessable, one caller's, five minutes, once.

The store decides nothing, so these tests ask only what it keeps, for whom and for how long.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

import pytest

from trax_mcp.api.operations import DeleteSource, GoLive, GoOffline
from trax_mcp.consent.evidence import IN_PROGRESS, Confirmation, UsedConfirmation
from trax_mcp.consent.store import (
    LIFETIME_SECONDS,
    MOST_IN_ALL,
    MOST_PER_CALLER,
    STARTING_SECONDS,
    ConsentStore,
)

if TYPE_CHECKING:
    from tests.hand import HandClock
    from trax_mcp.api.models import Model
    from trax_mcp.api.operation import Operation

GO_LIVE: Final = GoLive(studio_id="studio_42")
ME, YOU = "fingerprint-of-me", "fingerprint-of-you"
MOMENT: Final = 0.001
"""Less than any time that matters here, in seconds."""


@pytest.fixture
def pending(clock: HandClock) -> ConsentStore:
    """A store whose time is in the test's hand."""
    return ConsentStore(clock)


def put(
    pending: ConsentStore, operation: Operation[Model] = GO_LIVE, *, caller: str = ME
) -> Confirmation:
    """Keep something, as the road does."""
    return pending.put(operation, caller=caller, digest="digest")


def test_what_was_put_is_found_as_it_was_put(pending: ConsentStore, clock: HandClock) -> None:
    """Exactly the operation, the digest and what was shown; nothing is added but its end."""
    entry = pending.put(
        GO_LIVE, caller=ME, digest="d", shown=("a", "b"), choice="Yes", asked_again=True
    )
    assert entry == Confirmation(
        handle=entry.handle,
        caller=ME,
        operation=GO_LIVE,
        digest="d",
        expires=clock.seconds() + 300,
        shown=("a", "b"),
        choice="Yes",
        asked_again=True,
    )
    assert pending.look(entry.handle, caller=ME) == entry


def test_a_handle_cannot_be_guessed_and_can_be_copied(
    pending: ConsentStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """128 bits from the system's own source, in 22 characters that no one mistypes or escapes."""
    asked: list[int] = []

    def random_bytes(count: int) -> bytes:
        asked.append(count)
        return bytes(range(count))

    monkeypatch.setattr("secrets.token_bytes", random_bytes)
    assert re.fullmatch(r"[A-Za-z0-9_-]{22}", put(pending).handle)
    assert asked == [16]


def test_no_two_handles_are_the_same(pending: ConsentStore) -> None:
    """Not even for the same call of the same caller."""
    assert len({put(pending).handle for _ in range(200)}) == 200


@pytest.mark.parametrize("handle", [None, "", "invented", "A" * 22, "\x00", "é" * 22])
def test_an_invented_handle_is_nothing(pending: ConsentStore, handle: str | None) -> None:
    """Whatever it looks like, and whether or not something is kept."""
    put(pending)
    assert pending.look(handle, caller=ME) is None


def test_an_entry_is_its_callers_alone(pending: ConsentStore) -> None:
    """Another key's handle is as good as an invented one, before and after its use."""
    entry = put(pending)
    assert pending.look(entry.handle, caller=YOU) is None
    pending.take(entry.handle)
    assert pending.look(entry.handle, caller=YOU) is None
    assert pending.look(entry.handle, caller=ME) == UsedConfirmation(entry)


def test_looking_uses_nothing_up(pending: ConsentStore) -> None:
    """A wrong or foreign use compares first, and what is only looked at stays."""
    entry = put(pending)
    for caller in (YOU, ME, YOU, ME):
        pending.look(entry.handle, caller=caller)
    assert pending.look(entry.handle, caller=ME) == entry
    assert pending.take(entry.handle)


@pytest.mark.parametrize("taken", [False, True], ids=["waiting", "used"])
def test_it_lives_five_minutes(pending: ConsentStore, clock: HandClock, *, taken: bool) -> None:
    """By the clock that was handed in; a used one is remembered for just as long."""
    entry = put(pending)
    assert not taken or pending.take(entry.handle)
    clock.advance(LIFETIME_SECONDS - MOMENT)
    assert pending.look(entry.handle, caller=ME) == (UsedConfirmation(entry) if taken else entry)
    clock.advance(MOMENT)
    assert pending.look(entry.handle, caller=ME) is None
    assert LIFETIME_SECONDS == 300


def test_what_has_expired_is_not_kept(pending: ConsentStore, clock: HandClock) -> None:
    """Memory does not grow with what nobody came back for."""
    for _ in range(MOST_PER_CALLER):
        pending.take(put(pending).handle)
    pending.note_start("studio_42")
    clock.advance(LIFETIME_SECONDS)
    entry = put(pending)
    assert list(pending._kept) == [entry.handle]
    assert pending._starting == {}


@pytest.mark.parametrize("count", range(1, MOST_PER_CALLER + 1))
def test_32_of_a_caller_are_kept(pending: ConsentStore, count: int) -> None:
    """However many there are up to that, every one of them counts."""
    entries = [put(pending) for _ in range(count)]
    assert [pending.look(it.handle, caller=ME) for it in entries] == entries


def test_the_oldest_goes_first_and_only_the_callers_own(pending: ConsentStore) -> None:
    """A caller who asks and asks cannot push out what others wait for."""
    yours = put(pending, caller=YOU)
    mine = [put(pending) for _ in range(MOST_PER_CALLER + 3)]
    kept = [it for it in mine if pending.look(it.handle, caller=ME)]
    assert kept == mine[3:]
    assert len(kept) == 32
    assert pending.look(yours.handle, caller=YOU) == yours


def test_what_was_used_is_not_pushed_out(pending: ConsentStore) -> None:
    """Else a replay after many previews would be told "expired" and given a new confirmation."""
    entry = put(pending)
    pending.take(entry.handle)
    waiting = [put(pending) for _ in range(MOST_PER_CALLER)]
    assert pending.look(entry.handle, caller=ME) == UsedConfirmation(entry)
    assert [pending.look(it.handle, caller=ME) for it in waiting] == waiting


def test_4096_are_kept_in_all(pending: ConsentStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """Waiting or used, whoever's they are; the oldest goes first (here tried with ten)."""
    assert MOST_IN_ALL == 4096
    monkeypatch.setattr("trax_mcp.consent.store.MOST_IN_ALL", 10)
    entries = [put(pending, caller=f"caller {number}") for number in range(10)]
    for entry in entries[::2]:
        pending.take(entry.handle)
    assert len(pending._kept) == 10
    more = [put(pending, caller=f"caller {number}") for number in range(3)]
    assert list(pending._kept) == [it.handle for it in (*entries[3:], *more)]


def test_it_is_taken_exactly_once(pending: ConsentStore) -> None:
    """The first taker gets it, and nobody after them."""
    entry = put(pending)
    assert [pending.take(entry.handle) for _ in range(3)] == [True, False, False]


def test_what_is_not_kept_cannot_be_taken(pending: ConsentStore, clock: HandClock) -> None:
    """Invented ones, and those that have expired and gone."""
    entry = put(pending)
    clock.advance(LIFETIME_SECONDS)
    put(pending)
    assert not pending.take("invented")
    assert not pending.take(entry.handle)


def test_a_used_one_says_what_came_of_it(pending: ConsentStore) -> None:
    """First that it is under way, then how it ended; a taken one never runs out early."""
    entry = put(pending)
    pending.take(entry.handle)
    assert pending.look(entry.handle, caller=ME) == UsedConfirmation(entry, IN_PROGRESS)
    pending.settle(entry.handle, "the call ran")
    assert pending.look(entry.handle, caller=ME) == UsedConfirmation(entry, "the call ran")
    assert not pending.take(entry.handle)


def test_what_certainly_did_nothing_is_given_back(pending: ConsentStore) -> None:
    """The same entry, and taken only once again."""
    entry = put(pending)
    pending.take(entry.handle)
    pending.give_back(entry.handle)
    assert pending.look(entry.handle, caller=ME) == entry
    assert [pending.take(entry.handle) for _ in range(2)] == [True, False]


def test_what_is_given_back_expires_when_it_would_have(
    pending: ConsentStore, clock: HandClock
) -> None:
    """Trying in vain does not lengthen a yes."""
    entry = put(pending)
    clock.advance(LIFETIME_SECONDS - 1)
    pending.take(entry.handle)
    pending.give_back(entry.handle)
    clock.advance(1)
    assert pending.look(entry.handle, caller=ME) is None


def test_only_what_was_taken_is_settled_or_given_back(pending: ConsentStore) -> None:
    """A handle that was never taken stays as it is; one that is gone does not come back."""
    entry = put(pending)
    for handle in (entry.handle, "gone"):
        pending.settle(handle, "the call ran")
        pending.give_back(handle)
    assert list(pending._kept.values()) == [entry]


def test_a_stop_voids_every_yes_to_take_the_studio_live(pending: ConsentStore) -> None:
    """Whoever's it is; other studios, other acts and what was used already are not touched."""
    used = put(pending)
    pending.take(used.handle)
    voided = [put(pending), put(pending, caller=YOU)]
    others = [
        put(pending, GoLive(studio_id="studio_43")),
        put(pending, GoOffline(studio_id="studio_42")),
        put(pending, DeleteSource(studio_id="studio_42", source_id="source_1")),
    ]
    pending.void_starts("studio_42")
    assert [pending.look(it.handle, caller=it.caller) for it in voided] == [None, None]
    assert [pending.look(it.handle, caller=ME) for it in others] == others
    assert pending.look(used.handle, caller=ME) == UsedConfirmation(used)


def test_a_start_is_remembered_for_a_minute(pending: ConsentStore, clock: HandClock) -> None:
    """Of its own studio only, and anew with each start."""
    assert not pending.is_starting("studio_42")
    pending.note_start("studio_42")
    clock.advance(STARTING_SECONDS - MOMENT)
    assert pending.is_starting("studio_42")
    assert not pending.is_starting("studio_43")
    clock.advance(MOMENT)
    assert not pending.is_starting("studio_42")
    pending.note_start("studio_42")
    assert pending.is_starting("studio_42")
    assert STARTING_SECONDS == 60


def test_a_start_that_has_ended_is_forgotten(pending: ConsentStore) -> None:
    """Seen on air, sent offline or never begun; ending what never began is fine too."""
    pending.note_start("studio_42")
    pending.note_end("studio_42")
    pending.note_end("studio_43")
    assert not pending.is_starting("studio_42")
