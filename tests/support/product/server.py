"""The server as `trax-mcp` builds it from its settings, in this process and on a sandbox."""

from __future__ import annotations

from contextlib import ExitStack
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

import anyio

from tests.support.product.frozen_sandbox import ADDRESS
from tests.support.product.sandbox import SANDBOX_KEY
from tests.support.product.sandbox_transport import SandboxTransport
from tests.support.product.shared_clock import HandClock
from tests.support.server_process import PATIENCE_SECONDS
from trax_mcp import __version__
from trax_mcp.api.caller import ANONYMOUS, Caller
from trax_mcp.api.client import Client
from trax_mcp.consent.stop_token import sign_stop
from trax_mcp.consent.store import MemoryRecords
from trax_mcp.deployment import Deployment, open_sign_ins
from trax_mcp.http.app import http_app
from trax_mcp.http.run import Serving
from trax_mcp.private_files import mcp_tokens
from trax_mcp.server.app import Service
from trax_mcp.settings import read_settings
from trax_mcp.sign_in.clients import Clients

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    import httpx
    from mcp.server import Server

    from tests.support.product.memory import Memory
    from tests.support.product.sandbox import Sandbox
    from tests.support.product.sign_in import Internet
    from tests.support.product.software_passkey import SoftwarePasskey
    from trax_mcp.clock import Clock
    from trax_mcp.consent.open_questions import LocalPage
    from trax_mcp.web.room_page import RoomPage

VERSION: Final = __version__

_TIMEOUT_SECONDS: Final = "5"


async def no_pause(_seconds: float) -> None:
    """Replace the pause before a request is sent again."""


class Product:
    """One server's settings and state. `server` and `app` serve it.

    Settings are named as in the environment: `{"TRAX_ASK": "confirm_alone"}`. Without
    a clock of the test's own, `HandClock(trax)` is its clock. `transport` stands between the server
    and TRaX, `page` is what stands for the page in a person's browser, and `rooms` for the control
    rooms there. With a `TRAX_BASE_URL`
    the requests to TRaX go there, on real connections.
    """

    def __init__(
        self,
        trax: Sandbox,
        clock: Clock | None = None,
        settings: Mapping[str, str] | None = None,
        *,
        transport: httpx.AsyncBaseTransport | None = None,
        page: LocalPage | None = None,
        rooms: RoomPage | None = None,
        pause: Callable[[float], Awaitable[None]] = no_pause,
        passkey: SoftwarePasskey | None = None,
        memory: Memory | None = None,
    ) -> None:
        self.trax = trax
        self.memory = memory
        self.clock = clock or HandClock(trax)
        self.settings = read_settings(
            {"TRAX_TIMEOUT_SECONDS": _TIMEOUT_SECONDS, **(settings or {})}
        )
        over_network = "TRAX_BASE_URL" in (settings or {})
        self._client = Client(
            base_url=self.settings.base_url if over_network else ADDRESS,
            timeout_seconds=self.settings.timeout_seconds,
            transport=transport or (None if over_network else SandboxTransport(trax)),
            sleep=pause,
        )
        self._opened = ExitStack()
        self._service = Service(
            Deployment(
                settings=self.settings,
                clock=self.clock,
                trax=self._client,
                caller=Caller(SANDBOX_KEY) if self.settings.sandbox else ANONYMOUS,
                media_dirs=self.settings.media_dirs,
                passkey=passkey.passkey if passkey else None,
                page=page,
                room_page=rooms,
                records=memory.records if memory else MemoryRecords(self.clock),
                server_tokens=mcp_tokens(self.settings),
                sign_ins=self._opened.enter_context(open_sign_ins(self.settings, self.clock)),
            )
        )
        self._app: Any = None

    def server(self, key: str | None = SANDBOX_KEY) -> Server[Any]:
        """The MCP server for clients in memory, which all have this key.

        Servers for several keys share everything else.
        """
        return self._service.server(Caller(key))

    def app(self, internet: Internet | None = None) -> Any:  # noqa: ANN401  an app of ASGI
        """The app that `trax-mcp http` serves, which finds documents of clients in `internet`."""
        sign_ins, clients = self._service.deployment.sign_ins, None
        if sign_ins is not None and internet is not None:
            clients = Clients(
                self.clock,
                mac=sign_ins.client_mac,
                document_hosts=self.settings.client_document_hosts,
                transport=internet.transport,
                timeout_seconds=internet.timeout_seconds,
            )
        self._app = http_app(self._service, Serving(), clients=clients)
        return self._app

    @property
    def open_streams(self) -> int:
        """How many streams of sessions are open."""
        streams: int = self._app._app._app._app.open_streams
        return streams

    @property
    def requests_in_flight(self) -> int:
        """How many requests are being answered, open streams included."""
        return len(self._service.in_flight._scopes)

    async def calls_finished(self) -> None:
        """Wait until no guarded call runs, even if its client has cancelled it."""
        with anyio.fail_after(PATIENCE_SECONDS):
            await self._service.tasks._wait_until_idle()

    async def shut_down(self) -> None:
        """End as the process does at a signal."""
        await self._service.shut_down()

    async def aclose(self) -> None:
        """Close the connections to TRaX, and the file of sign-ins."""
        self._opened.close()
        await self._client.aclose()


def yes_to_stop(key: str, *, studio_id: str) -> str:
    """A confirmation of a stop, as anyone can make it who has a key, or invents one."""
    until = datetime.now(UTC).timestamp() + 10 * 365 * 86_400
    return sign_stop(key=key, studio_id=studio_id, until=until, choice="", is_for_model=True)


def fingerprint(key: str) -> str:
    """How logs and audit lines name the caller with this key."""
    return Caller(key).fingerprint
