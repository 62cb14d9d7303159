"""The page on which a person gives a TRaX key to this server, and allows a client to use it.

It needs no JavaScript. The client never sees the key.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from secrets import token_urlsafe
from typing import Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from trax_mcp.api.caller import Caller
from trax_mcp.api.client import Client
from trax_mcp.api.errors import Failure, TraxError
from trax_mcp.api.operations import ListStudios
from trax_mcp.clock import Clock
from trax_mcp.setting_types import KEY_PREFIX
from trax_mcp.sign_in.attempts import Attempts, TooManyAttempts
from trax_mcp.sign_in.codes import Codes
from trax_mcp.sign_in.grants import Grant
from trax_mcp.sign_in.pending import (
    PENDING_SECONDS,
    AcceptedKey,
    Ending,
    PendingSignIn,
    PendingSignIns,
)
from trax_mcp.web.local_server import static_file
from trax_mcp.web.markup import Html
from trax_mcp.web.posted_forms import BrowserCookie, address_of, is_same, read_form
from trax_mcp.web.sign_in_responses import (
    SIGN_IN_HEADERS,
    FormProblem,
    html_response,
    message,
    see_other,
    too_many_keys,
)
from trax_mcp.web.sign_in_screens import (
    CANCELLED,
    MISSING_SCOPE,
    NO_ANSWER,
    NO_KEY,
    WRONG_KEY,
    Site,
    client_name,
    connect_screen,
    key_screen,
    reach_text,
    return_screen,
)

PATH: Final = "/sign-in"
_STATIC: Final = ("approval.css", "page.css", "sign_in.css")
_REPEAT_SECONDS: Final = 10.0
"""For so long, a button that is pressed twice has the same answer twice."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SignInPage:
    """The page. `attempts` limits wrong keys."""

    site: Site
    pending: PendingSignIns
    codes: Codes
    client: Client
    attempts: Attempts
    clock: Clock

    def routes(self) -> list[Route]:
        """Its routes, and those of the files that all pages of signing in load."""
        return [
            Route(PATH, self.show, methods=["GET"]),
            Route(PATH, self.check_key, methods=["POST"]),
            Route(f"{PATH}/connect", self.connect, methods=["POST"]),
            Route(f"{PATH}/cancel", self.cancel, methods=["POST"]),
            Route(f"{PATH}/another-key", self.forget_key, methods=["POST"]),
            *(Route(f"{PATH}/{name}", static_file(name, SIGN_IN_HEADERS)) for name in _STATIC),
        ]

    @property
    def cookie(self) -> BrowserCookie:
        """The cookie of the browser that opened a sign-in first."""
        return BrowserCookie(self.site.public_url, "trax_sign_in")

    async def show(self, request: Request) -> Response:
        """The form for the key, or the last question. Belongs to the browser that comes first."""
        request_id = request.query_params.get("request", "")
        found = self.pending.get(request_id)
        if found is None or found.ending is not None:
            return self._ended()
        browser = self.cookie.of(request)
        if found.browser and not is_same(browser, found.browser):
            return self._other_browser()
        response = html_response(self._screen(request_id, found))
        if request.method == "GET":  # a HEAD is of a program that looks at links
            found.browser = browser or token_urlsafe()
            self.cookie.set(response, found.browser, seconds=PENDING_SECONDS)
        return response

    async def check_key(self, request: Request) -> Response:
        """Try the key with one read, then ask for the last yes."""
        form, found = await self._read(request)
        if not isinstance(found, PendingSignIn):
            return found
        if found.ending is not None:
            return self._ended()
        try:
            found.accept(await self._try_key(form, found, request))
        except FormProblem as it:
            chosen = form.get("access", "")
            content = key_screen(self.site, form["request"], found, problem=it.text, chosen=chosen)
            return html_response(content, it.status, it.headers)
        return self._reload(form["request"])

    async def _try_key(
        self, form: Mapping[str, str], found: PendingSignIn, request: Request
    ) -> AcceptedKey:
        """Try the key with one read.

        Raises:
            FormProblem: the form is incomplete, TRaX does not accept the key, or may not be asked.
        """
        offered = found.request.offered
        access = next((it for it in offered if it.value == form.get("access")), None)
        if access is None:
            text = f"Choose what {client_name(found.request)} will be able to do."
            raise FormProblem(HTTPStatus.BAD_REQUEST, text)
        address = address_of(request)
        key = form.get("key", "").strip()
        try:
            # A password of something else, or a token of ours, is not for TRaX.
            caller = Caller(key if key.startswith(KEY_PREFIX) else "")
        except ValueError:
            raise FormProblem(HTTPStatus.BAD_REQUEST, NO_KEY) from None
        try:
            self.attempts.take(address)
            page = await self.client.call(ListStudios().next_page(None), caller, retry=False)
        except TooManyAttempts as error:
            raise too_many_keys(error) from None
        except TraxError as error:
            raise self._failed(error.failure, address) from None
        self.attempts.give_back(address)
        return AcceptedKey(caller=caller, access=access, reach=reach_text(page))

    def _failed(self, failure: Failure, address: str) -> FormProblem:
        """Say why TRaX did not answer the read. Only a wrong key counts as an attempt."""
        if failure.http_status == HTTPStatus.UNAUTHORIZED:
            return FormProblem(HTTPStatus.FORBIDDEN, WRONG_KEY)
        self.attempts.give_back(address)
        if failure.http_status == HTTPStatus.FORBIDDEN:
            return FormProblem(HTTPStatus.FORBIDDEN, MISSING_SCOPE)
        return FormProblem(HTTPStatus.BAD_GATEWAY, NO_ANSWER)

    async def connect(self, request: Request) -> Response:
        """Give the client a code, once."""
        form, found = await self._read(request)
        if not isinstance(found, PendingSignIn):
            return found
        if found.ending is None:
            accepted = found.accepted
            if accepted is None or not is_same(form.get("accepted", ""), accepted.id):
                return self._reload(form["request"])  # another key was typed meanwhile
            grant = Grant(request=found.request, access=accepted.access, caller=accepted.caller)
            outcome = f"Connected: {client_name(found.request)}"
            self._end(found, outcome, code=self.codes.issue(grant))
        return self._return(found)

    async def cancel(self, request: Request) -> Response:
        """Tell the client that the person said no."""
        _, found = await self._read(request)
        if not isinstance(found, PendingSignIn):
            return found
        if found.ending is None:
            self._end(found, CANCELLED, error="access_denied")
        return self._return(found)

    async def forget_key(self, request: Request) -> Response:
        """Ask for another key."""
        form, found = await self._read(request)
        if not isinstance(found, PendingSignIn):
            return found
        found.accepted = None
        return self._reload(form["request"])

    def _screen(self, request_id: str, found: PendingSignIn) -> Html:
        if found.accepted is None:
            return key_screen(self.site, request_id, found)
        return connect_screen(self.site, request_id, found, found.accepted)

    async def _read(self, request: Request) -> tuple[Mapping[str, str], PendingSignIn | Response]:
        """The form, and the sign-in that it belongs to, or a page that refuses it."""
        form = await read_form(request, origin=self.site.public_url)
        if form is None:
            return {}, self._foreign()
        found = self.pending.get(form.get("request", ""))
        if found is None:
            return form, self._ended()
        if not is_same(self.cookie.of(request), found.browser):
            return form, self._other_browser()
        if not is_same(form.get("token", ""), found.form_token):
            return form, self._foreign()
        return form, found

    def _end(self, found: PendingSignIn, outcome: str, **parameters: str) -> None:
        address = found.request.response_address(issuer=self.site.public_url, **parameters)
        found.end(Ending(address, outcome, self.clock.seconds()))

    def _return(self, found: PendingSignIn) -> Response:
        """Send the browser back to the client."""
        ending = found.ending
        if ending is None or self.clock.seconds() > ending.at + _REPEAT_SECONDS:
            return self._ended()
        return html_response(return_screen(self.site, found.request, ending))

    def _reload(self, request_id: str) -> Response:
        return see_other(f"{PATH}?request={request_id}")

    def _ended(self) -> Response:
        return message(
            self.site,
            HTTPStatus.GONE,
            "This sign-in has ended",
            "It was finished already, or ten minutes have passed. To connect, begin once more where"
            " you came from.",
        )

    def _other_browser(self) -> Response:
        return message(
            self.site,
            HTTPStatus.FORBIDDEN,
            "This sign-in belongs to another browser",
            "It was opened elsewhere first, or your browser keeps no cookies for this page. Nothing"
            " is connected. Go on there, or begin once more where you came from.",
        )

    def _foreign(self) -> Response:
        return message(
            self.site,
            HTTPStatus.FORBIDDEN,
            "Only the sign-in page itself can do this",
            "What your browser has sent did not come from a form of this page. Nothing is"
            " connected. Begin once more where you came from.",
        )
