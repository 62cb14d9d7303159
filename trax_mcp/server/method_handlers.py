"""Handlers of the protocol's methods: each finds the caller, and calls the part that answers."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import mcp_types as types
from mcp.server.apps import client_supports_apps

from trax_mcp.api.caller import Caller
from trax_mcp.clock import Clock
from trax_mcp.server import panel
from trax_mcp.server.completions import Completions
from trax_mcp.server.door import CALLER
from trax_mcp.server.elicitation import Elicitor
from trax_mcp.server.error_boundary import Context
from trax_mcp.server.prompts import Prompts
from trax_mcp.server.request_context import RequestContext
from trax_mcp.server.resource_uris import JSON
from trax_mcp.server.resources import Resources
from trax_mcp.server.subscriptions import Subscriptions
from trax_mcp.server.tools import Tools

_EMPTY_RESULT: Final = types.EmptyResult()


@dataclass(frozen=True, slots=True)
class Offer:
    """What a caller is offered, apart from resources, which all are."""

    tools: Tools
    prompts: Prompts
    completions: Completions


@dataclass(frozen=True, slots=True)
class MethodHandlers:
    """The handlers. `own` is the caller of requests without a key.

    `look_only` gives the offer for callers who may read, and nothing else.
    """

    offer: Offer
    look_only: Callable[[], Offer]
    resources: Resources
    subscriptions: Subscriptions
    clock: Clock
    own: Caller

    async def list_tools(self, ctx: Context, _params: object) -> types.ListToolsResult:
        """`tools/list`."""
        listings = self._offer(ctx).tools.listings(has_panel=client_supports_apps(ctx))
        return types.ListToolsResult(tools=listings)

    async def call_tool(
        self, ctx: Context, params: types.CallToolRequestParams
    ) -> types.CallToolResult | types.InputRequiredResult:
        """`tools/call`."""
        elicitor = Elicitor(ctx, params, self.clock)
        context = RequestContext(self._caller(ctx), elicitor, ctx.lifespan_context.watchers)
        return await self._offer(ctx).tools.call(params.name, params.arguments or {}, context)

    async def list_prompts(self, ctx: Context, _params: object) -> types.ListPromptsResult:
        """`prompts/list`."""
        return types.ListPromptsResult(prompts=self._offer(ctx).prompts.listings())

    async def get_prompt(
        self, ctx: Context, params: types.GetPromptRequestParams
    ) -> types.GetPromptResult:
        """`prompts/get`."""
        return self._offer(ctx).prompts.fill(params.name, params.arguments or {})

    async def complete(
        self, ctx: Context, params: types.CompleteRequestParams
    ) -> types.CompleteResult:
        """`completion/complete`."""
        return await self._offer(ctx).completions.complete(params, self._caller(ctx))

    async def list_resources(self, ctx: Context, _params: object) -> types.ListResourcesResult:
        """`resources/list`."""
        listings = await self.resources.listings(self._caller(ctx))
        if self._offer(ctx).tools.can_use_panel and client_supports_apps(ctx):
            listings.append(panel.RESOURCE)
        return types.ListResourcesResult(resources=listings)

    async def list_templates(
        self, _ctx: Context, _params: object
    ) -> types.ListResourceTemplatesResult:
        """`resources/templates/list`."""
        return types.ListResourceTemplatesResult(resource_templates=self.resources.templates())

    async def read_resource(
        self, ctx: Context, params: types.ReadResourceRequestParams
    ) -> types.ReadResourceResult:
        """`resources/read`."""
        if params.uri == panel.URI and self._offer(ctx).tools.can_use_panel:
            return types.ReadResourceResult(contents=[panel.read_panel()])
        watchers = ctx.lifespan_context.watchers
        text = await self.resources.read(params.uri, self._caller(ctx), watchers)
        contents = types.TextResourceContents(uri=params.uri, mime_type=JSON, text=text)
        return types.ReadResourceResult(contents=[contents])

    async def subscribe(
        self, ctx: Context, params: types.SubscribeRequestParams
    ) -> types.EmptyResult:
        """`resources/subscribe`, of the earlier protocol era."""
        await self.subscriptions.subscribe(ctx, params.uri, self._caller(ctx))
        return _EMPTY_RESULT

    async def unsubscribe(
        self, ctx: Context, params: types.UnsubscribeRequestParams
    ) -> types.EmptyResult:
        """`resources/unsubscribe`, of the earlier protocol era."""
        self.subscriptions.unsubscribe(ctx, params.uri)
        return _EMPTY_RESULT

    async def listen(
        self, ctx: Context, params: types.SubscriptionsListenRequestParams
    ) -> types.SubscriptionsListenResult:
        """`subscriptions/listen`, of the 2026-07-28 protocol era."""
        return await self.subscriptions.listen(ctx, params, self._caller(ctx))

    def _offer(self, ctx: Context) -> Offer:
        return self.look_only() if self._caller(ctx).read_only else self.offer

    def _caller(self, ctx: Context) -> Caller:
        """The caller that `AuthMiddleware` set for this request, else `own`."""
        caller: Caller = self.own if ctx.request is None else ctx.request.scope[CALLER]
        return self.own if caller.key is None else caller
