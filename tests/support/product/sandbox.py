"""The TRaX of the tests: the sandbox with a request log, faults, more keys and a manual clock.

Tests change its contents as TRaX names them, by id: `change("dest_1", name="Other")`.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from tests.support.product.dropped_connections import DroppingApp
from tests.support.product.faults import Faults
from tests.support.product.manual_clock import ManualClock
from tests.support.product.request_log import ReceivedRequest, RequestLog
from tests.support.product.sandbox_accounts import add_keys, add_records_of_another_account
from trax_mcp import sandbox
from trax_mcp.sandbox import SANDBOX_KEY
from trax_mcp.sandbox.deployment import BASE_URL, GENEROUS, RateLimit
from trax_mcp.sandbox.keys import ACCOUNT, SCOPES
from trax_mcp.sandbox.records import Asset, Connection, Destination, Key, Source, Studio
from trax_mcp.sandbox.world import World

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

__all__ = ["ACCOUNT", "SANDBOX_KEY", "SCOPES", "RateLimit", "Sandbox"]

_FRIDAY: Final = "studio_42"
_TABLES: Final = ("studios", "destinations", "sources", "connections")


class Sandbox(sandbox.Sandbox):
    """The package's sandbox; `empty` leaves out its records, not its keys."""

    clock: ManualClock

    def __init__(
        self,
        clock: ManualClock | None = None,
        *,
        empty: bool = False,
        base_url: str = BASE_URL,
        rate_limit: RateLimit | None = GENEROUS,
    ) -> None:
        self.faults = Faults()
        log = RequestLog()
        self.requests: Sequence[ReceivedRequest] = log.requests
        """The requests that arrived, oldest first; the last ten thousand."""
        super().__init__(
            clock or ManualClock(),
            empty=empty,
            base_url=base_url,
            middleware=(log.record, self.faults.apply),
        )
        log.keys = self.world.keys
        self.rate_limit = rate_limit
        self.app = DroppingApp(self.app)
        add_keys(self.world)
        if not empty:
            add_records_of_another_account(self.world)

    @property
    def mutations(self) -> Sequence[ReceivedRequest]:
        """The requests that are not GET."""
        return [it for it in self.requests if it.method != "GET"]

    @property
    def sent(self) -> list[str]:
        """The method and path of every change that reached TRaX, whether or not it succeeded."""
        return [f"{it.method} {it.path}" for it in self.mutations]

    # Keys

    def add_key(
        self, secret: str, *, account: str = ACCOUNT, scopes: Collection[str] = SCOPES
    ) -> None:
        """Accept a key of this account with these scopes."""
        name = secret.rpartition("_")[2]
        self.world.keys[secret] = Key(secret, name, account, frozenset(scopes))

    def remove_key(self, secret: str = SANDBOX_KEY) -> None:
        """Accept a key no longer."""
        del self.world.keys[secret]

    # The air

    def go_live(self, studio: str = _FRIDAY) -> None:
        """Begin to be on air, without a request. It takes three seconds of the clock."""
        self.world.go_live(self.world.studios[studio])

    def go_offline(self, studio: str = _FRIDAY) -> None:
        """Stop, without a request. It takes one second of the clock."""
        self.world.go_offline(self.world.studios[studio])

    def status(self, studio: str = _FRIDAY) -> dict[str, Any]:
        """What `stream-status` says now."""
        return dict(self.world.stream_status(self.world.studios[studio]))

    def is_running(self, studio: str = _FRIDAY) -> bool:
        """Whether a studio is on air, or about to be."""
        stream = self.world.streams.get(studio)
        return stream is not None and stream.running

    # Chat

    def say(
        self, text: str, *, studio: str = _FRIDAY, author: str = "Ann", platform: str = "youtube"
    ) -> dict[str, Any]:
        """Let a viewer write; returns the message as TRaX lists it."""
        return self.world.say(studio, text, author=author, platform=platform).to_json()

    def messages(self, studio: str = _FRIDAY, *, last: int = 200) -> list[dict[str, Any]]:
        """The last messages as TRaX lists them, oldest first."""
        return [it.to_json() for it in self.world.chats[studio].recent(last)]

    # Records, by TRaX's names of fields

    def records(self, kind: str, *, of: str = ACCOUNT) -> list[dict[str, Any]]:
        """All records of a kind ("studios", "destinations", ...) that an owner has, by id.

        The owner of destinations and sources is a studio, else it is an account.
        """
        found = sorted(getattr(self.world, kind).of(of), key=lambda it: it.id)
        if kind == "studios":
            return [dict(it.to_json(of)) for it in found]
        return [self.record(it.id) for it in found]

    def record(self, record_id: str) -> dict[str, Any]:
        """A record as TRaX shows it."""
        record = self._table(record_id)[record_id]
        return dict(record.to_json(ACCOUNT) if isinstance(record, Studio) else record.to_json())

    def change(self, record_id: str, **fields: object) -> None:
        """Replace fields of a record: `change("conn_1", displayName="New")`."""
        table = self._table(record_id)
        table.change(table[record_id], _python_names(fields))

    def remove(self, record_id: str) -> None:
        """Remove a record."""
        del self._table(record_id)[record_id]

    def remove_all(self, kind: str) -> None:
        """Remove all records of a kind ("studios", "destinations", ...)."""
        getattr(self.world, kind).clear()

    def add_studio(
        self,
        name: str,
        *,
        record_id: str | None = None,
        account: str = ACCOUNT,
        role: str = "owner",
    ) -> str:
        """Add a studio that an account owns, or has another role in; returns its id."""
        owner = account if role == "owner" else "user_nobody"
        studio = Studio(
            record_id or self.world.new_id("studio"), name, owner, {account: role}, self.clock.now()
        )
        return self.world.studios.add(studio).id

    def add_destination(
        self, name: str, *, record_id: str | None = None, studio: str = _FRIDAY, **fields: object
    ) -> str:
        """Add a destination, on YouTube unless a field says otherwise; returns its id."""
        values: dict[str, Any] = {"platform": "youtube", **_python_names(fields)}
        destination = Destination(record_id or self.world.new_id("dest"), studio, name, **values)
        return self.world.destinations.add(destination).id

    def add_source(
        self, name: str, *, record_id: str | None = None, studio: str = _FRIDAY, **fields: object
    ) -> str:
        """Add an active webcam, unless fields say otherwise; returns its id."""
        values: dict[str, Any] = {"type": "webcam", "active": True, **_python_names(fields)}
        source = Source(
            record_id or self.world.new_id("source"),
            studio,
            name,
            created_at=self.clock.now(),
            **values,
        )
        return self.world.sources.add(source).id

    def add_connection(
        self, name: str, *, record_id: str | None = None, account: str = ACCOUNT, **fields: object
    ) -> str:
        """Link an account on YouTube, unless a field says otherwise; returns its id."""
        values: dict[str, Any] = {
            "platform": "youtube",
            "status": "active",
            **_python_names(fields),
        }
        connection = Connection(
            record_id or self.world.new_id("conn"),
            account,
            display_name=name,
            connected_at=self.clock.now(),
            **values,
        )
        return self.world.connections.add(connection).id

    # The media library

    def add_asset(self, filename: str, *, record_id: str, account: str = ACCOUNT) -> None:
        """Add a video to the media library of an account."""
        video = Asset(record_id, account, filename, "video", 1, "video/mp4", self.clock.now())
        self.world.library.assets.add(video)

    @property
    def last_asset(self) -> dict[str, Any]:
        """The newest asset as TRaX lists it now."""
        return self._last_asset().to_json(self.clock.now())

    def change_last_asset(self, **fields: object) -> None:
        """Replace fields of the newest asset."""
        self.world.library.assets.change(self._last_asset(), _python_names(fields))

    @property
    def reserved_uploads(self) -> list[str]:
        """The secret parts of upload addresses that were reserved and not used yet."""
        return list(self.world.library._reservations)

    def _last_asset(self) -> Asset:
        return list(self.world.library.assets.values())[-1]

    def reset(self) -> None:
        """Put studios, streams, destinations, sources and connections back, without faults."""
        fresh = World.seeded(self.clock, self)
        for name in (*_TABLES, "streams"):
            setattr(self.world, name, getattr(fresh, name))
        self.faults.clear()

    def _table(self, record_id: str) -> Any:  # noqa: ANN401  a table of the sandbox
        tables = (getattr(self.world, name) for name in _TABLES)
        return next(it for it in tables if record_id in it)


def _python_names(fields: dict[str, object]) -> dict[str, Any]:
    """The sandbox's own names of TRaX's fields."""
    return {re.sub("([A-Z])", r"_\1", name).lower(): value for name, value in fields.items()}
