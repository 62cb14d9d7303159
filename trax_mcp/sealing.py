"""Names and seals for what is kept outside this process. Pure.

There, nothing is in clear: a name is a hash, and a value can be opened only with the secret that it
was sealed with, which is never there.
"""

import hashlib
import hmac
import secrets

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

_NONCE_BYTES = 12


def hashed(*parts: str) -> str:
    """A name that reveals none of its parts."""
    content = "\0".join(("name", *parts))
    return hashlib.sha256(content.encode()).hexdigest()[:32]


def seal(value: bytes, *, secret: str, name: str) -> bytes:
    """Encrypt a value, for this name alone."""
    nonce = secrets.token_bytes(_NONCE_BYTES)
    return nonce + AESGCM(_key(secret)).encrypt(nonce, value, name.encode())


def unseal(sealed: bytes, *, secret: str, name: str) -> bytes | None:
    """Decrypt a value. None if it was sealed otherwise, or altered."""
    nonce, rest = sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:]
    try:
        return AESGCM(_key(secret)).decrypt(nonce, rest, name.encode())
    except (InvalidTag, ValueError):
        return None


def _key(secret: str) -> bytes:
    return hmac.new(secret.encode(), b"trax-mcp seal", hashlib.sha256).digest()
