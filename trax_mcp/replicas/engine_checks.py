"""Checks an engine before replicas rely on it. No message holds the address, or a part of it."""

import ssl
from collections.abc import Iterator
from contextlib import aclosing
from typing import Final

from redis.exceptions import AuthenticationError, AuthorizationError, ResponseError

from trax_mcp.replicas.engine import Engine
from trax_mcp.replicas.failures import EngineAway
from trax_mcp.replicas.shared_looks import NEWS
from trax_mcp.settings import CannotStart

_KEEPS_ALL: Final = "noeviction"
"""The only maxmemory-policy that drops nothing: a dropped entry could bring a used yes back."""

_SPEAK: Final = "redis.call('PUBLISH', KEYS[1], '')"

_NO_ADDRESS: Final = (
    "TRAX_STORE_URL is no address such as rediss://user:password@host:6379/0, in which special"
    " characters of a password are written as %2F."
)
_NOT_TRUSTED: Final = (
    "The engine at TRAX_STORE_URL has no certificate that is trusted here: add"
    " ?ssl_ca_certs=FILE to the address."
)
_REFUSED: Final = "The engine at TRAX_STORE_URL refuses this user or password."
_NOT_ALLOWED: Final = (
    "The engine at TRAX_STORE_URL does not allow what replicas need: INFO, and scripts that read"
    " and write keys, and speak and listen on channels, that begin with {trax}."
)
_AWAY: Final = "No engine answers at TRAX_STORE_URL."
_DROPS_KEYS: Final = (
    "The engine at TRAX_STORE_URL may drop what it keeps: set its maxmemory-policy to noeviction."
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
    return engine


async def describe_engine(url: str) -> str:
    """The name and version of an engine that replicas can rely on.

    Raises:
        CannotStart: as `connect`.
    """
    async with aclosing(_engine(url)) as engine:
        return await _examine(engine)


def _engine(url: str) -> Engine:
    try:
        return Engine(url)
    except ValueError:  # its text may hold a part of the password
        raise CannotStart(_NO_ADDRESS) from None


async def _examine(engine: Engine) -> str:
    try:
        info = await engine.info()
        await engine.read(take_number=True)
        await engine.run_script(_SPEAK, [NEWS], [])
        async with engine.news(NEWS):
            pass
    except TypeError:  # an option that there is not
        raise CannotStart(_NO_ADDRESS) from None
    except EngineAway as error:
        raise CannotStart(_reason(error)) from None
    if info.get("maxmemory_policy") != _KEEPS_ALL:
        raise CannotStart(_DROPS_KEYS)
    name = info.get("server_name", "redis")
    return f"{name} {info.get(f'{name}_version')}"


def _reason(error: EngineAway) -> str:
    causes = list(_causes(error))
    for kinds, reason in (
        ((AuthenticationError, AuthorizationError), _REFUSED),
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
