"""The settings of a TRaX deployment. They can change at any time, so they are read on each use."""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class RateLimit:
    """A token bucket: `burst` requests at once, refilled at `per_second`."""

    burst: float
    per_second: float


GENEROUS: Final = RateLimit(burst=600, per_second=50)
"""Sandbox behaviour: TRaX's own bucket sizes are not documented."""

BASE_URL: Final = "http://127.0.0.1:8766"


@dataclass(kw_only=True, eq=False)
class Deployment:
    """The settings of one TRaX."""

    write_enabled: bool = True
    """The write gate that `GET /v1/health` reports."""
    base_url: str = BASE_URL
    """The base of upload URLs: the sandbox itself, once its port is known."""
    rate_limit: RateLimit | None = GENEROUS
    """The token bucket of each key; None is no limit."""
