"""The page on which a person enrols a passkey."""

import secrets
from dataclasses import dataclass, field
from typing import Final

import anyio
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from trax_mcp.clock import Clock
from trax_mcp.web.browser import PrivateBrowser
from trax_mcp.web.local_server import PageAccess, read_text, serve_page
from trax_mcp.web.passkey import Passkey, read_registration, registration_request

_PATIENCE_SECONDS: Final = 4.0
"""After this long without a page, it is opened in another way."""
_LONGEST_SECONDS: Final = 300.0
_FAREWELL_SECONDS: Final = 0.5
"""For the page to show that it is done."""
_CHALLENGE_BYTES: Final = 32


@dataclass
class _Enrolment:
    """The state that the page and the command share."""

    clock: Clock
    access: PageAccess = field(default_factory=PageAccess)
    challenge: bytes = field(default_factory=lambda: secrets.token_bytes(_CHALLENGE_BYTES))
    origin: str = ""
    passkey: Passkey | None = None
    opened: anyio.Event = field(default_factory=anyio.Event)
    ended: anyio.Event = field(default_factory=anyio.Event)

    async def redeem(self, request: Request) -> Response:
        """Exchange the secret for a session, and tell the browser what to make."""
        session = self.access.redeem(await read_text(request, "secret"))
        if session is None:
            return JSONResponse({"error": "used"}, 409)
        self.opened.set()
        return JSONResponse({"session": session, "options": registration_request(self.challenge)})

    async def finish(self, request: Request) -> Response:
        """Check the passkey that the browser has made."""
        if not self.access.has_session(request):
            return JSONResponse({"error": "no session"}, 401)
        response = await read_text(request, "response")
        self.passkey = read_registration(response, self.challenge, origin=self.origin)
        if self.passkey is None:
            return JSONResponse({"error": "not valid"}, 400)
        self.ended.set()
        return JSONResponse({})

    async def was_opened(self) -> bool:
        """Whether a page is there, after a while at most."""
        async with self.clock.move_on_after(_PATIENCE_SECONDS):
            await self.opened.wait()
        return self.opened.is_set()


async def enrol_passkey(clock: Clock) -> Passkey | None:
    """Open the page and wait for a passkey. None if the person has made none in five minutes.

    Raises:
        ExceptionGroup: of an `OSError`: the page cannot be served or opened.
    """
    enrolment = _Enrolment(clock)
    async with anyio.create_task_group() as tasks:
        enrolment.origin = await tasks.start(
            serve_page,
            "enrol.html",
            {"/redeem": enrolment.redeem, "/finish": enrolment.finish},
        )
        address = f"{enrolment.origin}/#{enrolment.access.new_secret()}"
        await PrivateBrowser().open(address, enrolment.was_opened)
        async with clock.move_on_after(_LONGEST_SECONDS):
            await enrolment.ended.wait()
            await clock.sleep(_FAREWELL_SECONDS)
        tasks.cancel_scope.cancel()
    return enrolment.passkey
