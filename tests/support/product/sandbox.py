"""The TRaX of the tests: the sandbox with a request log, faults, more keys and a manual clock.

Tests change its contents as TRaX names them, by id: `change("dest_1", name="Other")`.
"""

from __future__ import annotations

from math import inf
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from tests.support.product.dropped_connections import DroppingApp
from tests.support.product.exchanges import InterceptedApp
from tests.support.product.faults import Faults
from tests.support.product.manual_clock import ManualClock
from tests.support.product.request_log import ReceivedRequest, RequestLog
from tests.support.product.sandbox_accounts import add_keys, add_records_of_another_account
from trax_mcp import sandbox
from trax_mcp.sandbox import SANDBOX_KEY
from trax_mcp.sandbox.app import BURST, PER_SECOND
from trax_mcp.sandbox.contract import SCOPES
from trax_mcp.sandbox.seed import ACCOUNT, Line, Script
from trax_mcp.sandbox.world import BASE_URL, Key, format_time

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

__all__ = ["ACCOUNT", "SANDBOX_KEY", "SCOPES", "Line", "RateLimit", "Sandbox", "Script"]

_FRIDAY: Final = "studio_42"
_TABLES: Final = ("studios", "destinations", "sources", "connections")


class RateLimit(NamedTuple):
    """A token bucket: `burst` requests at once, refilled at `per_second`."""

    burst: float
    per_second: float


_GENEROUS: Final = RateLimit(BURST, PER_SECOND)


