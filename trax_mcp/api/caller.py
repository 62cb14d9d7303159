"""Who makes a request. Each request carries its caller; no key is kept anywhere else.

The key is a secret: neither the key nor anything that reveals part of it is ever printed.
"""

import hashlib
import re
from copy import copy
from dataclasses import dataclass, field
from typing import Final

from trax_mcp.settings import KEY_PREFIX

_TOKEN: Final = r"trax_[ar]t_[A-Za-z0-9_-]{64}"  # noqa: S105  a pattern
"""A token of a sign-in here. It opens a key."""
KEY_PATTERN: Final = re.compile(KEY_PREFIX + r"[^\s\"'<>,;\\]+|" + _TOKEN)
"""Finds TRaX keys, and tokens that open them, in any text."""

_SENDABLE = re.compile(r"[\x21-\x7e]{1,512}")


@dataclass(frozen=True, slots=True)
class Caller:
    """A TRaX key, or none, and a fingerprint that identifies it in logs and stores.

    `client` is the id of the client that a person gave the key for when they signed in; empty if
    the key came with the request. What belongs to a caller belongs to key and client. `read_only`:
    the person allowed the client to read, and nothing else. `is_refused`: there was a key, which
    TRaX has refused.

    Raises:
        ValueError: the key does not fit into an HTTP header (1 to 512 visible ASCII characters).
    """

    key: str | None = field(default=None, repr=False)
    client: str = field(default="", kw_only=True)
    read_only: bool = field(default=False, kw_only=True)
    is_refused: bool = field(default=False, init=False)
    owner: str = field(init=False, repr=False)
    """Identifies the key alone: limits are for each key, however many clients a person has."""
    fingerprint: str = field(init=False)

    def __post_init__(self) -> None:
        if self.key is not None and not _SENDABLE.fullmatch(self.key):
            raise ValueError("A TRaX key is 1 to 512 visible ASCII characters without spaces.")
        owner = "nobody" if self.key is None else _fingerprint(self.key)
        # No key contains a zero.
        own = owner if not self.client else _fingerprint(f"{self.key}\0{self.client}")
        object.__setattr__(self, "owner", owner)
        object.__setattr__(self, "fingerprint", own)

    def refused(self) -> "Caller":
        """The same caller without the key, which TRaX has refused."""
        found = copy(self)
        object.__setattr__(found, "key", None)
        object.__setattr__(found, "is_refused", True)
        return found

    @property
    def without_client(self) -> "Caller":
        """The key alone: what is read with it is the same for every client of a person."""
        return Caller(self.key) if self.client and self.key else self


def redact(text: str, *secrets: str | None, mark: str = "[key]") -> str:
    """Replace each of these secrets by `mark`, and everything that looks like a TRaX key."""
    longest_first = sorted(filter(None, secrets), key=len, reverse=True)
    # One pass: a short secret must not leave a part of a longer one.
    pattern = re.compile("|".join([*map(re.escape, longest_first), KEY_PATTERN.pattern]))
    return pattern.sub(lambda it: mark if it[0] in secrets else "[key]", text)


def _fingerprint(text: str) -> str:
    """64 bits of SHA-256: they distinguish callers and do not help to find a random key."""
    return hashlib.sha256(text.encode()).hexdigest()[:16]


ANONYMOUS = Caller()
"""A caller without a key. It may make the two public meta calls only."""
