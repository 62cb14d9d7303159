"""What a client sends back with the answer to a form: which question, and which of its forms. Pure.

It is signed with the caller's key: the answer to the last form counts only from somebody who was
shown those before it, and who went on at each.
"""

import hashlib
import hmac
from typing import Final, NamedTuple, Self

_MAX_DIGITS: Final = 4
_SIGNATURE: Final = 16


class FormState(NamedTuple):
    """The form `part` of several that ask the question of this id."""

    question_id: str
    part: int = 1
    of: int = 1

    @property
    def is_last(self) -> bool:
        """Whether this form offered the act."""
        return self.part == self.of

    def signed(self, key: str) -> str:
        """The text that the client sends back."""
        body = ":".join(map(str, self))
        return f"{body}:{_signature(body, key)}"

    @classmethod
    def read(cls, text: str, *, key: str) -> Self | None:
        """Read a text that was signed with this key. None if it was not."""
        body, _, signature = text.rpartition(":")
        if not hmac.compare_digest(
            signature.encode(errors="replace"), _signature(body, key).encode()
        ):
            return None
        question_id, *numbers = body.rsplit(":", len(cls._fields) - 1)
        if len(numbers) != len(cls._fields) - 1:  # a caller can sign anything with their own key
            return None
        if not all(it.isascii() and it.isdecimal() and len(it) <= _MAX_DIGITS for it in numbers):
            return None
        return cls(question_id, *map(int, numbers))


def _signature(body: str, key: str) -> str:
    content = f"form\0{body}".encode(errors="replace")
    return hmac.new(key.encode(), content, hashlib.sha256).hexdigest()[:_SIGNATURE]
