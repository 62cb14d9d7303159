"""Notifies clients of changed resources, in both protocol eras.

In the 2026-07-28 era a subscription is a request that stays open. In the earlier one a session
subscribes, and is notified on its GET stream. A notification holds no content: the client reads
the resource again, with its own key.
"""

import logging
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Any

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
from trax_mcp.clock import Clock
from trax_mcp.server.errors import NoSuchResourceError, WrongRequestError
from trax_mcp.server.request import Context, Request
from trax_mcp.server.resources import Resources
from trax_mcp.server.sdk_compat import InFlight, OpenStreams, connection_of
from trax_mcp.server.subscriber import MAX_SUBSCRIPTIONS, Subscriber, too_many_subscriptions

GRACE_SECONDS = 30.0
"""How long a session without an open stream keeps its watchers."""

_CONCURRENT_SUBSCRIPTIONS = 10
_STATE_KEY = "trax_subscription"

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Subscriptions:
    """Handles the subscription methods of both protocol eras."""

    resources: Resources
    in_flight: InFlight
    open_streams: OpenStreams
    clock: Clock

    async def listen(
        self, request: Request[types.SubscriptionsListenRequestParams]
    ) -> types.SubscriptionsListenResult:
        """Answer `subscriptions/listen`, of the 2026-07-28 era, until the client disconnects.

        At a shutdown it ends with its result.

        Of several URIs, those that can be subscribed to are acknowledged.

        Raises:
            NoSuchResourceError, WrongRequestError, TraxError: none of the URIs can be.
        """
        ctx = request.ctx
        if (request_id := ctx.request_id) is None:
            raise MCPError(types.INVALID_REQUEST, "A subscription needs a request id.")
        meta = {SUBSCRIPTION_ID_META_KEY: request_id}
        subscriber = Subscriber(self.resources, request.watchers)
        with closing(subscriber), self.in_flight.track():
            uris = dict.fromkeys(request.params.notifications.resource_subscriptions or ())
            accepted = await _subscribe_all(subscriber, list(uris), request.caller)
            await ctx.session.send_notification(_acknowledgement(accepted, meta), request_id)
            async for uri in subscriber.updates():
                updated = event_to_notification(ResourceUpdated(uri=uri), meta)
                await ctx.session.send_notification(updated, request_id)
        return types.SubscriptionsListenResult(_meta=meta)  # reached only at shutdown

    async def subscribe(self, request: Request[types.SubscribeRequestParams]) -> types.EmptyResult:
        """Answer `resources/subscribe`: notify a session of the earlier era until it ends.

        Raises:
            NoSuchResourceError, WrongRequestError, TraxError: as `Subscriber.subscribe`.
        """
        subscription = _find_subscription(request.ctx) or self._new_subscription(request)
        await subscription.subscriber.subscribe(request.params.uri, request.caller)
        return types.EmptyResult()

    async def unsubscribe(
        self, request: Request[types.UnsubscribeRequestParams]
    ) -> types.EmptyResult:
        """Answer `resources/unsubscribe`, of the earlier era."""
        if (subscription := _find_subscription(request.ctx)) is not None:
            subscription.subscriber.unsubscribe(request.params.uri)
        return types.EmptyResult()

    def _new_subscription(self, request: Request[Any]) -> "_SessionSubscription":
        """Add a subscription to the session; it is closed with it."""
        connection, watchers = connection_of(request.ctx), request.watchers
        subscription = _SessionSubscription(
            request.ctx.session,
            Subscriber(self.resources, watchers),
            self.open_streams,
            self.clock,
        )
        connection.state[_STATE_KEY] = subscription
        connection.exit_stack.callback(subscription.close)
        watchers.tasks.start_soon(subscription.run, connection.session_id)
        return subscription


class _SessionSubscription:
    """Notifies one session of the earlier era, and suspends that while it has no open stream."""

    def __init__(
        self,
        session: ServerSession,
        subscriber: Subscriber,
        open_streams: OpenStreams,
        clock: Clock,
    ) -> None:
        self.subscriber = subscriber
        self._session = session
        self._open_streams = open_streams
        self._clock = clock
        self._stream_changed = ResettableEvent()
        self._scope = anyio.CancelScope()

    @property
    def is_closed(self) -> bool:
        """Whether it sends no more notifications."""
        return self._scope.cancel_called

    def close(self) -> None:
        """Stop sending."""
        self._scope.cancel()
        self.subscriber.close()

    async def run(self, session_id: str | None) -> None:
        """Send notifications until it is closed. Without a session id (stdio), never suspend."""
        with self._scope:
            try:
                async with anyio.create_task_group() as tasks:
                    tasks.start_soon(self._send_updates)
                    if session_id is not None:
                        tasks.start_soon(self._follow_streams, session_id)
            except Exception:  # noqa: BLE001  a failure of one session must not end the server
                _LOG.exception("notifying a session failed")
                self.close()

    async def _send_updates(self) -> None:
        async for uri in self.subscriber.updates():
            try:
                await self._session.send_resource_updated(uri)
            except (anyio.BrokenResourceError, anyio.ClosedResourceError):
                return  # the client has disconnected, and the session will be closed

    async def _follow_streams(self, session_id: str) -> None:
        """Suspend when no stream was open for a while; resume, with every URI, when one is."""
        with self._open_streams.call_on_change(session_id, self._stream_changed.set):
            while True:
                await self._wait_until(session_id, is_open=False)
                async with self._clock.move_on_after(GRACE_SECONDS):
                    await self._wait_until(session_id, is_open=True)
                if not self._open_streams.is_open(session_id):
                    self.subscriber.suspend()
                    await self._wait_until(session_id, is_open=True)
                self.subscriber.resume()

    async def _wait_until(self, session_id: str, *, is_open: bool) -> None:
        while self._open_streams.is_open(session_id) is not is_open:
            await self._stream_changed.wait()


async def _subscribe_all(subscriber: Subscriber, uris: Sequence[str], caller: Caller) -> list[str]:
    """Subscribe to the URIs, and return those that were accepted."""
    if len(uris) > MAX_SUBSCRIPTIONS:
        raise too_many_subscriptions()
    refused: dict[str, Exception] = {}
    limiter = anyio.CapacityLimiter(_CONCURRENT_SUBSCRIPTIONS)

    async def subscribe(uri: str) -> None:
        try:
            async with limiter:
                await subscriber.subscribe(uri, caller)
        except (NoSuchResourceError, WrongRequestError, TraxError) as error:
            refused[uri] = error

    async with anyio.create_task_group() as tasks:
        for uri in uris:
            tasks.start_soon(subscribe, uri)
    accepted = [uri for uri in uris if uri not in refused]
    if refused and not accepted:
        raise next(iter(refused.values()))
    return accepted


def _acknowledgement(
    uris: list[str], meta: dict[str, types.RequestId]
) -> types.SubscriptionsAcknowledgedNotification:
    return types.SubscriptionsAcknowledgedNotification(
        params=types.SubscriptionsAcknowledgedNotificationParams(
            notifications=types.SubscriptionFilter(resource_subscriptions=uris or None), _meta=meta
        )
    )


def _find_subscription(ctx: Context) -> _SessionSubscription | None:
    subscription: _SessionSubscription | None = connection_of(ctx).state.get(_STATE_KEY)
    return None if subscription is None or subscription.is_closed else subscription
