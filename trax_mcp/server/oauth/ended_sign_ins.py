"""ASGI middleware that ends what belongs to a sign-in, such as open streams, on time.

Otherwise a stream that was opened before a sign-in was revoked would use the person's TRaX key for
as long as its client likes. Another process can revoke it, so this looks from time to time.
"""

import logging
from collections.abc import Callable
from http import HTTPStatus
from typing import Final

import anyio
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from trax_mcp.clock import Clock
from trax_mcp.server.http.auth_middleware import bearer_token
from trax_mcp.server.http.cut_answers import RecordedAnswer
from trax_mcp.server.http.refusal import refuse
from trax_mcp.sign_in.sign_ins import SignInUnavailable

CHECK_SECONDS: Final = 30.0
"""How long a request can outlive its sign-in."""

_LOG: Final = logging.getLogger(__name__)
_ENDED: Final = refuse(HTTPStatus.UNAUTHORIZED, "This sign-in has ended while the call ran.")


class EndedSignIns:
    """Looks whether the sign-ins of all requests in flight are still good.

    `verify` returns None for a token whose sign-in has ended.
    """

    def __init__(self, app: ASGIApp, verify: Callable[[str], object], clock: Clock) -> None:
        self._app = app
        self._verify = verify
        self._clock = clock
        self._tokens: dict[anyio.CancelScope, str] = {}
        """Those of the requests in flight."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Run a request, or the lifespan of the app."""
        if scope["type"] == "lifespan":
            await self._run_lifespan(scope, receive, send)
        elif (token := bearer_token(Headers(scope=scope))) is not None:
            await self._run(token, scope, receive, send)
        else:
            await self._app(scope, receive, send)

    async def _run_lifespan(self, scope: Scope, receive: Receive, send: Send) -> None:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self._check_again_and_again)
            await self._app(scope, receive, send)
            tasks.cancel_scope.cancel()

    async def _run(self, token: str, scope: Scope, receive: Receive, send: Send) -> None:
        answer = RecordedAnswer(send)
        with anyio.CancelScope() as request:
            self._tokens[request] = token
            try:
                await self._app(scope, receive, answer.send)
            finally:
                del self._tokens[request]
        await answer.complete_if_cut(request, _ENDED, scope, receive)

    async def _check_again_and_again(self) -> None:
        while True:
            await self._clock.sleep(CHECK_SECONDS)
            for token in set(self._tokens.values()):
                if self._has_ended(token):
                    self._end(token)
                await anyio.lowlevel.checkpoint()  # many streams hold up no call

    def _has_ended(self, token: str) -> bool:
        try:
            return self._verify(token) is None
        except SignInUnavailable:
            return False
        except Exception:  # noqa: BLE001  a failure here must not end the server
            _LOG.exception("a sign-in could not be looked up")
            return False

    def _end(self, token: str) -> None:
        for request, its_token in self._tokens.items():
            if its_token == token:
                request.cancel()
