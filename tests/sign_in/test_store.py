"""What the store of sign-ins keeps, and for how long, on a clock that is moved by hand."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from tests.support.sign_in_setup import (
    CLIENT,
    KEY,
    OTHER_KEY,
    grant_of,
    key_of,
    refreshed,
    store_in,
)
from trax_mcp.api.caller import Caller
from trax_mcp.sign_in.grants import Access, OAuthClient, SignIn, SignInUnavailable

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.sign_in_setup import WallClock
    from trax_mcp.sign_in.store import SignInStore

DAYS_14 = 14 * 24 * 3600


def test_a_token_opens_the_key_that_it_was_issued_for(store: SignInStore, clock: WallClock) -> None:
    """And says whose sign-in it is, at which client, and how far it goes."""
    tokens = store.issue(grant_of(access=Access.READ))
    found = store.find(tokens.access_token)
    assert found is not None
    sign_in, caller = found
    assert caller == Caller(KEY, client=CLIENT.id, read_only=True)
    assert sign_in == SignIn(
        id=tokens.sign_in_id,
        person=sign_in.person,
        client_id=CLIENT.id,
        client_name="Example Client",
        redirect_host="client.example",
        access=Access.READ,
        created=clock.now(),
        last_used=clock.now(),
    )
    assert tokens.expires_in == DAYS_14
    assert tokens.access is Access.READ
    assert tokens.access_token.startswith("trax_at_")
    assert tokens.refresh_token.startswith("trax_rt_")


def test_only_a_caller_who_may_look_only_is_read_only(store: SignInStore) -> None:
    """The caller of another choice is offered everything."""
    tokens = store.issue(grant_of(access=Access.RUN))
    found = store.find(tokens.access_token)
    assert found is not None
    assert found[1] == Caller(KEY, client=CLIENT.id)


@pytest.mark.parametrize("token", ["", "trax_at_", "sk_live_x", "trax_at_" + "A" * 64, "é" * 72])
def test_a_token_that_was_never_issued_opens_nothing(store: SignInStore, token: str) -> None:
    """Whatever its form."""
    tokens = store.issue(grant_of())
    assert store.find(token) is None
    assert store.refresh(token, client_id=CLIENT.id) is None
    store.revoke_token(token, client_id=CLIENT.id)
    assert key_of(store, tokens.access_token) == KEY


def test_neither_kind_of_token_serves_as_the_other(store: SignInStore) -> None:
    """A refresh token opens no call, and an access token gives no further tokens."""
    tokens = store.issue(grant_of())
    swapped = tokens.refresh_token.replace("trax_rt_", "trax_at_")
    assert store.find(tokens.refresh_token) is None
    assert store.find(swapped) is None
    assert store.refresh(tokens.access_token, client_id=CLIENT.id) is None
    assert key_of(store, tokens.access_token) == KEY


def test_an_access_token_ends_after_14_days_without_use(
    store: SignInStore, clock: WallClock
) -> None:
    """To the second."""
    tokens = store.issue(grant_of())
    clock.move(days=14, seconds=-1)
    assert key_of(store, tokens.access_token) == KEY
    clock.move(days=14)
    assert store.find(tokens.access_token) is None


def test_an_access_token_ends_after_30_days_however_much_it_is_used(
    store: SignInStore, clock: WallClock
) -> None:
    """It is used each day."""
    tokens = store.issue(grant_of())
    for _day in range(29):
        clock.move(days=1)
        assert key_of(store, tokens.access_token) == KEY
    clock.move(days=1)
    assert store.find(tokens.access_token) is None


def test_a_use_is_noted_once_an_hour(store: SignInStore, clock: WallClock) -> None:
    """So that a busy client does not keep the disk busy."""
    tokens = store.issue(grant_of())
    created = clock.now()
    clock.move(minutes=59)
    store.find(tokens.access_token)
    assert [it.last_used for it in store.all()] == [created]
    clock.move(minutes=1)
    store.find(tokens.access_token)
    assert [it.last_used for it in store.all()] == [clock.now()]


def test_a_refresh_gives_a_new_pair_for_the_same_sign_in(
    store: SignInStore, clock: WallClock
) -> None:
    """With the same access. The old access token serves on until it ends."""
    tokens = store.issue(grant_of(access=Access.READ))
    clock.move(days=13)
    second = refreshed(store, tokens.refresh_token)
    assert second.sign_in_id == tokens.sign_in_id
    assert second.access is Access.READ
    assert len({tokens.access_token, second.access_token, tokens.refresh_token}) == 3
    assert key_of(store, second.access_token) == KEY
    assert key_of(store, tokens.access_token) == KEY
    assert [it.last_used for it in store.all()] == [clock.now()]


def test_a_refresh_token_ends_after_90_days(store: SignInStore, clock: WallClock) -> None:
    """To the second."""
    tokens = store.issue(grant_of())
    clock.move(days=90, seconds=-1)
    second = refreshed(store, tokens.refresh_token)
    clock.move(days=90)
    assert store.refresh(second.refresh_token, client_id=CLIENT.id) is None


def test_an_ended_refresh_token_that_was_never_used_is_no_theft(
    store: SignInStore, clock: WallClock
) -> None:
    """It gives nothing, and its sign-in lives on with the tokens of another worker."""
    tokens = store.issue(grant_of())
    idle, busy = (refreshed(store, tokens.refresh_token) for _worker in range(2))
    clock.move(days=89)
    busy = refreshed(store, busy.refresh_token)
    clock.move(days=1)
    assert store.refresh(idle.refresh_token, client_id=CLIENT.id) is None
    assert key_of(store, busy.access_token) == KEY


def test_a_retry_of_a_refresh_within_60_seconds_gives_another_good_pair(
    store: SignInStore, clock: WallClock
) -> None:
    """An answer was lost, or workers of one client refresh at once."""
    tokens = store.issue(grant_of())
    pairs = [refreshed(store, tokens.refresh_token)]
    clock.move(seconds=60)
    pairs.append(refreshed(store, tokens.refresh_token))
    assert [key_of(store, it.access_token) for it in pairs] == [KEY, KEY]
    for pair in pairs:
        refreshed(store, pair.refresh_token)


def test_a_refresh_token_used_again_later_revokes_its_sign_in(
    store: SignInStore, clock: WallClock
) -> None:
    """One of the two users is a thief. Other sign-ins of the person stay."""
    other = store.issue(grant_of())
    tokens = store.issue(grant_of())
    second = refreshed(store, tokens.refresh_token)
    clock.move(seconds=61)
    assert store.refresh(tokens.refresh_token, client_id=CLIENT.id) is None
    for token in (tokens.access_token, second.access_token):
        assert store.find(token) is None
    assert store.refresh(second.refresh_token, client_id=CLIENT.id) is None
    assert [it.id for it in store.all()] == [other.sign_in_id]


def test_a_retry_does_not_make_the_time_for_retries_longer(
    store: SignInStore, clock: WallClock
) -> None:
    """It counts from the first use."""
    tokens = store.issue(grant_of())
    refreshed(store, tokens.refresh_token)
    clock.move(seconds=50)
    refreshed(store, tokens.refresh_token)
    clock.move(seconds=50)
    assert store.refresh(tokens.refresh_token, client_id=CLIENT.id) is None
    assert store.all() == []


def test_a_thief_cannot_flush_the_memory_of_a_stolen_refresh_token(
    store: SignInStore, clock: WallClock
) -> None:
    """Its rows are bounded, and its owner's next use still reveals the theft."""
    stolen = store.issue(grant_of())
    tokens = stolen
    for _use in range(100):
        tokens = refreshed(store, tokens.refresh_token)
    clock.move(seconds=61)
    assert store.refresh(stolen.refresh_token, client_id=CLIENT.id) is None
    assert store.find(tokens.access_token) is None


