"""Who asks. Each request carries its caller; there is no key anywhere else.

The key is a secret: neither it nor anything from which it could be guessed is ever printed.
"""

import hashlib
import re
from dataclasses import dataclass, field
from typing import Final

KEY: Final = re.compile(r"sk_live_[^\s\"'<>,;\\]+")
"""A key as it can be told by its looks, wherever somebody has put one."""

_SENDABLE = re.compile(r"[\x21-\x7e]{1,512}")


@dataclass(frozen=True, slots=True)
class Caller:
    """A TRaX key, or none, and the fingerprint by which the rest of the house knows its owner.

    Raises:
        ValueError: the key cannot stand in an HTTP header (1 to 512 visible ASCII characters).
    """

    key: str | None = field(default=None, repr=False)
    fingerprint: str = field(init=False)

    def __post_init__(self) -> None:
        if self.key is not None and not _SENDABLE.fullmatch(self.key):
            raise ValueError("A TRaX key is 1 to 512 visible ASCII characters without spaces.")
        object.__setattr__(self, "fingerprint", _fingerprint(self.key))


def redact_keys(text: str, caller: Caller) -> str:
    """A text without the caller's key, and without whatever looks like one."""
    own = [] if caller.key is None else [re.escape(caller.key)]
    return re.sub("|".join([*own, KEY.pattern]), "[key]", text)  # in one pass, as in `refusals`


def _fingerprint(key: str | None) -> str:
    """64 bits of SHA-256: enough to tell callers apart, useless for finding a random key."""
    return "nobody" if key is None else hashlib.sha256(key.encode()).hexdigest()[:16]


ANONYMOUS = Caller()
"""A caller without a key: may ask the two public meta calls and nothing else."""
