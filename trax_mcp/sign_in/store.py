"""Keeps who is signed in. The file alone opens nothing: it has hashes of tokens and sealed keys.

A TRaX key is sealed with a secret made of a token and the server's secret, so it takes both to open
one. Times are those of the clock in whole seconds.
"""

import json
import logging
import secrets
import sqlite3
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from trax_mcp.api.caller import Caller
from trax_mcp.clock import Clock
from trax_mcp.sealing import seal, unseal
from trax_mcp.sign_in.grants import Access, Grant, OAuthClient, SignIn, SignInUnavailable, Tokens
from trax_mcp.sign_in.lifetimes import (
    UNUSED_ACCESS,
    access_lifetime,
    is_retry,
    is_worth_noting,
    refresh_lifetime,
)
from trax_mcp.sign_in.sign_in_file import SERVER_WAIT_SECONDS, SignInFile
from trax_mcp.sign_in.tokens import (
    ACCESS_PREFIX,
    REFRESH_PREFIX,
    family_of,
    keyed_hash,
    new_family,
    new_token,
    token_hash,
)

_LOG = logging.getLogger(__name__)
_MOST_SIGN_INS: Final = 10_000
_MOST_OF_PERSON: Final = 50
_MOST_CLIENTS: Final = 1_000
_MOST_TOKENS: Final = 32
"""Of each kind in one sign-in: as many workers of one client can refresh at the same time."""
_PURGE_SECONDS: Final = 3600
_RETRY_SECONDS: Final = 60
_FULL: Final = "This server cannot take further {}. Nothing was changed. Try again later."

_SIGN_IN = (
    "sign_ins.id AS id, person, client_id, client_name, redirect_host, access, created, last_used"
)


def open_store(path: Path, secret: str, clock: Clock, *, audience: str) -> "SignInStore":
    """Open the file, or make it. `audience` is the server that the tokens are for: its public URL.

    Raises:
        CannotStart: it cannot be opened, is not a file of sign-ins, or others can read or write it.
    """
    check_value = keyed_hash(secret, "check")
    file = SignInFile(path, check_value=check_value, wait_seconds=SERVER_WAIT_SECONDS)
    return SignInStore(file, secret, clock, audience=audience)


def all_sign_ins(file: SignInFile) -> Sequence[SignIn]:
    """All sign-ins, the last used first."""
    rows = file.read(f"SELECT {_SIGN_IN} FROM sign_ins ORDER BY last_used DESC, id")  # noqa: S608
    return [_sign_in(row) for row in rows]


def end_sign_in(file: SignInFile, sign_in_id: str) -> bool:
    """Revoke a sign-in with all its tokens. False if there is none.

    Raises:
        SignInUnavailable: nothing has changed.
    """
    with file.change() as connection:
        ended = _delete_sign_in(connection, sign_in_id)
    file.forget_deleted()
    return ended


