"""Where a request comes from, as tracers pass it on: read if it can be, and else left aside.

The SDK reads it before anything else, and fails the whole request over a value that is no text.
Nothing here knows what is asked.
"""

from dataclasses import replace
from typing import Any, Final

from mcp.server.context import CallNext, HandlerResult, ServerRequestContext

_PASSED_ON: Final = ("traceparent", "tracestate", "baggage")


async def drop_unreadable_traces(
    ctx: ServerRequestContext[Any, Any], call_next: CallNext
) -> HandlerResult:
    """Middleware that comes before the SDK's own."""
    meta = ctx.meta or {}
    unreadable = {name for name in _PASSED_ON if not isinstance(meta.get(name, ""), str)}
    if not unreadable:
        return await call_next(ctx)
    rest: Any = {name: value for name, value in meta.items() if name not in unreadable}
    return await call_next(replace(ctx, meta=rest))