class Sandbox(sandbox.Sandbox):
    """The package's sandbox; `empty` leaves out its records, not its keys.

    A number in a field of time is in seconds since the epoch. A name that begins with `_` is that
    of a field which TRaX never returns.
    """

    def __init__(
        self,
        clock: ManualClock | None = None,
        *,
        empty: bool = False,
        base_url: str = BASE_URL,
        rate_limit: RateLimit | None = _GENEROUS,
    ) -> None:
        self.clock = clock or ManualClock()
        self.faults = Faults()
        super().__init__(self.clock.now, empty=empty, base_url=base_url)
        log = RequestLog(self.world.keys, self.clock.now)
        self.requests: Sequence[ReceivedRequest] = log.requests
        """The requests that arrived, oldest first; the last ten thousand."""
        self.rate_limit = rate_limit
        self.app = DroppingApp(InterceptedApp(self.app, log.record, self.faults.apply))
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

    # The deployment

    @property
    def base_url(self) -> str:
        """The base of upload URLs."""
        return self.world.base_url

    @base_url.setter
    def base_url(self, base_url: str) -> None:
        self.world.base_url = base_url

    @property
    def write_enabled(self) -> bool:
        """Whether TRaX accepts changes."""
        return self.world.write_enabled

    @write_enabled.setter
    def write_enabled(self, enabled: bool) -> None:
        self.world.write_enabled = enabled

    @property
    def rate_limit(self) -> RateLimit | None:
        """The token bucket of each key; None is no limit."""
        return None if self.burst == inf else RateLimit(self.burst, self.per_second)

    @rate_limit.setter
    def rate_limit(self, limit: RateLimit | None) -> None:
        self.burst, self.per_second = limit or RateLimit(inf, PER_SECOND)

    def deviate(self, name: str) -> None:
        """Do as `trax-mcp sandbox --deviate NAME` from now on."""
        sandbox.deviate(self, [name])

    # Keys

    def add_key(
        self, secret: str, *, account: str = ACCOUNT, scopes: Collection[str] = SCOPES
    ) -> None:
        """Accept a key of this account with these scopes."""
        self.world.keys[secret] = Key(account, frozenset(scopes))

    def remove_key(self, secret: str = SANDBOX_KEY) -> None:
        """Accept a key no longer."""
        del self.world.keys[secret]

    # The air

    def go_live(self, studio: str = _FRIDAY) -> None:
        """Begin to be on air, without a request. It takes three seconds of the clock."""
        self.world.go_live(studio)

    def go_offline(self, studio: str = _FRIDAY) -> None:
        """Stop, without a request. It takes one second of the clock."""
        self.world.go_offline(studio)

    def status(self, studio: str = _FRIDAY) -> dict[str, Any]:
        """What `stream-status` says now."""
        return self.world.stream_status(studio)

    def is_running(self, studio: str = _FRIDAY) -> bool:
        """Whether a studio is on air, or about to be."""
        stream = self.world.streams.get(studio)
        return stream is not None and stream.is_running

    # Chat

    def say(
        self, text: str, *, studio: str = _FRIDAY, author: str = "Ann", platform: str = "youtube"
    ) -> dict[str, Any]:
        """Let a viewer write; returns the message as TRaX lists it."""
        return self.world.say(studio, text, author=author, platform=platform)

    def messages(self, studio: str = _FRIDAY, *, last: int = 200) -> list[dict[str, Any]]:
        """The last messages as TRaX lists them, oldest first."""
        return self.world.chat(studio)[-last:]

    # Records

    def records(self, kind: str, *, of: str = ACCOUNT) -> list[dict[str, Any]]:
        """All records of a kind ("studios", "destinations", ...) that an owner has, by id.

        The owner of destinations and sources is a studio, else it is an account.
        """
        return [_shown(it, of) for it in self.world.records(kind, of=of)]

    def record(self, record_id: str) -> dict[str, Any]:
        """A record as TRaX shows it."""
        return _shown(self.world.tables[self._kind(record_id)][record_id], ACCOUNT)

    def change(self, record_id: str, **fields: object) -> None:
        """Replace fields of a record: `change("conn_1", displayName="New")`."""
        kind = self._kind(record_id)
        self.world.save(kind, self.world.tables[kind][record_id], **_written(fields))

    def remove(self, record_id: str) -> None:
        """Remove a record."""
        del self.world.tables[self._kind(record_id)][record_id]

    def remove_all(self, kind: str) -> None:
        """Remove all records of a kind ("studios", "destinations", ...)."""
        self.world.tables[kind].clear()

    def add_studio(
        self,
        name: str,
        *,
        record_id: str | None = None,
        account: str = ACCOUNT,
        role: str = "owner",
    ) -> str:
        """Add a studio that an account owns, or has another role in; returns its id."""
        return self._add(
            "studios",
            record_id or self.world.new_id("studio"),
            name=name,
            ownerSub=account if role == "owner" else "user_nobody",
            createdAt=self.clock.now(),
            _roles={account: role},
        )

    def add_destination(
        self, name: str, *, record_id: str | None = None, studio: str = _FRIDAY, **fields: object
    ) -> str:
        """Add a destination, on YouTube unless a field says otherwise; returns its id."""
        usual = {"platform": "youtube", "enabled": True, "vertical": False}
        new_id = record_id or self.world.new_id("dest")
        return self._add("destinations", new_id, studioId=studio, name=name, **usual | fields)

    def add_source(
        self, name: str, *, record_id: str | None = None, studio: str = _FRIDAY, **fields: object
    ) -> str:
        """Add an active webcam, unless fields say otherwise; returns its id."""
        usual = {"type": "webcam", "active": True, "createdAt": self.clock.now()}
        new_id = record_id or self.world.new_id("source")
        return self._add("sources", new_id, studioId=studio, name=name, **usual | fields)

    def add_connection(
        self, name: str, *, record_id: str | None = None, account: str = ACCOUNT, **fields: object
    ) -> str:
        """Link an account on YouTube, unless a field says otherwise; returns its id."""
        usual = {"platform": "youtube", "connectionType": "oauth", "status": "active"}
        times = {"connectedAt": self.clock.now(), "updatedAt": self.clock.now()}
        new_id = record_id or self.world.new_id("conn")
        return self._add(
            "connections", new_id, _account=account, displayName=name, **usual | times | fields
        )

    # The media library

    def add_asset(self, filename: str, *, record_id: str, account: str = ACCOUNT) -> None:
        """Add a video to the media library of an account."""
        self._add(
            "assets",
            record_id,
            _account=account,
            filename=filename,
            kind="video",
            contentType="video/mp4",
            byteSize=1,
            status="UPLOADING",
            createdAt=self.clock.now(),
        )

    @property
    def last_asset(self) -> dict[str, Any]:
        """The newest asset as TRaX lists it now."""
        listed = self.world.assets(self._last_asset()["_account"])
        return next(_shown(it, "") for it in listed if it["id"] == self._last_asset()["id"])

    def change_last_asset(self, **fields: object) -> None:
        """Replace fields of the newest asset."""
        self.world.save("assets", self._last_asset(), **_written(fields))

    @property
    def reserved_uploads(self) -> list[str]:
        """The secret parts of upload addresses that were reserved and not used yet."""
        return list(self.world.uploads)

    def _last_asset(self) -> dict[str, Any]:
        return list(self.world.tables["assets"].values())[-1]

    def reset(self) -> None:
        """Put studios, streams, destinations, sources and connections back, without faults."""
        fresh = self.world.seeded_tables()
        self.world.tables.update({kind: fresh[kind] for kind in _TABLES})
        self.world.streams.clear()
        self.faults.clear()

    def _kind(self, record_id: str) -> str:
        return next(kind for kind in _TABLES if record_id in self.world.tables[kind])

    def _add(self, table: str, record_id: str, **fields: object) -> str:
        self.world.save(table, {"id": record_id, **_written(fields)})
        return record_id


def _written(fields: dict[str, Any]) -> dict[str, Any]:
    """Fields as the sandbox stores them: with times as text."""
    return {
        name: format_time(value) if name.endswith("At") and not name.startswith("_") else value
        for name, value in fields.items()
    }


def _shown(record: dict[str, Any], account: str) -> dict[str, Any]:
    """A record as TRaX shows it to an account."""
    role = {"role": record["_roles"][account]} if "_roles" in record else {}
    shown = {name: value for name, value in record.items() if not name.startswith("_")}
    return {**shown, **role}
