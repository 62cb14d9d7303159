"""One show of the soak test: a studio goes live, viewers write, clients connect and disconnect.

Each HTTP client is new and has a new key; the stdio clients stay. Every client has its own thread.
"""

from __future__ import annotations

import itertools
import json
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, Final, TypeVar

from bench.harness.http_connection import ProtocolError
from bench.harness.mcp_clients import (
    ACKNOWLEDGED,
    UPDATED,
    Era,
    HttpClient,
    McpClient,
    StdioClient,
)
from bench.harness.process import TIMEOUT_SECONDS, HarnessError
from proof.soak.fast_process import PACE
from trax_mcp.sandbox import SANDBOX_KEY

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from bench.harness.controlled_sandbox import SandboxControl
    from bench.harness.http_connection import EventStream

T = TypeVar("T")

LIVE_SECONDS: Final = 30.0
"""How long a studio is on air, in fast time."""

_SILENT_STUDIO: Final = "studio_43"
_CHAT: Final = "/v1/studios/*/chat/messages"
_CONNECTIONS: Final = "/v1/connections"
_FAULTS: Final = ("html", "429", "dropped", "broken", "broken off", "500", "gzip", "late")
_FORMS: Final[dict[str, Any]] = {"elicitation": {"form": {}}}
_PAUSE_SECONDS: Final = 0.05
_SUBSCRIBERS: Final = 6
_WAIT_SECONDS: Final = 55


