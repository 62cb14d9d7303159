"""`/authorize`: checks what a client asks for, and sends the person on to the sign-in page.

The SDK's handler reads the request. This adds what it lacks: clients with a metadata document,
redirect addresses compared as they came, `iss` in errors (RFC 9207), and pages for a person where
an error does not go straight back to the client.
"""

import json
import re
from collections.abc import Collection
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final, cast
from urllib.parse import parse_qs, quote, urlsplit

from mcp.server.auth.handlers.authorize import AuthorizationHandler
from mcp.server.auth.provider import AuthorizationParams, AuthorizeError
from mcp.shared.auth import InvalidRedirectUriError, OAuthClientInformationFull
from pydantic import AnyUrl, PrivateAttr
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from trax_mcp.server.oauth_metadata import is_resource
from trax_mcp.server.oauth_requests import repeated_parameter
from trax_mcp.sign_in.attempts import Attempts, TooManyAttempts
from trax_mcp.sign_in.client_documents import ClientDocuments
from trax_mcp.sign_in.client_metadata import ONLY_ITS_MAKER, ClientRefused
from trax_mcp.sign_in.grants import Access, AuthorizationRequest, OAuthClient, SignInUnavailable
from trax_mcp.sign_in.pending import PendingSignIns
from trax_mcp.sign_in.redirect_uris import is_loopback_uri, matches, redirect_host
from trax_mcp.sign_in.store import SignInStore
from trax_mcp.web.markup import NOTHING, Html, fill
from trax_mcp.web.posted_forms import address_of
from trax_mcp.web.sign_in_page import PATH
from trax_mcp.web.sign_in_responses import message
from trax_mcp.web.sign_in_screens import Site

_LONGEST_QUERY: Final = 8192
_CHALLENGE: Final = re.compile(r"[A-Za-z0-9_-]{43}")
"""SHA-256 in base64url. Source: RFC 7636, 4.2."""

_TITLE: Final = "This sign-in cannot begin"
_NOT_KNOWN: Final = (
    "This server does not know the client that sent you here. Nothing was allowed. Remove this"
    " server there, and add it again."
)
_WRONG: Final = "The client asks in a wrong way: {}."
_LINK: Final = '<p><a class="button" href="{address}">Go back to {host}</a></p>'


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthorizationEndpoint:
    """The endpoint. `can_run`: the operator offers more than reading."""

    site: Site
    documents: ClientDocuments
    store: SignInStore
    pending: PendingSignIns
    attempts: Attempts
    resource: str
    can_run: bool

    async def handle(self, request: Request) -> Response:
        """Send the person to the page, or say why not."""
        if (name := repeated_parameter(request.query_params)) is not None:
            return self._refused(f"The client sent the parameter {name} more than once.")
        if len(request.scope["query_string"]) > _LONGEST_QUERY:
            return self._refused("The client sent more than this server reads.")
        try:
            self.attempts.take(address_of(request))
        except TooManyAttempts as error:
            return self._problem(error)
        provider = _Provider(self, request)
        handler = AuthorizationHandler(cast("Any", provider))
        response = await handler.handle(_with_plain_by_default(request))
        return self._complete(response, provider)

    def _complete(self, response: Response, provider: "_Provider") -> Response:
        """Complete the answer of the SDK's handler."""
        if provider.problem is not None:
            return self._problem(provider.problem)
        if provider.has_begun:
            return response
        if "location" in response.headers:
            return self._error_to_client(provider, response.headers["location"])
        return self._refused(_WRONG.format(json.loads(bytes(response.body))["error_description"]))

    async def find_client(self, client_id: str, address: str) -> OAuthClient:
        """The client with this id.

        Raises:
            ClientRefused, SignInUnavailable, TooManyAttempts: it cannot be signed in to now.
        """
        if client_id.startswith("https:"):
            return await self.documents.find(client_id, address)
        if (client := self.store.find_client(client_id)) is None:
            raise ClientRefused(_NOT_KNOWN)
        return client

    def offer(self, scopes: Collection[str]) -> tuple[Access, ...]:
        """The choices of the person. A client gets no more than it asks for."""
        asked = [access for access in Access if access in scopes]
        if asked == [Access.READ] or not self.can_run:
            return (Access.READ,)
        return tuple(Access)

    def _error_to_client(self, provider: "_Provider", location: str) -> Response:
        """Send an error back to the client.

        At once only to a program on the person's own computer: anyone can be a client, and must not
        use this server to send people on to a page of theirs. Source: RFC 9700, 4.11.2.
        """
        address = f"{location}&iss={quote(self.site.public_url, safe='')}"
        if is_loopback_uri(provider.redirect_uri):
            return RedirectResponse(address, HTTPStatus.FOUND, {"Cache-Control": "no-store"})
        link = fill(_LINK, address=address, host=redirect_host(provider.redirect_uri))
        (why,) = parse_qs(urlsplit(location).query)["error_description"]
        return self._refused(_WRONG.format(why.rstrip(".")), link)

    def _refused(self, why: str, link: Html = NOTHING) -> Response:
        text = f"{why} {ONLY_ITS_MAKER}"
        return message(self.site, HTTPStatus.BAD_REQUEST, _TITLE, text, link=link)

    def _problem(self, error: Exception) -> Response:
        status, headers = HTTPStatus.BAD_REQUEST, dict[str, str]()
        match error:
            case TooManyAttempts(retry_after=seconds):
                status, headers = HTTPStatus.TOO_MANY_REQUESTS, {"Retry-After": str(seconds)}
            case SignInUnavailable():
                status = HTTPStatus.SERVICE_UNAVAILABLE
        return message(self.site, status, _TITLE, str(error), headers=headers)