class SignInStore:
    """Sign-ins, their tokens, and registered clients. Each method is one step, done or not done.

    Every method raises SignInUnavailable if the file cannot be read, and those that change it if it
    cannot be written; then nothing has changed. `find` needs no writing.
    """

    def __init__(self, file: SignInFile, secret: str, clock: Clock, *, audience: str) -> None:
        self._file = file
        self._secret = secret
        self._clock = clock
        self._audience = audience
        self._purge_at = 0.0
        self._note_at = 0.0

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def issue(self, grant: Grant) -> Tokens:
        """Begin a sign-in.

        Raises:
            SignInUnavailable: also if there are too many.
        """
        now, client, key = self._now(), grant.request.client, _key(grant.caller)
        family = new_family()
        sign_in = SignIn(
            id=secrets.token_hex(8),
            person=self._person(key),
            client_id=client.id,
            client_name=client.name,
            redirect_host=_host(grant.request.redirect_uri),
            access=grant.access,
            created=now,
            last_used=now,
        )
        with self._file.change() as connection:
            self._purge(connection, now)
            _make_room(connection, sign_in.person)
            connection.execute(
                "INSERT INTO sign_ins VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    sign_in.id,
                    token_hash(family),
                    sign_in.person,
                    sign_in.client_id,
                    sign_in.client_name,
                    sign_in.redirect_host,
                    str(sign_in.access),
                    _seconds(now),
                    _seconds(now),
                ),
            )
            return self._add_pair(connection, sign_in, key=key, family=family, now=now)

    def find(self, access_token: str) -> tuple[SignIn, Caller] | None:
        """The sign-in and the caller of an access token. None if it is unknown, ended, revoked."""
        row = self._row("access_tokens", access_token)
        if row is None:
            return None
        sign_in, now = _sign_in(row), self._now()
        key = self._unseal(row, sign_in, access_token)
        lifetime = access_lifetime(_moment(row["issued"]), used=_moment(row["used"]))
        if key is None or not lifetime.covers(now):
            return None
        if is_worth_noting(_moment(row["used"]), now):
            self._note_use(row, now)
        is_read_only = sign_in.access is Access.READ
        return sign_in, Caller(key, client=sign_in.client_id, read_only=is_read_only)

    def refresh(self, refresh_token: str, *, client_id: str) -> Tokens | None:
        """A new pair of tokens. None if the token is unknown, ended, or of another client.

        Reuse after the time for retries revokes the sign-in. Source: RFC 9700, section 4.14.2.
        """
        family = family_of(refresh_token)
        if family is None or not refresh_token.startswith(REFRESH_PREFIX):
            return None
        now = self._now()
        with self._file.change() as connection:
            self._purge(connection, now)
            owner = _find_family(connection, family)
            if owner is None or owner.client_id != client_id:
                return None
            row = connection.execute(
                _query("refresh_tokens"), (token_hash(refresh_token),)
            ).fetchone()
            used = None if row is None or row["used"] is None else _moment(row["used"])
            if row is None or (used is not None and not is_retry(used, now)):
                _LOG.warning("A refresh token was used again: sign-in %s is revoked.", owner.id)
                _delete_sign_in(connection, owner.id)
                return None
            key = self._unseal(row, owner, refresh_token)
            if key is None or not refresh_lifetime(_moment(row["issued"])).covers(now):
                return None
            connection.execute(
                "UPDATE refresh_tokens SET used = coalesce(used, ?) WHERE hash = ?",
                (_seconds(now), row["hash"]),
            )
            connection.execute(
                "UPDATE sign_ins SET last_used = ? WHERE id = ?", (_seconds(now), owner.id)
            )
            return self._add_pair(connection, owner, key=key, family=family, now=now)

    def revoke_token(self, token: str, *, client_id: str) -> None:
        """End the sign-in of a token of either kind. One that is unknown or another's does nothing.

        Source: RFC 7009, section 2.
        """
        family = family_of(token)
        if family is None:
            return
        with self._file.change() as connection:
            owner = _find_family(connection, family)
            if owner is None or owner.client_id != client_id:
                return
            _delete_sign_in(connection, owner.id)
        self._file.forget_deleted()

    def revoke(self, sign_in_id: str) -> bool:
        """Revoke a sign-in with all its tokens. False if there is none."""
        return end_sign_in(self._file, sign_in_id)

    def of_person(self, key: str) -> Sequence[SignIn]:
        """All sign-ins with a TRaX key, the last used first."""
        person = self._person(key)
        return [it for it in self.all() if it.person == person]

    def all(self) -> Sequence[SignIn]:
        """All sign-ins, the last used first."""
        return all_sign_ins(self._file)

    def add_client(self, client: OAuthClient) -> None:
        """Keep a registered client. The oldest one without a sign-in leaves a full table.

        Raises:
            SignInUnavailable: also if each of them has a sign-in.
        """
        with self._file.change() as connection:
            (count,) = connection.execute("SELECT count(*) FROM clients").fetchone()
            if count >= _MOST_CLIENTS:
                dropped = connection.execute(
                    "DELETE FROM clients WHERE id = (SELECT id FROM clients WHERE NOT EXISTS"
                    " (SELECT 1 FROM sign_ins WHERE client_id = clients.id)"
                    " ORDER BY created, rowid LIMIT 1)"
                ).rowcount
                if not dropped:
                    raise SignInUnavailable(_FULL.format("clients"))
            connection.execute(
                "INSERT INTO clients VALUES (?, ?, ?, ?)",
                (
                    client.id,
                    client.name,
                    json.dumps(client.redirect_uris),
                    _seconds(self._now()),
                ),
            )

    def find_client(self, client_id: str) -> OAuthClient | None:
        """A registered client."""
        rows = self._file.read(
            "SELECT id, name, redirect_uris FROM clients WHERE id = ?", client_id
        )
        return next((_client(row) for row in rows), None)

    def _now(self) -> datetime:
        return self._clock.now().replace(microsecond=0)

    def _person(self, key: str) -> str:
        return keyed_hash(self._secret, "person", key)[:32]

    def _row(self, table: str, token: str) -> sqlite3.Row | None:
        if family_of(token) is None:
            return None
        return next(iter(self._file.read(_query(table), token_hash(token))), None)

    def _add_pair(
        self,
        connection: sqlite3.Connection,
        sign_in: SignIn,
        *,
        key: str,
        family: bytes,
        now: datetime,
    ) -> Tokens:
        access, refresh = (new_token(it, family) for it in (ACCESS_PREFIX, REFRESH_PREFIX))
        for table, token, used, lifetime in (
            ("access_tokens", access, _seconds(now), access_lifetime(now, used=now)),
            ("refresh_tokens", refresh, None, refresh_lifetime(now)),
        ):
            connection.execute(
                f"INSERT INTO {table} VALUES (?, ?, ?, ?, ?, ?)",  # noqa: S608  a constant
                (
                    token_hash(token),
                    sign_in.id,
                    self._seal(key, token, name=self._name(sign_in, token, now)),
                    _seconds(now),
                    used,
                    _seconds(lifetime.ends),
                ),
            )
            connection.execute(
                f"DELETE FROM {table} WHERE sign_in_id = ? AND hash NOT IN (SELECT hash FROM"  # noqa: S608  a constant
                f" {table} WHERE sign_in_id = ? ORDER BY coalesce(used, issued) DESC, rowid DESC"
                " LIMIT ?)",
                (sign_in.id, sign_in.id, _MOST_TOKENS),
            )
        return Tokens(
            sign_in_id=sign_in.id,
            access_token=access,
            refresh_token=refresh,
            access=sign_in.access,
            expires_in=int(UNUSED_ACCESS.total_seconds()),
        )

    def _name(self, sign_in: SignIn, token: str, issued: datetime) -> str:
        """What a key is sealed for. A row that was altered in the file opens no key."""
        kind = token[: len(ACCESS_PREFIX)]
        facts = (kind, self._audience, sign_in.id, sign_in.client_id, str(sign_in.access))
        return json.dumps([*facts, _seconds(issued)])

    def _seal(self, key: str, token: str, *, name: str) -> bytes:
        return seal(key.encode(), secret=keyed_hash(self._secret, "token", token), name=name)

    def _unseal(self, row: sqlite3.Row, sign_in: SignIn, token: str) -> str | None:
        name = self._name(sign_in, token, _moment(row["issued"]))
        secret = keyed_hash(self._secret, "token", token)
        key = unseal(row["sealed"], secret=secret, name=name)
        return None if key is None else key.decode()

    def _note_use(self, row: sqlite3.Row, now: datetime) -> None:
        """Note the use of an access token. Without that a call goes on."""
        if self._clock.seconds() < self._note_at:
            return
        ends = access_lifetime(_moment(row["issued"]), used=now).ends
        try:
            with self._file.change() as connection:
                connection.execute(
                    "UPDATE access_tokens SET used = ?, ends = ? WHERE hash = ?",
                    (_seconds(now), _seconds(ends), row["hash"]),
                )
                connection.execute(
                    "UPDATE sign_ins SET last_used = ? WHERE id = ?", (_seconds(now), row["id"])
                )
        except SignInUnavailable:
            self._note_at = self._clock.seconds() + _RETRY_SECONDS

    def _purge(self, connection: sqlite3.Connection, now: datetime) -> None:
        """Delete what has ended, at most once an hour."""
        if self._clock.seconds() < self._purge_at:
            return
        self._purge_at = self._clock.seconds() + _PURGE_SECONDS
        ended = (_seconds(now),)
        connection.execute("DELETE FROM access_tokens WHERE ends <= ?", ended)
        connection.execute(
            "DELETE FROM sign_ins WHERE NOT EXISTS (SELECT 1 FROM access_tokens WHERE"
            " sign_in_id = sign_ins.id) AND NOT EXISTS (SELECT 1 FROM refresh_tokens WHERE"
            " sign_in_id = sign_ins.id AND used IS NULL AND ends > ?)",
            ended,
        )


