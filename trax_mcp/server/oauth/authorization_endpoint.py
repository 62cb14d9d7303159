"""`/authorize`: checks what a client asks for, and sends the person on to the sign-in page.

Source: RFC 6749, 4.1.1. The SDK's handler is not used: it knows no metadata documents, no `iss`
(RFC 9207) and no pages for a person, and takes a challenge without a method for S256.
"""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from trax_mcp.server.oauth.oauth_metadata import is_resource
from trax_mcp.server.oauth.oauth_requests import OAuthError, repeated_parameter
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
        query = request.query_params
        if (name := repeated_parameter(query.multi_items())) is not None:
            return self._refused(f"The client sent the parameter {name} more than once.")
        if len(request.scope["query_string"]) > _LONGEST_QUERY:
            return self._refused("The client sent more than this server reads.")
        try:
            self.attempts.take(address_of(request))
            client = await self._find_client(query.get("client_id", ""), address_of(request))
        except (ClientRefused, SignInUnavailable, TooManyAttempts) as error:
            return self._problem(error)
        redirect_uri = _redirect_uri(client, query.get("redirect_uri"))
        if redirect_uri is None:
            return self._refused(_WRONG.format("redirect_uri is not an address of this client"))
        asked = AuthorizationRequest(
            client=client,
            redirect_uri=redirect_uri,
            has_redirect_uri="redirect_uri" in query,
            code_challenge=query.get("code_challenge", ""),
            offered=self._offer(query.get("scope", "").split()),
            state=query.get("state"),
        )
        try:
            self._check(query)
        except OAuthError as error:
            return self._error_to_client(asked, error)
        address = f"{self.site.public_url}{PATH}?request={self.pending.add(asked)}"
        return RedirectResponse(address, HTTPStatus.FOUND)

    async def _find_client(self, client_id: str, address: str) -> OAuthClient:
        """The client with this id.

        Raises:
            ClientRefused, SignInUnavailable, TooManyAttempts: it cannot be signed in to now.
        """
        if client_id.startswith("https:"):
            return await self.documents.find(client_id, address)
        if (client := self.store.find_client(client_id)) is None:
            raise ClientRefused(_NOT_KNOWN)
        return client

    def _offer(self, scopes: Collection[str]) -> tuple[Access, ...]:
        """The choices of the person. A client gets no more than it asks for.

        Scopes that this server does not have are ignored. Source: RFC 6749, 3.3.
        """
        asked = [access for access in Access if access in scopes]
        if asked == [Access.READ] or not self.can_run:
            return (Access.READ,)
        return tuple(Access)

    def _check(self, query: Mapping[str, str]) -> None:
        """Check the rest of a request, of which the client can hear.

        Raises:
            OAuthError: it asks for what this server does not give.
        """
        response_type = query.get("response_type")
        if not response_type:
            raise OAuthError("invalid_request", "response_type is missing.")
        if response_type != "code":
            raise OAuthError("unsupported_response_type", "response_type must be code.")
        if query.get("code_challenge_method") != "S256":  # none means plain: RFC 7636, 4.3
            raise OAuthError("invalid_request", "code_challenge_method must be S256.")
        if not _CHALLENGE.fullmatch(query.get("code_challenge", "")):
            raise OAuthError("invalid_request", "code_challenge is not an S256 challenge.")
        if not is_resource(query.get("resource"), self.resource):
            raise OAuthError("invalid_target", f"Tokens are for {self.resource} only.")

    def _error_to_client(self, asked: AuthorizationRequest, error: OAuthError) -> Response:
        """Send an error back to the client.

        At once only to a program on the person's own computer: anyone can be a client, and must not
        use this server to send people on to a page of theirs. Source: RFC 9700, 4.11.2.
        """
        address = asked.response_address(
            issuer=self.site.public_url, error=error.error, error_description=str(error)
        )
        if is_loopback_uri(asked.redirect_uri):
            return RedirectResponse(address, HTTPStatus.FOUND)
        link = fill(_LINK, address=address, host=redirect_host(asked.redirect_uri))
        return self._refused(_WRONG.format(str(error).rstrip(".")), link)

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


def _redirect_uri(client: OAuthClient, sent: str | None) -> str | None:
    """The address that a request names, exactly as it came, or the client's only one.

    None: it is not one of the client's.
    """
    known = client.redirect_uris
    if sent is None:
        return known[0] if len(known) == 1 else None
    return sent if any(matches(sent, it) for it in known) else None
