"""`/authorize` and its page, on which a person types their key and allows a client to use it.

It needs no JavaScript, and the client never sees the key. Source: RFC 6749, 4.1.1.
"""

import re
from collections.abc import Mapping, MutableMapping
from dataclasses import dataclass
from http import HTTPStatus
from secrets import token_urlsafe
from typing import Final

from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from trax_mcp.api.caller import Caller
from trax_mcp.api.client import Client
from trax_mcp.api.errors import TraxError
from trax_mcp.api.reads import ListStudios
from trax_mcp.settings import KEY_PREFIX
from trax_mcp.sign_in.attempts import Attempts, TooManyAttempts, WrongKey
from trax_mcp.sign_in.client_descriptions import (
    ONLY_ITS_MAKER,
    ClientRefused,
    OAuthClient,
    OAuthError,
)
from trax_mcp.sign_in.clients import Clients
from trax_mcp.sign_in.forms import (
    ENDED,
    FormProblem,
    Forms,
    PageProblem,
    PendingSignIn,
    address_of,
    check_resource,
    repeated_parameter,
)
from trax_mcp.sign_in.redirect_uris import is_loopback_uri
from trax_mcp.sign_in.screens import (
    CANCELLED,
    MISSING_SCOPE,
    NO_ANSWER,
    NO_KEY,
    WRONG_KEY,
    client_name,
    connect_screen,
    for_people,
    key_screen,
    page,
    reach_text,
    return_screen,
    too_many_keys,
)
from trax_mcp.sign_in.sign_ins import Scope
from trax_mcp.sign_in.site import Site

_PATH: Final = "/sign-in"
_MOST_CODES: Final = 10
"""The most codes of one key at a time."""
_LONGEST_QUERY: Final = 8192
_CHALLENGE: Final = re.compile(r"[A-Za-z0-9_-]{43}")
"""SHA-256 in base64url. Source: RFC 7636, 4.2."""
_CANNOT_BEGIN: Final = "This sign-in can't start"


Codes = MutableMapping[str, PendingSignIn]
"""By its code, what a person has allowed."""


