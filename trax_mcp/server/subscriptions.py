"""Telling clients that what they read has changed, in both protocol eras.

In the 2026-07-28 era a subscription is a request that stays open; in the earlier one a session
subscribes, and is told on its stream. Either way the client is told of a change and not what it is:
it reads again, with its own key.
"""

import logging
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass

import anyio
import mcp_types as types
from anyio.abc import TaskGroup
from mcp.server.connection import Connection
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
from trax_mcp.server.error_boundary import Context, NoSuchResourceError, WrongRequestError
from trax_mcp.server.in_flight import InFlight
from trax_mcp.server.open_streams import OpenStreams
from trax_mcp.server.resources import Resources
from trax_mcp.server.subscriber import MOST_URIS, Subscriber, too_many

AWAY_SECONDS = 30.0
"""How long a session without an open stream is still listened for."""

_AT_A_TIME = 10
_STATE = "live.traxstreaming/subscription"


_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Subscriptions:
    """Who is told of what."""

    resources: Resources
    in_flight: InFlight
    presence: OpenStreams
    clock: Clock

    async def listen(
        self, ctx: Context, params: types.SubscriptionsListenRequestParams, caller: Caller
    ) -> types.SubscriptionsListenResult:
        """Tell a client of the 2026-07-28 era of changes, for as long as it stays.

        Raises:
            NoSuchResourceError, WrongRequestError, TraxError: nothing of what it asks for can be
                subscribed to; of several, what can be is acknowledged.
        """
        if (request := ctx.request_id) is None:
            raise MCPError(types.INVALID_REQUEST, "A subscription needs a request id.")
        meta = {SUBSCRIPTION_ID_META_KEY: request}
        subscriber = Subscriber(self.resources, ctx.lifespan_context.watchers)
        with closing(subscriber), self.in_flight.tracked():
            wanted = dict.fromkeys(params.notifications.resource_subscriptions or ())
            honoured = await _subscribe(subscriber, list(wanted), caller)
            await ctx.session.send_notification(_acknowledge(honoured, meta), request)
            async for uri in subscriber.news():
                updated = event_to_notification(ResourceUpdated(uri=uri), meta)
                await ctx.session.send_notification(updated, request)
        return types.SubscriptionsListenResult(_meta=meta)  # only a server that stops comes here

    async def subscribe(self, ctx: Context, uri: str, caller: Caller) -> None:
        """Tell a session of the earlier era of changes, for as long as it lasts.

        Raises:
            NoSuchResourceError, WrongRequestError, TraxError: as `Subscriber.subscribe`.
        """
        subscription = _subscription_of(ctx) or self._new_subscription(ctx)
        await subscription.subscriber.subscribe(uri, caller)
        subscription.start(ctx.lifespan_context.tasks, _connection(ctx).session_id)

    def unsubscribe(self, ctx: Context, uri: str) -> None:
        """Tell it no more."""
        if (subscription := _subscription_of(ctx)) is not None:
            subscription.subscriber.unsubscribe(uri)

    def _new_subscription(self, ctx: Context) -> "_SessionSubscription":
        """What tells this session, once it is started, and is gone with it."""
        subscriber = Subscriber(self.resources, ctx.lifespan_context.watchers)
        subscription = _SessionSubscription(ctx.session, subscriber, self.presence, self.clock)
        connection = _connection(ctx)
        connection.state[_STATE] = subscription
        connection.exit_stack.callback(subscription.close)
        return subscription


class _SessionSubscription:
    """Tells one session of the earlier era, on its stream, and minds whether anybody is there."""

    def __init__(
        self, session: ServerSession, subscriber: Subscriber, presence: OpenStreams, clock: Clock
    ) -> None:
        self.subscriber = subscriber
        self._session = session
        self._presence = presence
        self._clock = clock
        self._turned = ResettableEvent()
        self._scope = anyio.CancelScope()
        self._started = False

    @property
    def is_closed(self) -> bool:
        """Whether it tells nothing any more."""
        return self._scope.cancel_called

    def start(self, tasks: TaskGroup, session_id: str | None) -> None:
        """Tell from now on; once is enough. Without a session id the one client is there."""
        if not self._started:
            self._started = True
            tasks.start_soon(self._run, session_id)

    def close(self) -> None:
        """Stop telling."""
        self._scope.cancel()
        self.subscriber.close()

    async def _run(self, session_id: str | None) -> None:
        with self._scope:
            try:
                async with anyio.create_task_group() as tasks:
                    tasks.start_soon(self._tell)
                    if session_id is not None:
                        tasks.start_soon(self._follow_presence, session_id)
            except Exception:  # noqa: BLE001  what fails for one session must not end the server
                _LOG.exception("a session can be told nothing any more")
                self.close()

    async def _tell(self) -> None:
        async for uri in self.subscriber.news():
            try:
                await self._session.send_resource_updated(uri)
            except (anyio.BrokenResourceError, anyio.ClosedResourceError):
                return  # it has hung up, and will be closed

    async def _follow_presence(self, session_id: str) -> None:
        """Listen for nobody who is away for long; tell of everything whoever comes back."""
        with self._presence.heard_by(session_id, self._turned.set):
            while True:
                await self._until(session_id, here=False)
                async with self._clock.move_on_after(AWAY_SECONDS):
                    await self._until(session_id, here=True)
                if not self._presence.is_here(session_id):
                    self.subscriber.suspend()
                    await self._until(session_id, here=True)
                self.subscriber.resume()

    async def _until(self, session_id: str, *, here: bool) -> None:
        while self._presence.is_here(session_id) is not here:
            await self._turned.wait()


async def _subscribe(subscriber: Subscriber, uris: Sequence[str], caller: Caller) -> list[str]:
    """Subscribe to as much of it as can be; return that."""
    if len(uris) > MOST_URIS:
        raise too_many()
    refused: dict[str, Exception] = {}
    few = anyio.CapacityLimiter(_AT_A_TIME)

    async def subscribe(uri: str) -> None:
        try:
            async with few:
                await subscriber.subscribe(uri, caller)
        except (NoSuchResourceError, WrongRequestError, TraxError) as error:
            refused[uri] = error

    async with anyio.create_task_group() as tasks:
        for uri in uris:
            tasks.start_soon(subscribe, uri)
    honoured = [uri for uri in uris if uri not in refused]
    if refused and not honoured:
        raise next(iter(refused.values()))
    return honoured


def _acknowledge(
    uris: list[str], meta: dict[str, types.RequestId]
) -> types.SubscriptionsAcknowledgedNotification:
    return types.SubscriptionsAcknowledgedNotification(
        params=types.SubscriptionsAcknowledgedNotificationParams(
            notifications=types.SubscriptionFilter(resource_subscriptions=uris or None), _meta=meta
        )
    )


def _subscription_of(ctx: Context) -> _SessionSubscription | None:
    subscription: _SessionSubscription | None = _connection(ctx).state.get(_STATE)
    return None if subscription is None or subscription.is_closed else subscription


def _connection(ctx: Context) -> Connection:
    """The connection of a request: the SDK has no public way to what ends with it."""
    connection: Connection = ctx.session._connection  # noqa: SLF001  its `exit_stack` is the only end that is told
    return connection
