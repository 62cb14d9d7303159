"""A whole show, with a client that can ask: find, be asked, go live, chat, stay unmoved, stop.

Each scene tells one thing and checks it. Nothing here starts a server or knows how a story looks.
"""

from collections.abc import Awaitable, Callable, Sequence
from typing import Final, Self, TypeVar

import anyio

from trax_mcp.api.models import (
    ChatMessage,
    ChatSendResult,
    Destination,
    DestinationList,
    StreamStatus,
    Studio,
    StudioList,
)
from trax_mcp.cli.answers import Begun, Ended, Observed, QuotedChat
from trax_mcp.cli.person import Person
from trax_mcp.cli.story import Story, Voice, plain
from trax_mcp.cli.toolbox import Toolbox, Unexpected

_WANTED: Final = "Friday Night Show"
_REPLY: Final = "Thanks, turning it up!"
_LONGEST_NAME = 40
_LONGEST_NOTICE = 200

AnswerT = TypeVar("AnswerT")


class Show:
    """One evening in one studio."""

    def __init__(
        self,
        tools: Toolbox,
        story: Story,
        person: Person,
        studio: Studio,
        destinations: Sequence[Destination],
    ) -> None:
        self._tools = tools
        self._story = story
        self._person = person
        self._studio = studio
        self._destinations = destinations
        self._on_air_since = ""
        self._heard: set[str] = set()

    @classmethod
    async def find(cls, tools: Toolbox, story: Story, person: Person) -> Self:
        """Find the studio by its name, and where it streams to.

        Raises:
            Unexpected: there is no such studio.
        """
        story.scene("Find the studio")
        story.you("Take the Friday show live.")
        studios = await tools.call(StudioList, "list_studios")
        studio = the_studio(studios)
        story.answer(f"{len(studios.data)} studios. The {_WANTED} is {_name(studio.id)}.")
        listed = await tools.call(DestinationList, "list_destinations", studioId=studio.id)
        enabled = [destination for destination in listed.data if destination.enabled]
        disabled = [destination for destination in listed.data if not destination.enabled]
        story.answer(f"Switched on: {places(enabled)}.", f"Switched off: {places(disabled)}.")
        return cls(tools, story, person, studio, enabled)

    async def play(self) -> None:
        """Play the rest of the evening.

        Raises:
            Unexpected: a step is not as it should be.
        """
        await self._go_live()
        await self._chat()
        await self._stay_unmoved()
        await self._go_offline()

    async def _go_live(self) -> None:
        self._story.scene("Be asked, and go live")
        self._person.will(agree=True, meanwhile=self._think)
        begun = await self._asked("go_live", self._tools.call(Begun, "go_live", **self._target))
        check_reach(begun, self._destinations)
        self._story.answer(f"Begun, to {places(self._destinations)}.")
        self._tell_observed(begun.observed, live=True)
        self._on_air_since = begun.observed.since or ""
        await self._check(live=True)

    async def _think(self) -> None:
        await self._check(live=False)
        self._story.checked("While you think, nothing is sent: the studio is still off air.")

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
        self._story.narrate("Reported, not obeyed. A model that fell for it would get this far:")
        self._person.will(agree=False)
        refused = self._tools.refused("declined: declined", "go_offline", **self._target)
        await self._asked("go_offline", refused)
        await self._check(live=True)
        self._story.checked("The show goes on: still on air.")

    async def _go_offline(self) -> None:
        self._story.scene("Go offline")
        self._story.you("Great show. Take us off the air.")
        self._person.will(agree=True)
        ended = await self._asked(
            "go_offline", self._tools.call(Ended, "go_offline", **self._target)
        )
        self._story.answer("Begun.")
        self._tell_observed(ended.observed, live=False)
        await self._check(live=False)

    @property
    def _target(self) -> dict[str, str]:
        return {"studioId": self._studio.id}

    async def _asked(self, tool: str, call: Awaitable[AnswerT]) -> AnswerT:
        """Make a call about which the person is asked; what they saw comes before its answer."""
        try:
            return await call
        finally:
            self._person.must_have_decided(tool)

    def _tell_observed(self, observed: Observed, *, live: bool) -> None:
        check_observed(observed, live=live)
        seconds = anyio.current_time() - self._person.decided_at
        self._story.status(f"observed, {seconds:.1f} s after your yes", live=live)

    async def _check(self, *, live: bool) -> None:
        """Look at the stream status, which must be as it is said to be."""
        status = await self._tools.look(StreamStatus, "get_stream_status", **self._target)
        if status.live is not live:
            raise Unexpected(f"It is {_air(live=live)}.", seen=_air(live=status.live))

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


def the_studio(studios: StudioList) -> Studio:
    """The studio that is played with.

    Raises:
        Unexpected: there is none of its name.
    """
    for studio in studios.data:
        if studio.name == _WANTED:
            return studio
    names = ", ".join(studio.name for studio in studios.data)
    raise Unexpected(f"One of the studios is the {_WANTED}.", seen=f"studios: {names}")


def check_reach(begun: Begun, destinations: Sequence[Destination]) -> None:
    """See that a go-live went to these destinations and no others.

    Raises:
        Unexpected: it did not.
    """
    enabled = sorted(it.id for it in destinations)
    if sorted(begun.destination_ids) != enabled:
        raise Unexpected(f"It goes to {enabled}.", seen=list(begun.destination_ids))


def check_observed(observed: Observed, *, live: bool) -> None:
    """See that a call did what it is for.

    Raises:
        Unexpected: the server saw something else.
    """
    expected = "on_air" if live else "off_air"
    if observed.state != expected:
        raise Unexpected(f"In the end the server observes {expected}.", seen=observed.state)


def places(destinations: Sequence[Destination]) -> str:
    """Destinations by name and platform."""
    return ", ".join(f"{_name(it.name)} on {_name(it.platform)}" for it in destinations) or "none"


def _said_at(message: ChatMessage) -> str:
    """RFC 3339 in UTC, on the sandbox: such texts sort as the moments do."""
    return message.timestamp or ""


def _air(*, live: bool) -> str:
    return "on air" if live else "off air"


def _name(words: str) -> str:
    return plain(words, longest=_LONGEST_NAME)
