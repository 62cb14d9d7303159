"""The sign-ins that are under way: asked for by a client, not yet finished by a person."""

from collections.abc import Callable
from dataclasses import dataclass, field
from secrets import token_urlsafe
from typing import Final

from cachetools import TTLCache

from trax_mcp.api.caller import Caller
from trax_mcp.sign_in.grants import Access, AuthorizationRequest

PENDING_SECONDS: Final = 600
MAX_PENDING: Final = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class AcceptedKey:
    """A key that TRaX has accepted in this sign-in, and what the person chose."""

    caller: Caller
    access: Access
    reach: str
    """The studios that the key reaches, in a sentence."""
    id: str = field(default_factory=token_urlsafe, repr=False)
    """Tells it from a key that is typed later: the yes is to what was shown."""


@dataclass(frozen=True, slots=True)
class Ending:
    """How a person has decided."""

    address: str = field(repr=False)
    """Where the browser is sent to. It may hold a code."""
    outcome: str
    at: float
    """Seconds of the clock."""


@dataclass(slots=True)
class PendingSignIn:
    """A sign-in under way. It is kept in memory only, and so is the key."""

    request: AuthorizationRequest
    form_token: str = field(default_factory=token_urlsafe, repr=False)
    """Every form of the page sends it back."""
    browser: str = field(default="", repr=False)
    """The cookie of the browser that opened the page first."""
    accepted: AcceptedKey | None = None
    ending: Ending | None = None

    def accept(self, key: AcceptedKey) -> None:
        """TRaX has accepted a key. Comes to nothing if the person has decided meanwhile."""
        if self.ending is None:
            self.accepted = key

    def end(self, ending: Ending) -> None:
        """The person has decided. Forgets the key."""
        self.accepted, self.ending = None, ending


class PendingSignIns(TTLCache[str, PendingSignIn]):
    """All sign-ins under way, by the id in the page's address. Each is kept for ten minutes.

    Of more than 1,000, the one that was used longest ago is dropped.
    """

    def __init__(self, seconds: Callable[[], float]) -> None:
        super().__init__(MAX_PENDING, PENDING_SECONDS, timer=seconds)

    def add(self, request: AuthorizationRequest) -> str:
        """Keep a request, and return its id."""
        request_id = token_urlsafe()
        self[request_id] = PendingSignIn(request)
        return request_id
