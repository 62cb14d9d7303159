"""Finds the clients that describe themselves in a document on the web.

The id of such a client is the address of its document. Documents are kept for a while, and each is
read by one request at a time, for all who wait for it.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from ssl import SSLContext
from typing import Final

import anyio
import httpx
from cachetools import LRUCache

from trax_mcp.clock import Clock
from trax_mcp.sign_in.attempts import MAX_DOCUMENTS, Attempts, TooManyAttempts, customer_of
from trax_mcp.sign_in.client_metadata import (
    ClientRefused,
    DocumentAddress,
    read_client_id,
    read_document,
)
from trax_mcp.sign_in.document_fetch import (
    FetchFailed,
    Resolve,
    Withdrawn,
    fetch_document,
    resolve_host,
)
from trax_mcp.sign_in.grants import OAuthClient
from trax_mcp.sign_in.known_clients import KNOWN_CLIENTS
from trax_mcp.sign_in.public_addresses import is_public

TIMEOUT_SECONDS: Final = 5.0
"""From the question for the host's IP address to the last byte of its document."""
MAX_IN_FLIGHT: Final = 10
MAX_IN_FLIGHT_EACH: Final = 3
"""Of one host, and for one address that asks: so that a slow host does not hold up others."""
MAX_WAITING: Final = 20
"""For one document: each of them occupies a connection to this server."""
STALE_SECONDS: Final = 24 * 3600
"""How long a document still counts that cannot be read again."""
_FRESH_SECONDS: Final = (300, 3600)
"""The least and the most that a document counts without being read again, whatever it says."""
_RETRY_SECONDS: Final = 60
_MAX_DOCUMENTS: Final = 500
_BUSY_SECONDS: Final = 5
_MAX_AGE: Final = re.compile(r"max-age=(\d{1,9})")


@dataclass(frozen=True, slots=True)
class _Known:
    """A client as its document described it, on the clock's seconds."""

    client: OAuthClient
    fresh_until: float
    stale_until: float


@dataclass(slots=True)
class _Read:
    """A document that is being read. With neither outcome, its reader was cancelled."""

    done: anyio.Event = field(default_factory=anyio.Event)
    client: OAuthClient | None = None
    failure: str | None = None


class ClientDocuments:
    """The clients with a document, by their id.

    Tests replace `resolve`, `is_public` and `tls`; nothing else may.
    """

    def __init__(
        self,
        clock: Clock,
        *,
        resolve: Resolve = resolve_host,
        is_public: Callable[[str], bool] = is_public,
        tls: SSLContext | None = None,
        timeout_seconds: float = TIMEOUT_SECONDS,
    ) -> None:
        self._clock = clock
        self._resolve = resolve
        self._is_public = is_public
        self._given_tls = tls
        self._timeout_seconds = timeout_seconds
        self._attempts = Attempts(clock, limit=MAX_DOCUMENTS)
        self._known: LRUCache[str, _Known] = LRUCache(_MAX_DOCUMENTS)
        self._reads: dict[str, _Read] = {}
        self._in_flight: Counter[str] = Counter()

    async def find(self, client_id: str, address: str) -> OAuthClient:
        """The client with this id, for a person at `address` (an IP address).

        Raises:
            ClientRefused: the id, the document or its host will not do.
            TooManyAttempts: the address has made this server read too many documents.
        """
        where = read_client_id(client_id)
        while True:
            known = self._known.get(client_id)
            if known is not None and self._clock.seconds() < known.fresh_until:
                return known.client
            read = self._reads.get(client_id)
            if read is None:
                return await self._read(client_id, where, address)
            if read.done.statistics().tasks_waiting >= MAX_WAITING:
                raise TooManyAttempts(_BUSY_SECONDS)
            await read.done.wait()
            if read.client is not None:
                return read.client
            if read.failure is not None:
                raise ClientRefused(read.failure)

    async def _read(self, client_id: str, where: DocumentAddress, address: str) -> OAuthClient:
        """Read a document for all who wait for it, or go on with what is known."""
        read = self._reads[client_id] = _Read()
        try:
            with self._counted(where.host, address):
                read.client = await self._fetch(client_id, where)
        except (FetchFailed, TooManyAttempts) as error:
            kept = None if isinstance(error, Withdrawn) else self._kept(client_id)
            if kept is not None:
                read.client = kept
            elif isinstance(error, TooManyAttempts):
                raise
            else:
                self._known.pop(client_id, None)
                read.failure = (
                    f"The description of this client cannot be read: its host {where.host} "
                    f"{error}. Nothing was allowed. Try again in a minute."
                )
                raise ClientRefused(read.failure) from None
        except ClientRefused as refused:
            self._known.pop(client_id, None)
            read.failure = str(refused)
            raise
        finally:
            del self._reads[client_id]
            read.done.set()
        return read.client

    def _kept(self, client_id: str) -> OAuthClient | None:
        """The client whose document cannot be read now, if it is known otherwise."""
        now, known = self._clock.seconds(), self._known.get(client_id)
        if known is not None and now < known.stale_until:
            client, stale_until = known.client, known.stale_until
        elif client_id in KNOWN_CLIENTS:
            client, stale_until = KNOWN_CLIENTS[client_id], now
        else:
            return None
        # So that not everyone waits again for a host that is down.
        self._known[client_id] = _Known(client, now + _RETRY_SECONDS, stale_until)
        return client

    async def _fetch(self, client_id: str, where: DocumentAddress) -> OAuthClient:
        try:
            with anyio.fail_after(self._timeout_seconds):
                body, cache_control = await fetch_document(
                    where, resolve=self._resolve, is_public=self._is_public, tls=self._tls
                )
        except TimeoutError:
            raise FetchFailed("does not answer in time") from None
        client = read_document(body, client_id)
        now = self._clock.seconds()
        fresh_until = now + _fresh_seconds(cache_control)
        self._known[client_id] = _Known(client, fresh_until, now + STALE_SECONDS)
        return client

    @contextmanager
    def _counted(self, host: str, address: str) -> Iterator[None]:
        """Count a read while it lasts.

        Raises:
            TooManyAttempts: there are too many.
        """
        owners = {
            "": MAX_IN_FLIGHT,
            f"host {host}": MAX_IN_FLIGHT_EACH,
            f"customer {customer_of(address)}": MAX_IN_FLIGHT_EACH,
        }
        if any(self._in_flight[owner] >= most for owner, most in owners.items()):
            raise TooManyAttempts(_BUSY_SECONDS)
        self._attempts.take(address)
        self._in_flight.update(owners.keys())
        try:
            yield
        finally:
            self._in_flight.subtract(owners.keys())
            self._in_flight = +self._in_flight

    @cached_property
    def _tls(self) -> SSLContext:
        if self._given_tls is not None:
            return self._given_tls
        tls = httpx.create_ssl_context()
        tls.set_alpn_protocols(["http/1.1"])
        return tls


def _fresh_seconds(cache_control: str) -> int:
    """How long a document counts, from its `Cache-Control` (section 5.2 of the draft)."""
    least, most = _FRESH_SECONDS
    max_age = _MAX_AGE.search(cache_control.lower())
    return max(least, min(most, int(max_age[1]))) if max_age else least
