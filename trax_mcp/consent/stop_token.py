"""A person's yes to a stop: a short text, signed with the caller's key, that nothing must remember.

So nothing can evict it, and no outage can lose it. The studio is in the call, and not in the text:
the signature counts for that studio alone.
"""

import base64
import binascii
import hashlib
import hmac
import secrets
from typing import Final, NamedTuple, Self

LENGTH: Final = 32
"""How many characters it has: 4, and 28 for 21 bytes."""
_PREFIX: Final = "stop"
_END_BYTES: Final = 5
_CHOICE_BYTES: Final = 2
_NUMBER_BYTES: Final = 2
_SIGNATURE_BYTES: Final = 12
_PER_SECOND: Final = 100


class StopToken(NamedTuple):
    """What a token says: until when it counts (Unix seconds), and for which choice.

    `choice` is a digest. The model brings its yes if it `is_for_model`; else a person, in a form.
    """

    until: float
    choice: bytes
    is_for_model: bool

    @classmethod
    def read(cls, text: str | None, *, key: str, studio_id: str) -> Self | None:
        """Read a token that was signed with this key, for a stop of this studio."""
        if text is None or not cls.looks_like(text):
            return None
        try:
            content = base64.b64decode(text[len(_PREFIX) :], altchars=b"-_", validate=True)
        except binascii.Error:
            return None
        body, signature = content[:-_SIGNATURE_BYTES], content[-_SIGNATURE_BYTES:]
        until = int.from_bytes(body[:_END_BYTES]) / _PER_SECOND
        choice = body[_END_BYTES : _END_BYTES + _CHOICE_BYTES]
        for is_for_model in (True, False):
            signed = _sign(body, key=key, studio_id=studio_id, is_for_model=is_for_model)
            if hmac.compare_digest(signature, signed):
                return cls(until, choice, is_for_model)
        return None

    @staticmethod
    def looks_like(text: str | None) -> bool:
        """Whether a text has the form of a token, whoever signed it, for whatever studio."""
        is_short = text is not None and len(text) == LENGTH and text.isascii()
        return is_short and text is not None and text.startswith(_PREFIX)

    def has_choice(self, said: str | None) -> bool:
        """Whether a person was offered what was said."""
        return said is not None and self.choice == _digest(said)


def sign_stop(*, key: str, studio_id: str, until: float, choice: str, is_for_model: bool) -> str:
    """A new token, for a stop that was shown with this choice."""
    ends = int(until * _PER_SECOND).to_bytes(_END_BYTES)
    body = ends + _digest(choice) + secrets.token_bytes(_NUMBER_BYTES)  # no two are alike
    signature = _sign(body, key=key, studio_id=studio_id, is_for_model=is_for_model)
    return _PREFIX + base64.urlsafe_b64encode(body + signature).decode()


def _sign(body: bytes, *, key: str, studio_id: str, is_for_model: bool) -> bytes:
    channel = b"model" if is_for_model else b"person"
    content = b"\0".join((body.hex().encode(), channel, studio_id.encode(errors="surrogatepass")))
    return hmac.new(key.encode(), content, hashlib.sha256).digest()[:_SIGNATURE_BYTES]


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()[:_CHOICE_BYTES]
