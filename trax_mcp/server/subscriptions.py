"""Notifies clients of changed resources, in both protocol eras.

In the 2026-07-28 era a subscription is a request that stays open. In the earlier one a session
subscribes, and is notified on its GET stream. A notification holds no content: the client reads
the resource again, with its own key.
"""

import logging
from collections.abc import Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass

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
from trax_mcp.server.error_boundary import Context, NoSuchResourceError, WrongRequestError
from trax_mcp.server.resources import Resources
from trax_mcp.server.sdk_compat import InFlight, OpenStreams, connection_of
from trax_mcp.server.subscriber import MAX_SUBSCRIPTIONS, Subscriber, too_many_subscriptions

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
        self, ctx: Context, params: types.SubscriptionsListenRequestParams, caller: Caller
    ) -> types.SubscriptionsListenResult:
        """Notify a client of the 2026-07-28 era until it disconnects or the server shuts down.

        Of several URIs, those that can be subscribed to are acknowledged.

        Raises:
            NoSuchResourceError, WrongRequestError, TraxError: none of the URIs can be.
        """
        if (request_id := ctx.request_id) is None:
            raise MCPError(types.INVALID_REQUEST, "A subscription needs a request id.")
        meta = {SUBSCRIPTION_ID_META_KEY: request_id}
        subscriber = Subscriber(self.resources, ctx.lifespan_context.watchers)
        with closing(subscriber), self.in_flight.track():
            uris = dict.fromkeys(params.notifications.resource_subscriptions or ())
            accepted = await _subscribe_all(subscriber, list(uris), caller)
            await ctx.session.send_notification(_acknowledgement(accepted, meta), request_id)
            async for uri in subscriber.updates():
                updated = event_to_notification(ResourceUpdated(uri=uri), meta)
                await ctx.session.send_notification(updated, request_id)
        return types.SubscriptionsListenResult(_meta=meta)  # reached only at shutdown

    async def subscribe(self, ctx: Context, uri: str, caller: Caller) -> None:
        """Notify a session of the earlier era until it ends.

        Raises:
            NoSuchResourceError, WrongRequestError, TraxError: as `Subscriber.subscribe`.
        """
        subscription = _find_subscription(ctx) or self._new_subscription(ctx)
        await subscription.subscriber.subscribe(uri, caller)

    def unsubscribe(self, ctx: Context, uri: str) -> None:
        """Stop notifying a session of a URI."""
        if (subscription := _find_subscription(ctx)) is not None:
            subscription.subscriber.unsubscribe(uri)

    def _new_subscription(self, ctx: Context) -> "_SessionSubscription":
        """Add a subscription to the session; it is closed with it."""
        connection, lifespan = connection_of(ctx), ctx.lifespan_context
        subscriber = Subscriber(self.resources, lifespan.watchers)
        subscription = _SessionSubscription(ctx.session, subscriber)
        connection.state[_STATE_KEY] = subscription
        connection.exit_stack.callback(subscription.close)
        lifespan.tasks.start_soon(subscription.run, connection.session_id, self.open_streams)
        return subscription


class _SessionSubscription:
    """Notifies one session of the earlier era, until it ends."""

    def __init__(self, session: ServerSession, subscriber: Subscriber) -> None:
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
        with self._scope, ExitStack() as stack:
            if session_id is not None:  # not on stdio
                callback = self.subscriber.report_all
                stack.enter_context(open_streams.call_when_opened(session_id, callback))
            try:
                async for uri in self.subscriber.updates():
                    await self._session.send_resource_updated(uri)
            except (anyio.BrokenResourceError, anyio.ClosedResourceError):
                return  # the client has disconnected, and the session will be closed
            except Exception:  # noqa: BLE001  a failure of one session must not end the server
                _LOG.exception("notifying a session failed")
                self.close()


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