@dataclass(frozen=True)
class ShowRunner:
    """What all shows share."""

    address: str
    upstream: SandboxControl
    stdio_clients: Mapping[Era, StdioClient]
    clip: str
    """The path of a file to upload."""
    numbers: itertools.count[int] = field(default_factory=lambda: itertools.count(1))
    faults: itertools.cycle[str] = field(default_factory=lambda: itertools.cycle(_FAULTS))

    def play(self) -> None:
        """Play a show in each era, at the same time.

        Raises:
            HarnessError: something is not as expected.
        """
        _run_all(*(partial(self._host, era) for era in Era))

    def client(self, era: Era, key: str = "", **options: Any) -> HttpClient:  # noqa: ANN401  of HttpClient
        """A client; with a new key, if it is given none."""
        if not key:
            key = f"sk_live_sandbox_guest_{next(self.numbers)}"
            self.upstream.add_key(key)
        # No connection is reused: a server on fast time might close it at that moment.
        headers = {"X-API-Key": key, "Connection": "close"}
        return HttpClient(self.address, era, headers=headers, **options)

    def clients_that_stay(self) -> list[McpClient]:
        """A client of each server, with the key that stays."""
        return [self.client(Era.MODERN, SANDBOX_KEY), *self.stdio_clients.values()]

    def remove_expired_state(self) -> None:
        """Make calls that remove what has expired."""
        for client in self.clients_that_stay():
            call(client, "wait_for_chat_messages", studioId=_SILENT_STUDIO, timeoutSeconds=0)
            preview(client, "go_live", studioId=_SILENT_STUDIO)
            complete(client, "Fri")

    def close_expired_connections(self) -> None:
        """Make a single request, which closes the connections to TRaX that have expired."""
        for client in self.clients_that_stay():
            call(client, "get_health")

    def _host(self, era: Era) -> None:
        host = self.client(era)
        studio = call(host, "create_studio", name="Tonight")["id"]
        target = {"rtmpUrl": "rtmps://ingest.example/live", "streamKey": "made-up"}
        destination = {"name": "Main channel", "platform": "custom", **target}
        call(host, "create_destination", studioId=studio, **destination)
        call(host, "create_source", studioId=studio, name="Camera", type="webcam")
        call(host, "find_studio", query="Tonight")
        call(host, "check_studio", studioId=studio)
        self._confirm(host, "go_live", studio, live=True)
        is_over, ends_at = threading.Event(), time.monotonic() + LIVE_SECONDS / PACE
        with ThreadPoolExecutor(1) as viewers:
            written = viewers.submit(self._write, studio, is_over)
            try:
                _run_all(
                    partial(self._use_stdio, self.stdio_clients[era], studio),
                    partial(self._call_with_faults, era),
                    partial(self._leave_question_open, era, studio),
                    *(partial(self._subscribe, era, studio, it) for it in range(_SUBSCRIBERS)),
                )
                time.sleep(max(0, ends_at - time.monotonic()))
            finally:
                is_over.set()
            written.result()
        self._confirm(host, "go_offline", studio, live=False)
        host.end_session()
        host.close()

    def _confirm(self, host: McpClient, tool: str, studio: str, *, live: bool) -> None:
        confirmation = preview(host, tool, studioId=studio)
        call(host, tool, studioId=studio, confirm=True, confirmation=confirmation)
        deadline = time.monotonic() + TIMEOUT_SECONDS
        while self.upstream.is_live(studio) is not live:
            if time.monotonic() > deadline:
                raise HarnessError(f"{studio}: {tool} has no effect")
            time.sleep(_PAUSE_SECONDS)

    def _write(self, studio: str, is_over: threading.Event) -> None:
        """Write a message each second until the show is over."""
        while not is_over.wait(1 / PACE):
            self.upstream.say(studio, f"Number {next(self.numbers)}")

    def _use_stdio(self, client: StdioClient, studio: str) -> None:
        use_everything(client, studio)
        call(client, "upload_media", path=self.clip)
        follow(client, studio)
        client.cancel(client.send("tools/call", **_long_wait(client)))
        follow(client, studio)

    def _call_with_faults(self, era: Era) -> None:
        """Call during faults; each call may fail, but must have a response."""
        client = self.client(era)
        for _ in range(3):
            self.upstream.add_fault(next(self.faults), method="GET", path=_CHAT, times=1)
            self.upstream.add_fault(next(self.faults), method="GET", path=_CONNECTIONS, times=1)
            ask(client, "tools/call", name="list_connections", arguments={})
            time.sleep(LIVE_SECONDS / 5 / PACE)
        client.end_session()

    def _leave_question_open(self, era: Era, studio: str) -> None:
        """Get a form, and disconnect without an answer."""
        client = self.client(era, capabilities=_FORMS)
        arguments = {"name": "go_offline", "arguments": {"studioId": studio}}
        stream = client.send("tools/call", **arguments)
        stream.wait_for(b"elicitation/create")
        stream.close()

    def _subscribe(self, era: Era, studio: str, number: int) -> None:
        """Follow a show, and leave it in another way than the other subscribers."""
        time.sleep(LIVE_SECONDS * 0.6 / _SUBSCRIBERS * number / PACE)
        client = self.client(era)
        use_everything(client, studio)
        follow(client, studio)
        uris = (chat_uri(studio), status_uri(_SILENT_STUDIO))
        match number:
            case 0:
                client.end_session()
            case 1:  # a subscription is left, and then the session
                retry(lambda: client.listen(uris[0])).close()
                client.end_session()
            case 2:  # during a call that waits
                _leave(client.send("tools/call", **_long_wait(client)))
            case 3:  # after a wait
                arguments = {"studioId": studio}
                ask(client, "tools/call", name="wait_for_chat_messages", arguments=arguments)
                client.end_session()
            case 4:  # the session stays, and a stream with subscriptions breaks
                _leave(retry(lambda: client.listen(*uris)))
            case _:  # the session stays
                pass
        client.close()


def ask(client: McpClient, method: str, **params: object) -> dict[str, Any]:
    """Send a request and return its result."""
    return client.ask(method, **params).result()


def call(client: McpClient, tool: str, **arguments: object) -> dict[str, Any]:
    """Call a tool that must succeed; returns its structured content."""
    answer = client.ask("tools/call", name=tool, arguments=arguments)
    data: dict[str, Any] = answer.success()["structuredContent"]
    return data


def preview(client: McpClient, tool: str, **arguments: object) -> str:
    """Call a guarded tool, which must not run; returns its confirmation."""
    answer = client.ask("tools/call", name=tool, arguments=arguments)
    return str(answer.refusal()["confirmation"])


def complete(client: McpClient, typed: str) -> None:
    """Ask for the completion of a studio's name."""
    prompt = {"type": "ref/prompt", "name": "go_live"}
    ask(client, "completion/complete", ref=prompt, argument={"name": "studio", "value": typed})


