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
from trax_mcp.sandbox.keys import KEYS
from trax_mcp.sandbox.media import Library
from trax_mcp.sandbox.records import Connection, Destination, Key, Message, Source, Studio
from trax_mcp.sandbox.stream import Stream
from trax_mcp.sandbox.table import Table

if TYPE_CHECKING:
    from collections.abc import Iterable

    from trax_mcp.sandbox.clock import Clock
    from trax_mcp.sandbox.deployment import Deployment
    from trax_mcp.sandbox.messages import Json


class World:
    """Everything the sandbox knows: at first keys and accounts, and nothing else.

    A studio belongs to every account that has a role in it.
    """

    def __init__(self, clock: Clock, deployment: Deployment) -> None:
        self.clock = clock
        self.deployment = deployment
        self.keys: dict[str, Key] = {key.secret: key for key in KEYS}
        self.studios = Table[Studio]("studio", lambda it, account: account in it.roles)
        self.destinations = Table[Destination](
            "destination", lambda it, studio: it.studio_id == studio
        )
        self.sources = Table[Source]("source", lambda it, studio: it.studio_id == studio)
        self.connections = Table[Connection](
            "connection", lambda it, account: it.account == account
        )
        self.streams: dict[str, Stream] = {}
        self.chats: defaultdict[str, Chat] = defaultdict(lambda: Chat(seed.SCRIPT, self.new_id))
        self.library = Library(clock, self.new_id)
        self._minted: defaultdict[str, int] = defaultdict(lambda: 100)

    @classmethod
    def seeded(cls, clock: Clock, deployment: Deployment) -> Self:
        """The small world of `seed`."""
        world, now = cls(clock, deployment), clock.now()
        world.studios.extend(seed.studios(now))
        world.destinations.extend(seed.DESTINATIONS)
        world.sources.extend(seed.sources(now))
        world.connections.extend(seed.connections(now))
        world.library.assets.extend(seed.assets(now))
        for studio_id in seed.CHATTING:
            for line in seed.PAST:
                world.chats[studio_id].tell(line, at=now + line.after)
        return world

    def new_id(self, kind: str) -> str:
        """A new id: `studio_101`. The same calls always make the same ids."""
        self._minted[kind] += 1
        return f"{kind}_{self._minted[kind]}"

    def key(self, secret: str | None) -> Key | None:
        """The key with this secret, revoked or not."""
        return self.keys.get(secret or "")

    def add_studio(self, account: str, *, name: str) -> Studio:
        """A new studio that `account` owns."""
        roles = {account: "owner"}
        return self.studios.add(
            Studio(self.new_id("studio"), name, account, roles, self.clock.now())
        )

    def add_destination(self, studio: Studio, account: str, fields: Json) -> Destination:
        """A new destination.

        Sandbox behaviour: it is enabled and horizontal unless told otherwise, and a connection that
        `account` does not have is 404.
        """
        if fields.get("connection_id") is not None:
            self.connections.find(fields["connection_id"], of=account)
        return self.destinations.add(Destination(self.new_id("dest"), studio.id, **fields))

    def add_source(self, studio: Studio, fields: Json) -> Source:
        """A new source; active unless told otherwise (sandbox behaviour)."""
        known = {"active": True, "created_at": self.clock.now(), **fields}
        return self.sources.add(Source(self.new_id("source"), studio.id, **known))

    def go_live(self, studio: Studio) -> Stream:
        """Begin a stream to all enabled destinations.

        Sandbox behaviour: one that runs already is answered again, unchanged; a studio without an
        enabled destination goes live to nowhere.
        """
        running = self.streams.get(studio.id)
        if running and running.running:
            return running
        self.chat(studio)
        enabled = sorted(one.id for one in self.destinations.of(studio.id) if one.enabled)
        stream = Stream(self.new_id("encoder"), tuple(enabled), self.clock.now())
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

    def chat(self, studio: Studio) -> Chat:
        """The studio's chat, with everything said that viewers had to say until now."""
        chat, stream = self.chats[studio.id], self.streams.get(studio.id)
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
