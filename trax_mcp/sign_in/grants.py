"""The values of signing in: a client, its request, what a person has allowed, and tokens. Pure."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from trax_mcp.api.caller import Caller


class Access(StrEnum):
    """How much a person allows. The values are the scopes of OAuth."""

    READ = "read"
    """Only what reads: the offer of TRAX_READ_ONLY."""
    RUN = "run"
    """Everything that the operator offers."""


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
    """What a client asks for. Its redirect address is one of the client's own. Source: RFC 6749.

    `offered` is what a person can choose from. `state` goes back to the client as it came.
    """

    client: OAuthClient
    redirect_uri: str
    has_redirect_uri: bool
    code_challenge: str
    offered: tuple[Access, ...]
    state: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """What a person has allowed a client."""

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
    """What is kept about sign-ins cannot be read or written now. Nothing has changed.

    The message is for a person, and holds no path and no value.
    """
