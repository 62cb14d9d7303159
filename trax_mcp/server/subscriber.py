"""What one client is subscribed to, and what it is yet to be told, in whichever protocol era.

A client that reads nothing costs one set of addresses, and delays nobody.
"""

from collections.abc import AsyncIterator, Callable
from functools import partial
from typing import Final

from trax_mcp.api.caller import Caller
from trax_mcp.chat.resettable_event import ResettableEvent
from trax_mcp.chat.watchers import Watchers
from trax_mcp.server.error_boundary import WrongRequestError
from trax_mcp.server.resources import Resources

MOST_URIS: Final = 100
"""What one client may be subscribed to at a time."""


class Subscriber:
    """The subscriptions of one client, each made with the key of the request that asked for it."""

    def __init__(self, resources: Resources, watchers: Watchers) -> None:
        self._resources = resources
        self._watchers = watchers
        self._pending: set[str] = set()
        self._wanted: dict[str, Caller] = {}
        self._listening: dict[str, Callable[[], None]] = {}
        self._untold: dict[str, None] = {}
        self._flag = ResettableEvent()
        self._suspended = False

    async def subscribe(self, uri: str, caller: Caller) -> None:
        """Listen to what stands at a URI, once it is seen that this caller may read it.

        Raises:
            NoSuchResourceError: there is no such address here.
            WrongRequestError: it cannot be watched, or these are too many.
            TraxError: this caller may not read it, or TRaX cannot be asked now.
        """
        self._check_room(uri)
        self._pending.add(uri)
        try:
            await self._subscribe(uri, caller)
        finally:
            self._pending.discard(uri)

    async def _subscribe(self, uri: str, caller: Caller) -> None:
        watcher, news = self._resources.watcher(uri, caller, self._watchers), ResettableEvent()
        # Before the look: what it finds may be new to this client as well.
        with watcher.heard_by(news.set):
            await watcher.refresh()
            if watcher.trouble is not None:
                raise watcher.trouble.again()
            if uri not in self._pending:
                return  # taken back during the look
            self._check_room(uri)  # others may have been accepted meanwhile
            self._wanted[uri] = caller
            self._listen(uri, caller)
        if news.is_set:
            self._tell(uri)

    def unsubscribe(self, uri: str) -> None:
        """Listen no more to what stands at a URI."""
        self._pending.discard(uri)
        self._wanted.pop(uri, None)
        self._untold.pop(uri, None)
        if (leave := self._listening.pop(uri, None)) is not None:
            leave()

    async def news(self) -> AsyncIterator[str]:
        """Each URI where something has changed, as soon as it has. Never ends."""
        while True:
            while self._untold:
                uri = next(iter(self._untold))
                del self._untold[uri]
                yield uri
            await self._flag.wait()

    def suspend(self) -> None:
        """Listen to nothing for now, but keep in mind what is wanted."""
        self._suspended = True
        for leave in self._listening.values():
            leave()
        self._listening.clear()

    def resume(self) -> None:
        """Listen again, and tell of everything: nobody knows what was missed.

        What can no longer be read is told of too: reading it says why.
        """
        self._suspended = False
        for uri, caller in self._wanted.items():
            self._listen(uri, caller)
            self._tell(uri)

    def close(self) -> None:
        """Listen to nothing any more."""
        self.suspend()
        self._wanted.clear()

    def _check_room(self, uri: str) -> None:
        if len(self._wanted) >= MOST_URIS and uri not in self._wanted:
            raise too_many()

    def _listen(self, uri: str, caller: Caller) -> None:
        if not self._suspended and uri not in self._listening:
            watcher = self._resources.watcher(uri, caller, self._watchers)
            self._listening[uri] = watcher.listen(partial(self._tell, uri))

    def _tell(self, uri: str) -> None:
        self._untold[uri] = None
        self._flag.set()


def too_many() -> WrongRequestError:
    """More than one client may be subscribed to."""
    return WrongRequestError(f"Too many subscriptions: {MOST_URIS} at a time.")
