"""What whoever runs a TRaX decides about it, and may decide anew at any time.

The values are looked at when they are needed and kept by nobody. This module knows no caller.
"""

from __future__ import annotations

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
    """One TRaX as it is run."""

    write_enabled: bool = True
    """The write gate, as `GET /v1/health` tells it."""
    base_url: str = BASE_URL
    """Where upload URLs point: at the sandbox itself, once its port is known."""
    rate_limit: RateLimit | None = GENEROUS
    """The token bucket that each key has; None is no limit."""
