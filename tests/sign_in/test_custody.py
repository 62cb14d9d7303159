"""A thief who reads or changes the server's two files gets no key, and no more rights.

The files are those that the server wrote. Nothing here knows their tables.
"""

from __future__ import annotations

import shutil
import sqlite3
from base64 import urlsafe_b64decode
from contextlib import closing
from itertools import combinations, product
from typing import TYPE_CHECKING, Any, Final

from tests.support.hosted_process import FILE, SECRET_FILE
from tests.support.product.sandbox_accounts import ANOTHER_ACCOUNT_KEY, MODERATOR_KEY
from tests.support.served_sign_in import SignInFront, registered, signing_in
from tests.world.wire import MODERN, tool_call

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

KEYS: Final = ("sk_live_anna_canary_0123456789", "sk_live_ben_canary_0123456789")
OTHER_SECRET: Final = "the-secret-of-another-server-is-not-the-same"
DAY: Final = 86_400
CHAT: Final = {"studioId": "studio_42", "text": "Hello"}

Row = tuple[Any, ...]
Table = tuple[str, list[str]]


def content_of(folder: Path) -> bytes:
    """All bytes of the file, of its journal, and of whatever lies beside it but the secret."""
    return b"".join(it.read_bytes() for it in folder.iterdir() if it.name != SECRET_FILE)


def put_secret(folder: Path, secret: str = OTHER_SECRET) -> None:
    """Make this the secret of the server in a folder."""
    (folder / SECRET_FILE).write_text(secret, encoding="utf-8")
    (folder / SECRET_FILE).chmod(0o600)


def tables_in(db: sqlite3.Connection) -> list[Table]:
    """Each table of the file, with its columns."""
    names = db.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
    return [
        (name, [row[1] for row in db.execute(f"PRAGMA table_info({name})")]) for (name,) in names
    ]


def rows_of(db: sqlite3.Connection, table: str) -> list[Row]:
    """The rows of a table."""
    return db.execute(f"SELECT * FROM {table}").fetchall()  # noqa: S608  a table of the file


def rows_in(folder: Path) -> int:
    """How many rows the file has."""
    with closing(sqlite3.connect(folder / FILE)) as db:
        return sum(len(rows_of(db, name)) for name, _ in tables_in(db))


def facts_of(front: SignInFront) -> dict[str, tuple[str, str]]:
    """The facts of each sign-in in the file: whose client it is, and what it may do."""
    return {it["id"]: (it["clientId"], it["access"]) for it in front.sign_ins()}


def blobs_in(folder: Path) -> set[bytes]:
    """All hashes and sealed values of the file."""
    with closing(sqlite3.connect(folder / FILE)) as db:
        rows = [it for name, _ in tables_in(db) for it in rows_of(db, name)]
    return {it for row in rows for it in row if isinstance(it, bytes)}


def replace_rows(db: sqlite3.Connection, table: str, rows: list[Row]) -> None:
    """Put these rows into a table, in place of all others, as far as its keys allow."""
    with db:
        db.execute(f"DELETE FROM {table}")  # noqa: S608  as above
        for row in rows:
            marks = ", ".join("?" * len(row))
            db.execute(f"INSERT OR IGNORE INTO {table} VALUES ({marks})", row)  # noqa: S608


async def use(front: SignInFront, tokens: dict[str, Any], key: str, *, can_write: bool) -> bool:
    """Whether a token works. It never has another key than its own, or more rights."""
    asked = len(front.trax.requests)
    caller = front.signed_in(MODERN, tokens)
    answer = await caller.post(tool_call(MODERN, "list_studios"))
    if answer.status_code == 200:
        sent = await caller.call("send_chat_message", **CHAT)
        assert can_write or sent["structuredContent"]["error"]["code"] == "read_only"
    assert set(front.keys[asked:]) <= {key}
    return answer.status_code == 200


