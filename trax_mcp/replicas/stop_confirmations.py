"""Confirmations of stops that can be checked without memory: a stop works at any time. Pure.

The id of one holds its end and a signature with the caller's API key, over studio and end.
"""

import hashlib
import hmac
import re
import secrets
from base64 import urlsafe_b64encode
from typing import Final

_FORM: Final = re.compile(r"([0-9a-f]{1,12})\.([0-9a-f]{8})\.[\w-]{22}", re.ASCII)
_SIGNATURE_BYTES: Final = 16


def sign(key: str, studio: str, *, until: float) -> str:
    """The id of a confirmation that is valid until then, in seconds since 1970."""
    begin = f"{int(until):x}.{secrets.token_hex(4)}"
    return f"{begin}.{_signature(key, studio, begin)}"


def is_signed(confirmation_id: str, key: str, studio: str, *, now: float) -> bool:
    """Whether this caller got this id for this studio, and it is still valid."""
    if not (form := _FORM.fullmatch(confirmation_id)):
        return False
    begin, _, signature = confirmation_id.rpartition(".")
    is_genuine = hmac.compare_digest(signature, _signature(key, studio, begin))
    return is_genuine and now < int(form[1], 16)


def _signature(key: str, studio: str, begin: str) -> str:
    content = f"trax-mcp stop\0{studio}\0{begin}".encode()
    digest = hmac.new(key.encode(), content, hashlib.sha256).digest()
    return urlsafe_b64encode(digest[:_SIGNATURE_BYTES]).decode().rstrip("=")
