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
_MAX_CUSTOMERS: Final = 10_000
_TOGETHER: Final = 30
"""How many addresses may use up their limits at the same time before all have to wait."""


class TooManyAttempts(Exception):
    """No attempt now. `retry_after` is in whole seconds, at least 1."""

    def __init__(self, retry_after: int) -> None:
        super().__init__(f"Too many attempts. Try again in {retry_after} s.")
        self.retry_after = retry_after


class Attempts:
    """Attempts of one kind. Each address has `limit` of them within ten minutes.

    IPv6 addresses count by their first 64 bits, which one customer has.
    """

    def __init__(self, clock: Clock, *, limit: int) -> None:
        self._clock = clock
        self._limit = limit
        self._all: deque[float] = deque(maxlen=limit * _TOGETHER)
        self._by_customer: TTLCache[str, deque[float]] = TTLCache(
            _MAX_CUSTOMERS, WINDOW_SECONDS, timer=clock.seconds
        )

    def take(self, address: str) -> None:
        """Count an attempt, before it is made: parallel ones count too.

        Raises:
            TooManyAttempts: this one is not counted.
        """
        customer = customer_of(address)
        own = self._by_customer.get(customer)
        if own is None:
            own = deque(maxlen=self._limit)
        now = self._clock.seconds()
        for times in (own, self._all):
            if len(times) == times.maxlen and (wait := times[0] + WINDOW_SECONDS - now) > 0:
                raise TooManyAttempts(math.ceil(wait))
        own.append(now)
        self._all.append(now)
        self._by_customer[customer] = own

    def give_back(self, address: str) -> None:
        """Uncount the last attempt of an address, which was a right one."""
        own = self._by_customer.get(customer_of(address))
        if own and self._all:
            own.pop()
            self._all.pop()


def customer_of(address: str) -> str:
    """The address, or the part of it that all addresses of one customer share."""
    try:
        ip = ip_address(address)
    except ValueError:
        return address[:100]
    if not isinstance(ip, IPv6Address):
        return str(ip)
    if ip.ipv4_mapped is not None:
        return str(ip.ipv4_mapped)
    return ip.exploded[: len("0000:0000:0000:0000")]
