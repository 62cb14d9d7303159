"""The SQLite file of sign-ins: its tables, its permissions, and what happens if it fails.

It holds no token and no key in clear. See `store` for what its columns mean.
"""

import logging
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from trax_mcp.settings import CannotStart
from trax_mcp.sign_in.grants import SignInUnavailable
from trax_mcp.sign_in.private_files import check_private, create_private

SERVER_WAIT_SECONDS: Final = 0.25
"""How long a server waits for another process that writes. It serves nobody meanwhile."""
COMMAND_WAIT_SECONDS: Final = 5.0

_SETTING: Final = "TRAX_SIGN_IN_FILE"
_LOG = logging.getLogger(__name__)
_APPLICATION_ID: Final = 0x54525849
"""Tells this file from an SQLite file of another program."""
_VERSION: Final = 1
_CLOSED: Final = (-1, -1)
_UNAVAILABLE: Final = (
    "This server cannot keep or look up sign-ins right now, so nothing was changed. Try again"
    " later, or tell the person who runs it."
)
_TABLES: Final = """
CREATE TABLE secret (check_value TEXT NOT NULL);
CREATE TABLE sign_ins (
    id TEXT PRIMARY KEY, family BLOB NOT NULL UNIQUE, person TEXT NOT NULL,
    client_id TEXT NOT NULL, client_name TEXT NOT NULL, redirect_host TEXT NOT NULL,
    access TEXT NOT NULL, created INTEGER NOT NULL, last_used INTEGER NOT NULL
);
CREATE INDEX sign_ins_of_person ON sign_ins (person);
CREATE INDEX sign_ins_of_client ON sign_ins (client_id);
CREATE TABLE access_tokens (
    hash BLOB PRIMARY KEY, sign_in_id TEXT NOT NULL REFERENCES sign_ins ON DELETE CASCADE,
    sealed BLOB NOT NULL, issued INTEGER NOT NULL, used INTEGER NOT NULL, ends INTEGER NOT NULL
);
CREATE INDEX access_tokens_of_sign_in ON access_tokens (sign_in_id);
CREATE TABLE refresh_tokens (
    hash BLOB PRIMARY KEY, sign_in_id TEXT NOT NULL REFERENCES sign_ins ON DELETE CASCADE,
    sealed BLOB NOT NULL, issued INTEGER NOT NULL, used INTEGER, ends INTEGER NOT NULL
);
CREATE INDEX refresh_tokens_of_sign_in ON refresh_tokens (sign_in_id);
CREATE TABLE clients (
    id TEXT PRIMARY KEY, name TEXT NOT NULL, redirect_uris TEXT NOT NULL, created INTEGER NOT NULL
);
"""