class _Provider:
    """The answers to the SDK's handler, which asks while it handles one request."""

    def __init__(self, endpoint: AuthorizationEndpoint, request: Request) -> None:
        self._endpoint = endpoint
        self._request = request
        self.redirect_uri = ""
        """Where errors can be sent, once that is certain."""
        self.problem: Exception | None = None
        """Why the client was not found."""
        self.has_begun = False

    async def get_client(self, client_id: str) -> OAuthClientInformationFull | None:
        """The client. None with a `problem`."""
        try:
            self._client = await self._endpoint.find_client(client_id, address_of(self._request))
        except (ClientRefused, SignInUnavailable, TooManyAttempts) as error:
            self.problem = error
            return None
        return _Client(self)

    def choose_redirect_uri(self) -> str | None:
        """The address that the request names, or the client's only one. None: not the client's.

        Not the SDK's reading of it, which is not always the text that was sent.
        """
        known = self._client.redirect_uris
        sent = self._request.query_params.get("redirect_uri")
        if sent is None:
            chosen = known[0] if len(known) == 1 else None
        else:
            chosen = sent if any(matches(sent, it) for it in known) else None
        self.redirect_uri = chosen or ""
        return chosen

    async def authorize(
        self, _client: OAuthClientInformationFull, params: AuthorizationParams
    ) -> str:
        """Keep the request, and return the address of the page.

        Raises:
            AuthorizeError: it asks for what this server does not give.
        """
        endpoint = self._endpoint
        if not is_resource(params.resource, endpoint.resource):
            raise AuthorizeError("invalid_target", f"Tokens are for {endpoint.resource} only.")
        if not _CHALLENGE.fullmatch(params.code_challenge):
            raise AuthorizeError("invalid_request", "code_challenge is not an S256 challenge.")
        request_id = endpoint.pending.add(
            AuthorizationRequest(
                client=self._client,
                redirect_uri=self.redirect_uri,
                has_redirect_uri=params.redirect_uri_provided_explicitly,
                code_challenge=params.code_challenge,
                offered=endpoint.offer(params.scopes or ()),
                state=params.state,
            )
        )
        self.has_begun = True
        return f"{endpoint.site.public_url}{PATH}?request={request_id}"


class _Client(OAuthClientInformationFull):
    """A client, of which the SDK's handler asks two questions."""

    _provider: _Provider = PrivateAttr()

    def __init__(self, provider: _Provider) -> None:
        super().__init__(client_id="-")
        self._provider = provider

    def validate_scope(self, requested_scope: str | None) -> list[str] | None:
        """Scopes that this server does not have are ignored. Source: RFC 6749, 3.3."""
        return (requested_scope or "").split()

    def validate_redirect_uri(self, redirect_uri: AnyUrl | None) -> AnyUrl:  # noqa: ARG002  see above
        """The redirect address, exactly as the client spelt it."""
        chosen = self._provider.choose_redirect_uri()
        if chosen is None:
            raise InvalidRedirectUriError("redirect_uri is not an address of this client")
        return cast("AnyUrl", chosen)  # the handler only turns it into text


def _with_plain_by_default(request: Request) -> Request:
    """A request without a method means `plain`, which is refused. Source: RFC 7636, 4.3.

    The SDK would take it for S256, and the client would hear of it only at the end.
    """
    if "code_challenge_method" in request.query_params:
        return request
    query = request.scope["query_string"] + b"&code_challenge_method=plain"
    return Request({**request.scope, "query_string": query}, request.receive)
