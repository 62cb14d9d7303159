"""Who is signed in: one row for each person at each client. The file alone opens nothing.

All tokens of a sign-in share its root: random bytes that are kept nowhere. A row is found by the
hash of its root, and the TRaX key in it is sealed with the root and the server's secret. A token is
the root, two numbers (how often the sign-in was refreshed, and when the token was issued), and a
MAC that takes the server's secret to make.
"""

import hashlib
import hmac
import json
import logging
import re
import secrets
import sqlite3
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Final, NamedTuple

from trax_mcp.api.caller import Caller
from trax_mcp.clock import Clock
from trax_mcp.private_files import check_private, create_private
from trax_mcp.sealing import seal, unseal
from trax_mcp.settings import CannotStart
from trax_mcp.sign_in import ACCESS_PREFIX, REFRESH_PREFIX, SignInUnavailable

_DAY: Final = 86_400
UNUSED_SECONDS: Final = 14 * _DAY
"""Access tokens of a sign-in that was not used for so long open nothing until it is refreshed."""
_ACCESS_SECONDS: Final = 30 * _DAY
"""Weeks, because clients that were given an hour asked the person again and did not refresh."""
_REFRESH_SECONDS: Final = 90 * _DAY
_RETRY_SECONDS: Final = 60
_RECORD_USE_SECONDS: Final = 3600
"""How often the use of a sign-in is recorded."""
_RECORD_AGAIN_SECONDS: Final = 60
"""How long no use is recorded after that has failed."""
_CLOCK_ERROR_SECONDS: Final = _DAY
_MOST_OF_PERSON: Final = 200
_PERSON_LENGTH: Final = 32
_ROOT_BYTES: Final = 24
_MAC_BYTES: Final = 16
_TOKEN: Final = re.compile(r"(trax_[ar]t_)([A-Za-z0-9_-]{64})")  # 48 bytes, without padding
_SETTING: Final = "TRAX_SIGN_IN_FILE"
_UNAVAILABLE: Final = (
    "This server can't save or look up sign-ins right now, so nothing was changed. Try again later,"
    " or tell its operator."
)
_NOT_OURS: Final = (
    f"{_SETTING} names a file that holds no sign-ins, or is damaged. Move it away: then a new one"
    " is made, and everybody signs in again."
)
_TABLE: Final = (
    "CREATE TABLE sign_ins (root BLOB PRIMARY KEY, id TEXT NOT NULL UNIQUE, person TEXT NOT NULL,"
    " client_id TEXT NOT NULL, client_name TEXT NOT NULL, redirect_host TEXT NOT NULL,"
    " access TEXT NOT NULL, sealed BLOB NOT NULL, number INTEGER NOT NULL,"
    " created INTEGER NOT NULL, refreshed INTEGER NOT NULL, last_used INTEGER NOT NULL,"
    " made_with TEXT NOT NULL)"
)
"""`root` is a hash, `made_with` tells one secret of the server from another. Times are Unix's."""
_LOG = logging.getLogger(__name__)


class Scope(StrEnum):
    """How much a person allows. The values are the scopes of OAuth."""

    READ = "read"
    """Only what reads: the offer of TRAX_READ_ONLY."""
    RUN = "run"
    """Everything that the operator offers."""

    @property
    def label(self) -> str:
        """The name of this choice, for a person."""
        return "look only" if self is Scope.READ else "run shows"


@dataclass(frozen=True, slots=True, kw_only=True)
class SignIn:
    """One person at one client.

    `person` tells sign-ins with the same TRaX key from others, and reveals nothing of the key.
    """

    id: str
    person: str
    client_id: str
    client_name: str
    redirect_host: str
    access: Scope
    created: datetime
    last_used: datetime


@dataclass(frozen=True, slots=True)
class TokenPair:
    """A pair of tokens, shown once: nothing that is kept reveals them."""

    access_token: str = field(repr=False)
    refresh_token: str = field(repr=False)
    access: Scope


class _Token(NamedTuple):
    """The content of a token. `issued` is in seconds of Unix."""

    root: bytes
    number: int
    issued: int


