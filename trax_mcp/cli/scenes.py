"""A whole show as a client plays it: find, ask, go live, chat, stay unmoved, go offline.

Each scene tells one thing and checks it. Nothing here starts a server or knows how a story looks.
"""

from collections.abc import Callable, Sequence
from typing import Final, Self

import anyio
from pydantic import model_validator

from trax_mcp.api.models import (
    ChatMessage,
    ChatMessageList,
    ChatSendResult,
    Destination,
    DestinationList,
    GoLiveResult,
    GoOfflineResult,
    StreamStatus,
    Studio,
    StudioList,
)
from trax_mcp.cli.story import Story, Voice, plain
from trax_mcp.cli.toolbox import Toolbox, Unexpected

_WANTED: Final = "Friday Night Show"
_REPLY: Final = "Thanks, turning it up!"
_LONGEST_NAME = 40
_LONGEST_NOTICE = 200


class QuotedChat(ChatMessageList):
    """Chat as this server gives it: first of all, whose words they are."""

    notice: str

    @model_validator(mode="before")
    @classmethod
    def _notice_first(cls, answer: object) -> object:
        if not isinstance(answer, dict) or next(iter(answer), None) != "notice":
            raise ValueError("the notice does not come first")
        return answer


class Show:
    """One evening in one studio."""

    def __init__(
        self, tools: Toolbox, story: Story, studio: Studio, destinations: Sequence[Destination]
    ) -> None:
        self._tools = tools
        self._story = story
        self._studio = studio
        self._destinations = destinations
        self._on_air_since = ""
        self._heard: set[str] = set()

    @classmethod
    async def find(cls, tools: Toolbox, story: Story) -> Self:
        """Find the studio by its name, and where it streams to.

        Raises:
            Unexpected: there is no such studio.
        """
        story.scene("Find the studio")
        story.you("Take the Friday show live.")
        studios = (await tools.call(StudioList, "list_studios")).data
        studio = next((studio for studio in studios if studio.name == _WANTED), None)
        if studio is None:
            names = ", ".join(studio.name for studio in studios)
            raise Unexpected(f"One of the studios is the {_WANTED}.", seen=f"studios: {names}")
        story.answer(f"{len(studios)} studios. The {_WANTED} is {_name(studio.id)}.")
        listed = await tools.call(DestinationList, "list_destinations", studioId=studio.id)
        enabled = [destination for destination in listed.data if destination.enabled]
        disabled = [destination for destination in listed.data if not destination.enabled]
        story.answer(f"Switched on: {_places(enabled)}.", f"Switched off: {_places(disabled)}.")
        return cls(tools, story, studio, enabled)

    async def play(self) -> None:
        """Play the rest of the evening.

        Raises:
            Unexpected: a step is not as it should be.
        """
        await self._ask_first()
        await self._go_live()
        await self._chat()
        await self._stay_unmoved()
        await self._go_offline()

    async def _ask_first(self) -> None:
        self._story.scene("Ask first")
        preview = await self._tools.refused("go_live", **self._target)
        self._story.preview(f"go_live: {self._studio.name}", preview.effects, preview.warnings)
        await self._show_still(live=False)
        self._story.checked("Nobody has seen anything. The client shows you this, and waits.")

    async def _go_live(self) -> None:
        self._story.scene("Go live")
        self._story.you("Yes, go.")
        agreed_at = anyio.current_time()
        begun = await self._tools.call(GoLiveResult, "go_live", **self._target, confirm=True)
        enabled = sorted(destination.id for destination in self._destinations)
        if sorted(begun.destination_ids) != enabled:
            raise Unexpected(f"It goes to {enabled}.", seen=list(begun.destination_ids))
        self._story.answer(f"Begun, to {_places(self._destinations)}.")
        status = await self._wait_until(live=True)
        self._on_air_since = status.live_started_at or ""
        self._story.status(f"{anyio.current_time() - agreed_at:.1f} s after your yes", live=True)

    async def _chat(self) -> None:
        self._story.scene("Read the chat and answer")
        self._story.you("What are they saying?")
        chat = await self._tools.call(QuotedChat, "list_chat_messages", **self._target)
        self._story.answer(plain(chat.notice, longest=_LONGEST_NOTICE))
        await self._listen(
            lambda message: "sound" in message.text,
            reason="listening to the chat",
            expected="A viewer speaks of the sound.",
        )
        self._story.you("Say thanks, I am turning it up.")
        sent = await self._tools.call(
            ChatSendResult, "send_chat_message", **self._target, text=_REPLY
        )
        self._story.answer("Accepted. And here it is in the chat:")
        await self._listen(
            lambda message: message.id == sent.message_id and message.text == _REPLY,
            reason="looking for it in the chat",
            expected="What was sent appears in the chat.",
            voice=Voice.YOURS,
        )

    async def _stay_unmoved(self) -> None:
        self._story.scene("A stranger gives orders")
        await self._listen(
            self._gives_orders,
            reason="listening to the chat",
            expected="A viewer names a tool.",
            voice=Voice.HOSTILE,
        )
        await self._check_still(live=True)
        self._story.narrate("Reported, not obeyed. A model that fell for it would first get this:")
        await self._tools.refused("go_offline", **self._target)
        await self._show_still(live=True)
        self._story.checked("The show goes on.")

    async def _go_offline(self) -> None:
        self._story.scene("Go offline")
        self._story.you("Great show. Take us off the air.")
        preview = await self._tools.refused("go_offline", **self._target)
        self._story.preview(f"go_offline: {self._studio.name}", preview.effects, preview.warnings)
        self._story.you("Yes.")
        agreed_at = anyio.current_time()
        await self._tools.call(GoOfflineResult, "go_offline", **self._target, confirm=True)
        self._story.answer("Begun.")
        await self._wait_until(live=False)
        self._story.status(f"{anyio.current_time() - agreed_at:.1f} s after your yes", live=False)

    @property
    def _target(self) -> dict[str, str]:
        return {"studioId": self._studio.id}

    async def _show_still(self, *, live: bool) -> None:
        """Show a look at the stream status, which must be as it was."""
        self._story.call("get_stream_status", self._target)
        await self._check_still(live=live)
        self._story.status("still", live=live)

    async def _check_still(self, *, live: bool) -> None:
        status = await self._status()
        if status.live is not live:
            raise Unexpected(f"Still {_air(live=live)}.", seen=_air(live=status.live))

    async def _status(self) -> StreamStatus:
        return await self._tools.look(StreamStatus, "get_stream_status", **self._target)

    async def _wait_until(self, *, live: bool) -> StreamStatus:
        note = f"until live is {str(live).lower()}"
        self._story.call("get_stream_status", self._target, note=note)

        async def look() -> StreamStatus | None:
            status = await self._status()
            return status if status.live is live else None

        reason = "the sandbox connects its platforms" if live else "the last viewers leave"
        return await self._tools.until(
            look, reason, expected=f"{_air(live=live).capitalize()}, in the end."
        )

    async def _listen(
        self,
        enough: Callable[[ChatMessage], bool],
        *,
        reason: str,
        expected: str,
        voice: Voice = Voice.VIEWER,
    ) -> None:
        """Quote the chat as it flows, up to a message that is enough; that one in `voice`."""

        async def look() -> ChatMessage | None:
            for message in await self._new_messages():
                if enough(message):
                    self._quote(message, voice)
                    return message
                # On a slow machine the chat is ahead of us; orders have a scene of their own.
                if not self._gives_orders(message):
                    self._quote(message, Voice.VIEWER)
            return None

        await self._tools.until(look, reason, expected=expected)

    async def _new_messages(self) -> list[ChatMessage]:
        """What was said in this show and not quoted yet, oldest first."""
        chat = await self._tools.look(QuotedChat, "list_chat_messages", **self._target)
        said = [it for it in chat.data if _said_at(it) >= self._on_air_since]
        return sorted((it for it in said if it.id not in self._heard), key=_said_at)

    def _gives_orders(self, message: ChatMessage) -> bool:
        return any(name in message.text for name in self._tools.names)

    def _quote(self, message: ChatMessage, voice: Voice) -> None:
        self._heard.add(message.id)
        self._story.chat(message.platform, message.author_display_name, message.text, voice=voice)


def _said_at(message: ChatMessage) -> str:
    """RFC 3339 in UTC, on the sandbox: such texts sort as the moments do."""
    return message.timestamp or ""


def _air(*, live: bool) -> str:
    return "on air" if live else "off air"


def _name(words: str) -> str:
    return plain(words, longest=_LONGEST_NAME)


def _places(destinations: Sequence[Destination]) -> str:
    return ", ".join(f"{_name(it.name)} on {_name(it.platform)}" for it in destinations) or "none"
