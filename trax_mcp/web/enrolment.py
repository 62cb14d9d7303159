"""The page on which a person enrols a passkey."""

import secrets
from dataclasses import dataclass, field
from typing import Final

import anyio
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from trax_mcp.web.browser import RedirectFile, open_browser
from trax_mcp.web.local_server import is_secret, new_secret, read_text, serve_pages
from trax_mcp.web.passkey import Passkey, read_registration, registration_request

_LONGEST_SECONDS: Final = 300.0
_CHALLENGE_BYTES: Final = 32


@dataclass
class _Enrolment:
    secret: str = field(default_factory=new_secret)
    challenge: bytes = field(default_factory=lambda: secrets.token_bytes(_CHALLENGE_BYTES))
    origin: str = ""
    passkey: Passkey | None = None
    ended: anyio.Event = field(default_factory=anyio.Event)

    async def begin(self, request: Request) -> Response:
        """What the browser shall make."""
        if not is_secret(await read_text(request, "secret"), self.secret):
            return JSONResponse({"error": "used"}, 409)
        return Response(registration_request(self.challenge), media_type="application/json")

    async def finish(self, request: Request) -> Response:
        """What the browser has made."""
        if not is_secret(await read_text(request, "secret"), self.secret):
            return JSONResponse({"error": "used"}, 409)
        response = await read_text(request, "response")
        self.passkey = read_registration(response, self.challenge, origin=self.origin)
        if self.passkey is None:
            return JSONResponse({"error": "not valid"}, 400)
        self.secret = ""
        self.ended.set()
        return JSONResponse({})


async def enrol_passkey() -> Passkey | None:
    """Open the page and wait for a passkey. None if the person has made none in five minutes."""
    enrolment = _Enrolment()
    async with anyio.create_task_group() as tasks:
        enrolment.origin = await tasks.start(
            serve_pages,
            "enrol.html",
            ("approval.css", "page.css", "enrol.js"),
            {"/begin": enrolment.begin, "/finish": enrolment.finish},
        )
        redirect = RedirectFile(f"{enrolment.origin}/#{enrolment.secret}")
        try:
            open_browser(redirect.address)
            with anyio.move_on_after(_LONGEST_SECONDS):
                await enrolment.ended.wait()
                await anyio.sleep(0.5)  # the page shows that it is done
        finally:
            redirect.delete()
            tasks.cancel_scope.cancel()
    return enrolment.passkey
