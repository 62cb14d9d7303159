"""The sandbox's state and rules: who has what, who may see it, what an act does. No HTTP here.

Undocumented, and therefore only sandbox behaviour: a role (VIEW, EDIT) does not limit what a key
may do, unlinking a connection leaves the destinations bound to it, and what an id looks like.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from typing import TYPE_CHECKING, Self

from trax_mcp.sandbox import seed
from trax_mcp.sandbox.chat import Chat
from trax_mcp.sandbox.exchange import Json, not_found
from trax_mcp.sandbox.keys import KEYS
from trax_mcp.sandbox.media import Library
from trax_mcp.sandbox.records import Connection, Destination, Key, Message, Source, Studio
from trax_mcp.sandbox.stream import Stream

if TYPE_CHECKING:
    from collections.abc import Iterable

    from trax_mcp.sandbox.clock import Clock


class World:
    """Everything the sandbox knows. A lookup of what `account` may not see is refused with 404."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.write_enabled = True
        self.base_url = "http://127.0.0.1:8766"
        """Where upload URLs point: at the sandbox itself."""
        self.keys: dict[str, Key] = {key.secret: key for key in KEYS}
        self.studios: dict[str, Studio] = {}
        self.destinations: dict[str, Destination] = {}
        self.sources: dict[str, Source] = {}
        self.connections: dict[str, Connection] = {}
        self.streams: dict[str, Stream] = {}
        self.chats: dict[str, Chat] = {}
        self.library = Library(clock, self.mint)
        self._minted: defaultdict[str, int] = defaultdict(lambda: 100)

    @classmethod
    def empty(cls, clock: Clock) -> Self:
        """Keys and accounts, and nothing else."""
        return cls(clock)

    @classmethod
    def seeded(cls, clock: Clock) -> Self:
        """The small world of `seed`."""
        world, now = cls(clock), clock.now()
        world.studios = {studio.id: studio for studio in seed.studios(now)}
        world.destinations = {destination.id: destination for destination in seed.DESTINATIONS}
        world.sources = {source.id: source for source in seed.sources(now)}
        world.connections = {connection.id: connection for connection in seed.connections(now)}
        world.library.assets = {asset.id: asset for asset in seed.assets(now)}
        world.chats = {studio: world._past_chat(now) for studio in seed.CHATTING}
        return world

    def mint(self, kind: str) -> str:
        """A new id: `studio_101`. The same calls always make the same ids."""
        self._minted[kind] += 1
        return f"{kind}_{self._minted[kind]}"

    def key(self, secret: str | None) -> Key | None:
        """The key with this secret, revoked or not."""
        return self.keys.get(secret or "")

    # Studios

    def studios_of(self, account: str) -> list[Studio]:
        """Every studio in which `account` has a role."""
        return [studio for studio in self.studios.values() if account in studio.roles]

    def studio(self, account: str, studio_id: str) -> Studio:
        """The studio, if `account` has a role in it."""
        studio = self.studios.get(studio_id)
        if studio is None or account not in studio.roles:
            raise not_found("studio")
        return studio

    def add_studio(self, account: str, *, name: str) -> Studio:
        """A new studio that `account` owns."""
        now = self.clock.now()
        studio = Studio(self.mint("studio"), name, account, {account: "owner"}, now)
        self.studios[studio.id] = studio
        return studio

    def change_studio(self, studio: Studio, changes: Json) -> Studio:
        """Replace the named fields."""
        self.studios[studio.id] = changed = replace(studio, **changes)
        return changed

    # Destinations

    def destinations_of(self, studio: Studio) -> list[Destination]:
        """All destinations of a studio, enabled or not."""
        return [one for one in self.destinations.values() if one.studio_id == studio.id]

    def destination(self, studio: Studio, destination_id: str) -> Destination:
        """The destination, if it belongs to this studio."""
        destination = self.destinations.get(destination_id)
        if destination is None or destination.studio_id != studio.id:
            raise not_found("destination")
        return destination

    def add_destination(self, studio: Studio, account: str, fields: Json) -> Destination:
        """A new destination.

        Sandbox behaviour: it is enabled and horizontal unless told otherwise, and a connection that
        `account` does not have is 404.
        """
        if fields.get("connection_id") is not None:
            self.connection(account, fields["connection_id"])
        destination = Destination(self.mint("dest"), studio.id, **fields)
        self.destinations[destination.id] = destination
        return destination

    def change_destination(self, destination: Destination, changes: Json) -> Destination:
        """Replace the named fields."""
        self.destinations[destination.id] = changed = replace(destination, **changes)
        return changed

    # Sources

    def sources_of(self, studio: Studio) -> list[Source]:
        """All sources of a studio, active or not."""
        return [source for source in self.sources.values() if source.studio_id == studio.id]

    def source(self, studio: Studio, source_id: str) -> Source:
        """The source, if it belongs to this studio."""
        source = self.sources.get(source_id)
        if source is None or source.studio_id != studio.id:
            raise not_found("source")
        return source

    def add_source(self, studio: Studio, fields: Json) -> Source:
        """A new source; active unless told otherwise (sandbox behaviour)."""
        created = self.clock.now()
        known = {"active": True, "created_at": created, **fields}
        source = Source(self.mint("source"), studio.id, **known)
        self.sources[source.id] = source
        return source

    def change_source(self, source: Source, changes: Json) -> Source:
        """Replace the named fields."""
        self.sources[source.id] = changed = replace(source, **changes)
        return changed

    # Connections

    def connections_of(self, account: str) -> list[Connection]:
        """Every platform account that `account` has linked."""
        return [one for one in self.connections.values() if one.account == account]

    def connection(self, account: str, connection_id: str) -> Connection:
        """The connection, if `account` linked it."""
        connection = self.connections.get(connection_id)
        if connection is None or connection.account != account:
            raise not_found("connection")
        return connection

    # The stream

    def go_live(self, studio: Studio) -> Stream:
        """Begin a stream to all enabled destinations.

        Sandbox behaviour: one that runs already is answered again, unchanged; a studio without an
        enabled destination goes live to nowhere.
        """
        running = self.streams.get(studio.id)
        if running and running.running:
            return running
        self.chat(studio)
        enabled = sorted(one.id for one in self.destinations_of(studio) if one.enabled)
        stream = Stream(self.mint("encoder"), tuple(enabled), self.clock.now())
        self.streams[studio.id] = stream
        return stream

    def go_offline(self, studio: Studio) -> None:
        """Stop a stream, live or starting. Sandbox behaviour: stopping nothing is fine too."""
        stream = self.streams.get(studio.id)
        if stream and stream.running:
            self.streams[studio.id] = replace(stream, stopped_at=self.clock.now())

    def stream_status(self, studio: Studio) -> Json:
        """What `stream-status` says now."""
        stream = self.streams.get(studio.id)
        return stream.shown(self.clock.now()) if stream else {"live": False}

    # Chat

    def chat(self, studio: Studio) -> Chat:
        """The studio's chat, with everything said that viewers had to say until now."""
        chat = self.chats.setdefault(studio.id, Chat((), seed.SCRIPT, self._mint_message))
        stream = self.streams.get(studio.id)
        if stream:
            until = min(self.clock.now(), stream.live_until)
            chat.catch_up(stream.encoder_stream_id, since=stream.live_since, until=until)
        return chat

    def send(self, studio: Studio, account: str, *, text: str, platforms: Iterable[str]) -> Message:
        """Say something as the account, live or not.

        Sandbox behaviour: one message shows up, on the first platform named, else on "trax".
        """
        return self.say(
            studio.id, text, author=seed.NAMES[account], platform=next(iter(platforms), "trax")
        )

    def say(self, studio_id: str, text: str, *, author: str, platform: str = "youtube") -> Message:
        """Put a message into a studio's chat, as if someone on `platform` had written it now."""
        chat = self.chat(self.studios[studio_id])
        return chat.add(platform=platform, author=author, text=text, at=self.clock.now())

    def _mint_message(self) -> str:
        return self.mint("message")

    def _past_chat(self, now: float) -> Chat:
        chat = Chat((), seed.SCRIPT, self._mint_message)
        for line in seed.PAST:
            chat.add(
                platform=line.platform,
                author=line.author,
                text=line.text,
                at=now + line.after,
                author_id=line.author_id,
            )
        return chat
