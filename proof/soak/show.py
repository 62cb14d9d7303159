"""One show of the soak test: studios go live, viewers write, clients connect and disconnect.

Each HTTP client is new and has a new key; the two stdio clients stay.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from functools import partial
from itertools import cycle
from typing import TYPE_CHECKING, Any, Final

import anyio

from proof.soak.http_soak_client import HttpSoakClient
from proof.soak.server_process import TIMEOUT_SECONDS, SoakError
from proof.soak.soak_client import (
    PAUSE_SECONDS,
    SILENT_STUDIO,
    SoakClient,
    Totals,
    chat_uri,
    status_uri,
)
from proof.soak.soak_upstream import ACCOUNTS, CHAT
from tests.support.jsonrpc import ERAS, FORMS, LEGACY

if TYPE_CHECKING:
    from collections.abc import Sequence

    from proof.soak.soak_upstream import SoakUpstream
    from proof.soak.stdio_soak_client import StdioSoakClient
    from tests.support.jsonrpc import Message

SHOW_SECONDS: Final = 40.0
"""The length of a show in fast time."""

_LIVE_SECONDS: Final = 30.0
"""How long of it the studio is on air."""

_MESSAGE_INTERVAL_SECONDS: Final = 1.0
_SUBSCRIBERS: Final = 6
_JOIN_SHARE: Final = 0.6
"""The share of the show in which they connect."""

Disconnect = Callable[[HttpSoakClient, str], Coroutine[Any, Any, None]]


@dataclass(frozen=True)
class Show:
    """One show."""

    address: str
    upstream: SoakUpstream
    totals: Totals
    pace: float
    stdio_clients: Sequence[StdioSoakClient]
    clip: str
    """The name of a file to upload."""

    async def play(self) -> None:
        """Run it in one studio for each era, concurrently.

        Raises:
            SoakError: something is not as expected. It may be in an exception group.
        """
        async with anyio.create_task_group() as tasks:
            for era, stdio_client in zip(ERAS, self.stdio_clients, strict=True):
                tasks.start_soon(self._host, era, stdio_client)

    def new_client(self, era: str, *, capabilities: Message | None = None) -> HttpSoakClient:
        """A new client with a new key."""
        return HttpSoakClient(
            self.address, era, self.upstream.new_key(), self.totals, capabilities=capabilities
        )

    async def _host(self, era: str, stdio_client: StdioSoakClient) -> None:
        async with self.new_client(era) as host:
            studio = await set_up_studio(host)
            await host.call_with_consent("go_live", studioId=studio)
            await self._until(studio, live=True)
            async with anyio.create_task_group() as chat_tasks:
                chat_tasks.start_soon(self._send_messages, studio)
                await self._run_live_part(era, studio, stdio_client)
                chat_tasks.cancel_scope.cancel()
            await host.call_with_consent("go_offline", studioId=studio)
            await self._until(studio, live=False)
            await host.end_session()

    async def _run_live_part(self, era: str, studio: str, stdio_client: StdioSoakClient) -> None:
        """Run all clients while the studio is on air, until each one is done."""
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self._use_stdio, stdio_client, studio)
            tasks.start_soon(self._call_with_faults, era)
            tasks.start_soon(self._leave_question_open, era, studio)
            disconnects = cycle(DISCONNECTS)
            for _ in range(_SUBSCRIBERS):
                tasks.start_soon(self._subscribe, era, studio, next(disconnects))
                await self._sleep(_LIVE_SECONDS * _JOIN_SHARE / _SUBSCRIBERS)
            await self._sleep(_LIVE_SECONDS * (1 - _JOIN_SHARE))

    async def _send_messages(self, studio: str) -> None:
        while True:
            self.upstream.add_message(studio)
            await self._sleep(_MESSAGE_INTERVAL_SECONDS)

    async def _subscribe(self, era: str, studio: str, disconnect: Disconnect) -> None:
        async with self.new_client(era) as client:
            await use_everything(client, studio)
            await client.follow(studio)
            await disconnect(client, studio)

    async def _use_stdio(self, stdio_client: StdioSoakClient, studio: str) -> None:
        await use_everything(stdio_client, studio)
        await stdio_client.call("upload_media", path=self.clip)
        await stdio_client.follow(studio)
        silent = await stdio_client.retry(lambda: stdio_client.read_chat(SILENT_STUDIO))
        await stdio_client.abandon("tools/call", **wait_arguments(silent["cursor"]))
        await stdio_client.follow(studio)

    async def _call_with_faults(self, era: str) -> None:
        """Call during faults; each call may fail, but must have a response."""
        async with self.new_client(era) as client:
            for _ in range(3):
                self.upstream.add_fault(CHAT)
                self.upstream.add_fault(ACCOUNTS)
                result = await client.ask("tools/call", name="list_connections", arguments={})
                self.totals.failures += bool(result.get("isError"))
                await self._sleep(_LIVE_SECONDS * _JOIN_SHARE / 3)
            await client.end_session()

    async def _leave_question_open(self, era: str, studio: str) -> None:
        """Get a form, and disconnect without an answer."""
        async with self.new_client(era, capabilities=FORMS) as client:
            request = client.request(
                "tools/call", name="go_offline", arguments={"studioId": studio}
            )
            await client.abandon(request, after="elicitation/create")

    async def _until(self, studio: str, *, live: bool) -> None:
        with anyio.move_on_after(TIMEOUT_SECONDS):
            while self.upstream.is_live(studio) is not live:  # noqa: ASYNC110  only time changes it
                await anyio.sleep(PAUSE_SECONDS)
            return
        raise SoakError(f"{studio} is {'not on' if live else 'still on'} air")

    async def _sleep(self, seconds: float) -> None:
        await anyio.sleep(seconds / self.pace)


async def set_up_studio(host: SoakClient) -> str:
    """Create a studio with a destination and a source; returns its id."""
    result = await host.call("create_studio", name="Tonight")
    studio: str = result["id"]
    destination = {"studioId": studio, "name": "Main channel", "platform": "custom"}
    target = {"rtmpUrl": "rtmps://ingest.example/live", "streamKey": "made-up"}
    await host.call("create_destination", **destination, **target)
    await host.call("create_source", studioId=studio, name="Camera", type="webcam")
    await host.call("find_studio", query="Tonight")
    await host.call("check_readiness", studioId=studio)
    return studio


async def use_everything(client: SoakClient, studio: str) -> None:
    """Make one call of each kind, and previews that are never confirmed."""
    await client.ask("tools/list")
    await client.ask("resources/list")
    argument = {"name": "studio", "value": "Ton"}
    prompt = {"type": "ref/prompt", "name": "go_live"}
    await client.ask("completion/complete", ref=prompt, argument=argument)
    await client.ask("prompts/get", name="go_live", arguments={"studio": studio})
    await client.ask("resources/read", uri=f"trax://studios/{studio}")
    await client.call("create_media_upload", filename="a.mp4", contentType="video/mp4", byteSize=9)
    await client.call("send_chat_message", studioId=studio, text="Good evening!")
    await client.preview("go_offline", studioId=studio)
    await client.preview("delete_source", studioId=SILENT_STUDIO, sourceId="source_4")


def wait_arguments(cursor: str) -> dict[str, Any]:
    """The arguments of a long wait in a studio without chat."""
    arguments = {"studioId": SILENT_STUDIO, "after": cursor, "timeoutSeconds": 55}
    return {"name": "wait_for_chat_messages", "arguments": arguments}


# Ways to disconnect


async def after_session_end(client: HttpSoakClient, _studio: str) -> None:
    """The session is deleted."""
    await client.end_session()


async def silently(_guest: HttpSoakClient, _studio: str) -> None:
    """The session stays."""


async def while_subscribed(client: HttpSoakClient, studio: str) -> None:
    """The session is deleted with a subscription in it."""
    if client.era == LEGACY:
        await client.retry(lambda: client.ask("resources/subscribe", uri=chat_uri(studio)))
    await client.end_session()


async def silently_while_subscribed(client: HttpSoakClient, studio: str) -> None:
    """The session or stream stays, with subscriptions."""
    if client.era == LEGACY:
        for uri in (chat_uri(studio), status_uri(SILENT_STUDIO)):
            await client.retry(partial(client.ask, "resources/subscribe", uri=uri))
        return
    wanted = {"resourceSubscriptions": [chat_uri(studio), status_uri(SILENT_STUDIO)]}
    request = client.request("subscriptions/listen", notifications=wanted)
    await client.abandon(request)


async def while_waiting(client: HttpSoakClient, _studio: str) -> None:
    """During a call that waits."""
    silent = await client.retry(lambda: client.read_chat(SILENT_STUDIO))
    await client.abandon(client.request("tools/call", **wait_arguments(silent["cursor"])))


async def after_wait(client: HttpSoakClient, studio: str) -> None:
    """After a successful wait."""
    result = await client.ask(
        "tools/call", name="wait_for_chat_messages", arguments={"studioId": studio}
    )
    client.totals.failures += bool(result.get("isError"))
    await client.end_session()


DISCONNECTS: Final[Sequence[Disconnect]] = (
    after_session_end,
    while_subscribed,
    while_waiting,
    silently,
    after_wait,
    silently_while_subscribed,
)


async def call_after_pause(client: SoakClient) -> None:
    """Make calls that remove expired state."""
    await client.ask(
        "tools/call",
        name="wait_for_chat_messages",
        arguments={"studioId": SILENT_STUDIO, "timeoutSeconds": 0},
    )
    await client.preview("go_live", studioId=SILENT_STUDIO)
    argument = {"name": "studio", "value": "Fri"}
    await client.ask(
        "completion/complete", ref={"type": "ref/prompt", "name": "go_live"}, argument=argument
    )
