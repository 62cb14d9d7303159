"""The suite's fixtures: those that the product serves under another name, and those of our own.

The product has no images, no logging over the protocol, no sampling, and forms with one choice
only. Fixtures of these kinds test the layers below the product's handlers, not these handlers.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

import mcp_types as types
from mcp.shared.exceptions import MCPError

from trax_mcp.server.errors import Handler
from trax_mcp.server.request import Context

Question = types.ElicitRequest | types.CreateMessageRequest | types.ListRootsRequest
ToolResult = types.CallToolResult | types.InputRequiredResult
ToolHandler = Handler[types.CallToolRequestParams, ToolResult]


# What the product serves


@dataclass(frozen=True, slots=True)
class ProductTool:
    """A tool of the product, with its arguments.

    `refusal` is the status of a result that the suite expects as a JSON-RPC error.
    """

    tool: str
    arguments: Mapping[str, Any] = field(default_factory=dict)
    refusal: str = ""


@dataclass(frozen=True, slots=True)
class ProductPrompt:
    """A prompt of the product: the names of its arguments in the suite, and fixed arguments."""

    prompt: str
    renamed: Mapping[str, str] = field(default_factory=dict)
    arguments: Mapping[str, str] = field(default_factory=dict)


_GUARDED: Final = ProductTool("go_live", {"studioId": "studio_42"})
"""Asks the user. The suite never confirms, so the studio never goes on air."""

PRODUCT_TOOLS: Final[Mapping[str, ProductTool]] = {
    "test_simple_text": ProductTool("list_studios"),
    "test_error_handling": ProductTool("get_studio", {"studioId": "studio_of_nobody"}),
    "test_elicitation": _GUARDED,
    "test_streaming_elicitation": _GUARDED,
    "test_input_required_result_request_state": _GUARDED,
    # The product refuses an unknown state in the result, where a model can read the reason. The
    # specification does not say how; the suite expects an error.
    "test_input_required_result_tampered_state": replace(_GUARDED, refusal="confirmation_invalid"),
}
PRODUCT_PROMPTS: Final[Mapping[str, ProductPrompt]] = {
    "test_simple_prompt": ProductPrompt("go_live", arguments={"studio": "studio_42"}),
    "test_prompt_with_arguments": ProductPrompt(
        "troubleshoot", {"arg1": "studio", "arg2": "trouble"}
    ),
}
PRODUCT_RESOURCES: Final[Mapping[str, str]] = {
    "test://static-text": "trax://openapi.json",
    "test://watched-resource": "trax://studios/studio_42/chat",
}


# Content


def _text(value: str) -> types.TextContent:
    return types.TextContent(text=value)


def _said(*pieces: types.ContentBlock) -> types.CallToolResult:
    return types.CallToolResult(content=list(pieces))


_PNG: Final = (
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAIAAACQd1PeAAAADElEQVR4nGP4z8AAAAMBAQDJ/pLvAAAAAElFTkSuQmCC"
)
"""One red pixel."""
_WAV: Final = "UklGRiYAAABXQVZFZm10IBAAAAABAAEAQB8AAEAfAAABAAgAZGF0YQIAAACAgA=="
"""One silent sample."""
_IMAGE: Final = types.ImageContent(data=_PNG, mime_type="image/png")
_AUDIO: Final = types.AudioContent(data=_WAV, mime_type="audio/wav")
_EMBEDDED: Final = types.EmbeddedResource(
    resource=types.TextResourceContents(
        uri="test://embedded-resource", mime_type="text/plain", text="Embedded content."
    )
)
TEMPLATE: Final = types.ResourceTemplate(uri_template="test://template/{id}/data", name="template")
_TEMPLATED: Final = re.compile(r"test://template/(\w+)/data")
RESOURCES: Final[Mapping[str, types.BlobResourceContents]] = {
    "test://static-binary": types.BlobResourceContents(
        uri="test://static-binary", mime_type="image/png", blob=_PNG
    )
}


def read(uri: str) -> types.TextResourceContents | types.BlobResourceContents | None:
    """The fixture with this URI, if there is one."""
    if (match := _TEMPLATED.fullmatch(uri)) is not None:
        data = f'{{"id": "{match[1]}"}}'
        return types.TextResourceContents(uri=uri, mime_type="application/json", text=data)
    return RESOURCES.get(uri)


def _return_content(*pieces: types.ContentBlock) -> ToolHandler:
    async def run(_ctx: Context, _params: types.CallToolRequestParams) -> types.CallToolResult:
        return _said(*pieces)

    return run


async def _log(ctx: Context, _params: types.CallToolRequestParams) -> types.CallToolResult:
    for message in ("Started", "Under way", "Done"):
        await ctx.session.send_log_message("info", message, related_request_id=ctx.request_id)
    return _said(_text("Logged."))


async def _progress(ctx: Context, _params: types.CallToolRequestParams) -> types.CallToolResult:
    for progress in (0, 50, 100):
        await ctx.session.report_progress(progress, 100)
    return _said(_text("Progressed."))


# Questions


def _object(**properties: Mapping[str, Any]) -> dict[str, Any]:
    return {"type": "object", "properties": properties}


def _strings(*names: str) -> dict[str, Any]:
    """The schema of an object with these required strings."""
    return _object(**{name: {"type": "string"} for name in names}) | {"required": list(names)}


def _form(message: str, name: str) -> types.ElicitRequest:
    form = types.ElicitRequestFormParams(message=message, requested_schema=_strings(name))
    return types.ElicitRequest(params=form)


def _prompt(text: str) -> list[types.SamplingMessage]:
    return [types.SamplingMessage(role="user", content=_text(text))]


_NAME: Final = _form("What is your name?", "name")
_COLOUR: Final = _form("What is your favourite colour?", "colour")
_CAPITAL: Final = types.CreateMessageRequest(
    params=types.CreateMessageRequestParams(
        messages=_prompt("What is the capital of France?"), max_tokens=100
    )
)
_ROOTS: Final = types.ListRootsRequest()


def _input_required(
    questions: Mapping[str, Question], *, state: str | None = None
) -> types.InputRequiredResult:
    return types.InputRequiredResult(input_requests=dict(questions), request_state=state)


def _ask_until_answered(*, state: str | None = None, **questions: Question) -> ToolHandler:
    """Ask until there is an answer to all questions."""

    async def run(_ctx: Context, params: types.CallToolRequestParams) -> ToolResult:
        if questions.keys() <= (params.input_responses or {}).keys():
            return _said(_text("Thank you."))
        return _input_required(questions, state=state)

    return run


async def _multi_round(_ctx: Context, params: types.CallToolRequestParams) -> ToolResult:
    match params.request_state:
        case None:
            return _input_required({"step1": _NAME}, state="asked once")
        case "asked once":
            return _input_required({"step2": _COLOUR}, state="asked twice")
        case _:
            return _said(_text("Thank you twice."))


async def _ask_by_capabilities(ctx: Context, _params: types.CallToolRequestParams) -> ToolResult:
    capabilities = ctx.session.client_capabilities or types.ClientCapabilities()
    questions: dict[str, Question] = {}
    if capabilities.elicitation is not None:
        questions["user_name"] = _NAME
    if capabilities.sampling is not None:
        questions["capital_question"] = _CAPITAL
    return _input_required(questions)


async def _require_sampling(ctx: Context, _params: types.CallToolRequestParams) -> ToolResult:
    capabilities = ctx.session.client_capabilities
    if capabilities is not None and capabilities.sampling is not None:
        return _said(_text("It can be sampled."))
    missing = types.MissingRequiredClientCapabilityErrorData(
        required_capabilities=types.ClientCapabilities(sampling=types.SamplingCapability())
    )
    raise MCPError(
        types.MISSING_REQUIRED_CLIENT_CAPABILITY,
        "This needs sampling.",
        missing.model_dump(by_alias=True, exclude_none=True, mode="json"),
    )


async def _ask_model(ctx: Context, params: types.CallToolRequestParams) -> ToolResult:
    """Earlier era: send a sampling request."""
    prompt = _prompt(str((params.arguments or {})["prompt"]))
    reply = await ctx.session.create_message(
        prompt, max_tokens=100, related_request_id=ctx.request_id
    )
    return _said(_text(f"It said: {reply.content}"))


def _elicit(schema: Mapping[str, Any]) -> ToolHandler:
    """Earlier era: send a form."""

    async def run(ctx: Context, _params: types.CallToolRequestParams) -> ToolResult:
        answer = await ctx.session.elicit_form(
            "Please fill in.", dict(schema), related_request_id=ctx.request_id
        )
        return _said(_text(f"{answer.action}: {answer.content}"))

    return run


async def _ask_for_prompt(
    _ctx: Context, params: types.GetPromptRequestParams
) -> types.GetPromptResult | types.InputRequiredResult:
    if not params.input_responses:
        return _input_required({"user_context": _form("What is it about?", "context")})
    return _prompt_result(_text("Thank you."))


def _prompt_result(*pieces: types.ContentBlock) -> types.GetPromptResult:
    messages = [types.PromptMessage(role="user", content=it) for it in pieces]
    return types.GetPromptResult(messages=messages)


# Schemas


def _titled(*values: str) -> list[dict[str, str]]:
    return [{"const": it, "title": it.capitalize()} for it in values]


_STATUS: Final = ["active", "inactive", "pending"]
_WITH_DEFAULTS: Final = _object(
    name={"type": "string", "default": "John Doe"},
    age={"type": "integer", "default": 30},
    score={"type": "number", "default": 95.5},
    status={"type": "string", "enum": _STATUS, "default": "active"},
    verified={"type": "boolean", "default": True},
)
_CHOICES: Final = _object(
    untitledSingle={"type": "string", "enum": ["option1", "option2"]},
    titledSingle={"type": "string", "oneOf": _titled("value1", "value2")},
    legacyEnum={"type": "string", "enum": ["opt1"], "enumNames": ["Option One"]},
    untitledMulti={"type": "array", "items": {"type": "string", "enum": ["option1", "option2"]}},
    titledMulti={"type": "array", "items": {"anyOf": _titled("value1", "value2")}},
)
_SCHEMA_2020_12: Final[Mapping[str, Any]] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "type": "object",
    "$defs": {
        "address": _object(street={"type": "string"}, city={"type": "string"})
        | {"$anchor": "addressDef"}
    },
    "properties": {
        "name": {"type": "string"},
        "address": {"$ref": "#/$defs/address"},
        "contactMethod": {"type": "string", "enum": ["phone", "email"]},
        "phone": {"type": "string"},
        "email": {"type": "string"},
    },
    "allOf": [{"anyOf": [{"required": ["phone"]}, {"required": ["email"]}]}],
    "if": {"properties": {"contactMethod": {"const": "phone"}}, "required": ["contactMethod"]},
    "then": {"required": ["phone"]},
    "else": {"required": ["email"]},
    "additionalProperties": False,
}
_HEADER_PARAMETER: Final = _object(region={"type": "string", "x-mcp-header": "Region"})


# The tables


@dataclass(frozen=True, slots=True)
class Tool:
    """A tool of our own; without `schema` it has no arguments."""

    handler: ToolHandler
    schema: Mapping[str, Any] = field(default_factory=lambda: {"type": "object"})


_INPUT: Final = "test_input_required_result_"

TOOLS: Final[Mapping[str, Tool]] = {
    "test_image_content": Tool(_return_content(_IMAGE)),
    "test_audio_content": Tool(_return_content(_AUDIO)),
    "test_embedded_resource": Tool(_return_content(_EMBEDDED)),
    "test_multiple_content_types": Tool(_return_content(_text("Several:"), _IMAGE, _EMBEDDED)),
    "test_tool_with_logging": Tool(_log),
    "test_logging_tool": Tool(_log),
    "test_tool_with_progress": Tool(_progress),
    "json_schema_2020_12_tool": Tool(_return_content(_text("Kept.")), _SCHEMA_2020_12),
    "test_custom_header": Tool(_return_content(_text("Routed.")), _HEADER_PARAMETER),
    "test_sampling": Tool(_ask_model, _strings("prompt")),
    "test_elicitation_sep1034_defaults": Tool(_elicit(_WITH_DEFAULTS)),
    "test_elicitation_sep1330_enums": Tool(_elicit(_CHOICES)),
    "test_missing_capability": Tool(_require_sampling),
    f"{_INPUT}elicitation": Tool(_ask_until_answered(user_name=_NAME)),
    f"{_INPUT}sampling": Tool(_ask_until_answered(capital_question=_CAPITAL)),
    f"{_INPUT}list_roots": Tool(_ask_until_answered(client_roots=_ROOTS)),
    f"{_INPUT}multiple_inputs": Tool(
        _ask_until_answered(user_name=_NAME, greeting=_CAPITAL, client_roots=_ROOTS, state="asked")
    ),
    f"{_INPUT}multi_round": Tool(_multi_round),
    f"{_INPUT}capabilities": Tool(_ask_by_capabilities),
}


def _say(*pieces: types.ContentBlock) -> Handler[types.GetPromptRequestParams, types.Result]:
    async def run(_ctx: Context, _params: types.GetPromptRequestParams) -> types.Result:
        return _prompt_result(*pieces)

    return run


PROMPTS: Final[Mapping[str, Handler[types.GetPromptRequestParams, types.Result]]] = {
    "test_prompt_with_embedded_resource": _say(_EMBEDDED, _text("Please process it.")),
    "test_prompt_with_image": _say(_IMAGE, _text("Please look at it.")),
    f"{_INPUT}prompt": _ask_for_prompt,
}


def listed() -> Mapping[str, tuple[str, Sequence[object]]]:
    """Each list -> its field in the result, and the fixtures to append."""
    tools = [
        types.Tool(name=name, description="A fixture.", input_schema=dict(schema))
        for name, schema in (
            *((name, {"type": "object"}) for name in PRODUCT_TOOLS),
            *((name, it.schema) for name, it in TOOLS.items()),
        )
    ]
    prompts = [
        types.Prompt(name=it, description="A fixture.") for it in (*PRODUCT_PROMPTS, *PROMPTS)
    ]
    resources = [types.Resource(uri=it, name=it) for it in (*PRODUCT_RESOURCES, *RESOURCES)]
    return {
        "tools/list": ("tools", tools),
        "prompts/list": ("prompts", prompts),
        "resources/list": ("resources", resources),
        "resources/templates/list": ("resource_templates", (TEMPLATE,)),
    }