def use_everything(client: McpClient, studio: str) -> None:
    """Make one call of each kind, and previews that are never confirmed."""
    ask(client, "tools/list")
    ask(client, "resources/list")
    complete(client, "Ton")
    ask(client, "prompts/get", name="go_live", arguments={"studio": studio})
    ask(client, "resources/read", uri=f"trax://studios/{studio}")
    call(client, "create_media_upload", filename="a.mp4", contentType="video/mp4", byteSize=9)
    call(client, "send_chat_message", studioId=studio, text="Good evening!")
    preview(client, "go_offline", studioId=studio)
    preview(client, "delete_source", studioId=_SILENT_STUDIO, sourceId="source_4")


def follow(client: StdioClient | HttpClient, studio: str) -> None:
    """Subscribe to a studio, wait for an update, read the new messages and unsubscribe."""
    cursor = retry(lambda: read_chat(client, studio))["cursor"]
    uris = (chat_uri(studio), status_uri(studio), status_uri(_SILENT_STUDIO))
    if isinstance(client, HttpClient):
        stream = retry(lambda: client.listen(*uris))
        _read_news(lambda: stream.wait_for(UPDATED.encode()), client, studio, cursor)
        _unsubscribe(client, *uris)
        stream.close()
        return
    if client.era is Era.LEGACY:
        for uri in uris:
            retry(partial(ask, client, "resources/subscribe", uri=uri))
        _read_news(client.wait_for_update, client, studio, cursor)
        _unsubscribe(client, *uris)
        return
    number = retry(lambda: _listen(client, *uris))
    _read_news(client.wait_for_update, client, studio, cursor)
    client.cancel(number)


def read_chat(client: McpClient, studio: str, query: str = "") -> dict[str, Any]:
    """Read a studio's chat."""
    result = ask(client, "resources/read", uri=chat_uri(studio) + query)
    chat: dict[str, Any] = json.loads(result["contents"][0]["text"])
    return chat


def chat_uri(studio: str) -> str:
    """The URI of a studio's chat."""
    return f"trax://studios/{studio}/chat"


def status_uri(studio: str) -> str:
    """The URI of a studio's stream status."""
    return f"trax://studios/{studio}/stream-status"


def retry(action: Callable[[], T]) -> T:
    """Repeat something until it does not raise ProtocolError, which faults may cause."""
    deadline = time.monotonic() + TIMEOUT_SECONDS
    while True:
        try:
            return action()
        except ProtocolError:
            if time.monotonic() > deadline:
                raise
            time.sleep(_PAUSE_SECONDS)


def _listen(client: StdioClient, *uris: str) -> int:
    """Subscribe over stdio in the later era; returns the id of the request."""
    wanted = {"resourceSubscriptions": list(uris)}
    number = client.send("subscriptions/listen", notifications=wanted)
    message = client.wait(lambda it: it.get("method") == ACKNOWLEDGED or it.get("id") == number)
    if message.get("id") == number:
        raise ProtocolError(str(message))
    return number


def _read_news(
    wait_for_update: Callable[[], object], client: McpClient, studio: str, cursor: str
) -> None:
    news: object = None
    while not news:
        wait_for_update()
        news = retry(lambda: read_chat(client, studio, f"?after={cursor}"))["messages"]


def _unsubscribe(client: McpClient, *uris: str) -> None:
    for uri in uris if client.era is Era.LEGACY else ():
        ask(client, "resources/unsubscribe", uri=uri)


def _long_wait(client: McpClient) -> dict[str, Any]:
    """The parameters of a long wait in a studio without chat."""
    cursor = retry(lambda: read_chat(client, _SILENT_STUDIO))["cursor"]
    arguments = {"studioId": _SILENT_STUDIO, "after": cursor, "timeoutSeconds": _WAIT_SECONDS}
    return {"name": "wait_for_chat_messages", "arguments": arguments}


def _leave(stream: EventStream) -> None:
    """Close a connection during its request."""
    time.sleep(_PAUSE_SECONDS)
    stream.close()


def _run_all(*actions: Callable[[], None]) -> None:
    """Run actions at the same time; raises the first error when all have ended."""
    with ThreadPoolExecutor(len(actions)) as threads:
        running = [threads.submit(it) for it in actions]
    for it in running:
        it.result()
