"""The product's own command with the suite's fixtures, added through the SDK's public API.

Run as `python -m proof.conformance.overlaid_server`. Only the function that builds the server is
replaced. Names that the product can serve go to its own handlers, other fixtures to theirs, and all
other names to the product unchanged.
"""

import sys
import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from unittest.mock import patch

import mcp_types as types
from mcp.server import Server
from mcp.shared.exceptions import MCPDeprecationWarning, MCPError

from proof.conformance import fixtures
from trax_mcp.api.caller import Caller
from trax_mcp.chat.watchers import Watchers
from trax_mcp.cli import main
from trax_mcp.server.app import Service
from trax_mcp.server.errors import Handler
from trax_mcp.server.request import Context

WrapHandler = Callable[[Handler[Any, Any]], Handler[Any, Any]]
_product_server = Service.server
UriParams = (
    types.ReadResourceRequestParams | types.SubscribeRequestParams | types.UnsubscribeRequestParams
)


def overlay(server: Server[Watchers]) -> None:
    """Add all fixtures to a server that is not running yet."""
    for method, (field, listed) in fixtures.listed().items():
        _wrap(server, method, _append_fixtures(field, listed))
    _wrap(server, "tools/call", _call_tool)
    _wrap(server, "prompts/get", _get_prompt)
    for method in ("resources/read", "resources/subscribe", "resources/unsubscribe"):
        _wrap(server, method, _use_uri)
    _wrap(server, "completion/complete", _complete)
    server.add_request_handler("logging/setLevel", types.SetLevelRequestParams, _set_level)
    product = server.get_tool_input_schema

    def find_schema(name: str) -> Mapping[str, Any] | None:
        """The schema by which the transport checks headers."""
        fixture = fixtures.TOOLS.get(name)
        return fixture.schema if fixture else product(name) if product else None

    server.get_tool_input_schema = find_schema


def _wrap(server: Server[Watchers], method: str, wrap_handler: WrapHandler) -> None:
    entry = server.get_request_handler(method)
    if entry is None:
        raise LookupError(f"The product does not serve {method}.")
    server.add_request_handler(method, entry.params_type, wrap_handler(entry.handler))


def _append_fixtures(field: str, listed: Sequence[object]) -> WrapHandler:
    def wrap_handler(product: Handler[Any, types.Result]) -> Handler[Any, types.Result]:
        async def run(ctx: Context, params: object) -> types.Result:
            result = await product(ctx, params)
            return result.model_copy(update={field: [*getattr(result, field), *listed]})

        return run

    return wrap_handler


def _call_tool(product: Handler[types.CallToolRequestParams, types.Result]) -> Handler[Any, Any]:
    async def run(ctx: Context, params: types.CallToolRequestParams) -> types.Result:
        if (fixture := fixtures.TOOLS.get(params.name)) is not None:
            return await fixture.handler(ctx, params)
        if (mapped := fixtures.PRODUCT_TOOLS.get(params.name)) is None:
            return await product(ctx, params)
        changes = {"name": mapped.tool, "arguments": dict(mapped.arguments)}
        result = await product(ctx, params.model_copy(update=changes))
        content = getattr(result, "structured_content", None) or {}
        if mapped.refusal and content.get("status") == mapped.refusal:
            raise MCPError(types.INVALID_PARAMS, "The state was refused.")
        return result

    return run


def _get_prompt(product: Handler[types.GetPromptRequestParams, types.Result]) -> Handler[Any, Any]:
    async def run(ctx: Context, params: types.GetPromptRequestParams) -> types.Result:
        if (handler := fixtures.PROMPTS.get(params.name)) is not None:
            return await handler(ctx, params)
        if (mapped := fixtures.PRODUCT_PROMPTS.get(params.name)) is not None:
            arguments = {mapped.renamed[name]: it for name, it in (params.arguments or {}).items()}
            changes = {"name": mapped.prompt, "arguments": {**arguments, **mapped.arguments}}
            params = params.model_copy(update=changes)
        return await product(ctx, params)

    return run


def _use_uri(product: Handler[UriParams, types.Result]) -> Handler[Any, Any]:
    """For reading, subscribing and unsubscribing."""

    async def run(ctx: Context, params: UriParams) -> types.Result:
        if ctx.method == "resources/read" and (fixture := fixtures.read(params.uri)) is not None:
            return types.ReadResourceResult(contents=[fixture], ttl_ms=0, cache_scope="private")
        uri = fixtures.PRODUCT_RESOURCES.get(params.uri, params.uri)
        return await product(ctx, params.model_copy(update={"uri": uri}))

    return run


def _complete(product: Handler[types.CompleteRequestParams, types.Result]) -> Handler[Any, Any]:
    async def run(ctx: Context, params: types.CompleteRequestParams) -> types.Result:
        name = getattr(params.ref, "name", "")
        if (mapped := fixtures.PRODUCT_PROMPTS.get(name)) is not None:
            argument = {"name": mapped.renamed[params.argument.name]}
            changes = {
                "ref": types.PromptReference(name=mapped.prompt),
                "argument": params.argument.model_copy(update=argument),
            }
            params = params.model_copy(update=changes)
        return await product(ctx, params)

    return run


async def _set_level(_ctx: Context, _params: types.SetLevelRequestParams) -> types.EmptyResult:
    """Accept any level: the product has no protocol logging."""
    return types.EmptyResult()


def _server(service: Service, default_caller: Caller) -> Server[Watchers]:
    server = _product_server(service, default_caller)
    overlay(server)
    return server


if __name__ == "__main__":
    # The suite still tests deprecated parts of the protocol.
    warnings.simplefilter("ignore", MCPDeprecationWarning)
    with patch.object(Service, "server", _server):
        main(sys.argv[1:])
