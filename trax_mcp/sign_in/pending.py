"""The sign-ins that are under way: asked for by a client, not yet finished by a person."""

import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from cachetools import TTLCache

from trax_mcp.api.caller import Caller
from trax_mcp.sign_in.grants import Access, AuthorizationRequest, Grant

PENDING_SECONDS: Final = 600
MAX_PENDING: Final = 1_000
_SECRET_BYTES: Final = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class AcceptedKey:
    """A key that TRaX has accepted in this sign-in, what it reaches, and what the person chose."""

    caller: Caller
    access: Access
    studios: tuple[str, ...]
    """Their names, as TRaX gave them: untrusted text."""
    has_more: bool
    """Whether there are more studios than those."""


@dataclass(slots=True)
class PendingSignIn:
    """A sign-in under way. It is kept in memory only, and so is the key."""

    request: AuthorizationRequest
    form_token: str = field(
        default_factory=lambda: secrets.token_urlsafe(_SECRET_BYTES), repr=False
    )
    """Every form of the page sends it back."""
    browser: str = field(default="", repr=False)
    """The cookie of the browser that opened the page first."""
    accepted: AcceptedKey | None = None
    address: str | None = field(default=None, repr=False)
    """Where the browser was sent at the end. A button that is pressed twice leads there twice."""
    ended_at: float = 0.0
    """Seconds of the clock."""

    def grant(self) -> Grant | None:
        """What the person has allowed. None if TRaX has accepted no key yet."""
        if self.accepted is None:
            return None
        access, caller = self.accepted.access, self.accepted.caller
        return Grant(request=self.request, access=access, caller=caller)

    def end(self, address: str, *, at: float) -> None:
        """The person has decided. Forgets the key."""
        self.accepted, self.address, self.ended_at = None, address, at


class PendingSignIns(TTLCache[str, PendingSignIn]):
    """All sign-ins under way, by the id in the page's address. Each is kept for ten minutes.

    Of more than 1,000, the one that was used longest ago is dropped.
    """

    def __init__(self, seconds: Callable[[], float]) -> None:
        super().__init__(MAX_PENDING, PENDING_SECONDS, timer=seconds)

    def add(self, request: AuthorizationRequest) -> str:
        """Keep a request, and return its id."""
        request_id = secrets.token_urlsafe(_SECRET_BYTES)
        self[request_id] = PendingSignIn(request)
        return request_id
