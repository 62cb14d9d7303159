"""How long tokens live, to the second, and what a clock that jumps changes.

`test_token_life.py` does all of it in any order.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tests.units.sign_in.sign_in_files import Files, begin, opens, refreshed

if TYPE_CHECKING:
    from trax_mcp.sign_in.sign_ins import SignIns, TokenPair

DAY: Final = 86_400


def test_an_access_token_ends_after_14_days_without_use(files: Files, server: SignIns) -> None:
    """Its sign-in goes on by a refresh."""
    used, unused = begin(server), begin(server)
    files.advance(14 * DAY - 1)
    assert opens(server, used)
    files.advance(1)
    assert (opens(server, used), opens(server, unused)) == (True, False)
    again = refreshed(server, unused)
    assert again
    assert opens(server, again)


def test_an_access_token_ends_after_30_days_however_much_it_is_used(
    files: Files, server: SignIns
) -> None:
    """A client that is used gets new ones by itself."""
    tokens = begin(server)
    for seconds in (10 * DAY, 10 * DAY, 10 * DAY - 1):
        files.advance(seconds)
        assert opens(server, tokens)
    files.advance(1)
    assert not opens(server, tokens)


def test_a_sign_in_ends_90_days_after_the_last_refresh(files: Files, server: SignIns) -> None:
    """It is listed no more. One that was not used again is no theft."""
    lost, kept = begin(server), begin(server)
    files.advance(90 * DAY - 1)
    again = refreshed(server, kept)
    files.advance(1)
    assert refreshed(server, lost) is None
    assert again
    assert opens(server, again)
    assert len(server.all()) == 1


def test_a_retry_counts_for_a_minute_from_the_first_use(files: Files, server: SignIns) -> None:
    """A retry in between does not make it longer. After it, the sign-in ends."""
    first = begin(server)
    second = refreshed(server, first)
    for seconds in (50, 10):
        files.advance(seconds)
        assert refreshed(server, first) == second
    files.advance(1)
    assert refreshed(server, first) is None
    assert list(server.all()) == []


def test_a_stolen_refresh_token_is_not_forgotten(files: Files, server: SignIns) -> None:
    """However often a thief refreshes: its owner's next use still reveals the theft."""
    stolen = begin(server)
    tokens: TokenPair | None = stolen
    for _ in range(40):
        assert tokens
        tokens = refreshed(server, tokens)
    files.advance(61)
    assert refreshed(server, stolen) is None
    assert tokens
    assert not opens(server, tokens)


def test_a_clock_that_is_set_back_a_little_ends_nothing(files: Files, server: SignIns) -> None:
    """As a time server does it."""
    tokens = begin(server)
    files.advance(-600)
    assert opens(server, tokens)
    again = refreshed(server, tokens)
    assert again
    assert opens(server, again)


def test_a_token_from_the_future_opens_nothing(files: Files, server: SignIns) -> None:
    """A wrong clock would let it live for as long as it was wrong."""
    tokens = begin(server)
    files.advance(-1000 * DAY)
    assert not opens(server, tokens)
    assert refreshed(server, tokens) is None


def test_a_clock_that_is_set_back_does_not_stretch_the_time_for_retries(
    files: Files, server: SignIns
) -> None:
    """An hour before its first use, a stolen refresh token is not a retry."""
    first = begin(server)
    second = refreshed(server, first)
    files.advance(-3600)
    assert refreshed(server, first) is None
    assert second
    assert not opens(server, second)
