"""Limits how often one address, and all together, may try something within ten minutes."""

import math
from collections import deque
from ipaddress import IPv6Address, ip_address
from typing import Final

from cachetools import TTLCache

from trax_mcp.clock import Clock

WINDOW_SECONDS: Final = 600
MAX_WRONG_KEYS: Final = 10
MAX_AUTHORIZATION_REQUESTS: Final = 60
MAX_REGISTRATIONS: Final = 10
MAX_DOCUMENTS: Final = 30
_MAX_NETWORKS: Final = 10_000
_CUSTOMERS_OF_SITE: Final = 4
_CUSTOMERS_OF_ALL: Final = 50
"""How many customers of a site (a /48 of IPv6), and of all, may use up their limits at the same
time before the others have to wait."""
_CUSTOMER_PREFIX: Final = len("0000:0000:0000:0000")
_SITE_PREFIX: Final = len("0000:0000:0000")


class TooManyAttempts(Exception):
    """No attempt now. `retry_after` is in whole seconds, at least 1."""

    def __init__(self, retry_after: int) -> None:
        super().__init__(f"Too many attempts. Try again in {retry_after} s.")
        self.retry_after = retry_after


class Attempts:
    """Attempts of one kind. Each address has `limit` of them within ten minutes.

    IPv6 addresses count by their first 64 bits, which one customer has, and again by their first
    48, so that a customer with many of those cannot make everybody wait.
    """

    def __init__(self, clock: Clock, *, limit: int) -> None:
        self._clock = clock
        self._limit = limit
        self._all: deque[float] = deque(maxlen=limit * _CUSTOMERS_OF_ALL)
        self._by_network: TTLCache[str, deque[float]] = TTLCache(
            _MAX_NETWORKS, WINDOW_SECONDS, timer=clock.seconds
        )

    def take(self, address: str) -> None:
        """Count an attempt, before it is made: parallel ones count too.

        Raises:
            TooManyAttempts: this one is not counted.
        """
        counted, now = self._times(address), self._clock.seconds()
        for times in (*counted.values(), self._all):
            if len(times) == times.maxlen and (wait := times[0] + WINDOW_SECONDS - now) > 0:
                raise TooManyAttempts(math.ceil(wait))
        for times in (*counted.values(), self._all):
            times.append(now)
        self._by_network.update(counted)

    def give_back(self, address: str) -> None:
        """Uncount the last attempt of an address, which was a right one."""
        for times in (*self._times(address).values(), self._all):
            if times:
                times.pop()

    def _times(self, address: str) -> dict[str, deque[float]]:
        """When there were attempts of each network that an address belongs to."""
        most = (self._limit, self._limit * _CUSTOMERS_OF_SITE)
        return {
            network: self._by_network.get(network, deque(maxlen=limit))
            for network, limit in zip(_networks(address), most, strict=False)
        }


def customer_of(address: str) -> str:
    """The address, or the part of it that all addresses of one customer share."""
    return _networks(address)[0]


def _networks(address: str) -> tuple[str, ...]:
    try:
        ip = ip_address(address)
    except ValueError:
        return (address[:100],)
    if not isinstance(ip, IPv6Address):
        return (str(ip),)
    if ip.ipv4_mapped is not None:
        return (str(ip.ipv4_mapped),)
    return (ip.exploded[:_CUSTOMER_PREFIX], ip.exploded[:_SITE_PREFIX])