def test_a_flood_of_retries_ends_no_sign_in(store: SignInStore, clock: WallClock) -> None:
    """The client has lost no token that it got. Reuse after the time for retries still ends it."""
    first = store.issue(grant_of())
    answers = [store.refresh(first.refresh_token, client_id=CLIENT.id) for _use in range(100)]
    given = [it for it in answers if it is not None]
    assert len(given) == 31
    assert answers[31:] == [None] * 69
    assert {key_of(store, it.access_token) for it in (first, *given)} == {KEY}
    clock.move(seconds=61)
    later = refreshed(store, given[-1].refresh_token)
    assert store.refresh(first.refresh_token, client_id=CLIENT.id) is None
    assert store.find(later.access_token) is None


def test_the_rows_of_one_sign_in_are_bounded(store: SignInStore) -> None:
    """However often a client refreshes."""
    tokens = store.issue(grant_of())
    for _use in range(100):
        tokens = refreshed(store, tokens.refresh_token)
    for table in ("access_tokens", "refresh_tokens"):
        ((count,),) = store._file.read(f"SELECT count(*) FROM {table}")  # noqa: S608
        assert count == 32
    assert key_of(store, tokens.access_token) == KEY


def test_a_refresh_token_serves_no_other_client(store: SignInStore, clock: WallClock) -> None:
    """Nor does the attempt use it up, or revoke anything, even after the time for retries."""
    tokens = store.issue(grant_of())
    assert store.refresh(tokens.refresh_token, client_id="https://other.example/") is None
    second = refreshed(store, tokens.refresh_token)
    clock.move(minutes=2)
    assert store.refresh(tokens.refresh_token, client_id="https://other.example/") is None
    assert key_of(store, second.access_token) == KEY


@pytest.mark.parametrize("kind", ["access_token", "refresh_token"])
def test_revoking_a_token_ends_its_whole_sign_in(store: SignInStore, kind: str) -> None:
    """Either token does. Another sign-in of the same person stays."""
    tokens, other = store.issue(grant_of()), store.issue(grant_of())
    token: str = getattr(tokens, kind)
    store.revoke_token(token, client_id="https://other.example/")
    assert key_of(store, tokens.access_token) == KEY
    store.revoke_token(token, client_id=CLIENT.id)
    assert store.find(tokens.access_token) is None
    assert store.refresh(tokens.refresh_token, client_id=CLIENT.id) is None
    assert key_of(store, other.access_token) == KEY


