"""Notifies clients of changed resources, in both protocol eras.

In the 2026-07-28 era a subscription is a request that stays open. In the earlier one a session
subscribes, and is notified on its GET stream. A notification holds no content: the client reads
the resource again, with its own key. A client that reads nothing costs one set of URIs, and delays
no other client.
"""

import logging
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import closing, nullcontext
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

import anyio
import mcp_types as types
from mcp.server.session import ServerSession
from mcp.shared.exceptions import MCPError
from mcp.shared.subscriptions import (
    SUBSCRIPTION_ID_META_KEY,
    ResourceUpdated,
    event_to_notification,
)

from trax_mcp.api.caller import Caller
from trax_mcp.api.errors import TraxError
from trax_mcp.chat.resettable_event import ResettableEvent
from trax_mcp.chat.watchers import Watchers
from trax_mcp.server.errors import NoSuchResourceError, WrongRequestError
from trax_mcp.server.request import Context, McpRequest
from trax_mcp.server.resources import Resources
from trax_mcp.server.sdk_compat import InFlight, OpenStreams, connection_of

MAX_SUBSCRIPTIONS: Final = 100
"""The most subscriptions of one client at a time."""

_CONCURRENT_SUBSCRIPTIONS = 10
_STATE_KEY = "trax_subscription"

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Subscriptions:
    """Handles the subscription methods of both protocol eras."""

    resources: Resources
    in_flight: InFlight
    open_streams: OpenStreams

    async def listen(
        self, request: McpRequest[types.SubscriptionsListenRequestParams]
    ) -> types.SubscriptionsListenResult:
        """Answer `subscriptions/listen`, of the 2026-07-28 era, until the client disconnects.

        Of several URIs, those that can be subscribed to are acknowledged. At a shutdown it ends
        with its result.

        Raises:
            NoSuchResourceError, WrongRequestError, TraxError: none of the URIs can be.
        """
        ctx = request.ctx
        if (request_id := ctx.request_id) is None:
            raise MCPError(types.INVALID_REQUEST, "A subscription needs a request id.")
        meta = {SUBSCRIPTION_ID_META_KEY: request_id}
        subscriber = _Subscriber(self.resources, request.watchers)
        with closing(subscriber), self.in_flight.stream():
            uris = dict.fromkeys(request.params.notifications.resource_subscriptions or ())
            accepted = await subscriber.subscribe_all(list(uris), request.caller)
            await ctx.session.send_notification(_acknowledgement(accepted, meta), request_id)
            async for uri in subscriber.updates():
                updated = event_to_notification(ResourceUpdated(uri=uri), meta)
                await ctx.session.send_notification(updated, request_id)
        return types.SubscriptionsListenResult(_meta=meta)  # reached only at shutdown

    async def subscribe(
        self, request: McpRequest[types.SubscribeRequestParams]
    ) -> types.EmptyResult:
        """Answer `resources/subscribe`: notify a session of the earlier era until it ends.

        Raises:
            NoSuchResourceError, WrongRequestError, TraxError: as `_Subscriber.subscribe`.
        """
        session = _find_session(request.ctx) or self._new_session(request)
        await session.subscriber.subscribe(request.params.uri, request.caller)
        return types.EmptyResult()

    async def unsubscribe(
        self, request: McpRequest[types.UnsubscribeRequestParams]
    ) -> types.EmptyResult:
        """Answer `resources/unsubscribe`, of the earlier era."""
        if (session := _find_session(request.ctx)) is not None:
            session.subscriber.unsubscribe(request.params.uri)
        return types.EmptyResult()

    def _new_session(self, request: McpRequest[Any]) -> "_SubscribedSession":
        """Notify a session until it ends."""
        connection, watchers = connection_of(request.ctx), request.watchers
        session = _SubscribedSession(request.ctx.session, _Subscriber(self.resources, watchers))
        connection.state[_STATE_KEY] = session
        connection.exit_stack.callback(session.close)
        watchers.tasks.start_soon(session.run, connection.session_id, self.open_streams)
        return session


