"""Limits how many wrong keys may come from one address within ten minutes."""

import math
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from ipaddress import IPv6Address, ip_address
from typing import Final

import anyio
from cachetools import TTLCache

from trax_mcp.clock import Clock

_WINDOW_SECONDS: Final = 600
_MAX_WRONG_KEYS: Final = 10
_MAX_NETWORKS: Final = 10_000
_CUSTOMER_PREFIX: Final = len("0000:0000:0000:0000")


class WrongKey(Exception):
    """A key that nobody has. The text is for the person who typed it."""


class TooManyAttempts(Exception):
    """No attempt now. `retry_after` is in whole seconds, at least 1."""

    def __init__(self, retry_after: int) -> None:
        super().__init__(f"Too many attempts. Try again in {retry_after} s.")
        self.retry_after = retry_after


@dataclass(slots=True)
class _Network:
    """When its wrong keys came, and how many keys are being tried now."""

    wrong: deque[float] = field(default_factory=lambda: deque(maxlen=_MAX_WRONG_KEYS))
    tried: int = 0
    ended: anyio.Event = field(default_factory=anyio.Event)


class Attempts:
    """Attempts with keys. An address may try ten wrong ones; right ones do not count."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._networks: TTLCache[str, _Network] = TTLCache(
            _MAX_NETWORKS, _WINDOW_SECONDS, timer=clock.seconds
        )

    @asynccontextmanager
    async def one(self, address: str) -> AsyncIterator[None]:
        """Try one key inside the block. The key counts as a wrong one if that raises WrongKey.

        This waits while so many are being tried that, if all were wrong, there would be ten.

        Raises:
            TooManyAttempts: ten wrong ones have come from this address.
        """
        name = network_of(address)
        network = self._networks.setdefault(name, _Network())
        while (free := self._free(network)) <= network.tried:
            if not free:
                raise TooManyAttempts(
                    math.ceil(network.wrong[0] + _WINDOW_SECONDS - self._clock.seconds())
                )
            await network.ended.wait()
        network.tried += 1
        try:
            yield
        except WrongKey:
            network.wrong.append(self._clock.seconds())
            self._networks[name] = network  # for ten minutes from now
            raise
        finally:
            network.tried -= 1
            network.ended.set()
            network.ended = anyio.Event()

    def _free(self, network: _Network) -> int:
        """How many wrong keys are left."""
        oldest = self._clock.seconds() - _WINDOW_SECONDS
        return _MAX_WRONG_KEYS - sum(at > oldest for at in network.wrong)


def network_of(address: str) -> str:
    """The address, or the part of it that all addresses of one customer share: 64 bits of IPv6."""
    try:
        ip = ip_address(address)
    except ValueError:
        return address[:100]
    if not isinstance(ip, IPv6Address):
        return str(ip)
    return str(ip.ipv4_mapped) if ip.ipv4_mapped else ip.exploded[:_CUSTOMER_PREFIX]
