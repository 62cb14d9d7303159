"""Keeps who is signed in. The file alone opens nothing: it has hashes of tokens and sealed keys.

A TRaX key is sealed with a secret made of a token and the server's secret, so it takes both to open
one. Times are those of the clock in whole seconds.
"""

import json
import logging
import secrets
import sqlite3
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Final

from trax_mcp.api.caller import Caller
from trax_mcp.clock import Clock
from trax_mcp.sealing import seal, unseal
from trax_mcp.sign_in import registered_clients
from trax_mcp.sign_in.grants import Access, Grant, OAuthClient, SignIn, SignInUnavailable, Tokens
from trax_mcp.sign_in.lifetimes import (
    UNUSED_ACCESS,
    access_end,
    is_alive,
    is_retry,
    is_worth_noting,
    refresh_end,
)
from trax_mcp.sign_in.redirect_uris import redirect_host
from trax_mcp.sign_in.sign_in_file import SERVER_WAIT_SECONDS, SignInFile, to_seconds
from trax_mcp.sign_in.sign_in_rows import (
    TokenRow,
    add_sign_in,
    add_token,
    delete_ended,
    delete_sign_in,
    end_sign_in,
    find_access_token,
    find_family,
    find_refresh_token,
    list_sign_ins,
    note_access,
    note_refresh,
    note_sign_in,
    would_be_dropped,
)
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
_PURGE_SECONDS: Final = 3600
_NOTE_AGAIN_SECONDS: Final = 60
_PERSON_LENGTH: Final = 32


