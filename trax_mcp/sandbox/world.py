"""The sandbox's state and rules, without HTTP. Its records are TRaX's JSON.

Sandbox behaviour: a role (VIEW, EDIT) does not limit what a key may do, unlinking a connection
keeps the destinations bound to it, the form of an id, and all times below.
"""

import secrets
import time
from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from math import inf
from typing import Final, NamedTuple

from trax_mcp.sandbox import seed
from trax_mcp.sandbox.contract import SCOPES
from trax_mcp.sandbox.seed import Line, Record

BASE_URL: Final = "http://127.0.0.1:8766"
GO_LIVE_SECONDS: Final = 3.0
"""From the response to go-live until `stream-status` is live."""
GO_OFFLINE_SECONDS: Final = 1.0
"""From the response to go-offline until `stream-status` is no longer live."""
UPLOAD_URL_SECONDS: Final = 900.0
"""How long an upload URL is valid."""
PROCESSING_SECONDS: Final = 2.0
"""From the last byte of an upload until its asset is READY."""
MAX_MESSAGES: Final = 1000
"""Chat messages kept per studio."""


class ApiError(Exception):
    """A call fails. `error` becomes the error envelope."""

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        *,
        headers: Mapping[str, str] | None = None,
        **fields: str,
    ) -> None:
        super().__init__(message)
        self.status, self.headers = status, headers
        self.error = {"code": code, "message": message, **fields}


class Key(NamedTuple):
    """What an API key may do."""

    account: str
    scopes: frozenset[str]


@dataclass(frozen=True, slots=True)
class Stream:
    """One run of a studio. A stream that is stopped before `live_since` was never live."""

    id: str
    destination_ids: tuple[str, ...]
    begun_at: float
    live_since: float
    live_until: float = inf

    @property
    def is_running(self) -> bool:
        """Starting or live, and not stopped."""
        return self.live_until == inf