class _SubscribedSession:
    """Notifies one session of the earlier era, until it ends."""

    def __init__(self, session: ServerSession, subscriber: "_Subscriber") -> None:
        self.subscriber = subscriber
        self._session = session
        self._scope = anyio.CancelScope()

    @property
    def is_closed(self) -> bool:
        """Whether it sends no more notifications."""
        return self._scope.cancel_called

    def close(self) -> None:
        """Stop sending."""
        self._scope.cancel()
        self.subscriber.close()

    async def run(self, session_id: str | None, open_streams: OpenStreams) -> None:
        """Send notifications until it is closed. When its stream opens, each URI is updated."""
        report_all = self.subscriber.report_all
        opened = open_streams.call_when_opened(session_id, report_all) if session_id else None
        with self._scope, opened or nullcontext():  # there is no id on stdio
            try:
                async for uri in self.subscriber.updates():
                    await self._session.send_resource_updated(uri)
            except (anyio.BrokenResourceError, anyio.ClosedResourceError):
                return  # the client has disconnected, and the session will be closed
            except Exception:  # noqa: BLE001  a failure of one session must not end the server
                _LOG.exception("notifying a session failed")
                self.close()


class _Subscriber:
    """The subscriptions of one client, and the updates that it has not been sent yet."""

    def __init__(self, resources: Resources, watchers: Watchers) -> None:
        self._resources = resources
        self._watchers = watchers
        self._stop_listening: dict[str, Callable[[], None]] = {}
        self._unsent: dict[str, None] = {}
        self._has_unsent = ResettableEvent()

    async def subscribe_all(self, uris: Sequence[str], caller: Caller) -> list[str]:
        """Subscribe to the URIs, and return those that were accepted.

        Raises:
            NoSuchResourceError, WrongRequestError, TraxError: none was.
        """
        if len(uris) > MAX_SUBSCRIPTIONS:
            raise _too_many()
        refused: dict[str, Exception] = {}
        limiter = anyio.CapacityLimiter(_CONCURRENT_SUBSCRIPTIONS)

        async def subscribe(uri: str) -> None:
            try:
                async with limiter:
                    await self.subscribe(uri, caller)
            except (NoSuchResourceError, WrongRequestError, TraxError) as error:
                refused[uri] = error

        async with anyio.create_task_group() as tasks:
            for uri in uris:
                tasks.start_soon(subscribe, uri)
        accepted = [uri for uri in uris if uri not in refused]
        if refused and not accepted:
            raise next(iter(refused.values()))
        return accepted

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
            if uri not in self._stop_listening:
                if len(self._stop_listening) >= MAX_SUBSCRIPTIONS:
                    raise _too_many()
                self._stop_listening[uri] = watcher.listen(partial(self._add_update, uri))
        if updated.is_set:
            self._add_update(uri)

    def unsubscribe(self, uri: str) -> None:
        """End the subscription to a URI, if there is one."""
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
        for uri in self._stop_listening:
            self._add_update(uri)

    def close(self) -> None:
        """End all subscriptions."""
        for uri in list(self._stop_listening):
            self.unsubscribe(uri)

    def _add_update(self, uri: str) -> None:
        self._unsent[uri] = None
        self._has_unsent.set()


def _acknowledgement(
    uris: list[str], meta: dict[str, types.RequestId]
) -> types.SubscriptionsAcknowledgedNotification:
    return types.SubscriptionsAcknowledgedNotification(
        params=types.SubscriptionsAcknowledgedNotificationParams(
            notifications=types.SubscriptionFilter(resource_subscriptions=uris or None), _meta=meta
        )
    )


def _find_session(ctx: Context) -> _SubscribedSession | None:
    session: _SubscribedSession | None = connection_of(ctx).state.get(_STATE_KEY)
    return None if session is None or session.is_closed else session


def _too_many() -> WrongRequestError:
    return WrongRequestError(f"Too many subscriptions: {MAX_SUBSCRIPTIONS} at a time.")
