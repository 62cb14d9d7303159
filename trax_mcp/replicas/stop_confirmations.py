"""Confirmations of stops that can be checked without memory: a stop works at any time. Pure.

The id of one holds its end, the run of the engine that may know whether it was used, digests
of the start of the broadcast that was on air and of the choice that a person was offered, and a
signature with the caller's API key over all that, the caller and the studio.
"""

import hashlib
import hmac
import re
import secrets
from base64 import urlsafe_b64encode
from typing import Final

from trax_mcp.consent.store import Place

_FORM: Final = re.compile(
    r"([0-9a-f]{1,12})\.([0-9a-f]{8})\.([0-9a-f]{8})?\.([0-9a-f]{8})?\.[0-9a-f]{8}\.[\w-]{22}",
    re.ASCII,
)
_RUN_LENGTH: Final = 8
_SIGNATURE_BYTES: Final = 16


def sign(place: Place, *, until: float, run: str, broadcast: str | None, choice: str | None) -> str:
    """The id of a confirmation that is valid until then, in seconds since 1970."""
    digests = f"{broadcast or ''}.{choice or ''}"
    begin = f"{int(until * 1000):x}.{_short(run)}.{digests}.{secrets.token_hex(4)}"
    return f"{begin}.{_signature(place, begin)}"


def is_signed(confirmation_id: str, place: Place, *, now: float) -> bool:
    """Whether this caller got this id for this studio, and it is still valid."""
    if not _FORM.fullmatch(confirmation_id):
        return False
    begin, _, signature = confirmation_id.rpartition(".")
    is_genuine = hmac.compare_digest(signature, _signature(place, begin))
    return is_genuine and now < end_of(confirmation_id)


def end_of(confirmation_id: str) -> float:
    """Until when it is valid, in seconds since 1970."""
    return int(confirmation_id.partition(".")[0], 16) / 1000


def is_of_run(confirmation_id: str, run: str) -> bool:
    """Whether the engine of this run knows whether a confirmation was used."""
    form = _FORM.fullmatch(confirmation_id)
    return form is not None and form[2] == _short(run)


def digests_of(confirmation_id: str) -> tuple[str | None, str | None]:
    """Those of the start of the broadcast and of the choice, if there were any."""
    form = _FORM.fullmatch(confirmation_id)
    return (form[3], form[4]) if form else (None, None)


def _short(run: str) -> str:
    return run[:_RUN_LENGTH].rjust(_RUN_LENGTH, "0")


def _signature(place: Place, begin: str) -> str:
    content = f"trax-mcp stop\0{place.caller}\0{place.id}\0{begin}".encode()
    digest = hmac.new(place.key.encode(), content, hashlib.sha256).digest()
    return urlsafe_b64encode(digest[:_SIGNATURE_BYTES]).decode().rstrip("=")