@dataclass(frozen=True, kw_only=True)
class SignInPage:
    """The page."""

    site: Site
    forms: Forms
    clients: Clients
    attempts: Attempts
    codes: Codes
    trax: Client

    def routes(self) -> list[Route]:
        """Its routes."""
        return [
            for_people(self.site, "/authorize", self._authorize, "GET"),
            for_people(self.site, _PATH, self._open, "GET"),
            for_people(self.site, _PATH, self._take_key, "POST"),
            for_people(self.site, f"{_PATH}/another-key", self._ask_another_key, "POST"),
            for_people(self.site, f"{_PATH}/connect", self._connect, "POST"),
            for_people(self.site, f"{_PATH}/cancel", self._cancel, "POST"),
        ]

    async def _authorize(self, request: Request) -> Response:
        """Check what a client asks for, and show the page."""
        query = request.query_params
        if (name := repeated_parameter(query.multi_items())) is not None:
            raise _refusal(f"The app sent the parameter {name} more than once.")
        if len(request.scope["query_string"]) > _LONGEST_QUERY:
            raise _refusal("The app sent more than this server reads.")
        client = await self._find_client(query.get("client_id", ""))
        asked = self._read(query, client)
        try:
            self._check(query)
        except OAuthError as error:
            return self._error_to_client(asked, error)
        return page(key_screen(self.site, asked, self.forms.sealed(asked)))

    async def _find_client(self, client_id: str) -> OAuthClient:
        """The client with this id."""
        try:
            return await self.clients.find(client_id, may_register=self.site.may_register)
        except ClientRefused as error:
            raise PageProblem(HTTPStatus.BAD_REQUEST, _CANNOT_BEGIN, str(error)) from None

    def _read(self, query: QueryParams, client: OAuthClient) -> PendingSignIn:
        """The request. A client gets no more than it asks for.

        Scopes that this server does not have are ignored. Source: RFC 6749, 3.3.
        """
        redirect_uri = client.redirect_uri(query.get("redirect_uri"))
        if redirect_uri is None:
            raise _refusal(_wrong("redirect_uri isn't an address of this client."))
        scopes = query.get("scope", "").split()
        only_reads = not self.site.may_run or [it for it in Scope if it in scopes] == [Scope.READ]
        return PendingSignIn(
            until=self.forms.deadline(),
            client_id=client.id,
            client_name=client.name,
            client_host=client.host,
            redirect_uri=redirect_uri,
            challenge=query.get("code_challenge", ""),
            offered=(Scope.READ,) if only_reads else tuple(Scope),
            state=query.get("state"),
        )

    def _check(self, query: QueryParams) -> None:
        """Check the rest of a request, of which the client can hear."""
        response_type = query.get("response_type")
        if not response_type:
            raise OAuthError("invalid_request", "response_type is missing.")
        if response_type != "code":
            raise OAuthError("unsupported_response_type", "response_type must be code.")
        if query.get("code_challenge_method") != "S256":  # none means plain: RFC 7636, 4.3
            raise OAuthError("invalid_request", "code_challenge_method must be S256.")
        if not _CHALLENGE.fullmatch(query.get("code_challenge", "")):
            raise OAuthError("invalid_request", "code_challenge isn't an S256 challenge.")
        check_resource(query.get("resource"), self.site.resource)

    def _error_to_client(self, asked: PendingSignIn, error: OAuthError) -> Response:
        """Send an error back to the client.

        At once only to a program on the person's own computer: anyone can be a client, and must not
        use this server to send people on to a page of theirs. Source: RFC 9700, 4.11.2.
        """
        address = asked.response_address(
            issuer=self.site.public_url, error=error.error, error_description=str(error)
        )
        if is_loopback_uri(asked.redirect_uri):
            return RedirectResponse(address, HTTPStatus.FOUND, {"Cache-Control": "no-store"})
        raise _refusal(_wrong(str(error)), back_to=address)

    async def _open(self, _request: Request) -> Response:
        """Somebody has kept the address of the page. It has no sign-in by itself."""
        raise PageProblem(HTTPStatus.GONE, PendingSignIn.ended, ENDED)

    async def _take_key(self, request: Request) -> Response:
        """Try the key with one read, then ask for the last approval."""
        fields, asked = await self.forms.read(request, PendingSignIn)
        try:
            access = _chosen(fields, asked)
            key, reach = await self._try_key(fields.get("key", ""), address_of(request))
        except FormProblem as problem:
            content = key_screen(
                self.site,
                asked,
                self.forms.sealed(asked),
                problem=str(problem),
                chosen=fields.get("access", ""),
            )
            return page(content, problem.status, problem.headers)
        asked = asked.model_copy(update={"key": key, "access": access})
        return page(connect_screen(self.site, asked, self.forms.sealed(asked), reach))

    async def _try_key(self, typed: str, address: str) -> tuple[str, str]:
        """Try a key with one read. Returns it, and which studios it reaches, in a sentence."""
        key = typed.strip()
        try:
            # A password of something else, or a token of ours, is not for TRaX.
            caller = Caller(key if key.startswith(KEY_PREFIX) else "")
        except ValueError:
            raise FormProblem(HTTPStatus.BAD_REQUEST, NO_KEY) from None
        try:
            async with self.attempts.one(address):
                return key, await self._reach_of(caller)
        except WrongKey as error:
            raise FormProblem(HTTPStatus.FORBIDDEN, str(error)) from None
        except TooManyAttempts as error:
            raise too_many_keys(error) from None

    async def _reach_of(self, caller: Caller) -> str:
        """Which studios a key reaches, in a sentence."""
        try:
            return reach_text(await self.trax.call(ListStudios(), caller, retry=False))
        except TraxError as error:
            match error.http_status:
                case HTTPStatus.UNAUTHORIZED:
                    raise WrongKey(WRONG_KEY) from None
                case HTTPStatus.FORBIDDEN:
                    raise FormProblem(HTTPStatus.FORBIDDEN, MISSING_SCOPE) from None
                case _:
                    raise FormProblem(HTTPStatus.BAD_GATEWAY, NO_ANSWER) from None

    async def _ask_another_key(self, request: Request) -> Response:
        """Show the form for the key again."""
        _, asked = await self.forms.read(request, PendingSignIn)
        asked = asked.model_copy(update={"key": ""})
        return page(key_screen(self.site, asked, self.forms.sealed(asked)))

    async def _connect(self, request: Request) -> Response:
        """Send the browser back to the client with a code."""
        _, asked = await self.forms.read(request, PendingSignIn)
        if not asked.key:
            raise PageProblem(HTTPStatus.GONE, PendingSignIn.ended, ENDED)
        own = [it for it, allowed in self.codes.items() if allowed.key == asked.key]
        for oldest in own[: -_MOST_CODES + 1]:  # nobody fills the room of others
            self.codes.pop(oldest, None)
        code = token_urlsafe()
        self.codes[code] = asked
        return self._return(asked, f"Connected: {client_name(asked)}", code=code)

    async def _cancel(self, request: Request) -> Response:
        """Tell the client that the person said no."""
        _, asked = await self.forms.read(request, PendingSignIn)
        return self._return(asked, CANCELLED, error="access_denied")

    def _return(self, asked: PendingSignIn, outcome: str, **parameters: str) -> Response:
        address = asked.response_address(issuer=self.site.public_url, **parameters)
        return page(return_screen(self.site, asked, address, outcome))


def _chosen(fields: Mapping[str, str], asked: PendingSignIn) -> Scope:
    for access in asked.offered:
        if access.value == fields.get("access"):
            return access
    text = f"Choose what {client_name(asked)} can do."
    raise FormProblem(HTTPStatus.BAD_REQUEST, text)


def _wrong(why: str) -> str:
    return f"The app's request is wrong: {why}"


def _refusal(why: str, *, back_to: str = "") -> PageProblem:
    text = f"{why} {ONLY_ITS_MAKER}"
    return PageProblem(HTTPStatus.BAD_REQUEST, _CANNOT_BEGIN, text, back_to=back_to)
