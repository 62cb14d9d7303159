"""Fixtures that send requests to the client, in both protocol eras.

The product has forms with one choice only (see `product_fixtures`); the suite tests all kinds of
forms, sampling, roots and several rounds.
"""

from collections.abc import Mapping
from typing import Any, Final

import mcp_types as types
from mcp.shared.exceptions import MCPError

from proof.conformance.content_fixtures import text
from proof.conformance.tool_fixtures import Fixture, ToolHandler, fixture, strings
from trax_mcp.server.error_boundary import Context, Handler

Question = types.ElicitRequest | types.CreateMessageRequest | types.ListRootsRequest
ToolResult = types.CallToolResult | types.InputRequiredResult


def _form(message: str, schema: Mapping[str, Any]) -> types.ElicitRequest:
    form = types.ElicitRequestFormParams(message=message, requested_schema=dict(schema))
    return types.ElicitRequest(params=form)


def _sampling(prompt: str) -> types.CreateMessageRequest:
    messages = [types.SamplingMessage(role="user", content=text(prompt))]
    return types.CreateMessageRequest(
        params=types.CreateMessageRequestParams(messages=messages, max_tokens=100)
    )


_NAME: Final = _form("What is your name?", strings("name"))
_COLOUR: Final = _form("What is your favourite colour?", strings("colour"))
_CAPITAL: Final = _sampling("What is the capital of France?")
_ROOTS: Final = types.ListRootsRequest()
_SEVERAL: Final[Mapping[str, Question]] = {
    "user_name": _NAME,
    "greeting": _CAPITAL,
    "client_roots": _ROOTS,
}


def _input_required(
    questions: Mapping[str, Question], *, state: str | None = None
) -> types.InputRequiredResult:
    return types.InputRequiredResult(input_requests=dict(questions), request_state=state)


def _ask_until_answered(
    questions: Mapping[str, Question], *, state: str | None = None
) -> ToolHandler:
    """Ask until there is an answer to all questions."""

    async def run(_ctx: Context, params: types.CallToolRequestParams) -> ToolResult:
        if questions.keys() <= (params.input_responses or {}).keys():
            return types.CallToolResult(content=[text("Thank you.")])
        return _input_required(questions, state=state)

    return run


async def _multi_round(_ctx: Context, params: types.CallToolRequestParams) -> ToolResult:
    match params.request_state:
        case None:
            return _input_required({"step1": _NAME}, state="asked once")
        case "asked once":
            return _input_required({"step2": _COLOUR}, state="asked twice")
        case _:
            return types.CallToolResult(content=[text("Thank you twice.")])


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
        return types.CallToolResult(content=[text("It can be sampled.")])
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
    prompt = str((params.arguments or {})["prompt"])
    messages = [types.SamplingMessage(role="user", content=text(prompt))]
    reply = await ctx.session.create_message(
        messages, max_tokens=100, related_request_id=ctx.request_id
    )
    return types.CallToolResult(content=[text(f"It said: {reply.content}")])


def _elicit(schema: Mapping[str, Any]) -> ToolHandler:
    """Earlier era: send a form."""

    async def run(ctx: Context, _params: types.CallToolRequestParams) -> ToolResult:
        answer = await ctx.session.elicit_form(
            "Please fill in.", dict(schema), related_request_id=ctx.request_id
        )
        return types.CallToolResult(content=[text(f"{answer.action}: {answer.content}")])

    return run


def _titled(*values: str) -> list[dict[str, str]]:
    return [{"const": it, "title": it.capitalize()} for it in values]


_WITH_DEFAULTS: Final[Mapping[str, Any]] = {
    "type": "object",
    "properties": {
        "name": {"type": "string", "default": "John Doe"},
        "age": {"type": "integer", "default": 30},
        "score": {"type": "number", "default": 95.5},
        "status": {
            "type": "string",
            "enum": ["active", "inactive", "pending"],
            "default": "active",
        },
        "verified": {"type": "boolean", "default": True},
    },
}
_CHOICES: Final[Mapping[str, Any]] = {
    "type": "object",
    "properties": {
        "untitledSingle": {"type": "string", "enum": ["option1", "option2"]},
        "titledSingle": {"type": "string", "oneOf": _titled("value1", "value2")},
        "legacyEnum": {"type": "string", "enum": ["opt1"], "enumNames": ["Option One"]},
        "untitledMulti": {
            "type": "array",
            "items": {"type": "string", "enum": ["option1", "option2"]},
        },
        "titledMulti": {"type": "array", "items": {"anyOf": _titled("value1", "value2")}},
    },
}

_INPUT: Final = "test_input_required_result_"

TOOLS: Final[Mapping[str, Fixture]] = {
    it.listing.name: it
    for it in (
        fixture("test_sampling", _ask_model, input_schema=strings("prompt")),
        fixture("test_elicitation_sep1034_defaults", _elicit(_WITH_DEFAULTS)),
        fixture("test_elicitation_sep1330_enums", _elicit(_CHOICES)),
        fixture("test_missing_capability", _require_sampling),
        fixture(f"{_INPUT}elicitation", _ask_until_answered({"user_name": _NAME})),
        fixture(f"{_INPUT}sampling", _ask_until_answered({"capital_question": _CAPITAL})),
        fixture(f"{_INPUT}list_roots", _ask_until_answered({"client_roots": _ROOTS})),
        fixture(
            f"{_INPUT}multiple_inputs",
            _ask_until_answered(_SEVERAL, state="asked"),
        ),
        fixture(f"{_INPUT}multi_round", _multi_round),
        fixture(f"{_INPUT}capabilities", _ask_by_capabilities),
    )
}


async def _ask_for_prompt(
    _ctx: Context, params: types.GetPromptRequestParams
) -> types.GetPromptResult | types.InputRequiredResult:
    if not params.input_responses:
        return _input_required({"user_context": _form("What is it about?", strings("context"))})
    message = types.PromptMessage(role="user", content=text("Thank you."))
    return types.GetPromptResult(messages=[message])


PROMPTS: Final[Mapping[str, Handler[types.GetPromptRequestParams, types.Result]]] = {
    f"{_INPUT}prompt": _ask_for_prompt
}