class SignInFile:
    """The file as a command uses it, without the server's secret. It is not made.

    Raises:
        CannotStart: it cannot be opened, is not a file of sign-ins, or others can read or write it.
    """

    wait_seconds = 5.0

    def __init__(self, path: Path, clock: Clock) -> None:
        self._clock = clock
        check_private(path, f"{_SETTING} names")
        try:
            self._db = _open(path, self.wait_seconds)
        except sqlite3.OperationalError as error:
            reason = error.sqlite_errorname
            raise CannotStart(f"{_SETTING} can't be opened ({reason}).") from None
        except sqlite3.Error:
            raise CannotStart(_NOT_OURS) from None

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    def all(self, *, person: str | None = None) -> Sequence[SignIn]:
        """The sign-ins of everybody or of one person, the last used first.

        Raises:
            SignInUnavailable: the file cannot be read.
        """
        query = (
            "SELECT * FROM sign_ins WHERE person = coalesce(?, person) AND refreshed > ?"
            " ORDER BY last_used DESC, rowid DESC"
        )
        return [_sign_in(it) for it in self._read(query, person, self._now() - _REFRESH_SECONDS)]

    def revoke_all(self, *, person: str) -> int:
        """End all sign-ins of a person, at once. Returns how many there were.

        Raises:
            SignInUnavailable: the file cannot be written. Nothing has changed.
        """
        with self._changing() as db:
            return db.execute("DELETE FROM sign_ins WHERE person = ?", (person,)).rowcount

    def revoke(self, sign_in_id: str) -> bool:
        """End a sign-in. False if there is none.

        Raises:
            SignInUnavailable: the file cannot be written.
        """
        with self._changing() as db:
            return db.execute("DELETE FROM sign_ins WHERE id = ?", (sign_in_id,)).rowcount > 0

    def _now(self) -> int:
        return int(self._clock.now().timestamp())

    def _read(self, query: str, *values: object) -> Sequence[sqlite3.Row]:
        with _errors_as_sentence():
            rows: Sequence[sqlite3.Row] = self._db.execute(query, values).fetchall()
        return rows

    @contextmanager
    def _changing(self) -> Iterator[sqlite3.Connection]:
        """A transaction, of which all or nothing is written."""
        with _errors_as_sentence():
            self._db.execute("BEGIN IMMEDIATE")
            with self._db:
                yield self._db


