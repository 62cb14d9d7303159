"""Puts the suite's fixtures beside what the product's server offers, through the SDK's front door.

A name that the product plays goes to the product's own handler under its own name, a made-up one to
its fixture, and every other to the product untouched. Nothing here knows what a fixture does.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import mcp_types as types
from mcp.server import Server
from mcp.shared.exceptions import MCPError

from proof.conformance import asking, contents, made_up, played
from proof.conformance.made_up import Fixture
from trax_mcp.server.error_boundary import Context, Handler
from trax_mcp.server.lifespan import Lifespan

_MADE_UP: Final[Mapping[str, Fixture]] = {**made_up.TOOLS, **asking.TOOLS}
_LISTED: Final[Mapping[str, tuple[str, Sequence[object]]]] = {
    "tools/list": (
        "tools",
        (
            *(
                types.Tool(name=name, description=f"As {it.tool}.", input_schema={"type": "object"})
                for name, it in played.TOOLS.items()
            ),
            *(it.listing for it in _MADE_UP.values()),
        ),
    ),
    "prompts/list": (
        "prompts",
        (
            *(
                types.Prompt(name=name, description=f"As {it.prompt}.")
                for name, it in played.PROMPTS.items()
            ),
            *(
                types.Prompt(name=name, description="A fixture.")
                for name in (*contents.PROMPTS, *asking.PROMPTS)
            ),
        ),
    ),
    "resources/list": (
        "resources",
        tuple(types.Resource(uri=it, name=it) for it in (*played.RESOURCES, *contents.RESOURCES)),
    ),
    "resources/templates/list": ("resource_templates", (contents.TEMPLATE,)),
}
"""Each list -> its field in the result, and what stands there after the product's own."""

Around = Callable[[Handler[Any, Any]], Handler[Any, Any]]
AddressParams = (
    types.ReadResourceRequestParams | types.SubscribeRequestParams | types.UnsubscribeRequestParams
)


def overlay(server: Server[Lifespan]) -> None:
    """Add all fixtures to a server that is not running yet."""
    for method, (field, fixtures) in _LISTED.items():
        _wrap(server, method, _lists_also(field, fixtures))
    _wrap(server, "tools/call", _call_tool)
    _wrap(server, "prompts/get", _get_prompt)
    for method in ("resources/read", "resources/subscribe", "resources/unsubscribe"):
        _wrap(server, method, _at_address)
    _wrap(server, "completion/complete", _complete)
    server.add_request_handler("logging/setLevel", types.SetLevelRequestParams, _set_level)
    _add_schemas(server)


def _wrap(server: Server[Lifespan], method: str, around: Around) -> None:
    entry = server.get_request_handler(method)
    if entry is None:
        raise LookupError(f"The product does not serve {method}.")
    server.add_request_handler(method, entry.params_type, around(entry.handler))


def _add_schemas(server: Server[Lifespan]) -> None:
    """The transport checks headers against a tool's schema, and asks the server for it."""
    product = server.get_tool_input_schema
    if product is None:
        raise LookupError("The product does not tell its tools' schemas.")

    def look_up(name: str) -> Mapping[str, Any] | None:
        return _MADE_UP[name].listing.input_schema if name in _MADE_UP else product(name)

    server.get_tool_input_schema = look_up


def _lists_also(field: str, fixtures: Sequence[object]) -> Around:
    def around(product: Handler[Any, types.Result]) -> Handler[Any, types.Result]:
        async def run(ctx: Context, params: object) -> types.Result:
            listed = await product(ctx, params)
            return listed.model_copy(update={field: [*getattr(listed, field), *fixtures]})

        return run

    return around


def _call_tool(product: Handler[types.CallToolRequestParams, types.Result]) -> Handler[Any, Any]:
    async def run(ctx: Context, params: types.CallToolRequestParams) -> types.Result:
        if (fixture := _MADE_UP.get(params.name)) is not None:
            return await fixture.handler(ctx, params)
        if (own := played.TOOLS.get(params.name)) is None:
            return await product(ctx, params)
        asked = {"name": own.tool, "arguments": dict(own.arguments)}
        result = await product(ctx, params.model_copy(update=asked))
        if own.refusal and _status(result) == own.refusal:
            raise MCPError(types.INVALID_PARAMS, "The state was refused.")
        return result

    return run


def _status(result: types.Result) -> object:
    told = result.structured_content if isinstance(result, types.CallToolResult) else None
    return told.get("status") if isinstance(told, dict) else None


def _get_prompt(product: Handler[types.GetPromptRequestParams, types.Result]) -> Handler[Any, Any]:
    async def run(ctx: Context, params: types.GetPromptRequestParams) -> types.Result:
        if (messages := contents.PROMPTS.get(params.name)) is not None:
            return types.GetPromptResult(messages=messages)
        if (ask := asking.PROMPTS.get(params.name)) is not None:
            return await ask(ctx, params)
        if (filled := played.PROMPTS.get(params.name)) is not None:
            given = {filled.renamed[name]: it for name, it in (params.arguments or {}).items()}
            asked = {"name": filled.prompt, "arguments": {**given, **filled.given}}
            params = params.model_copy(update=asked)
        return await product(ctx, params)

    return run


def _at_address(product: Handler[AddressParams, types.Result]) -> Handler[Any, Any]:
    """Reading, and subscribing to, what stands at an address."""

    async def run(ctx: Context, params: AddressParams) -> types.Result:
        if ctx.method == "resources/read" and (made := contents.read(params.uri)) is not None:
            return types.ReadResourceResult(contents=[made], ttl_ms=0, cache_scope="private")
        uri = played.RESOURCES.get(params.uri, params.uri)
        return await product(ctx, params.model_copy(update={"uri": uri}))

    return run


def _complete(product: Handler[types.CompleteRequestParams, types.Result]) -> Handler[Any, Any]:
    async def run(ctx: Context, params: types.CompleteRequestParams) -> types.Result:
        name = getattr(params.ref, "name", "")
        if (filled := played.PROMPTS.get(name)) is not None:
            argument = {"name": filled.renamed[params.argument.name]}
            asked = {
                "ref": types.PromptReference(name=filled.prompt),
                "argument": params.argument.model_copy(update=argument),
            }
            params = params.model_copy(update=asked)
        return await product(ctx, params)

    return run


async def _set_level(_ctx: Context, _params: types.SetLevelRequestParams) -> types.EmptyResult:
    """The product has no protocol logging: everything about it is made up."""
    return types.EmptyResult()
