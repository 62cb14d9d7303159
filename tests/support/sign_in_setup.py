"""A store of sign-ins in a folder, on a clock that a test moves, and grants to put into it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

from trax_mcp.api.caller import Caller
from trax_mcp.clock import Clock
from trax_mcp.sign_in.grants import Access, AuthorizationRequest, Grant, OAuthClient, Tokens
from trax_mcp.sign_in.store import SignInStore, open_store

if TYPE_CHECKING:
    from pathlib import Path

KEY: Final = "sk_live_anna_canary_0123456789"
OTHER_KEY: Final = "sk_live_ben_canary_0123456789"
SECRET: Final = "the-secret-of-this-server-is-42-characters"
FILE: Final = "sign-in.sqlite"
PUBLIC_URL: Final = "https://trax.example.com"
CLIENT: Final = OAuthClient(
    id="https://client.example/metadata.json",
    name="Example Client",
    redirect_uris=("https://client.example/callback",),
    host="client.example",
)


class WallClock(Clock):
    """A clock whose date a test moves, also backwards. Its monotonic time never goes back."""

    def __init__(self) -> None:
        self.date = datetime(2026, 6, 5, 18, 0, tzinfo=UTC)
        self.elapsed = 0.0

    def seconds(self) -> float:
        """How far it was moved ahead."""
        return self.elapsed

    def now(self) -> datetime:
        """The date that it was moved to."""
        return self.date

    def move(self, **amount: float) -> None:
        """Move it by an amount, as `timedelta` names it."""
        step = timedelta(**amount)
        self.date += step
        self.elapsed += max(step.total_seconds(), 0.0)


def store_in(
    folder: Path, clock: Clock, *, secret: str = SECRET, audience: str = PUBLIC_URL
) -> SignInStore:
    """Open the store of a folder, or make it."""
    return open_store(folder / FILE, secret, clock, audience=audience)


def grant_of(key: str = KEY, *, client: OAuthClient = CLIENT, access: Access = Access.RUN) -> Grant:
    """What a person with this key allows a client."""
    request = AuthorizationRequest(
        client=client,
        redirect_uri=client.redirect_uris[0],
        has_redirect_uri=True,
        code_challenge="c" * 43,
        offered=(Access.READ, Access.RUN),
    )
    return Grant(request=request, access=access, caller=Caller(key))


def key_of(store: SignInStore, token: str) -> str | None:
    """The key that a token opens."""
    found = store.find(token)
    return None if found is None else found[1].key


def refreshed(store: SignInStore, token: str) -> Tokens:
    """The pair that a refresh token gives."""
    tokens = store.refresh(token, client_id=CLIENT.id)
    assert tokens is not None
    return tokens
