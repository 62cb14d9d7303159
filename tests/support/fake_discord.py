"""A Discord server of this process: below discord.py's HTTP client, and instead of its gateway.

It keeps the messages that a bot posts, and plays people: raw events, as the gateway sends them.
"""

from __future__ import annotations

import itertools
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Self

import anyio

from tests.support.product.shared_clock import settled
from tests.support.server_process import PATIENCE_SECONDS

if TYPE_CHECKING:
    from collections.abc import Callable

    import discord

GUILD: Final = 100
CHANNEL: Final = 200
OTHER_CHANNEL: Final = 201
MODERATOR_ROLE: Final = 300
APPLICATION: Final = 400
_EPHEMERAL: Final = 64
_BUTTON: Final = 2
_REPLY: Final = 4


@dataclass(frozen=True)
class Person:
    """Somebody on the server."""

    id: int
    name: str
    roles: tuple[int, ...] = ()

    def user(self) -> dict[str, Any]:
        """The user, as Discord sends it."""
        return {"id": str(self.id), "username": self.name, "discriminator": "0", "avatar": None}

    def member(self) -> dict[str, Any]:
        """The member of the guild, as Discord sends it."""
        roles = [str(it) for it in self.roles]
        return {"roles": roles, "joined_at": None, "flags": 0, "permissions": "0"}


BOT: Final = Person(APPLICATION, "trax")


@dataclass(frozen=True)
class Button:
    """A button as it was shown at one time."""

    message: int
    custom_id: str
    label: str


@dataclass
class Post:
    """A message of the bot."""

    id: int
    content: str
    buttons: list[Button] = field(default_factory=list)


class FakeDiscord:
    """The guild with two channels. `whispers` are the texts that only one person sees."""

    def __init__(self) -> None:
        self.posts: list[Post] = []
        self.whispers: list[tuple[str, str]] = []
        self.bodies: list[str] = []
        """Each request of the bot, whole."""
        self._bot: discord.Client | None = None
        self._ids = itertools.count(1000)
        self._pressers: dict[str, Person] = {}
        self._news = anyio.Event()

    async def connect(self, bot: discord.Client) -> None:
        """Log the bot in, and tell it of the guild."""
        await bot.login("token")
        self._bot = bot
        channel = {"type": 0, "position": 0, "permission_overwrites": [], "parent_id": None}
        self._tell(
            "GUILD_CREATE",
            id=str(GUILD),
            name="Shows",
            roles=[{"id": str(it), "name": "role"} for it in (GUILD, MODERATOR_ROLE)],
            channels=[
                {**channel, "id": str(CHANNEL), "name": "show"},
                {**channel, "id": str(OTHER_CHANNEL), "name": "talk"},
            ],
        )

    def say(self, person: Person, text: str, channel: int = CHANNEL) -> None:
        """Somebody writes in a channel."""
        message = self._message(next(self._ids), text, person, channel)
        self._tell("MESSAGE_CREATE", **message, guild_id=str(GUILD), member=person.member())

    def press(self, person: Person, button: Button) -> None:
        """Somebody presses a button that they were shown, even if it was replaced since."""
        number = str(next(self._ids))
        self._pressers[f"token-{number}"] = person
        (post,) = (it for it in self.posts if it.id == button.message)
        self._tell(
            "INTERACTION_CREATE",
            id=number,
            type=3,
            token=f"token-{number}",
            version=1,
            application_id=str(APPLICATION),
            attachment_size_limit=0,
            guild_id=str(GUILD),
            channel={"id": str(CHANNEL), "type": 0},
            member={**person.member(), "user": person.user()},
            message=self._message(post.id, post.content, BOT),
            data={"custom_id": button.custom_id, "component_type": _BUTTON},
        )

    async def until(self, done: Callable[[], object]) -> None:
        """Wait until the bot's requests have made this true."""
        with anyio.fail_after(PATIENCE_SECONDS):
            while not done():
                self._news = anyio.Event()
                await self._news.wait()
        await settled()

    # What discord.py uses of `aiohttp.ClientSession`.

    def request(
        self, method: str, url: str, *, data: str | bytes | None = None, **_: object
    ) -> _Response:
        """Serve a request."""
        body = data.decode() if isinstance(data, bytes) else data or "{}"
        self.bodies.append(body)
        path = url.partition("/api/v10")[2].partition("?")[0].strip("/").split("/")
        answer = self._serve(method, path, json.loads(body))
        self._news.set()
        return _Response(answer)

    async def close(self) -> None:
        """Nothing is open."""

    def _serve(self, method: str, path: list[str], body: dict[str, Any]) -> dict[str, Any]:
        match method, path:
            case "GET", ["users", "@me"]:
                return BOT.user()
            case "GET", ["oauth2", "applications", "@me"]:
                named = {"id": str(APPLICATION), "name": "trax", "description": "", "icon": None}
                flags = {"bot_public": False, "bot_require_code_grant": False, "verify_key": ""}
                return {**named, **flags, "owner": BOT.user()}
            case "POST", ["channels", channel, "messages"]:
                assert int(channel) == CHANNEL
                self.posts.append(Post(next(self._ids), ""))
                return self._edit(self.posts[-1], body)
            case "PATCH", ["channels", _, "messages", message]:
                (post,) = (it for it in self.posts if it.id == int(message))
                return self._edit(post, body)
            case "POST", ["interactions", number, token, "callback"]:
                if body["type"] == _REPLY:
                    self._whisper(token, body["data"])
                return {"interaction": {"id": number, "type": 3}}
            case "POST", ["webhooks", _, token]:
                self._whisper(token, body)
                return self._message(next(self._ids), body["content"], BOT)
        raise AssertionError(f"the bot has called {method} {path}")

    def _edit(self, post: Post, body: dict[str, Any]) -> dict[str, Any]:
        _check_text(body)
        post.content = body["content"]
        rows = body.get("components", [])
        parts = [part for row in rows for part in row["components"]]
        post.buttons = [Button(post.id, it["custom_id"], it["label"]) for it in parts]
        return self._message(post.id, post.content, BOT)

    def _whisper(self, token: str, body: dict[str, Any]) -> None:
        assert body["flags"] & _EPHEMERAL, "the whole channel would see it"
        _check_text(body)
        self.whispers.append((self._pressers[token].name, body["content"]))

    def _message(
        self, number: int, text: str, author: Person, channel: int = CHANNEL
    ) -> dict[str, Any]:
        return {
            "id": str(number),
            "channel_id": str(channel),
            "type": 0,
            "content": text,
            "author": author.user(),
            "timestamp": "2026-11-26T18:00:00+00:00",
            "edited_timestamp": None,
            "pinned": False,
            "mention_everyone": False,
            "tts": False,
            **{name: [] for name in ("mentions", "mention_roles", "attachments", "embeds")},
            "components": [],
        }

    def _tell(self, event: str, **data: object) -> None:
        assert self._bot is not None
        # What the gateway of discord.py does with an event.
        self._bot._connection.parsers[event](data)


def _check_text(body: dict[str, Any]) -> None:
    """Refuse a text that may mention somebody."""
    assert body["allowed_mentions"]["parse"] == []


class _Response:
    """What discord.py uses of `aiohttp.ClientResponse`."""

    status = 200
    reason = "OK"

    def __init__(self, answer: dict[str, Any]) -> None:
        self.headers = {"content-type": "application/json"}
        self._answer = answer

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        """Nothing is open."""

    async def text(self, encoding: str = "utf-8") -> str:  # noqa: ARG002  discord.py names it
        """The body."""
        return json.dumps(self._answer)
