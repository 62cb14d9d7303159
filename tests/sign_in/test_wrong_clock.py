"""Sign-ins on a computer whose clock jumps."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.support.sign_in_setup import CLIENT, KEY, grant_of, key_of, refreshed

if TYPE_CHECKING:
    from tests.support.sign_in_setup import WallClock
    from trax_mcp.sign_in.store import SignInStore


def test_a_clock_that_is_set_back_a_little_ends_nothing(
    store: SignInStore, clock: WallClock
) -> None:
    """As a time server does it."""
    tokens = store.issue(grant_of())
    clock.move(minutes=-10)
    assert key_of(store, tokens.access_token) == KEY
    second = refreshed(store, tokens.refresh_token)
    assert key_of(store, second.access_token) == KEY


def test_a_token_from_the_future_opens_nothing(store: SignInStore, clock: WallClock) -> None:
    """A wrong clock would let it live for as long as it was wrong."""
    clock.move(days=1000)
    tokens = store.issue(grant_of())
    clock.move(days=-1000)
    assert store.find(tokens.access_token) is None
    assert store.refresh(tokens.refresh_token, client_id=CLIENT.id) is None


def test_a_use_in_the_future_does_not_make_a_token_live_longer(
    store: SignInStore, clock: WallClock
) -> None:
    """It still ends 30 days after it was issued, and the next use is noted with the true date."""
    tokens = store.issue(grant_of())
    clock.move(days=13)
    store.find(tokens.access_token)
    clock.move(days=-12)
    store.find(tokens.access_token)
    assert [it.last_used for it in store.all()] == [clock.now()]
    clock.move(days=14)
    assert store.find(tokens.access_token) is None


def test_a_clock_that_is_set_back_does_not_stretch_the_time_for_retries(
    store: SignInStore, clock: WallClock
) -> None:
    """An hour before its first use, a stolen refresh token is not a retry."""
    tokens = store.issue(grant_of())
    refreshed(store, tokens.refresh_token)
    clock.move(hours=-1)
    assert store.refresh(tokens.refresh_token, client_id=CLIENT.id) is None
    assert store.all() == []
