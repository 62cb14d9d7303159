"""The subscriptions of one client, and the updates that it has not been sent yet.

A client that reads nothing costs one set of URIs, and delays no other client.
"""

from collections.abc import AsyncIterator, Callable
from functools import partial
from typing import Final

from trax_mcp.api.caller import Caller
from trax_mcp.chat.resettable_event import ResettableEvent
from trax_mcp.chat.watchers import Watchers
from trax_mcp.server.error_boundary import WrongRequestError
from trax_mcp.server.resources import Resources

MAX_SUBSCRIPTIONS: Final = 100
"""The most subscriptions of one client at a time."""


class Subscriber:
    """Subscriptions to URIs, each with the key of the request that made it."""

    def __init__(self, resources: Resources, watchers: Watchers) -> None:
        self._resources = resources
        self._watchers = watchers
        self._callers: dict[str, Caller] = {}
        self._stop_listening: dict[str, Callable[[], None]] = {}
        self._unsent: dict[str, None] = {}
        self._has_unsent = ResettableEvent()

    async def subscribe(self, uri: str, caller: Caller) -> None:
        """Subscribe to a URI, after a read has shown that this caller may read it.

        Raises:
            NoSuchResourceError: there is no resource at this URI.
            WrongRequestError: it cannot be subscribed to, or there are too many subscriptions.
            TraxError: this caller may not read it, or TRaX cannot be asked now.
        """
        watcher = self._resources.watcher(uri, caller, self._watchers)
        updated = ResettableEvent()
        # Before the read, which may see a change that this client has not seen.
        with watcher.listening(updated.set):
            await watcher.refresh()
            if watcher.last_error is not None:
                raise watcher.last_error.copy()
            if len(self._callers) >= MAX_SUBSCRIPTIONS and uri not in self._callers:
                raise too_many_subscriptions()
            self._callers[uri] = caller
            self._listen(uri, caller)
        if updated.is_set:
            self._add_update(uri)

    def unsubscribe(self, uri: str) -> None:
        """End the subscription to a URI, if there is one."""
        self._callers.pop(uri, None)
        self._unsent.pop(uri, None)
        if (stop_listening := self._stop_listening.pop(uri, None)) is not None:
            stop_listening()

    async def updates(self) -> AsyncIterator[str]:
        """Yield each URI that has changed, as soon as it has. Never ends."""
        while True:
            while self._unsent:
                uri = next(iter(self._unsent))
                del self._unsent[uri]
                yield uri
            await self._has_unsent.wait()

    def report_all(self) -> None:
        """Report every URI as changed, since notifications may have been lost.

        This includes URIs that can no longer be read: reading them says why.
        """
        for uri in self._callers:
            self._add_update(uri)

    def close(self) -> None:
        """End all subscriptions."""
        for stop_listening in self._stop_listening.values():
            stop_listening()
        self._stop_listening.clear()
        self._callers.clear()

    def _listen(self, uri: str, caller: Caller) -> None:
        if uri not in self._stop_listening:
            watcher = self._resources.watcher(uri, caller, self._watchers)
            self._stop_listening[uri] = watcher.listen(partial(self._add_update, uri))

    def _add_update(self, uri: str) -> None:
        self._unsent[uri] = None
        self._has_unsent.set()


def too_many_subscriptions() -> WrongRequestError:
    """The error for more than `MAX_SUBSCRIPTIONS`."""
    return WrongRequestError(f"Too many subscriptions: {MAX_SUBSCRIPTIONS} at a time.")