class SignIns(SignInFile):
    """The file as a server uses it. `audience` is what tokens are for: the server's public URL.

    Every method raises SignInUnavailable if the file cannot be read, and those that change it if it
    cannot be written; then nothing has changed. `find` needs no writing.

    Raises:
        CannotStart: as for `SignInFile`, or the file cannot be made.
    """

    wait_seconds = 0.25
    """How long to wait for another process that writes. The server serves nobody meanwhile."""

    def __init__(self, path: Path, secret: str, clock: Clock, *, audience: str) -> None:
        create_private(path, f"{_SETTING} names")
        super().__init__(path, clock)
        self._secret, self._audience = secret, audience
        self._made_with = self._keyed("check")
        self._record_after = clock.seconds()
        with suppress(SignInUnavailable), self._changing() as db:  # a full disk stops no start
            query = "DELETE FROM sign_ins WHERE made_with != ?"
            if deleted := db.execute(query, (self._made_with,)).rowcount:
                _LOG.warning(
                    "TRAX_SIGN_IN_SECRET_FILE holds another secret than before: %d sign-ins are"
                    " deleted, and everybody signs in again.",
                    deleted,
                )

    def begin(
        self, key: str, access: Scope, *, client_id: str, client_name: str, redirect_host: str
    ) -> TokenPair:
        """Sign in. Of 200 sign-ins of one person, the one that was unused for longest ends."""
        root, now, sign_in_id = secrets.token_bytes(_ROOT_BYTES), self._now(), secrets.token_hex(8)
        person, name = self.person(key), self._name(sign_in_id, client_id, access)
        sealed = seal(key.encode(), secret=self._keyed("key", root.hex()), name=name)
        facts = (sign_in_id, person, client_id, client_name, redirect_host, access)
        row = (_hash(root), *facts, sealed, 1, now, now, now, self._made_with)
        with self._changing() as db:
            db.execute("DELETE FROM sign_ins WHERE refreshed <= ?", (now - _REFRESH_SECONDS,))
            db.execute(
                "DELETE FROM sign_ins WHERE person = ? AND root NOT IN (SELECT root FROM sign_ins"
                " WHERE person = ? ORDER BY last_used DESC, rowid DESC LIMIT ?)",
                (person, person, _MOST_OF_PERSON - 1),
            )
            db.execute(f"INSERT INTO sign_ins VALUES ({', '.join('?' * len(row))})", row)  # noqa: S608  question marks
        return self._tokens(_Token(root, 1, now), access)

    def find(self, access_token: str) -> tuple[SignIn, Caller] | None:
        """The sign-in and the caller of an access token. None if it is unknown, ended, revoked."""
        token = self._read_token(ACCESS_PREFIX, access_token)
        row, now = self._row(token), self._now()
        if token is None or row is None or not _is_within(now - token.issued, _ACCESS_SECONDS):
            return None
        if not _is_within(now - row["last_used"], UNUSED_SECONDS):
            return None
        name = self._name(row["id"], row["client_id"], row["access"])
        key = unseal(row["sealed"], secret=self._keyed("key", token.root.hex()), name=name)
        if key is None:
            return None
        if abs(now - row["last_used"]) >= _RECORD_USE_SECONDS:
            self._record_use(row["root"], now)
        sign_in = _sign_in(row)
        is_read_only = sign_in.access is Scope.READ
        return sign_in, Caller(key.decode(), client=sign_in.client_id, read_only=is_read_only)

    def refresh(self, refresh_token: str, *, client_id: str) -> TokenPair | None:
        """A new pair of tokens. None if the token is unknown, ended, or of another client.

        A retry within a minute, as after a lost answer, gets the same pair; so do workers of one
        client that refresh at once. Later, one of the two is a thief, and the sign-in ends.
        Source: RFC 9700, section 4.14.2, which leaves the time to the server.
        """
        token, now = self._read_token(REFRESH_PREFIX, refresh_token), self._now()
        with self._changing() as db:
            row = self._row(token)
            if token is None or row is None or row["client_id"] != client_id:
                return None
            access, age = Scope(row["access"]), now - row["refreshed"]
            if token.number == row["number"] - 1 and abs(age) <= _RETRY_SECONDS:
                return self._tokens(_Token(token.root, row["number"], row["refreshed"]), access)
            if token.number >= row["number"]:  # more, if the file comes from a backup
                if not _is_within(age, _REFRESH_SECONDS):
                    return None
                following = _Token(token.root, token.number + 1, now)
                query = (
                    "UPDATE sign_ins SET number = ?, refreshed = ?, last_used = ? WHERE root = ?"
                )
                db.execute(query, (following.number, now, now, row["root"]))
                return self._tokens(following, access)
            db.execute("DELETE FROM sign_ins WHERE root = ?", (row["root"],))
        _LOG.warning("A refresh token came again, so sign-in %s is revoked.", row["id"])
        return None

    def revoke_token(self, token: str, *, client_id: str) -> None:
        """End the sign-in of a token of either kind, if it is this client's.

        One that is unknown does nothing. Source: RFC 7009, section 2.
        """
        for prefix in (ACCESS_PREFIX, REFRESH_PREFIX):
            if (read := self._read_token(prefix, token)) is not None:
                with self._changing() as db:
                    query = "DELETE FROM sign_ins WHERE root = ? AND client_id = ?"
                    db.execute(query, (_hash(read.root), client_id))

    def client_mac(self, description: str) -> str:
        """The MAC of the description of a client that registers."""
        return self._keyed("client", description)[: 2 * _MAC_BYTES]

    def person(self, key: str) -> str:
        """A pseudonym of the owner of a TRaX key. It takes the server's secret to compute."""
        return self._keyed("person", key)[:_PERSON_LENGTH]

    def _row(self, token: _Token | None) -> sqlite3.Row | None:
        if token is None:
            return None
        rows = self._read("SELECT * FROM sign_ins WHERE root = ?", _hash(token.root))
        return rows[0] if rows else None

    def _record_use(self, root: bytes, now: int) -> None:
        """Record that a sign-in was used. A call goes on where that fails."""
        if self._clock.seconds() < self._record_after:
            return
        try:
            with self._changing() as db:
                db.execute("UPDATE sign_ins SET last_used = ? WHERE root = ?", (now, root))
        except SignInUnavailable:
            self._record_after = self._clock.seconds() + _RECORD_AGAIN_SECONDS

    def _name(self, sign_in_id: str, client_id: str, access: str) -> str:
        """The facts that a key is sealed with: if one is changed in the file, it does not open."""
        return json.dumps([self._audience, sign_in_id, client_id, access])

    def _tokens(self, token: _Token, access: Scope) -> TokenPair:
        return TokenPair(
            self._write_token(ACCESS_PREFIX, token),
            self._write_token(REFRESH_PREFIX, token),
            access,
        )

    def _write_token(self, prefix: str, token: _Token) -> str:
        body = token.root + token.number.to_bytes(4) + token.issued.to_bytes(4)
        return prefix + urlsafe_b64encode(body + self._mac(prefix, body)).decode()

    def _read_token(self, prefix: str, text: str) -> _Token | None:
        match = _TOKEN.fullmatch(text)
        if match is None or match[1] != prefix:
            return None
        content = urlsafe_b64decode(match[2])
        body, mac = content[:-_MAC_BYTES], content[-_MAC_BYTES:]
        if not hmac.compare_digest(mac, self._mac(prefix, body)):
            return None
        number, issued = body[_ROOT_BYTES:-4], body[-4:]
        return _Token(body[:_ROOT_BYTES], int.from_bytes(number), int.from_bytes(issued))

    def _mac(self, prefix: str, body: bytes) -> bytes:
        return bytes.fromhex(self._keyed(prefix, self._audience, body.hex()))[:_MAC_BYTES]

    def _keyed(self, *parts: str) -> str:
        """A name of some parts that takes the server's secret to compute."""
        content = "\0".join(parts).encode()
        return hmac.new(self._secret.encode(), content, hashlib.sha256).hexdigest()


