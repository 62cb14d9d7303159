"""The demo with a client that has forms: a show from go-live to go-offline, with chat."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Final, Self, TypeVar

import anyio

from trax_mcp.api.models import (
    ChatMessage,
    ChatSendResult,
    Destination,
    StreamStatus,
    Studio,
)
from trax_mcp.cli.checked_calls import ToolCaller, Unexpected
from trax_mcp.cli.demo_output import DemoOutput, Voice, plain
from trax_mcp.cli.expected_answers import (
    Begun,
    DestinationList,
    Ended,
    Observed,
    QuotedChat,
    StudioList,
)
from trax_mcp.cli.simulated_user import SimulatedUser

_WANTED: Final = "Friday Night Show"
_REPLY: Final = "Thanks, turning it up!"
_LONGEST_NAME = 40
_LONGEST_NOTICE = 200

AnswerT = TypeVar("AnswerT")


class FormDemo:
    """The steps, in one studio. Each one is checked."""

    def __init__(
        self,
        tools: ToolCaller,
        output: DemoOutput,
        user: SimulatedUser,
        studio: Studio,
        destinations: Sequence[Destination],
    ) -> None:
        self._tools = tools
        self._output = output
        self._user = user
        self._studio = studio
        self._destinations = destinations
        self._on_air_since = ""
        self._printed_ids: set[str] = set()

    @classmethod
    async def find(cls, tools: ToolCaller, output: DemoOutput, user: SimulatedUser) -> Self:
        """Find the studio by its name, and its destinations.

        Raises:
            Unexpected: there is no such studio.
        """
        output.scene("Find the studio")
        output.you("Take the Friday show live.")
        studios = await tools.call(StudioList, "list_studios")
        studio = find_studio(studios)
        output.answer(f"{len(studios.data)} studios. The {_WANTED} is {_name(studio.id)}.")
        destinations = await tools.call(DestinationList, "list_destinations", studioId=studio.id)
        enabled = [destination for destination in destinations.data if destination.enabled]
        disabled = [destination for destination in destinations.data if not destination.enabled]
        output.answer(
            f"Switched on: {describe_destinations(enabled)}.",
            f"Switched off: {describe_destinations(disabled)}.",
        )
        return cls(tools, output, user, studio, enabled)

    async def play(self) -> None:
        """Run the remaining steps.

        Raises:
            Unexpected: a step is not as expected.
        """
        await self._go_live()
        await self._chat()
        await self._ignore_hostile_message()
        await self._go_offline()

    async def _go_live(self) -> None:
        self._output.scene("Be asked, and go live")
        self._user.prepare(agree=True, meanwhile=self._think)
        result = await self._with_question(
            "go_live", self._tools.call(Begun, "go_live", **self._target)
        )
        check_reach(result, self._destinations)
        self._output.answer(f"Begun, to {describe_destinations(self._destinations)}.")
        self._print_observed(result.observed, live=True)
        self._on_air_since = result.observed.since or ""
        await self._check_status(live=True)

    async def _think(self) -> None:
        await self._check_status(live=False)
        self._output.checked("While you think, nothing is sent: the studio is still off air.")

    async def _chat(self) -> None:
        self._output.scene("Read the chat and answer")
        self._output.you("What are they saying?")
        chat = await self._tools.call(QuotedChat, "list_chat_messages", **self._target)
        self._output.answer(plain(chat.notice, longest=_LONGEST_NOTICE))
        await self._print_chat_until(
            lambda message: "sound" in message.text,
            reason="listening to the chat",
            expected="A viewer speaks of the sound.",
        )
        self._output.you("Say thanks, I am turning it up.")
        sent = await self._tools.call(
            ChatSendResult, "send_chat_message", **self._target, text=_REPLY
        )
        self._output.answer("Accepted. And here it is in the chat:")
        await self._print_chat_until(
            lambda message: message.id == sent.message_id and message.text == _REPLY,
            reason="looking for it in the chat",
            expected="What was sent appears in the chat.",
            voice=Voice.YOURS,
        )

    async def _ignore_hostile_message(self) -> None:
        self._output.scene("A stranger gives orders")
        await self._print_chat_until(
            self._names_a_tool,
            reason="listening to the chat",
            expected="A viewer names a tool.",
            voice=Voice.HOSTILE,
        )
        self._output.narrate("Reported, not obeyed. A model that fell for it would get this far:")
        self._user.prepare(agree=False)
        refusal = self._tools.expect_refusal("declined: declined", "go_offline", **self._target)
        await self._with_question("go_offline", refusal)
        await self._check_status(live=True)
        self._output.checked("The show goes on: still on air.")

    async def _go_offline(self) -> None:
        self._output.scene("Go offline")
        self._output.you("Great show. Take us off the air.")
        self._user.prepare(agree=True)
        result = await self._with_question(
            "go_offline", self._tools.call(Ended, "go_offline", **self._target)
        )
        self._output.answer("Begun.")
        self._print_observed(result.observed, live=False)
        await self._check_status(live=False)

    @property
    def _target(self) -> dict[str, str]:
        return {"studioId": self._studio.id}

    async def _with_question(self, tool: str, call: Awaitable[AnswerT]) -> AnswerT:
        """Make a call for which the user must be asked once."""
        try:
            return await call
        finally:
            self._user.check_was_asked(tool)

    def _print_observed(self, observed: Observed, *, live: bool) -> None:
        check_observed(observed, live=live)
        seconds = anyio.current_time() - self._user.decided_at
        self._output.status(f"observed, {seconds:.1f} s after your yes", live=live)

    async def _check_status(self, *, live: bool) -> None:
        """Check the stream status."""
        status = await self._tools.call_silently(StreamStatus, "get_stream_status", **self._target)
        if status.live is not live:
            raise Unexpected(f"It is {_air_text(live=live)}.", seen=_air_text(live=status.live))

    async def _print_chat_until(
        self,
        is_last: Callable[[ChatMessage], bool],
        *,
        reason: str,
        expected: str,
        voice: Voice = Voice.VIEWER,
    ) -> None:
        """Print new chat messages up to the last one, which is printed in `voice`."""

        async def look() -> ChatMessage | None:
            for message in await self._new_messages():
                if is_last(message):
                    self._print_message(message, voice)
                    return message
                # On a slow machine, a hostile message may come before its own step.
                if not self._names_a_tool(message):
                    self._print_message(message, Voice.VIEWER)
            return None

        await self._tools.poll(look, reason, expected=expected)

    async def _new_messages(self) -> list[ChatMessage]:
        """The messages of this broadcast that are not printed yet, oldest first."""
        chat = await self._tools.call_silently(QuotedChat, "list_chat_messages", **self._target)
        messages = [it for it in chat.data if _timestamp(it) >= self._on_air_since]
        return sorted((it for it in messages if it.id not in self._printed_ids), key=_timestamp)

    def _names_a_tool(self, message: ChatMessage) -> bool:
        return any(name in message.text for name in self._tools.names)

    def _print_message(self, message: ChatMessage, voice: Voice) -> None:
        self._printed_ids.add(message.id)
        self._output.chat(message.platform, message.author_display_name, message.text, voice=voice)


def find_studio(studios: StudioList) -> Studio:
    """Find the demo's studio.

    Raises:
        Unexpected: there is none with this name.
    """
    for studio in studios.data:
        if studio.name == _WANTED:
            return studio
    names = ", ".join(studio.name for studio in studios.data)
    raise Unexpected(f"One of the studios is the {_WANTED}.", seen=f"studios: {names}")


def check_reach(result: Begun, destinations: Sequence[Destination]) -> None:
    """Check that a go-live reached exactly these destinations.

    Raises:
        Unexpected: it did not.
    """
    enabled = sorted(it.id for it in destinations)
    if sorted(result.destination_ids) != enabled:
        raise Unexpected(f"It goes to {enabled}.", seen=list(result.destination_ids))


def check_observed(observed: Observed, *, live: bool) -> None:
    """Check the state after a call.

    Raises:
        Unexpected: the server observed another state.
    """
    expected = "on_air" if live else "off_air"
    if observed.state != expected:
        raise Unexpected(f"In the end the server observes {expected}.", seen=observed.state)


def describe_destinations(destinations: Sequence[Destination]) -> str:
    """The names and platforms of destinations."""
    return ", ".join(f"{_name(it.name)} on {_name(it.platform)}" for it in destinations) or "none"


def _timestamp(message: ChatMessage) -> str:
    """RFC 3339 in UTC on the sandbox, so that texts sort by time."""
    return message.timestamp or ""


def _air_text(*, live: bool) -> str:
    return "on air" if live else "off air"


def _name(text: str) -> str:
    return plain(text, longest=_LONGEST_NAME)