async def test_the_file_holds_no_key_no_token_and_no_secret(tmp_path: Path) -> None:
    """Nor does its journal, at any time. The other file has the secret and nothing else."""
    async with registered(tmp_path) as (front, steps):
        front.trax.add_key(KEYS[0])
        tokens = await steps.sign_in(KEYS[0])
        second = (await steps.refresh(tokens["refresh_token"])).json()
        secret = (tmp_path / SECRET_FILE).read_text(encoding="utf-8").strip()
        content = content_of(tmp_path)
    assert b"The tests" in content
    given = [it[kind] for it in (tokens, second) for kind in ("access_token", "refresh_token")]
    for it in (KEYS[0], secret, *given):
        assert it.encode() not in content
        assert it[8:40].encode() not in content
    for it in given:  # nor are the bytes that a token stands for
        said = urlsafe_b64decode(it[8:])
        assert [at for at in range(len(said) - 16) if said[at : at + 16] in content] == []
    assert len(secret) >= 43


async def test_a_stolen_file_and_a_token_open_nothing_without_the_secret(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """On a thief's server: it deletes all sign-ins, says so, and knows no registered client."""
    own, thiefs = tmp_path / "own", tmp_path / "thief"
    thiefs.mkdir()
    async with registered(own) as (front, steps):
        url = front.address
        tokens = await steps.sign_in(MODERATOR_KEY)
        await steps.sign_in(ANOTHER_ACCOUNT_KEY)
        for it in own.glob(f"{FILE}*"):
            shutil.copy(it, thiefs / it.name)
        put_secret(thiefs)
        async with (
            signing_in(thiefs, public_url=url) as thief,
            thief.steps(steps.client_id) as theirs,
        ):
            assert await thief.status_of(tokens["access_token"]) == 401
            assert (await theirs.refresh(tokens["refresh_token"])).status_code == 400
            assert thief.keys == []
            assert thief.sign_ins() == []
            assert "does not know the client" in (await theirs.authorize()).text
        assert await front.status_of(tokens["access_token"]) == 200
    assert caplog.text.count("2 sign-ins are deleted, and everybody signs in again.") == 1


async def test_a_thief_cannot_try_keys_on_the_file(tmp_path: Path) -> None:
    """Which sign-ins are of one person shows, but whose they are takes the secret to compute."""
    people = []
    for name in ("ours", "theirs"):
        async with registered(tmp_path / name) as (front, steps):
            for key in (*KEYS, KEYS[0]):
                front.trax.add_key(key)
                await steps.sign_in(key)
            people.append({it["person"] for it in front.sign_ins()})
    assert [len(it) for it in people] == [2, 2]
    assert people[0].isdisjoint(people[1])


async def test_a_stolen_file_that_is_made_to_fit_another_secret_opens_nothing(
    tmp_path: Path,
) -> None:
    """Even with a token. A thief puts its rows among their own, and each value of theirs in."""
    async with registered(tmp_path / "own") as (front, steps):
        url = front.address
        front.trax.add_key(KEYS[0])
        tokens = await steps.sign_in(KEYS[0])
    async with registered(tmp_path / "thief", public_url=url) as (thief, theirs):
        for key in KEYS:
            thief.trax.add_key(key)
        await theirs.sign_in(KEYS[1])
        with (
            closing(sqlite3.connect(tmp_path / "own" / FILE)) as stolen,
            closing(sqlite3.connect(tmp_path / "thief" / FILE)) as db,
        ):
            found = {name: rows_of(stolen, name) for name, _ in tables_in(stolen)}
            before = {name: rows_of(db, name) for name, _ in tables_in(db)}
            for name, rows in found.items():
                replace_rows(db, name, before[name] + rows)
            assert not await use(thief, tokens, KEYS[0], can_write=True)
            for name, columns in tables_in(stolen):
                for at in range(len(columns)) if found[name] and before[name] else ():
                    theirs_too = [
                        (*it[:at], before[name][0][at], *it[at + 1 :]) for it in found[name]
                    ]
                    replace_rows(db, name, theirs_too + before[name])
                    assert not await use(thief, tokens, KEYS[0], can_write=True)
                    replace_rows(db, name, before[name] + found[name])
        assert KEYS[0] not in thief.keys


async def test_whoever_writes_to_the_file_gets_nobody_s_key_and_no_more_rights(
    tmp_path: Path,
) -> None:
    """Two people, one of whom may look only. Each value of one is exchanged with the other's.

    If the file then says something else of a sign-in, its tokens are good no more.
    """
    tried = 0
    async with registered(tmp_path) as (front, steps), front.steps() as others:
        for key in KEYS:
            front.trax.add_key(key)
        await others.register()
        anna = await steps.sign_in(KEYS[0], access="read")
        ben = await others.sign_in(KEYS[1])
        said = facts_of(front)
        with closing(sqlite3.connect(tmp_path / FILE)) as db:
            for table, columns in tables_in(db):
                rows = rows_of(db, table)
                for (one, other), at in product(combinations(rows, 2), range(len(columns))):
                    if one[at] == other[at]:
                        continue
                    rest = [it for it in rows if it not in (one, other)]
                    exchanged = [(*one[:at], other[at], *one[at + 1 :])]
                    exchanged.append((*other[:at], one[at], *other[at + 1 :]))
                    replace_rows(db, table, exchanged + rest)
                    works = [
                        await use(front, anna, KEYS[0], can_write=False),
                        await use(front, ben, KEYS[1], can_write=True),
                    ]
                    assert not any(works) or facts_of(front) == said, columns[at]
                    replace_rows(db, table, rows)
                    tried += 1
        assert tried > 5
        assert await use(front, anna, KEYS[0], can_write=False)
        assert await use(front, ben, KEYS[1], can_write=True)


async def test_later_times_in_the_file_do_not_make_a_token_live_longer(tmp_path: Path) -> None:
    """Its age is computed from what is sealed. All times are changed, and all but one."""
    async with registered(tmp_path) as (front, steps):
        tokens = await steps.sign_in(MODERATOR_KEY)
        front.clock.advance(30 * DAY)
        later = int(front.clock.now().timestamp())
        with closing(sqlite3.connect(tmp_path / FILE)) as db:
            before = {name: rows_of(db, name) for name, _ in tables_in(db)}
            for left_out in range(-1, 9):
                for table, rows in before.items():
                    changed = [
                        tuple(
                            later if isinstance(it, int) and it > DAY and at != left_out else it
                            for at, it in enumerate(row)
                        )
                        for row in rows
                    ]
                    replace_rows(db, table, changed)
                assert await front.status_of(tokens["access_token"]) == 401
            assert front.keys[1:] == []


async def test_nothing_of_a_revoked_sign_in_stays_on_the_disk(tmp_path: Path) -> None:
    """A later thief of everything, and of the token, finds no sealed key."""
    async with registered(tmp_path) as (front, steps):
        await steps.sign_in(MODERATOR_KEY)
        sealed = blobs_in(tmp_path)
        front.revoke()
    content = content_of(tmp_path)
    assert sealed
    assert [it for it in sealed if it in content] == []


async def test_ended_sign_ins_leave_the_file(tmp_path: Path) -> None:
    """When it is written anyway. So it does not grow for ever, nor does one that is refreshed."""
    async with registered(tmp_path) as (front, steps):
        empty = rows_in(tmp_path)
        await steps.sign_in(MODERATOR_KEY)
        one = rows_in(tmp_path) - empty
        for _ in range(2):
            tokens = await steps.sign_in(MODERATOR_KEY)
        front.clock.advance(91 * DAY)
        tokens = await steps.sign_in(MODERATOR_KEY)
        assert rows_in(tmp_path) - empty == one
        for most in (32, 64):
            for _ in range(most):
                tokens = (await steps.refresh(tokens["refresh_token"])).json()
            assert rows_in(tmp_path) - empty <= one * 32


async def test_one_person_cannot_fill_the_file(tmp_path: Path) -> None:
    """Of 200 sign-ins, the one that was unused for longest ends. Nobody else loses one."""
    async with registered(tmp_path) as (front, steps):
        others = await steps.sign_in(ANOTHER_ACCOUNT_KEY)
        first = await steps.sign_in(MODERATOR_KEY)
        for _ in range(200):
            front.clock.advance(11)  # sixty in ten minutes can begin
            await steps.sign_in(MODERATOR_KEY)
        assert len(front.sign_ins()) == 201
        assert await front.status_of(first["access_token"]) == 401
        assert await front.status_of(others["access_token"]) == 200
