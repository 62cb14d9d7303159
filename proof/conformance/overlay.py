"""Adds the suite's fixtures to the product's server, through the SDK's public API.

Names in `product_fixtures` go to the product's own handlers, other fixtures to their handlers, and
all other names to the product unchanged.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import mcp_types as types
from mcp.server import Server
from mcp.shared.exceptions import MCPError

from proof.conformance import asking_fixtures, content_fixtures, product_fixtures, tool_fixtures
from proof.conformance.tool_fixtures import Fixture
from trax_mcp.server.error_boundary import Context, Handler
from trax_mcp.server.lifespan import Lifespan

_TOOL_FIXTURES: Final[Mapping[str, Fixture]] = {**tool_fixtures.TOOLS, **asking_fixtures.TOOLS}
_LISTS: Final[Mapping[str, tuple[str, Sequence[object]]]] = {
    "tools/list": (
        "tools",
        (
            *(
                types.Tool(name=name, description=f"As {it.tool}.", input_schema={"type": "object"})
                for name, it in product_fixtures.TOOLS.items()
            ),
            *(it.listing for it in _TOOL_FIXTURES.values()),
        ),
    ),
    "prompts/list": (
        "prompts",
        (
            *(
                types.Prompt(name=name, description=f"As {it.prompt}.")
                for name, it in product_fixtures.PROMPTS.items()
            ),
            *(
                types.Prompt(name=name, description="A fixture.")
                for name in (*content_fixtures.PROMPTS, *asking_fixtures.PROMPTS)
            ),
        ),
    ),
    "resources/list": (
        "resources",
        tuple(
            types.Resource(uri=it, name=it)
            for it in (*product_fixtures.RESOURCES, *content_fixtures.RESOURCES)
        ),
    ),
    "resources/templates/list": ("resource_templates", (content_fixtures.TEMPLATE,)),
}
"""Each list -> its field in the result, and the fixtures to append."""

WrapHandler = Callable[[Handler[Any, Any]], Handler[Any, Any]]
UriParams = (
    types.ReadResourceRequestParams | types.SubscribeRequestParams | types.UnsubscribeRequestParams
)


def overlay(server: Server[Lifespan]) -> None:
    """Add all fixtures to a server that is not running yet."""
    for method, (field, fixtures) in _LISTS.items():
        _wrap(server, method, _append_fixtures(field, fixtures))
    _wrap(server, "tools/call", _call_tool)
    _wrap(server, "prompts/get", _get_prompt)
    for method in ("resources/read", "resources/subscribe", "resources/unsubscribe"):
        _wrap(server, method, _use_uri)
    _wrap(server, "completion/complete", _complete)
    server.add_request_handler("logging/setLevel", types.SetLevelRequestParams, _set_level)
    _add_schemas(server)


def _wrap(server: Server[Lifespan], method: str, wrap_handler: WrapHandler) -> None:
    entry = server.get_request_handler(method)
    if entry is None:
        raise LookupError(f"The product does not serve {method}.")
    server.add_request_handler(method, entry.params_type, wrap_handler(entry.handler))


def _add_schemas(server: Server[Lifespan]) -> None:
    """Add the fixtures' schemas, by which the transport checks headers."""
    product = server.get_tool_input_schema
    if product is None:
        raise LookupError("The product does not tell its tools' schemas.")

    def look_up(name: str) -> Mapping[str, Any] | None:
        return (
            _TOOL_FIXTURES[name].listing.input_schema if name in _TOOL_FIXTURES else product(name)
        )

    server.get_tool_input_schema = look_up


def _append_fixtures(field: str, fixtures: Sequence[object]) -> WrapHandler:
    def wrap_handler(product: Handler[Any, types.Result]) -> Handler[Any, types.Result]:
        async def run(ctx: Context, params: object) -> types.Result:
            result = await product(ctx, params)
            return result.model_copy(update={field: [*getattr(result, field), *fixtures]})

        return run

    return wrap_handler


def _call_tool(product: Handler[types.CallToolRequestParams, types.Result]) -> Handler[Any, Any]:
    async def run(ctx: Context, params: types.CallToolRequestParams) -> types.Result:
        if (fixture := _TOOL_FIXTURES.get(params.name)) is not None:
            return await fixture.handler(ctx, params)
        if (mapped := product_fixtures.TOOLS.get(params.name)) is None:
            return await product(ctx, params)
        changes = {"name": mapped.tool, "arguments": dict(mapped.arguments)}
        result = await product(ctx, params.model_copy(update=changes))
        if mapped.refusal and _status(result) == mapped.refusal:
            raise MCPError(types.INVALID_PARAMS, "The state was refused.")
        return result

    return run


def _status(result: types.Result) -> object:
    content = result.structured_content if isinstance(result, types.CallToolResult) else None
    return content.get("status") if isinstance(content, dict) else None


def _get_prompt(product: Handler[types.GetPromptRequestParams, types.Result]) -> Handler[Any, Any]:
    async def run(ctx: Context, params: types.GetPromptRequestParams) -> types.Result:
        if (messages := content_fixtures.PROMPTS.get(params.name)) is not None:
            return types.GetPromptResult(messages=messages)
        if (ask := asking_fixtures.PROMPTS.get(params.name)) is not None:
            return await ask(ctx, params)
        if (mapped := product_fixtures.PROMPTS.get(params.name)) is not None:
            arguments = {mapped.renamed[name]: it for name, it in (params.arguments or {}).items()}
            changes = {"name": mapped.prompt, "arguments": {**arguments, **mapped.arguments}}
            params = params.model_copy(update=changes)
        return await product(ctx, params)

    return run


def _use_uri(product: Handler[UriParams, types.Result]) -> Handler[Any, Any]:
    """For reading, subscribing and unsubscribing."""

    async def run(ctx: Context, params: UriParams) -> types.Result:
        if (
            ctx.method == "resources/read"
            and (fixture := content_fixtures.read(params.uri)) is not None
        ):
            return types.ReadResourceResult(contents=[fixture], ttl_ms=0, cache_scope="private")
        uri = product_fixtures.RESOURCES.get(params.uri, params.uri)
        return await product(ctx, params.model_copy(update={"uri": uri}))

    return run


def _complete(product: Handler[types.CompleteRequestParams, types.Result]) -> Handler[Any, Any]:
    async def run(ctx: Context, params: types.CompleteRequestParams) -> types.Result:
        name = getattr(params.ref, "name", "")
        if (mapped := product_fixtures.PROMPTS.get(name)) is not None:
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
