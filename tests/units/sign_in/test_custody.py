"""A thief who reads or changes the file of sign-ins gets no key, and no more rights."""

from __future__ import annotations

import shutil
from base64 import urlsafe_b64decode
from contextlib import closing
from itertools import combinations, product
from typing import TYPE_CHECKING, Final

from tests.units.sign_in.sign_in_files import (
    CLIENTS,
    KEYS,
    SECRETS,
    Files,
    Row,
    begin,
    opens,
    refreshed,
)
from trax_mcp.sign_in.sign_ins import Scope, SignIns, TokenPair

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

DAY: Final = 86_400


def caller_of(server: SignIns, tokens: TokenPair) -> tuple[str, bool] | None:
    """The key that an access token opens, and whether it only reads."""
    found = server.find(tokens.access_token)
    return (str(found[1].key), found[1].read_only) if found else None


def changed(row: Row, at: int, value: object) -> Row:
    return (*row[:at], value, *row[at + 1 :])


def test_the_file_holds_no_key_no_token_and_no_secret(files: Files, server: SignIns) -> None:
    """Nor the bytes that a token stands for. Nor does its journal, at any time."""
    pairs = [tokens := begin(server), refreshed(server, tokens)]
    content = files.content
    given = [text for it in pairs if it for text in (it.access_token, it.refresh_token)]
    assert len(given) == 4
    for it in (KEYS[0], SECRETS[0], *given):
        assert it[8:40].encode() not in content
    for it in given:
        said = urlsafe_b64decode(it[8:])
        assert [at for at in range(len(said) - 16) if said[at : at + 16] in content] == []


def test_a_stolen_file_and_a_token_open_nothing_without_the_secret(
    files: Files, server: SignIns, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A thief's server deletes all sign-ins, and says so."""
    thiefs = Files(tmp_path)
    tokens, _ = begin(server), begin(server, KEYS[1])
    for it in files.folder.iterdir():
        shutil.copy(it, tmp_path / it.name)
    with closing(thiefs.opened(secret=SECRETS[1])) as thief:
        assert not opens(thief, tokens)
        assert refreshed(thief, tokens) is None
        assert (list(thief.all()), thiefs.rows) == ([], [])
    assert opens(server, tokens)
    assert caplog.text.count("2 sign-ins are deleted, and everybody signs in again.") == 1


def test_a_thief_cannot_try_keys_on_the_file(server: SignIns, tmp_path: Path) -> None:
    """Which sign-ins are of one person shows, but whose they are takes the secret to compute."""
    with closing(Files(tmp_path).opened(secret=SECRETS[1])) as thief:
        assert len({it.person(key) for it in (server, thief) for key in KEYS}) == 4
    assert server.person(KEYS[0]) == server.person(KEYS[0])


def test_a_stolen_file_that_is_made_to_fit_another_secret_opens_nothing(
    files: Files, server: SignIns, tmp_path: Path
) -> None:
    """Even with a token. A thief puts its rows among their own, and each value of theirs in."""
    thiefs = Files(tmp_path)
    tokens = begin(server)
    (stolen,) = files.rows
    with closing(thiefs.opened(secret=SECRETS[1])) as thief:
        begin(thief, KEYS[1])
        (own,) = thiefs.rows
        for row in (stolen, *(changed(stolen, at, it) for at, it in enumerate(own))):
            thiefs.write([row, own])
            assert not opens(thief, tokens)


def test_a_person_who_writes_to_the_file_gets_nobody_s_key_and_no_more_rights(
    files: Files, server: SignIns
) -> None:
    """Two people, one of whom may look only. Each value of one is exchanged with the other's.

    If the file then says something else of a sign-in, its tokens are good no more.
    """
    anna = begin(server, KEYS[0], access=Scope.READ)
    ben = begin(server, KEYS[1], client=CLIENTS[1])
    said = {(it.id, it.client_id, it.access) for it in server.all()}
    rows, tried = files.rows, 0
    for (one, other), at in product(combinations(rows, 2), range(len(files.columns))):
        if one[at] == other[at]:
            continue
        files.write([changed(one, at, other[at]), changed(other, at, one[at])])
        works = [caller_of(server, it) for it in (anna, ben)]
        for found, own in zip(works, ((KEYS[0], True), (KEYS[1], False)), strict=True):
            assert found in {None, own}, files.columns[at]
        now = {(it.id, it.client_id, it.access) for it in server.all()}
        assert not any(works) or now == said, files.columns[at]
        tried += 1
    assert tried > 5
    files.write(rows)
    assert [opens(server, it) for it in (anna, ben)] == [True, True]


def test_later_times_in_the_file_do_not_make_a_token_live_longer(
    files: Files, server: SignIns
) -> None:
    """Its age is computed from what is sealed. All times are changed, and all but one."""
    tokens = begin(server)
    files.advance(30 * DAY)
    later, (row,) = int(files.clock.seconds()), files.rows
    times = [at for at, it in enumerate(row) if isinstance(it, int) and it > DAY]
    assert len(times) == 3
    for left_out in (None, *times):
        files.write(
            [tuple(later if at in times and at != left_out else it for at, it in enumerate(row))]
        )
        assert not opens(server, tokens)


def test_nothing_of_a_revoked_sign_in_stays_on_the_disk(files: Files) -> None:
    """A later thief of everything, and of the token, finds no sealed key."""
    with closing(files.opened()) as server:
        begin(server)
        sealed = [it for it in files.rows[0] if isinstance(it, bytes)]
        assert [it for it in sealed if it not in files.content] == []
        server.revoke(server.all()[0].id)
    assert [it for it in sealed if it in files.content] == []


def test_ended_sign_ins_leave_the_file(files: Files, server: SignIns) -> None:
    """When it is written anyway. So it does not grow for ever, nor does one that is refreshed."""
    for _ in range(3):
        begin(server)
    files.advance(91 * DAY)
    tokens: TokenPair | None = begin(server)
    for _ in range(40):
        assert tokens
        tokens = refreshed(server, tokens)
    assert len(files.rows) == 1


def test_one_person_cannot_fill_the_file(files: Files, server: SignIns) -> None:
    """Of 200 sign-ins, the one that was unused for longest ends. Nobody else loses one."""
    others, first = begin(server, KEYS[1]), begin(server)
    for _ in range(200):
        files.advance(1)
        begin(server)
    assert len(files.rows) == 201
    assert (opens(server, first), opens(server, others)) == (False, True)
