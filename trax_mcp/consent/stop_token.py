"""A person's yes to a stop: a word signed with the caller's key, which nothing has to remember.

So nothing can evict it, and no outage can lose it.
"""

import base64
import hashlib
import hmac
import secrets
from dataclasses import dataclass
from typing import Final, Self

_PREFIX: Final = "stop"
_NO_CHOICE: Final = "-"


@dataclass(frozen=True, slots=True)
class StopToken:
    """What a token says: until when it counts (Unix seconds), for which choice and studio.

    `choice` is a digest; None if the token came through the model, without a choice.
    """

    until: float
    choice: str | None
    studio_id: str

    @classmethod
    def read(cls, text: str | None, *, key: str) -> Self | None:
        """Read a token that was signed with this key, for a stop of any studio."""
        if not cls.is_signed(text, key=key):
            return None
        _, until, choice, studio, *_ = (text or "").split(".")
        studio_id = base64.urlsafe_b64decode(studio).decode()
        return cls(int(until, 16) / 1000, None if choice == _NO_CHOICE else choice, studio_id)

    @staticmethod
    def is_signed(text: str | None, *, key: str) -> bool:
        """Whether a text is a token for any stop, signed with this key."""
        body, _, signature = (text or "").rpartition(".")
        is_token = body.startswith(f"{_PREFIX}.")
        return is_token and hmac.compare_digest(
            signature.encode(), _signature(body, key=key).encode()
        )

    def has_choice(self, said: str | None) -> bool:
        """Whether a person was offered what was said."""
        return said is not None and self.choice == _digest(said)


def sign_stop(*, key: str, studio_id: str, until: float, choice: str | None) -> str:
    """A new token. With a `choice`, only a person who was offered it can use it."""
    offered = _NO_CHOICE if choice is None else _digest(choice)
    studio = base64.urlsafe_b64encode(studio_id.encode()).decode()
    parts = (_PREFIX, f"{int(until * 1000):x}", offered, studio, secrets.token_hex(6))
    body = ".".join(parts)
    return f"{body}.{_signature(body, key=key)}"


def _signature(body: str, *, key: str) -> str:
    return hmac.new(key.encode(), body.encode(), hashlib.sha256).hexdigest()[:32]


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:12]