class World:
    """Everything that one TRaX knows. `now` gives seconds since the epoch."""

    def __init__(
        self, now: Callable[[], float] = time.time, *, empty: bool = False, base_url: str = BASE_URL
    ) -> None:
        self.now = now
        self.write_enabled = True
        self.go_live_seconds = GO_LIVE_SECONDS
        self.base_url = base_url
        self.keys = {seed.SANDBOX_KEY: Key(seed.ACCOUNT, SCOPES)}
        self.script = seed.SCRIPT
        self.streams: dict[str, Stream] = {}
        self.uploads: dict[str, tuple[str, float]] = {}
        """The asset and the end of each upload URL that was not used yet, by its token."""
        self.chats: defaultdict[str, deque[Record]] = defaultdict(
            lambda: deque(maxlen=MAX_MESSAGES)
        )
        self._next_lines: defaultdict[str, int] = defaultdict(int)  # of the script, by stream
        self._last_numbers: defaultdict[str, int] = defaultdict(lambda: 100)
        self.tables = self.seeded_tables() if not empty else {kind: {} for kind in seed.TABLES}
        for studio_id in () if empty else seed.STUDIOS_WITH_CHAT:
            for line in seed.EARLIER_LINES:
                self._say(studio_id, line, at=now() + line.after)

    def seeded_tables(self) -> dict[str, dict[str, Record]]:
        """The records that the sandbox starts with, by kind and id, dated from now."""
        now = self.now()
        return {
            kind: {row["id"]: _dated(row, now) for row in rows}
            for kind, rows in seed.TABLES.items()
        }

    # Records

    def records(self, kind: str, *, of: str) -> list[Record]:
        """The records of an owner, which is an account or a studio, in the order of their ids."""
        return sorted(
            (it for it in self.tables[kind].values() if of in _owners(it)), key=lambda it: it["id"]
        )

    def find(self, kind: str, record_id: str, *, of: str) -> Record:
        """One record of an owner; 404 if it is absent or another owner's, which look the same."""
        record = self.tables[kind].get(record_id)
        if record is None or of not in _owners(record):
            raise ApiError(404, "not_found", f"No such {kind.removesuffix('s')}.")
        return record

    def save(self, kind: str, record: Record, **changes: object) -> Record:
        """Add a record, or replace it with these changes."""
        changed = {**record, **changes}
        self.tables[kind][record["id"]] = changed
        return changed

    def new_id(self, kind: str) -> str:
        """A new id such as `studio_101`. The same calls always create the same ids."""
        self._last_numbers[kind] += 1
        return f"{kind}_{self._last_numbers[kind]}"

    # The stream

    def go_live(self, studio_id: str) -> Stream:
        """Start a stream to all enabled destinations.

        Sandbox behaviour: a stream that runs already is returned unchanged; a studio without an
        enabled destination goes live without one.
        """
        running = self.streams.get(studio_id)
        if running and running.is_running:
            return running
        self.chat(studio_id)  # what was written during the last stream
        enabled = [it["id"] for it in self.records("destinations", of=studio_id) if it["enabled"]]
        now = self.now()
        stream = Stream(self.new_id("encoder"), tuple(enabled), now, now + self.go_live_seconds)
        self.streams[studio_id] = stream
        return stream

    def go_offline(self, studio_id: str) -> None:
        """Stop the stream, live or starting. Sandbox behaviour: without a stream, this succeeds."""
        stream, now = self.streams.get(studio_id), self.now()
        if stream and stream.is_running:
            until = now + GO_OFFLINE_SECONDS if now >= stream.live_since else now
            self.streams[studio_id] = replace(stream, live_until=until)

    def stream_status(self, studio_id: str) -> Record:
        """The contract's `StreamStatus`. Sandbox behaviour: when not live, it has only `live`."""
        stream = self.streams.get(studio_id)
        if not stream or not stream.live_since <= self.now() < stream.live_until:
            return {"live": False}
        return {
            "live": True,
            "mode": "cloud",
            "encoderStreamId": stream.id,
            "broadcastStartedAt": format_time(stream.begun_at),
            "liveStartedAt": format_time(stream.live_since),
        }

    # Chat

    def chat(self, studio_id: str) -> list[Record]:
        """The messages of a studio until now, oldest first, with those of the script."""
        if stream := self.streams.get(studio_id):
            self._play_script(studio_id, stream)
        return list(self.chats[studio_id])

    def _play_script(self, studio_id: str, stream: Stream) -> None:
        """Add the lines that are due. The same moments always have the same messages."""
        until = min(self.now(), stream.live_until)
        while True:
            again, number = divmod(self._next_lines[stream.id], len(self.script.lines))
            line = self.script.lines[number]
            at = stream.live_since + again * self.script.period + line.after
            if at > until:
                return
            self._say(studio_id, line, at=at)
            self._next_lines[stream.id] += 1

    def say(self, studio_id: str, text: str, *, author: str, platform: str = "youtube") -> Record:
        """Add a message, as if `author` had written it on `platform` now."""
        self.chat(studio_id)
        return self._say(studio_id, Line(0, platform, author, "", text), at=self.now())

    def send(self, studio_id: str, account: str, text: str, platforms: Iterable[str]) -> Record:
        """Send a message as an account, live or not.

        Sandbox behaviour: one message appears, on the first platform named, else on "trax".
        """
        author = seed.DISPLAY_NAMES.get(account, account)
        return self.say(studio_id, text, author=author, platform=next(iter(platforms), "trax"))

    def _say(self, studio_id: str, line: Line, *, at: float) -> Record:
        message = {
            "id": self.new_id("message"),
            "platform": line.platform,
            "authorDisplayName": line.author,
            **({"authorId": line.author_id} if line.author_id else {}),
            "text": line.text,
            "timestamp": format_time(at),
        }
        self.chats[studio_id].append(message)
        return message

    # Media: only UPLOADING -> READY or FAILED is documented.

    def assets(self, account: str) -> list[Record]:
        """The assets of an account, each with its status now."""
        return [
            {**it, "status": "READY"}
            if it["status"] == "UPLOADING" and it.get("_readyAt", inf) <= self.now()
            else it
            for it in self.records("assets", of=account)
        ]

    def reserve_upload(self, account: str, fields: Record) -> tuple[Record, str]:
        """Add an asset, and return it with the token of its upload URL.

        Sandbox behaviour: the URL expires and works once.
        """
        kind, slash, _ = fields["contentType"].lower().partition("/")
        if not slash or kind not in {"video", "image", "audio"}:
            message = "contentType must be a video, image or audio type."
            raise ApiError(400, "invalid_request", message)
        asset = {
            "id": self.new_id("asset"),
            "_account": account,
            "kind": kind,
            "status": "UPLOADING",
            "createdAt": format_time(self.now()),
        }
        token = secrets.token_urlsafe(24)
        self.uploads[token] = (asset["id"], self.now() + UPLOAD_URL_SECONDS)
        return self.save("assets", asset, **fields), token

    def receive_upload(self, token: str, size: int) -> None:
        """Receive `size` bytes; if they are not as many as announced, the asset is FAILED."""
        asset_id, expires_at = self.uploads.pop(token, ("", -inf))
        if self.now() >= expires_at:
            raise ApiError(403, "upload_forbidden", "This upload URL isn't valid, or no longer.")
        asset = self.tables["assets"][asset_id]
        whole = size == asset["byteSize"]
        changes = {"_readyAt": self.now() + PROCESSING_SECONDS} if whole else {"status": "FAILED"}
        self.save("assets", asset, **changes)


def format_time(seconds: float) -> str:
    """Seconds since the epoch as RFC 3339 in UTC. Sandbox behaviour: documented only as string."""
    text = datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds")
    return text.replace("+00:00", "Z")


def _owners(record: Record) -> tuple[str, ...]:
    """The studio or the accounts that a record belongs to."""
    return record.get("studioId"), record.get("_account"), *record.get("_roles", ())


def _dated(row: Record, now: float) -> Record:
    return {
        name: format_time(now + value) if name.endswith("At") else value
        for name, value in row.items()
    }
