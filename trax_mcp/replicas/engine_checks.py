"""Checks an engine before replicas rely on it. No message holds the address, or a part of it."""

import re
import ssl
from collections.abc import Iterator
from typing import Final

from redis.exceptions import (
    AuthenticationError,
    AuthorizationError,
    OutOfMemoryError,
    ReadOnlyError,
    ResponseError,
)

from trax_mcp.consent.store import StoreUnavailable
from trax_mcp.replicas.engine import Engine
from trax_mcp.replicas.engine_records import EngineRecords
from trax_mcp.settings import CannotStart

_KEEPS_ALL: Final = "noeviction"
"""The only maxmemory-policy that drops nothing: a dropped entry could bring a used yes back."""

_DATABASE: Final = re.compile(r"unix:.*|rediss?://[^/?]+(/\d*)?(\?.*)?")


_NO_ADDRESS: Final = (
    "TRAX_STORE_URL isn't an address such as rediss://user:password@host:6379/0. Correct it:"
    " special characters of a password are written as %2F."
)
_NOT_TRUSTED: Final = (
    "Valkey at TRAX_STORE_URL has no certificate that is trusted here. Add ?ssl_ca_certs=FILE"
    " to the address, or use the name in the certificate."
)
_REFUSED: Final = (
    "Valkey at TRAX_STORE_URL refuses this user or password. Correct them in TRAX_STORE_URL."
)
_NOT_ALLOWED: Final = (
    "Valkey at TRAX_STORE_URL doesn't allow this user what replicas need. Allow INFO, and"
    " scripts and keys that begin with {trax}."
)
_NO_DATABASE: Final = (
    "Valkey at TRAX_STORE_URL has no database of this number. Take 0, which is always there."
)
_IS_FULL: Final = "Valkey at TRAX_STORE_URL has no memory left. Raise its maxmemory."
_IS_COPY: Final = (
    "Valkey at TRAX_STORE_URL is a copy of another, and takes no writes. Name the other one in"
    " TRAX_STORE_URL."
)
_AWAY: Final = (
    "No engine answers at TRAX_STORE_URL. Start it, or correct TRAX_STORE_URL: redis:// is without"
    " TLS, rediss:// with it."
)
_DROPS_KEYS: Final = (
    "Valkey at TRAX_STORE_URL may drop what it keeps. Set its maxmemory-policy to noeviction."
)


async def connect(url: str) -> Engine:
    """Connect to an engine that replicas can rely on.

    Raises:
        CannotStart: there is none, or it may drop what it keeps.
    """
    engine = _engine(url)
    try:
        await _examine(engine)
    except CannotStart:
        await engine.aclose()
        raise
    engine.watch()
    return engine


def _engine(url: str) -> Engine:
    try:
        if not _DATABASE.fullmatch(url):  # else 0 is taken
            raise CannotStart(_NO_ADDRESS)
        return Engine(url)
    except ValueError:  # its text may hold a part of the password
        raise CannotStart(_NO_ADDRESS) from None


async def _examine(engine: Engine) -> None:
    try:
        info = await engine.info()
        await EngineRecords(engine, "").read("")
        await engine.check()
    except TypeError:  # an option that there is not
        raise CannotStart(_NO_ADDRESS) from None
    except StoreUnavailable as error:
        raise CannotStart(_reason(error)) from None
    if info.get("maxmemory_policy") != _KEEPS_ALL:
        raise CannotStart(_DROPS_KEYS)


def _reason(error: StoreUnavailable) -> str:
    causes = list(_causes(error))
    if any("DB index" in str(it) for it in causes if isinstance(it, ResponseError)):
        return _NO_DATABASE
    for kinds, reason in (
        ((AuthenticationError, AuthorizationError), _REFUSED),
        ((OutOfMemoryError,), _IS_FULL),
        ((ReadOnlyError,), _IS_COPY),
        ((ResponseError,), _NOT_ALLOWED),
        ((ssl.SSLCertVerificationError,), _NOT_TRUSTED),
    ):
        if any(isinstance(it, kinds) for it in causes):
            return reason
    return _AWAY


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__
