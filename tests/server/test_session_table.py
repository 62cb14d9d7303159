"""Which sessions stay open: the limits of callers, and the time that an unused session lasts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pytest

from trax_mcp.api.accepted_keys import AcceptedKeys
from trax_mcp.api.caller import ANONYMOUS, Caller
from trax_mcp.api.errors import Failure
from trax_mcp.api.operations import ListStudios
from trax_mcp.server.http.session_table import (
    IDLE_SECONDS,
    MAX_OTHER_SESSIONS,
    MAX_SESSIONS,
    OTHER_IDLE_SECONDS,
    Session,
    SessionTable,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

CUSTOMER: Final = Caller("sk_live_customer")
SECOND_CUSTOMER: Final = Caller("sk_live_second_customer")
UNACCEPTED: Final = Caller("sk_live_unaccepted")
INVALID_KEY: Final = Failure(code="invalid_key", message="m", retryable=False)


class Table:
    """A session table, its keys, and a clock that ticks at each step."""

    def __init__(self, *accepted: Caller) -> None:
        self.keys = AcceptedKeys()
        self.table = SessionTable(self.keys)
        self.now = 0.0
        self.accept(*accepted)

    def accept(self, *callers: Caller) -> None:
        """TRaX accepts the keys of these callers."""
        for caller in callers:
            self.keys.record_answer(ListStudios(), caller)

    def open(self, caller: Caller, name: str, *, requests: int = 0) -> list[str]:
        """Open a session, and return the names of those that end."""
        self.now += 1
        session = Session(name, caller, self.now, requests=requests)
        return names(self.table.add(session))

    def open_many(self, caller: Caller, count: int, *, requests: int = 0) -> list[str]:
        """Open sessions 0, 1, ... and return the names of those that end."""
        opened = [
            self.open(caller, f"{caller.fingerprint}-{number}", requests=requests)
            for number in range(count)
        ]
        return [name for ended in opened for name in ended]

    def idle_ones(self, now: float) -> list[str]:
        """End idle sessions at a time, and return their names."""
        return sorted(names(self.table.remove_idle(now)))


def names(sessions: Sequence[Session]) -> list[str]:
    """Their ids."""
    return [session.id for session in sessions]


def test_callers_without_an_accepted_key_share_one_limit() -> None:
    """With a key or without, the longest unused session of all of them ends."""
    table = Table()
    assert table.open(UNACCEPTED, "first") == []
    assert table.open_many(ANONYMOUS, MAX_OTHER_SESSIONS - 1) == []
    assert table.table.is_full(UNACCEPTED)
    assert table.open(ANONYMOUS, "one more") == ["first"]
    assert table.table.find("first", UNACCEPTED) is None


def test_each_accepted_key_has_its_own_limit() -> None:
    """Sessions of others do not count."""
    table = Table(CUSTOMER, SECOND_CUSTOMER)
    table.open_many(ANONYMOUS, MAX_OTHER_SESSIONS)
    assert table.open_many(CUSTOMER, MAX_SESSIONS) == []
    assert table.open_many(SECOND_CUSTOMER, MAX_SESSIONS) == []
    assert table.open(CUSTOMER, "one more") == [f"{CUSTOMER.fingerprint}-0"]


@pytest.mark.parametrize(
    ("sessions", "ends"),
    [
        ({"old": (1, 0), "new": (2, 0)}, "old"),
        ({"new": (2, 0), "old": (1, 0)}, "old"),
        ({"old, in use": (1, 1), "new": (2, 0)}, "new"),
        ({"old, in use": (1, 1), "new, in use": (2, 1)}, "old, in use"),
        ({"old, 2 streams": (1, 2), "new, 1 stream": (2, 1)}, "old, 2 streams"),
    ],
)
def test_the_longest_unused_session_ends_at_the_limit(
    sessions: dict[str, tuple[float, int]], ends: str
) -> None:
    """One with a request in flight or an open stream does so only if no session is idle."""
    table = Table()
    for name, (last_used, requests) in sessions.items():
        table.table.add(Session(name, UNACCEPTED, last_used, requests=requests))
    table.now = 10
    table.open_many(ANONYMOUS, MAX_OTHER_SESSIONS - len(sessions), requests=1)
    assert table.open(ANONYMOUS, "one more", requests=1) == [ends]


def test_sessions_count_for_their_key_when_trax_accepts_it() -> None:
    """They no longer count among the others, and count for the key."""
    table = Table()
    table.open_many(CUSTOMER, MAX_SESSIONS)
    table.open_many(ANONYMOUS, MAX_OTHER_SESSIONS - MAX_SESSIONS)
    assert table.table.is_full(ANONYMOUS)
    table.accept(CUSTOMER)
    assert not table.table.is_full(ANONYMOUS)
    assert table.table.is_full(CUSTOMER)
    assert table.open(ANONYMOUS, "one more") == []
    assert table.open(CUSTOMER, "one more of the key") == [f"{CUSTOMER.fingerprint}-0"]


def test_a_key_keeps_only_sessions_up_to_its_limit_when_trax_accepts_it() -> None:
    """The longest unused ones end."""
    table = Table()
    table.open_many(CUSTOMER, MAX_SESSIONS + 2)
    table.accept(CUSTOMER)
    oldest = [f"{CUSTOMER.fingerprint}-{number}" for number in range(2)]
    assert table.idle_ones(table.now) == oldest


def test_sessions_of_a_revoked_key_count_among_the_others() -> None:
    """They end after the shorter time."""
    table = Table(CUSTOMER)
    table.open(CUSTOMER, "open")
    table.keys.record_failure(INVALID_KEY, CUSTOMER)
    assert table.idle_ones(table.now + OTHER_IDLE_SECONDS) == ["open"]


def test_idle_sessions_end_after_30_minutes_and_after_5_without_an_accepted_key() -> None:
    """Those in use do not."""
    assert (IDLE_SECONDS, OTHER_IDLE_SECONDS) == (1800, 300)
    table = Table(CUSTOMER)
    for name, caller, requests in (
        ("customer", CUSTOMER, 0),
        ("unaccepted", UNACCEPTED, 0),
        ("no key", ANONYMOUS, 0),
        ("customer, in use", CUSTOMER, 1),
        ("unaccepted, in use", UNACCEPTED, 1),
    ):
        table.table.add(Session(name, caller, 0, requests=requests))
    assert table.idle_ones(299.9) == []
    assert table.idle_ones(300) == ["no key", "unaccepted"]
    assert table.idle_ones(1799.9) == []
    assert table.idle_ones(1800) == ["customer"]
    assert table.idle_ones(1e9) == []


def test_the_next_idle_session_ends_in_time() -> None:
    """Also one that is opened meanwhile."""
    table = Table(CUSTOMER)
    assert table.table.seconds_to_next_end(0) == OTHER_IDLE_SECONDS
    table.table.add(Session("customer", CUSTOMER, 0))
    assert table.table.seconds_to_next_end(1000) == OTHER_IDLE_SECONDS
    assert table.table.seconds_to_next_end(1700) == 100
    table.table.add(Session("unaccepted", UNACCEPTED, 1650))
    assert table.table.seconds_to_next_end(1700) == 100
    table.idle_ones(1800)
    assert table.table.seconds_to_next_end(1800) == 150


def test_a_session_is_found_by_its_caller_only() -> None:
    """And no longer after it was removed."""
    table = Table()
    session = Session("mine", UNACCEPTED, 0)
    table.table.add(session)
    assert table.table.find("mine", UNACCEPTED) is session
    assert table.table.find("mine", CUSTOMER) is None
    table.table.remove(session)
    table.table.remove(session)
    assert table.table.find("mine", UNACCEPTED) is None
    assert table.idle_ones(1e9) == []


def test_all_clients_of_a_key_share_the_limit_of_the_key() -> None:
    """A person who signs in at many clients opens no more sessions than with one."""
    table = Table(CUSTOMER)
    signed_in = [Caller(CUSTOMER.key, client=f"client-{number}") for number in range(MAX_SESSIONS)]
    ended = [it for caller in signed_in for it in table.open(caller, caller.client)]
    assert ended == []
    assert table.open(CUSTOMER, "one more") == ["client-0"]