def _open(path: Path, wait_seconds: float) -> sqlite3.Connection:
    db = sqlite3.connect(path, timeout=wait_seconds, isolation_level=None)
    try:
        db.row_factory = sqlite3.Row
        db.execute("PRAGMA secure_delete = ON")
        _check_kind(db)
        db.execute("PRAGMA journal_mode = WAL")  # a read never waits for a writer
        db.execute("PRAGMA synchronous = FULL")  # no revocation is lost with the power
        db.execute(_TABLE.replace("TABLE", "TABLE IF NOT EXISTS", 1))
    except BaseException:
        db.close()
        raise
    return db


def _check_kind(db: sqlite3.Connection) -> None:
    """Check that a file is empty or one of sign-ins, before anything in it is changed."""
    (verdict,) = db.execute("PRAGMA quick_check(1)").fetchone()
    kept = [row["sql"] for row in db.execute("SELECT sql FROM sqlite_master WHERE sql > ''")]
    if verdict != "ok" or kept not in ([], [_TABLE]):
        raise sqlite3.DatabaseError


@contextmanager
def _errors_as_sentence() -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        name = getattr(error, "sqlite_errorname", type(error).__name__)
        _LOG.error("%s can't be read or written: %s.", _SETTING, name)
        raise SignInUnavailable(_UNAVAILABLE) from None


def _is_within(age: int, longest: int) -> bool:
    """Whether something lives. What comes from the future does not: a wrong clock made it."""
    return -_CLOCK_ERROR_SECONDS <= age < longest


def _hash(root: bytes) -> bytes:
    """The hash that is kept in place of a root. A root is too long to be guessed."""
    return hashlib.sha256(root).digest()


def _sign_in(row: sqlite3.Row) -> SignIn:
    return SignIn(
        id=row["id"],
        person=row["person"],
        client_id=row["client_id"],
        client_name=row["client_name"],
        redirect_host=row["redirect_host"],
        access=Scope(row["access"]),
        created=datetime.fromtimestamp(row["created"], UTC),
        last_used=datetime.fromtimestamp(row["last_used"], UTC),
    )
