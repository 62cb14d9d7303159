"""The page on which a person sees who is signed in with their TRaX key, and ends that."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from secrets import token_urlsafe
from typing import Final

from cachetools import TTLCache
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from trax_mcp.clock import Clock
from trax_mcp.sign_in.attempts import Attempts, TooManyAttempts
from trax_mcp.sign_in.grants import SignIn, SignInUnavailable
from trax_mcp.sign_in.store import SignInStore
from trax_mcp.web.posted_forms import BrowserCookie, address_of, is_same, read_form
from trax_mcp.web.sign_in_list_screens import list_key_screen, list_screen
from trax_mcp.web.sign_in_responses import (
    FormProblem,
    html_response,
    message,
    see_other,
    too_many_keys,
)
from trax_mcp.web.sign_in_screens import NO_KEY, Site, quoted_name

PATH: Final = "/sign-in/sessions"
_OPEN_SECONDS: Final = 600
_MAX_OPEN: Final = 1_000
_LONGEST_KEY: Final = 512
_NONE: Final = "No client is signed in with this key on this server."
"""Says nothing of whether TRaX knows the key: TRaX is not asked."""


@dataclass(slots=True)
class _OpenList:
    """A list that one browser shows. It is kept in memory only, and so is the key."""

    key: str = field(repr=False)
    form_token: str = field(default_factory=token_urlsafe, repr=False)
    outcome: str = ""


class SignInListPage:
    """The page. `attempts` limits wrong keys."""

    def __init__(self, site: Site, *, store: SignInStore, attempts: Attempts, clock: Clock) -> None:
        self.site = site
        self.store = store
        self.attempts = attempts
        self.cookie = BrowserCookie(site.public_url, "trax_sign_in_list")
        self.lists: TTLCache[str, _OpenList] = TTLCache(_MAX_OPEN, _OPEN_SECONDS, clock.seconds)
        """By the cookie of the browser."""

    def routes(self) -> list[Route]:
        """Its routes."""
        return [
            Route(PATH, self.show, methods=["GET"]),
            Route(PATH, self.check_key, methods=["POST"]),
            Route(f"{PATH}/end", self.end, methods=["POST"]),
            Route(f"{PATH}/close", self.close, methods=["POST"]),
        ]

    async def show(self, request: Request) -> Response:
        """The list that this browser has opened, or the form for the key."""
        shown = self.lists.get(self.cookie.of(request))
        if shown is None:
            return html_response(list_key_screen(self.site))
        try:
            sign_ins = self.store.of_person(shown.key)
        except SignInUnavailable as error:
            return self._unavailable(error)
        outcome, shown.outcome = shown.outcome, ""
        return html_response(
            list_screen(self.site, sign_ins, token=shown.form_token, outcome=outcome)
        )

    async def check_key(self, request: Request) -> Response:
        """Open the list of a key. One without sign-ins counts as a wrong one."""
        form = await read_form(request, origin=self.site.public_url)
        if form is None:
            return self._foreign()
        address = address_of(request)
        key = form.get("key", "").strip()
        try:
            self._check(key, address)
        except SignInUnavailable as error:
            return self._unavailable(error)
        except FormProblem as it:
            content = list_key_screen(self.site, problem=it.text)
            return html_response(content, it.status, it.headers)
        browser = token_urlsafe()
        self.lists[browser] = _OpenList(key)
        response = see_other(PATH)
        self.cookie.set(response, browser, seconds=_OPEN_SECONDS)
        return response

    def _check(self, key: str, address: str) -> None:
        """Check that a key has sign-ins.

        Raises:
            FormProblem: it has none, or too many were tried.
            SignInUnavailable: that cannot be known now.
        """
        if not key or len(key) > _LONGEST_KEY:
            raise FormProblem(HTTPStatus.BAD_REQUEST, NO_KEY)
        try:
            self.attempts.take(address)
        except TooManyAttempts as error:
            raise too_many_keys(error) from None
        try:
            is_wrong = not self.store.of_person(key)
        except SignInUnavailable:
            self.attempts.give_back(address)
            raise
        if is_wrong:
            raise FormProblem(HTTPStatus.FORBIDDEN, _NONE)
        self.attempts.give_back(address)

    async def end(self, request: Request) -> Response:
        """End one sign-in of the list, or all of them."""
        form, shown = await self._read(request)
        if not isinstance(shown, _OpenList):
            return shown
        chosen, ended = form.get("sign_in", ""), list[SignIn]()
        try:
            for it in self.store.of_person(shown.key):
                if chosen in {it.id, "all"} and self.store.revoke(it.id):
                    ended.append(it)
        except SignInUnavailable as error:
            if not ended:
                return self._unavailable(error)
        shown.outcome = _outcome(ended)
        return see_other(PATH)

    async def close(self, request: Request) -> Response:
        """Forget the key."""
        _, shown = await self._read(request)
        if not isinstance(shown, _OpenList):
            return shown
        del self.lists[self.cookie.of(request)]
        return see_other(PATH)

    async def _read(self, request: Request) -> tuple[Mapping[str, str], _OpenList | Response]:
        """The form, and the list that it belongs to, or a page that refuses it."""
        form = await read_form(request, origin=self.site.public_url)
        if form is None:
            return {}, self._foreign()
        shown = self.lists.get(self.cookie.of(request))
        if shown is None:
            return form, see_other(PATH)
        if not is_same(form.get("token", ""), shown.form_token):
            return form, self._foreign()
        return form, shown

    def _foreign(self) -> Response:
        return message(
            self.site,
            HTTPStatus.FORBIDDEN,
            "Only this page itself can do this",
            "What your browser has sent did not come from a form of this page. Nothing was ended."
            " Open the page again.",
        )

    def _unavailable(self, error: SignInUnavailable) -> Response:
        return message(
            self.site, HTTPStatus.SERVICE_UNAVAILABLE, "This does not work now", str(error)
        )


def _outcome(ended: Sequence[SignIn]) -> str:
    match ended:
        case []:
            return "That sign-in had ended already."
        case [it]:
            return f"Ended: {quoted_name(it.client_name)}. It can use your key no more."
        case _:
            return f"{len(ended)} sign-ins are ended. Those clients can use your key no more."
