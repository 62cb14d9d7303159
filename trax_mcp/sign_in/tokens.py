"""Tokens: how they are made, and what is kept of them. Pure.

A token begins with the family of its sign-in. So a refresh token that was used up and deleted is
still recognized as one of that sign-in, which is a theft.
"""

import hashlib
import hmac
import re
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import Final

ACCESS_PREFIX: Final = "trax_at_"
REFRESH_PREFIX: Final = "trax_rt_"
_FAMILY_BYTES: Final = 16
_RANDOM_BYTES: Final = 32
_TOKEN: Final = re.compile(r"trax_[ar]t_([A-Za-z0-9_-]{64})")  # 48 bytes, without padding


def new_family() -> bytes:
    """The part that all tokens of one sign-in have in common. As secret as a token."""
    return secrets.token_bytes(_FAMILY_BYTES)


def new_token(prefix: str, family: bytes) -> str:
    """An unguessable token."""
    content = family + secrets.token_bytes(_RANDOM_BYTES)
    return prefix + urlsafe_b64encode(content).decode()


def family_of(token: str) -> bytes | None:
    """The family of a token. None if it is none of ours by its form."""
    match = _TOKEN.fullmatch(token)
    return urlsafe_b64decode(match[1])[:_FAMILY_BYTES] if match else None


def token_hash(token: str | bytes) -> bytes:
    """The hash that is kept in place of a token or family. Both are too long to be guessed."""
    content = token.encode() if isinstance(token, str) else token
    return hashlib.sha256(content).digest()


def keyed_hash(secret: str, *parts: str) -> str:
    """A name of some parts that only those with the secret can compute."""
    content = "\0".join(parts).encode()
    return hmac.new(secret.encode(), content, hashlib.sha256).hexdigest()