def _make_room(connection: sqlite3.Connection, person: str) -> None:
    """Drop the oldest sign-ins of a person who has too many.

    Raises:
        SignInUnavailable: all persons together have too many.
    """
    connection.execute(
        "DELETE FROM sign_ins WHERE person = ? AND id NOT IN (SELECT id FROM sign_ins WHERE"
        " person = ? ORDER BY last_used DESC, rowid DESC LIMIT ?)",
        (person, person, _MOST_OF_PERSON - 1),
    )
    (count,) = connection.execute("SELECT count(*) FROM sign_ins").fetchone()
    if count >= _MOST_SIGN_INS:
        raise SignInUnavailable(_FULL.format("sign-ins"))


def _query(table: str) -> str:
    return (
        f"SELECT hash, sealed, issued, used, {_SIGN_IN} FROM {table}"  # noqa: S608  a constant
        " JOIN sign_ins ON sign_ins.id = sign_in_id WHERE hash = ?"
    )


def _find_family(connection: sqlite3.Connection, family: bytes) -> SignIn | None:
    row = connection.execute(
        f"SELECT {_SIGN_IN} FROM sign_ins WHERE family = ?",  # noqa: S608  a constant
        (token_hash(family),),
    ).fetchone()
    return None if row is None else _sign_in(row)


def _delete_sign_in(connection: sqlite3.Connection, sign_in_id: str) -> bool:
    deleted = connection.execute("DELETE FROM sign_ins WHERE id = ?", (sign_in_id,)).rowcount
    return deleted > 0


def _sign_in(row: sqlite3.Row) -> SignIn:
    return SignIn(
        id=row["id"],
        person=row["person"],
        client_id=row["client_id"],
        client_name=row["client_name"],
        redirect_host=row["redirect_host"],
        access=Access(row["access"]),
        created=_moment(row["created"]),
        last_used=_moment(row["last_used"]),
    )


def _client(row: sqlite3.Row) -> OAuthClient:
    uris = tuple(json.loads(row["redirect_uris"]))
    return OAuthClient(id=row["id"], name=row["name"], redirect_uris=uris)


def _key(caller: Caller) -> str:
    if caller.key is None:
        raise ValueError("A grant has a TRaX key.")
    return caller.key


def _host(redirect_uri: str) -> str:
    """Where a browser is sent back to: the host, or the scheme of an app's own address."""
    uri = urlsplit(redirect_uri)
    return uri.hostname or f"{uri.scheme}:"


def _seconds(moment: datetime) -> int:
    return int(moment.timestamp())


def _moment(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
