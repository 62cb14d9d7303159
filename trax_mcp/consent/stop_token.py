"""A person's yes to a stop: a word signed with the caller's key, which nothing has to remember.

So nothing can evict it, and no outage can lose it.
"""

import base64
import hashlib
import hmac
import secrets
from typing import Final, NamedTuple, Self

_PREFIX: Final = "stop"
_MODEL: Final = "model"
_PERSON: Final = "person"


class StopToken(NamedTuple):
    """What a token says: until when it counts (Unix seconds), for which studio and choice.

    `choice` is a digest. The model brings its yes if it `is_for_model`; else a person, in a form.
    """

    until: float
    studio_id: str
    choice: str
    is_for_model: bool

    @classmethod
    def read(cls, text: str | None, *, key: str) -> Self | None:
        """Read a token that was signed with this key, for a stop of any studio."""
        if not cls.is_signed(text, key=key):
            return None
        try:  # a caller can sign anything with their own key
            _, until, studio, choice, channel, _, _ = (text or "").split(".")
            studio_id = base64.urlsafe_b64decode(studio).decode()
            return cls(int(until, 16) / 1000, studio_id, choice, channel == _MODEL)
        except (ValueError, OverflowError):
            return None

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


def sign_stop(*, key: str, studio_id: str, until: float, choice: str, is_for_model: bool) -> str:
    """A new token, for a stop that was shown with this choice."""
    studio = base64.urlsafe_b64encode(studio_id.encode()).decode()
    channel = _MODEL if is_for_model else _PERSON
    number = secrets.token_hex(6)  # no two are alike
    body = ".".join((_PREFIX, f"{int(until * 1000):x}", studio, _digest(choice), channel, number))
    return f"{body}.{_signature(body, key=key)}"


def _signature(body: str, *, key: str) -> str:
    return hmac.new(key.encode(), body.encode(), hashlib.sha256).hexdigest()[:32]


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:12]
