"""What a thief gets who reads the file of sign-ins, or changes it."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from tests.support.sign_in_setup import (
    CLIENT,
    FILE,
    KEY,
    OTHER_KEY,
    SECRET,
    grant_of,
    key_of,
    refreshed,
    store_in,
)
from trax_mcp.sign_in.grants import Access

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.sign_in_setup import WallClock
    from trax_mcp.sign_in.store import SignInStore


def content_of(folder: Path) -> bytes:
    """All bytes of the file and its journal."""
    return b"".join(it.read_bytes() for it in folder.iterdir())


def change_rows(folder: Path, statement: str) -> None:
    """Change the file as somebody who can write it."""
    with closing(sqlite3.connect(folder / FILE)) as connection, connection:
        assert connection.execute(statement).rowcount > 0


def test_the_file_holds_no_key_no_token_and_no_secret(store: SignInStore, tmp_path: Path) -> None:
    """Nor does its journal, at any time."""
    tokens = store.issue(grant_of())
    second = refreshed(store, tokens.refresh_token)
    content = content_of(tmp_path)
    assert CLIENT.name.encode() in content
    pairs = (tokens, second)
    given = [token for it in pairs for token in (it.access_token, it.refresh_token)]
    for secret in (KEY, SECRET, *given):
        assert secret.encode() not in content
        assert secret[8:40].encode() not in content


def test_the_file_and_a_token_open_nothing_without_the_server_s_secret(
    store: SignInStore, tmp_path: Path, clock: WallClock
) -> None:
    """A server with another secret deletes all sign-ins, and says so. Registered clients stay."""
    store.add_client(CLIENT)
    tokens = store.issue(grant_of())
    store.close()
    with closing(store_in(tmp_path, clock, secret="x" * 40)) as other:
        assert other.all() == []
        assert other.find(tokens.access_token) is None
        assert other.find_client(CLIENT.id) is not None


def test_a_thief_cannot_try_keys_on_the_file(tmp_path: Path, clock: WallClock) -> None:
    """Which sign-ins are of one person shows, but whose they are takes the secret to compute."""
    with (
        closing(store_in(tmp_path / "ours", clock)) as ours,
        closing(store_in(tmp_path / "theirs", clock, secret="x" * 40)) as theirs,
    ):
        for store in (ours, theirs):
            store.issue(grant_of())
        assert {it.person for it in ours.all()}.isdisjoint(it.person for it in theirs.all())


def test_a_thief_who_makes_the_file_fit_their_own_secret_opens_nothing(
    store: SignInStore, tmp_path: Path, clock: WallClock
) -> None:
    """Even with a token: the key is sealed with both."""
    tokens = store.issue(grant_of())
    thief = tmp_path / "thief"
    store_in(thief, clock, secret="x" * 40).close()
    with closing(sqlite3.connect(thief / FILE)) as connection:
        (check_value,) = connection.execute("SELECT check_value FROM secret").fetchone()
    fit = f"UPDATE secret SET check_value = '{check_value}'"  # noqa: S608  a hash
    change_rows(tmp_path, fit)
    with closing(store_in(tmp_path, clock, secret="x" * 40)) as theirs:
        assert len(theirs.all()) == 1
        assert theirs.find(tokens.access_token) is None
        assert theirs.refresh(tokens.refresh_token, client_id=CLIENT.id) is None


def test_sign_ins_that_a_new_secret_ends_are_reported(
    store: SignInStore, tmp_path: Path, clock: WallClock, caplog: pytest.LogCaptureFixture
) -> None:
    """Once, with their number."""
    store.issue(grant_of())
    store.issue(grant_of(OTHER_KEY))
    store.close()
    for _start in range(2):
        store_in(tmp_path, clock, secret="x" * 40).close()
    (line,) = caplog.messages
    assert line == (
        "TRAX_SIGN_IN_SECRET_FILE holds another secret than before: 2 sign-ins are deleted, and"
        " everybody signs in again."
    )


def test_a_token_is_good_at_no_other_public_address(
    store: SignInStore, tmp_path: Path, clock: WallClock
) -> None:
    """Not even on the same file with the same secret. Back at its own address it is good again."""
    tokens = store.issue(grant_of())
    with closing(store_in(tmp_path, clock, audience="https://other.example.com")) as other:
        assert other.find(tokens.access_token) is None
        assert other.refresh(tokens.refresh_token, client_id=CLIENT.id) is None
    assert key_of(store, tokens.access_token) == KEY


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE sign_ins SET access = 'run'",
        "UPDATE sign_ins SET client_id = 'https://thief.example/'",
        "UPDATE access_tokens SET issued = issued + 3600",
        "UPDATE access_tokens SET sealed = zeroblob(60)",
        "UPDATE access_tokens SET sealed = (SELECT sealed FROM refresh_tokens)",
    ],
)
def test_a_row_that_was_changed_in_the_file_opens_nothing(
    store: SignInStore, tmp_path: Path, change: str
) -> None:
    """Nobody gets more than a person has allowed by writing to the file."""
    tokens = store.issue(grant_of(access=Access.READ))
    change_rows(tmp_path, change)
    assert store.find(tokens.access_token) is None


def test_a_later_end_in_the_file_does_not_make_a_token_live_longer(
    store: SignInStore, tmp_path: Path, clock: WallClock
) -> None:
    """The end is computed from when it was issued, which is sealed."""
    tokens = store.issue(grant_of())
    clock.move(days=30)
    change_rows(tmp_path, "UPDATE access_tokens SET ends = 9999999999, used = 9999999999")
    assert store.find(tokens.access_token) is None


@pytest.mark.parametrize("how", ["revoke", "revoke_token", "reuse"])
def test_nothing_of_a_revoked_sign_in_stays_on_the_disk(
    store: SignInStore, tmp_path: Path, clock: WallClock, how: str
) -> None:
    """A later thief of everything, and of the token, finds no sealed key."""
    tokens = store.issue(grant_of())
    sealed = [
        row["sealed"]
        for table in ("access_tokens", "refresh_tokens")
        for row in store._file.read(f"SELECT sealed FROM {table}")  # noqa: S608
    ]
    before = content_of(tmp_path)
    assert all(it in before for it in sealed)
    match how:
        case "revoke":
            store.revoke(tokens.sign_in_id)
        case "revoke_token":
            store.revoke_token(tokens.access_token, client_id=CLIENT.id)
        case _:
            refreshed(store, tokens.refresh_token)
            clock.move(minutes=2)
            store.refresh(tokens.refresh_token, client_id=CLIENT.id)
    after = content_of(tmp_path)
    assert not any(it in after for it in sealed)