def open_store(path: Path, secret: str, clock: Clock, *, audience: str) -> "SignInStore":
    """Open the file, or make it. `audience` is the server that the tokens are for: its public URL.

    Raises:
        CannotStart: it cannot be opened, is not a file of sign-ins, or others can read or write it.
    """
    check_value = keyed_hash(secret, "check")
    file = SignInFile(path, check_value=check_value, wait_seconds=SERVER_WAIT_SECONDS)
    with suppress(SignInUnavailable), file.change() as connection:  # a full disk stops no start
        delete_ended(connection, clock.now())
    return SignInStore(file, secret, clock, audience=audience)


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
        self._purge_at = clock.seconds()
        self._note_at = clock.seconds()

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def issue(self, grant: Grant) -> Tokens:
        """Begin a sign-in.

        Raises:
            SignInUnavailable: also if there are too many.
            ValueError: the grant has no TRaX key.
        """
        client, key, now = grant.request.client, grant.caller.key, self._now()
        if key is None:
            raise ValueError("A grant has a TRaX key.")
        family = new_family()
        sign_in = SignIn(
            id=secrets.token_hex(8),
            person=self._person(key),
            client_id=client.id,
            client_name=client.name,
            redirect_host=redirect_host(grant.request.redirect_uri),
            access=grant.access,
            created=now,
            last_used=now,
        )
        with self._file.change() as connection:
            self._delete_ended(connection, now)
            add_sign_in(connection, sign_in, token_hash(family))
            return self._add_pair(connection, sign_in, key=key, family=family, now=now)

    def find(self, access_token: str) -> tuple[SignIn, Caller] | None:
        """The sign-in and the caller of an access token. None if it is unknown, ended, revoked."""
        if not access_token.startswith(ACCESS_PREFIX):
            return None
        found = find_access_token(self._file, token_hash(access_token))
        if found is None:
            return None
        sign_in, row = found
        now, used = self._now(), row.used or row.issued
        key = self._unseal(sign_in, row, access_token)
        if key is None or not is_alive(row.issued, access_end(row.issued, used=used), now):
            return None
        if is_worth_noting(used, now):
            self._note_use(sign_in, row, now)
        is_read_only = sign_in.access is Access.READ
        return sign_in, Caller(key, client=sign_in.client_id, read_only=is_read_only)

    def refresh(self, refresh_token: str, *, client_id: str) -> Tokens | None:
        """A new pair of tokens. None if the token is unknown, ended, or of another client.

        Reuse after the time for retries revokes the sign-in. Source: RFC 9700, section 4.14.2.
        Within that time, the first 31 uses give a pair, and further ones nothing.
        """
        family = family_of(refresh_token)
        if family is None or not refresh_token.startswith(REFRESH_PREFIX):
            return None
        now, hashed = self._now(), token_hash(refresh_token)
        with self._file.change() as connection:
            self._delete_ended(connection, now)
            sign_in = find_family(connection, token_hash(family))
            if sign_in is None or sign_in.client_id != client_id:
                return None
            row = find_refresh_token(connection, hashed)
            if row is not None and (row.used is None or is_retry(row.used, now)):
                key = self._unseal(sign_in, row, refresh_token)
                if key is None or not is_alive(row.issued, refresh_end(row.issued), now):
                    return None
                if row.used is not None and would_be_dropped(connection, hashed):
                    return None  # forgotten, its next use would look like a theft
                note_refresh(connection, hashed, now)
                note_sign_in(connection, sign_in.id, now)
                return self._add_pair(connection, sign_in, key=key, family=family, now=now)
            delete_sign_in(connection, sign_in.id)
        _LOG.warning("A refresh token came again, so sign-in %s is revoked.", sign_in.id)
        self._file.wipe_journal()
        return None

    def revoke_token(self, token: str, *, client_id: str) -> None:
        """End the sign-in of a token of either kind. One that is unknown or another's does nothing.

        Source: RFC 7009, section 2.
        """
        family = family_of(token)
        if family is None:
            return
        with self._file.change() as connection:
            sign_in = find_family(connection, token_hash(family))
            if sign_in is None or sign_in.client_id != client_id:
                return
            delete_sign_in(connection, sign_in.id)
        self._file.wipe_journal()

    def revoke(self, sign_in_id: str) -> bool:
        """Revoke a sign-in with all its tokens. False if there is none."""
        return end_sign_in(self._file, sign_in_id)

    def of_person(self, key: str) -> Sequence[SignIn]:
        """All sign-ins with a TRaX key, the last used first."""
        return list_sign_ins(self._file, now=self._now(), person=self._person(key))

    def all(self) -> Sequence[SignIn]:
        """All sign-ins, the last used first."""
        return list_sign_ins(self._file, now=self._now())

    def add_client(self, client: OAuthClient) -> None:
        """Keep a registered client. The oldest one without a sign-in leaves a full table.

        Raises:
            SignInUnavailable: also if each of them has a sign-in.
        """
        registered_clients.add_client(self._file, client, now=self._now())

    def find_client(self, client_id: str) -> OAuthClient | None:
        """A registered client."""
        return registered_clients.find_client(self._file, client_id)

    def _now(self) -> datetime:
        return self._clock.now().replace(microsecond=0)

    def _person(self, key: str) -> str:
        return keyed_hash(self._secret, "person", key)[:_PERSON_LENGTH]

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
        access_row = TokenRow(token_hash(access), self._seal(sign_in, key, access, now), now, now)
        ends = access_end(now, used=now)
        add_token(connection, "access_tokens", sign_in.id, access_row, ends=ends)
        row = TokenRow(token_hash(refresh), self._seal(sign_in, key, refresh, now), now, None)
        add_token(connection, "refresh_tokens", sign_in.id, row, ends=refresh_end(now))
        return Tokens(
            sign_in_id=sign_in.id,
            access_token=access,
            refresh_token=refresh,
            access=sign_in.access,
            expires_in=int(UNUSED_ACCESS.total_seconds()),
        )

    def _seal(self, sign_in: SignIn, key: str, token: str, issued: datetime) -> bytes:
        name = self._sealed_facts(sign_in, issued)
        return seal(key.encode(), secret=self._secret_of(token), name=name)

    def _unseal(self, sign_in: SignIn, row: TokenRow, token: str) -> str | None:
        name = self._sealed_facts(sign_in, row.issued)
        key = unseal(row.sealed, secret=self._secret_of(token), name=name)
        return None if key is None else key.decode()

    def _secret_of(self, token: str) -> str:
        return keyed_hash(self._secret, "token", token)

    def _sealed_facts(self, sign_in: SignIn, issued: datetime) -> str:
        """The facts that a key is sealed with: if one is changed in the file, it does not open."""
        facts = (self._audience, sign_in.id, sign_in.client_id, str(sign_in.access))
        return json.dumps([*facts, to_seconds(issued)])

    def _note_use(self, sign_in: SignIn, row: TokenRow, now: datetime) -> None:
        """Note the use of an access token. A call goes on without that, so it is tried rarely."""
        if self._clock.seconds() < self._note_at:
            return
        try:
            with self._file.change() as connection:
                self._delete_ended(connection, now)
                ends = access_end(row.issued, used=now)
                note_access(connection, row.hash, now, ends=ends)
                note_sign_in(connection, sign_in.id, now)
        except SignInUnavailable:
            self._note_at = self._clock.seconds() + _NOTE_AGAIN_SECONDS

    def _delete_ended(self, connection: sqlite3.Connection, now: datetime) -> None:
        if self._clock.seconds() >= self._purge_at:
            delete_ended(connection, now)
            self._purge_at = self._clock.seconds() + _PURGE_SECONDS
