"""A show: studios go live, viewers talk, clients come and go in every way, and it is off air again.

Everybody but the two processes on stdio is somebody new, with a new key, and never comes back.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from functools import partial
from itertools import cycle
from typing import TYPE_CHECKING, Any, Final

import anyio

from proof.soak.guest import PAUSE_SECONDS, SILENT_STUDIO, Guest, Tally, chat_of, status_of
from proof.soak.http import HttpGuest
from proof.soak.server import PATIENCE_SECONDS, SoakError
from proof.soak.stage import ACCOUNTS, CHAT
from tests.jsonrpc import ERAS, FORMS, LEGACY

if TYPE_CHECKING:
    from collections.abc import Sequence

    from proof.soak.pipe import PipeGuest
    from proof.soak.stage import Stage
    from tests.jsonrpc import Message

SHOW_SECONDS: Final = 40.0
"""How long a show lasts on the hasty clock, from its first call to the last."""

_LIVE_SECONDS: Final = 30.0
"""How long of that it is on air; the rest is preparing, starting and stopping."""

_BETWEEN_WORDS_SECONDS: Final = 1.0
_SUBSCRIBERS: Final = 6
_COMING: Final = 0.6
"""In which part of the show they come."""

Leaving = Callable[[HttpGuest, str], Coroutine[Any, Any, None]]


@dataclass(frozen=True)
class Show:
    """One show: where, before whom, and how fast."""

    address: str
    stage: Stage
    tally: Tally
    pace: float
    residents: Sequence[PipeGuest]
    """Those on stdio."""
    clip: str
    """A file that they may upload."""

    async def play(self) -> None:
        """Play it in one studio for each era, at once.

        Raises:
            SoakError: something is not as it must be. It may come in an exception group.
        """
        async with anyio.create_task_group() as tasks:
            for era, resident in zip(ERAS, self.residents, strict=True):
                tasks.start_soon(self._host, era, resident)

    def somebody(self, era: str, *, able: Message | None = None) -> HttpGuest:
        """Somebody new, who can do this."""
        return HttpGuest(self.address, era, self.stage.new_key(), self.tally, able=able)

    async def _host(self, era: str, resident: PipeGuest) -> None:
        async with self.somebody(era) as host:
            studio = await furnish(host)
            await host.agree("go_live", studioId=studio)
            await self._until(studio, live=True)
            async with anyio.create_task_group() as talking:
                talking.start_soon(self._talk, studio)
                await self._evening(era, studio, resident)
                talking.cancel_scope.cancel()
            await host.agree("go_offline", studioId=studio)
            await self._until(studio, live=False)
            await host.end()

    async def _evening(self, era: str, studio: str, resident: PipeGuest) -> None:
        """What happens while it is on air; it lasts until all who came have what they came for."""
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self._reside, resident, studio)
            tasks.start_soon(self._be_unlucky, era)
            tasks.start_soon(self._keep_a_question, era, studio)
            ways = cycle(WAYS)
            for _ in range(_SUBSCRIBERS):
                tasks.start_soon(self._subscribe, era, studio, next(ways))
                await self._pass(_LIVE_SECONDS * _COMING / _SUBSCRIBERS)
            await self._pass(_LIVE_SECONDS * (1 - _COMING))

    async def _talk(self, studio: str) -> None:
        while True:
            self.stage.speak(studio)
            await self._pass(_BETWEEN_WORDS_SECONDS)

    async def _subscribe(self, era: str, studio: str, leave: Leaving) -> None:
        async with self.somebody(era) as guest:
            await look_around(guest, studio)
            await guest.follow(studio)
            await leave(guest, studio)

    async def _reside(self, resident: PipeGuest, studio: str) -> None:
        await look_around(resident, studio)
        await resident.tool("upload_media", path=self.clip)
        await resident.follow(studio)
        silent = await resident.patiently(lambda: resident.read_chat(SILENT_STUDIO))
        await resident.give_up("tools/call", **waiting(silent["cursor"]))
        await resident.follow(studio)

    async def _be_unlucky(self, era: str) -> None:
        """Call while things go wrong; it may fail, and must be answered."""
        async with self.somebody(era) as guest:
            for _ in range(3):
                self.stage.disturb(CHAT)
                self.stage.disturb(ACCOUNTS)
                result = await guest.ask("tools/call", name="list_connections", arguments={})
                self.tally.troubles += bool(result.get("isError"))
                await self._pass(_LIVE_SECONDS * _COMING / 3)
            await guest.end()

    async def _keep_a_question(self, era: str, studio: str) -> None:
        """Be asked whether the show may end, and never answer."""
        async with self.somebody(era, able=FORMS) as guest:
            asking = guest.request("tools/call", name="go_offline", arguments={"studioId": studio})
            await guest.give_up(asking, once="elicitation/create")

    async def _until(self, studio: str, *, live: bool) -> None:
        with anyio.move_on_after(PATIENCE_SECONDS):
            while self.stage.is_live(studio) is not live:  # noqa: ASYNC110  time alone changes it
                await anyio.sleep(PAUSE_SECONDS)
            return
        raise SoakError(f"{studio} is {'not on' if live else 'still on'} air")

    async def _pass(self, seconds: float) -> None:
        await anyio.sleep(seconds / self.pace)


async def furnish(host: Guest) -> str:
    """Set a studio up, as whoever begins does; its id."""
    made = await host.tool("create_studio", name="Tonight")
    studio: str = made["id"]
    there = {"studioId": studio, "name": "Main channel", "platform": "custom"}
    goal = {"rtmpUrl": "rtmps://ingest.example/live", "streamKey": "made-up"}
    await host.tool("create_destination", **there, **goal)
    await host.tool("create_source", studioId=studio, name="Camera", type="webcam")
    await host.tool("find_studio", query="Tonight")
    await host.tool("check_readiness", studioId=studio)
    return studio


async def look_around(guest: Guest, studio: str) -> None:
    """Do a little of everything, and be shown what is never agreed to."""
    await guest.ask("tools/list")
    await guest.ask("resources/list")
    argument = {"name": "studio", "value": "Ton"}
    prompt = {"type": "ref/prompt", "name": "go_live"}
    await guest.ask("completion/complete", ref=prompt, argument=argument)
    await guest.ask("prompts/get", name="go_live", arguments={"studio": studio})
    await guest.ask("resources/read", uri=f"trax://studios/{studio}")
    await guest.tool("create_media_upload", filename="a.mp4", contentType="video/mp4", byteSize=9)
    await guest.tool("send_chat_message", studioId=studio, text="Good evening!")
    await guest.preview("go_offline", studioId=studio)
    await guest.preview("delete_source", studioId=SILENT_STUDIO, sourceId="source_4")


def waiting(cursor: str) -> dict[str, Any]:
    """A call that waits where nobody talks, for as long as it may."""
    given = {"studioId": SILENT_STUDIO, "after": cursor, "timeoutSeconds": 55}
    return {"name": "wait_for_chat_messages", "arguments": given}


# Ways to leave


async def in_order(guest: HttpGuest, _studio: str) -> None:
    """With nothing left behind."""
    await guest.end()


async def without_a_word(_guest: HttpGuest, _studio: str) -> None:
    """The session stays behind."""


async def while_subscribed(guest: HttpGuest, studio: str) -> None:
    """The session is deleted, the subscription was not taken back."""
    if guest.era == LEGACY:
        await guest.patiently(lambda: guest.ask("resources/subscribe", uri=chat_of(studio)))
    await guest.end()


async def subscribed_without_a_word(guest: HttpGuest, studio: str) -> None:
    """Still subscribed, and nobody is there."""
    if guest.era == LEGACY:
        for uri in (chat_of(studio), status_of(SILENT_STUDIO)):
            await guest.patiently(partial(guest.ask, "resources/subscribe", uri=uri))
        return
    wanted = {"resourceSubscriptions": [chat_of(studio), status_of(SILENT_STUDIO)]}
    listening = guest.request("subscriptions/listen", notifications=wanted)
    await guest.give_up(listening)


async def while_waiting(guest: HttpGuest, _studio: str) -> None:
    """In the middle of a call."""
    silent = await guest.patiently(lambda: guest.read_chat(SILENT_STUDIO))
    await guest.give_up(guest.request("tools/call", **waiting(silent["cursor"])))


async def while_answered(guest: HttpGuest, studio: str) -> None:
    """After a wait that was worth it."""
    result = await guest.ask(
        "tools/call", name="wait_for_chat_messages", arguments={"studioId": studio}
    )
    guest.tally.troubles += bool(result.get("isError"))
    await guest.end()


WAYS: Final[Sequence[Leaving]] = (
    in_order,
    while_subscribed,
    while_waiting,
    without_a_word,
    while_answered,
    subscribed_without_a_word,
)


async def wake(guest: Guest) -> None:
    """The first calls after a night: what was kept for a while and is over is forgotten now."""
    await guest.ask(
        "tools/call",
        name="wait_for_chat_messages",
        arguments={"studioId": SILENT_STUDIO, "timeoutSeconds": 0},
    )
    await guest.preview("go_live", studioId=SILENT_STUDIO)
    argument = {"name": "studio", "value": "Fri"}
    await guest.ask(
        "completion/complete", ref={"type": "ref/prompt", "name": "go_live"}, argument=argument
    )
