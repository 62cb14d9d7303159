"""The sandbox's state and rules, without HTTP.

Sandbox behaviour: a role (VIEW, EDIT) does not limit what a key may do, unlinking a connection
keeps the destinations bound to it, and the form of an id.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import replace
from typing import Self

from trax_mcp.sandbox import seed
from trax_mcp.sandbox.deployment import Deployment
from trax_mcp.sandbox.keys import KEY
from trax_mcp.sandbox.media_library import Library
from trax_mcp.sandbox.messages import Json
from trax_mcp.sandbox.record_table import RecordTable
from trax_mcp.sandbox.records import Connection, Destination, Key, Message, Source, Studio
from trax_mcp.sandbox.stream_run import Stream
from trax_mcp.sandbox.studio_chat import Chat
from trax_mcp.sandbox.system_clock import Clock


class World:
    """The state of the sandbox; empty at first, except for its key.

    A studio belongs to every account that has a role in it.
    """

    def __init__(self, clock: Clock, deployment: Deployment) -> None:
        self.clock = clock
        self.deployment = deployment
        self.keys: dict[str, Key] = {KEY.secret: KEY}
        self.studios = RecordTable[Studio]("studio", lambda it, account: account in it.roles)
        self.destinations = RecordTable[Destination](
            "destination", lambda it, studio: it.studio_id == studio
        )
        self.sources = RecordTable[Source]("source", lambda it, studio: it.studio_id == studio)
        self.connections = RecordTable[Connection](
            "connection", lambda it, account: it.account == account
        )
        self.streams: dict[str, Stream] = {}
        self.chats: defaultdict[str, Chat] = defaultdict(lambda: Chat(seed.SCRIPT, self.new_id))
        self.library = Library(clock, self.new_id)
        self._last_numbers: defaultdict[str, int] = defaultdict(lambda: 100)

    @classmethod
    def seeded(cls, clock: Clock, deployment: Deployment) -> Self:
        """A world with the records of `seed`."""
        world, now = cls(clock, deployment), clock.now()
        world.studios.extend(seed.studios(now))
        world.destinations.extend(seed.DESTINATIONS)
        world.sources.extend(seed.sources(now))
        world.connections.extend(seed.connections(now))
        world.library.assets.extend(seed.assets(now))
        for studio_id in seed.STUDIOS_WITH_CHAT:
            for line in seed.EARLIER_LINES:
                world.chats[studio_id].add_line(line, at=now + line.after)
        return world

    def new_id(self, kind: str) -> str:
        """A new id such as `studio_101`. The same calls always create the same ids."""
        self._last_numbers[kind] += 1
        return f"{kind}_{self._last_numbers[kind]}"

    def key(self, secret: str | None) -> Key | None:
        """The key with this secret."""
        return self.keys.get(secret or "")

    def add_studio(self, account: str, *, name: str) -> Studio:
        """Add a studio of `account`."""
        roles = {account: "owner"}
        return self.studios.add(
            Studio(self.new_id("studio"), name, account, roles, self.clock.now())
        )

    def add_destination(self, studio: Studio, account: str, fields: Json) -> Destination:
        """Add a destination.

        Sandbox behaviour: it is enabled and horizontal by default, and a connection that `account`
        does not have is 404.
        """
        if fields.get("connection_id") is not None:
            self.connections.find(fields["connection_id"], of=account)
        return self.destinations.add(Destination(self.new_id("dest"), studio.id, **fields))

    def add_source(self, studio: Studio, fields: Json) -> Source:
        """Add a source. Sandbox behaviour: it is active by default."""
        values = {"active": True, "created_at": self.clock.now(), **fields}
        return self.sources.add(Source(self.new_id("source"), studio.id, **values))

    def go_live(self, studio: Studio) -> Stream:
        """Start a stream to all enabled destinations.

        Sandbox behaviour: a stream that runs already is returned unchanged; a studio without an
        enabled destination goes live without one.
        """
        running = self.streams.get(studio.id)
        if running and running.running:
            return running
        self.chat(studio)
        enabled = sorted(it.id for it in self.destinations.of(studio.id) if it.enabled)
        stream = Stream(self.new_id("encoder"), tuple(enabled), self.clock.now())
        self.streams[studio.id] = stream
        return stream

    def go_offline(self, studio: Studio) -> None:
        """Stop the stream, live or starting. Sandbox behaviour: without a stream, this succeeds."""
        stream = self.streams.get(studio.id)
        if stream and stream.running:
            self.streams[studio.id] = replace(stream, stopped_at=self.clock.now())

    def stream_status(self, studio: Studio) -> Json:
        """The studio's `StreamStatus` now."""
        stream = self.streams.get(studio.id)
        return stream.to_json(self.clock.now()) if stream else {"live": False}

    def chat(self, studio: Studio) -> Chat:
        """The studio's chat, with all scripted messages until now."""
        chat, stream = self.chats[studio.id], self.streams.get(studio.id)
        if stream:
            until = min(self.clock.now(), stream.live_until)
            chat.catch_up(stream.encoder_stream_id, since=stream.live_since, until=until)
        return chat

    def send(self, studio: Studio, account: str, *, text: str, platforms: Iterable[str]) -> Message:
        """Send a message as the account, live or not.

        Sandbox behaviour: one message appears, on the first platform named, else on "trax".
        """
        return self.say(
            studio.id,
            text,
            author=seed.DISPLAY_NAMES[account],
            platform=next(iter(platforms), "trax"),
        )

    def say(self, studio_id: str, text: str, *, author: str, platform: str = "youtube") -> Message:
        """Add a message to a studio's chat, as if `author` had written it on `platform` now."""
        chat = self.chat(self.studios[studio_id])
        return chat.add(platform=platform, author=author, text=text, at=self.clock.now())