def test_a_revoked_sign_in_is_gone_at_once(store: SignInStore) -> None:
    """Revoking it again says that there is none."""
    tokens = store.issue(grant_of())
    assert store.revoke(tokens.sign_in_id)
    assert store.find(tokens.access_token) is None
    assert not store.revoke(tokens.sign_in_id)
    assert store.all() == []


def test_a_person_sees_the_sign_ins_with_their_own_key(
    store: SignInStore, clock: WallClock
) -> None:
    """The last used first, and nobody else's."""
    first = store.issue(grant_of())
    clock.move(minutes=1)
    store.issue(grant_of(OTHER_KEY))
    last = store.issue(grant_of())
    assert [it.id for it in store.of_person(KEY)] == [last.sign_in_id, first.sign_in_id]
    assert len({it.person for it in store.all()}) == 2
    assert store.of_person("sk_live_nobody") == []


def test_a_key_with_200_sign_ins_loses_the_one_unused_for_longest(
    store: SignInStore, clock: WallClock
) -> None:
    """Nobody else loses one."""
    others = store.issue(grant_of(OTHER_KEY))
    first = store.issue(grant_of())
    for _more in range(200):
        clock.move(seconds=1)
        store.issue(grant_of())
    assert len(store.of_person(KEY)) == 200
    assert store.find(first.access_token) is None
    assert key_of(store, others.access_token) == OTHER_KEY


def rows_of(store: SignInStore) -> dict[str, int]:
    """How many rows each table has."""
    tables = ("sign_ins", "access_tokens", "refresh_tokens")
    return {it: store._file.read(f"SELECT count(*) FROM {it}")[0][0] for it in tables}  # noqa: S608


@pytest.mark.parametrize("occasion", ["sign-in", "refresh", "call", "start"])
def test_ended_sign_ins_and_tokens_are_deleted(
    store: SignInStore, tmp_path: Path, clock: WallClock, occasion: str
) -> None:
    """When the file is written anyway, and at the start. What lives stays."""
    store.issue(grant_of())
    clock.move(days=89)
    other = store.issue(grant_of(OTHER_KEY))
    assert rows_of(store) == {"sign_ins": 2, "access_tokens": 1, "refresh_tokens": 2}
    clock.move(days=1)
    match occasion:
        case "sign-in":
            store.issue(grant_of(OTHER_KEY))
        case "refresh":
            refreshed(store, other.refresh_token)
        case "call":
            store.find(other.access_token)
        case _:
            store_in(tmp_path, clock).close()
    assert store.of_person(KEY) == []
    left = 1 if occasion in {"call", "start"} else 2
    assert rows_of(store) == {
        "sign_ins": 2 if occasion == "sign-in" else 1,
        "access_tokens": left,
        "refresh_tokens": left,
    }


def test_an_ended_sign_in_is_not_listed(store: SignInStore, clock: WallClock) -> None:
    """Even before it is deleted."""
    store.issue(grant_of())
    clock.move(days=90, seconds=-1)
    assert len(store.all()) == 1
    clock.move(seconds=1)
    assert store.all() == []
    assert store.of_person(KEY) == []


def test_a_registered_client_is_found_again(store: SignInStore) -> None:
    """It has no verified host."""
    client = OAuthClient(id="abc", name='A "b"', redirect_uris=("http://127.0.0.1/x", "app://y"))
    store.add_client(client)
    assert store.find_client("abc") == client
    assert store.find_client("ABC") is None


def test_a_full_table_of_clients_drops_the_oldest_one_without_a_sign_in(
    store: SignInStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If each has one, no further client is taken."""
    monkeypatch.setattr("trax_mcp.sign_in.registered_clients._MOST", 2)
    first, second, third, fourth = (replace(CLIENT, id=it, host=None) for it in "abcd")
    store.add_client(first)
    store.add_client(second)
    store.issue(grant_of(client=first))
    store.add_client(third)
    assert [store.find_client(it) for it in "abc"] == [first, None, third]
    store.issue(grant_of(client=third))
    with pytest.raises(SignInUnavailable, match="cannot take further clients"):
        store.add_client(fourth)
    assert store.find_client("d") is None


def test_a_full_file_takes_no_further_sign_in(
    store: SignInStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And ends nobody's. When another one has ended, it takes one."""
    monkeypatch.setattr("trax_mcp.sign_in.sign_in_rows._MOST_SIGN_INS", 1)
    tokens = store.issue(grant_of())
    with pytest.raises(SignInUnavailable, match="cannot take further sign-ins"):
        store.issue(grant_of(OTHER_KEY))
    assert key_of(store, tokens.access_token) == KEY
    assert len(store.all()) == 1
    assert store.revoke(tokens.sign_in_id)
    store.issue(grant_of(OTHER_KEY))