class SignInFile:
    """The open file, for one thread. If it is deleted or replaced, the file at its path counts.

    `check_value` tells whether its rows were sealed with the present secret; if not, they are
    useless and are deleted. Without one, as in a command, the file is neither made nor emptied.

    Raises:
        CannotStart: it cannot be opened, is not a file of sign-ins, or others can read or write it.
    """

    def __init__(self, path: Path, *, check_value: str | None = None, wait_seconds: float) -> None:
        self._path = path
        self._check_value = check_value
        self._wait_seconds = wait_seconds
        self._failure = ""
        self._connection, self._identity = self._open()

    def read(self, query: str, *values: object) -> Sequence[sqlite3.Row]:
        """All rows of a query.

        Raises:
            SignInUnavailable: the file cannot be read.
        """
        with self._errors_as_sentence():
            rows: Sequence[sqlite3.Row] = self._current().execute(query, values).fetchall()
        return rows

    @contextmanager
    def change(self) -> Iterator[sqlite3.Connection]:
        """A transaction, of which all or nothing is written.

        Raises:
            SignInUnavailable: the file cannot be read or written. Nothing has changed.
        """
        with self._errors_as_sentence():
            connection = self._current()
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
                connection.execute("COMMIT")
            except BaseException:
                with suppress(sqlite3.Error):  # SQLite may have rolled back by itself
                    connection.execute("ROLLBACK")
                raise
        self._failure = ""

    def wipe_journal(self) -> None:
        """Wipe what was deleted from the journal too, as far as other readers allow."""
        with suppress(sqlite3.Error):
            self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    def _current(self) -> sqlite3.Connection:
        if _identity(self._path) != self._identity:
            self._connection.close()
            self._identity = _CLOSED  # what was there may come back
            self._connection, self._identity = self._open()
            _LOG.warning("%s was deleted or replaced: what is at its path counts now.", _SETTING)
        return self._connection

    def _open(self) -> tuple[sqlite3.Connection, tuple[int, int] | None]:
        if self._check_value is not None:
            create_private(self._path, setting=_SETTING)
        check_private(self._path, setting=_SETTING)
        try:
            connection = self._connect()
        except sqlite3.Error as error:
            if isinstance(error, sqlite3.OperationalError):
                reason = error.sqlite_errorname
                raise CannotStart(f"{_SETTING} cannot be opened ({reason}).") from None
            raise CannotStart(_not_ours()) from None
        return connection, _identity(self._path)

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self._path, timeout=self._wait_seconds, isolation_level=None)
        try:
            connection.row_factory = sqlite3.Row
            self._prepare(connection)
        except BaseException:
            connection.close()
            raise
        return connection

    def _prepare(self, connection: sqlite3.Connection) -> None:
        connection.execute("PRAGMA secure_delete = ON")
        connection.execute("PRAGMA foreign_keys = ON")
        _check_kind(connection)
        connection.execute("PRAGMA journal_mode = WAL")  # a read never waits for a writer
        connection.execute("PRAGMA synchronous = FULL")  # no revocation is lost with the power
        if self._check_value is not None:
            _make_tables(connection)
            self._check_secret(connection)

    def _check_secret(self, connection: sqlite3.Connection) -> None:
        connection.execute("BEGIN IMMEDIATE")
        row = connection.execute("SELECT check_value FROM secret").fetchone()
        if row is None or row["check_value"] != self._check_value:
            deleted = connection.execute("DELETE FROM sign_ins").rowcount
            connection.execute("DELETE FROM secret")
            connection.execute("INSERT INTO secret VALUES (?)", (self._check_value,))
            if deleted:
                _LOG.warning(
                    "TRAX_SIGN_IN_SECRET_FILE holds another secret than before: %d sign-ins are"
                    " deleted, and everybody signs in again.",
                    deleted,
                )
        connection.execute("COMMIT")

    @contextmanager
    def _errors_as_sentence(self) -> Iterator[None]:
        try:
            yield
        except (sqlite3.Error, CannotStart) as error:
            self._report_once(error)
            raise SignInUnavailable(_UNAVAILABLE) from None

    def _report_once(self, error: sqlite3.Error | CannotStart) -> None:
        reason = str(error)
        if isinstance(error, sqlite3.Error):
            name = getattr(error, "sqlite_errorname", type(error).__name__)
            reason = f"{_SETTING} cannot be read or written: {name}."
        if reason != self._failure:
            self._failure = reason
            _LOG.error("%s", reason)


def to_seconds(moment: datetime) -> int:
    """A time as it is kept."""
    return int(moment.timestamp())


def to_moment(seconds: int) -> datetime:
    """A time as it was kept."""
    return datetime.fromtimestamp(seconds, UTC)


def _check_kind(connection: sqlite3.Connection) -> None:
    """Check that a file is empty or one of sign-ins.

    Raises:
        CannotStart: it is another one, of a later version, or damaged.
    """
    (application_id,) = connection.execute("PRAGMA application_id").fetchone()
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    (tables,) = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    if not tables and not application_id:
        return
    if application_id != _APPLICATION_ID:
        raise CannotStart(_not_ours())
    if version > _VERSION:
        raise CannotStart(f"{_SETTING} was written by a later version of trax-mcp.")
    (verdict,) = connection.execute("PRAGMA quick_check(1)").fetchone()
    if verdict != "ok":
        raise CannotStart(_not_ours())


def _make_tables(connection: sqlite3.Connection) -> None:
    connection.execute("BEGIN IMMEDIATE")
    (application_id,) = connection.execute("PRAGMA application_id").fetchone()
    if not application_id:
        for statement in filter(str.strip, _TABLES.split(";")):
            connection.execute(statement)
        connection.execute(f"PRAGMA application_id = {_APPLICATION_ID}")
        connection.execute(f"PRAGMA user_version = {_VERSION}")
    connection.execute("COMMIT")


def _not_ours() -> str:
    return (
        f"{_SETTING} names a file that holds no sign-ins, or is damaged. Move it away: then a new"
        " one is made, and everybody signs in again."
    )


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino
