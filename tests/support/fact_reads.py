"""The paths that are read about a studio, how often each was read, and what makes reads harder."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

from tests.support.product.sandbox import SCOPES

if TYPE_CHECKING:
    from tests.support.product.sandbox import Sandbox

STUDIO: Final = "/v1/studios/studio_42"
STATUS, PLACES, SOURCES = (f"{STUDIO}/{it}" for it in ("stream-status", "destinations", "sources"))
ACCOUNTS, HEALTH, STUDIOS = "/v1/connections", "/v1/health", "/v1/studios"


def asked(sandbox: Sandbox, since: int = 0) -> Counter[str]:
    """How often each path was read. Checks that nothing else was sent."""
    received = list(sandbox.requests)[since:]
    assert {it.method for it in received} <= {"GET"}
    return Counter(it.path for it in received)


def narrow(sandbox: Sandbox, *without: str) -> str:
    """A key of the same account that lacks these scopes."""
    secret = "sk_live_sandbox_narrow"
    sandbox.add_key(secret, scopes=SCOPES - set(without))
    return secret


def enable_many(sandbox: Sandbox, count: int) -> None:
    """Give the studio `count` more destinations, enough for more than one page."""
    for number in range(count):
        which = f"dest_9{number:03}"
        sandbox.add_destination(which, record_id=which, platform="custom")
