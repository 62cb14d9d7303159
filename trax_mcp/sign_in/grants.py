"""The values of signing in: a client, its request, what a person has allowed, and tokens. Pure."""

import hashlib
from base64 import urlsafe_b64encode
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from urllib.parse import urlencode

from trax_mcp.api.caller import Caller


class Access(StrEnum):
    """How much a person allows. The values are the scopes of OAuth."""

    READ = "read"
    """Only what reads: the offer of TRAX_READ_ONLY."""
    RUN = "run"
    """Everything that the operator offers."""

    @property
    def label(self) -> str:
        """The name of this choice, for a person."""
        return "look only" if self is Access.READ else "run shows"


@dataclass(frozen=True, slots=True, kw_only=True)
class OAuthClient:
    """An MCP client, as its metadata document or its registration describes it.

    Its name is a claim, as `client_names` leaves it. `host` is the host of its document, which is
    verified; a registered client has none.
    """

    id: str
    name: str
    redirect_uris: tuple[str, ...]
    host: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthorizationRequest:
    """The request of a client. Its redirect address is one of the client's own. Source: RFC 6749.

    A person chooses from `offered`. `state` goes back to the client as it came.
    """

    client: OAuthClient
    redirect_uri: str
    has_redirect_uri: bool
    code_challenge: str
    offered: tuple[Access, ...]
    state: str | None = None

    def is_redirect_uri(self, sent: str | None) -> bool:
        """Whether a request for tokens names the same redirect address. Source: RFC 6749, 4.1.3."""
        return sent == self.redirect_uri or (sent is None and not self.has_redirect_uri)

    def is_verifier(self, sent: str) -> bool:
        """Whether a verifier is the one of the challenge. Source: RFC 7636, 4.6."""
        digest = hashlib.sha256(sent.encode()).digest()
        return urlsafe_b64encode(digest).decode().rstrip("=") == self.code_challenge

    def response_address(self, *, issuer: str, **parameters: str) -> str:
        """The redirect address with `parameters`, the client's `state`, and `iss`.

        Source: RFC 6749, sections 4.1.2 and 4.1.2.1, and RFC 9207.
        """
        state = {} if self.state is None else {"state": self.state}
        separator = "&" if "?" in self.redirect_uri else "?"
        query = urlencode({**parameters, **state, "iss": issuer})
        return f"{self.redirect_uri}{separator}{query}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """The access that a person has allowed a client."""

    request: AuthorizationRequest
    access: Access
    caller: Caller
    """Their TRaX key."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SignIn:
    """One person at one client, from the sign-in until it is revoked or has ended.

    `person` tells sign-ins with the same TRaX key from others, and reveals nothing of the key.
    """

    id: str
    person: str
    client_id: str
    client_name: str
    redirect_host: str
    access: Access
    created: datetime
    last_used: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Tokens:
    """A pair of tokens, shown once: nothing that is kept reveals them."""

    sign_in_id: str
    access_token: str = field(repr=False)
    refresh_token: str = field(repr=False)
    access: Access
    expires_in: int
    """Seconds until the access token ends, if it is used meanwhile."""


class SignInUnavailable(Exception):
    """The sign-ins that are kept cannot be read or written now. Nothing has changed.

    The message is for a person, and holds no path and no value.
    """
