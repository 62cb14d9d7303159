"""Fixture tools that ask the client for something, in both protocol eras.

The product asks people for one choice and nothing else; the suite wants forms of every kind,
sampling and roots, and questions in a row. What the product can ask, `played` lets it ask.
"""

from collections.abc import Mapping
from typing import Any, Final

import mcp_types as types
from mcp.shared.exceptions import MCPError

from proof.conformance.contents import text
from proof.conformance.made_up import Fixture, ToolHandler, fixture, strings
from trax_mcp.server.error_boundary import Context, Handler

Question = types.ElicitRequest | types.CreateMessageRequest | types.ListRootsRequest
Answered = types.CallToolResult | types.InputRequiredResult


def _form(message: str, schema: Mapping[str, Any]) -> types.ElicitRequest:
    form = types.ElicitRequestFormParams(message=message, requested_schema=dict(schema))
    return types.ElicitRequest(params=form)


def _sample(words: str) -> types.CreateMessageRequest:
    messages = [types.SamplingMessage(role="user", content=text(words))]
    return types.CreateMessageRequest(
        params=types.CreateMessageRequestParams(messages=messages, max_tokens=100)
    )


_NAME: Final = _form("What is your name?", strings("name"))
_COLOUR: Final = _form("What is your favourite colour?", strings("colour"))
_CAPITAL: Final = _sample("What is the capital of France?")
_ROOTS: Final = types.ListRootsRequest()
_SEVERAL: Final[Mapping[str, Question]] = {
    "user_name": _NAME,
    "greeting": _CAPITAL,
    "client_roots": _ROOTS,
}


def _needs(
    questions: Mapping[str, Question], *, state: str | None = None
) -> types.InputRequiredResult:
    return types.InputRequiredResult(input_requests=dict(questions), request_state=state)


def _asks(questions: Mapping[str, Question], *, state: str | None = None) -> ToolHandler:
    """Asks until all questions are answered, whatever the answers are."""

    async def run(_ctx: Context, params: types.CallToolRequestParams) -> Answered:
        if questions.keys() <= (params.input_responses or {}).keys():
            return types.CallToolResult(content=[text("Thank you.")])
        return _needs(questions, state=state)

    return run


async def _in_turn(_ctx: Context, params: types.CallToolRequestParams) -> Answered:
    match params.request_state:
        case None:
            return _needs({"step1": _NAME}, state="asked once")
        case "asked once":
            return _needs({"step2": _COLOUR}, state="asked twice")
        case _:
            return types.CallToolResult(content=[text("Thank you twice.")])


async def _what_can_be_asked(ctx: Context, _params: types.CallToolRequestParams) -> Answered:
    able = ctx.session.client_capabilities or types.ClientCapabilities()
    questions: dict[str, Question] = {}
    if able.elicitation is not None:
        questions["user_name"] = _NAME
    if able.sampling is not None:
        questions["capital_question"] = _CAPITAL
    return _needs(questions)


async def _needs_sampling(ctx: Context, _params: types.CallToolRequestParams) -> Answered:
    able = ctx.session.client_capabilities
    if able is not None and able.sampling is not None:
        return types.CallToolResult(content=[text("It can be sampled.")])
    needed = types.MissingRequiredClientCapabilityErrorData(
        required_capabilities=types.ClientCapabilities(sampling=types.SamplingCapability())
    )
    raise MCPError(
        types.MISSING_REQUIRED_CLIENT_CAPABILITY,
        "This needs sampling.",
        needed.model_dump(by_alias=True, exclude_none=True, mode="json"),
    )


async def _ask_model(ctx: Context, params: types.CallToolRequestParams) -> Answered:
    """In the earlier era: sampling is a request of ours."""
    words = str((params.arguments or {})["prompt"])
    messages = [types.SamplingMessage(role="user", content=text(words))]
    said = await ctx.session.create_message(
        messages, max_tokens=100, related_request_id=ctx.request_id
    )
    return types.CallToolResult(content=[text(f"It said: {said.content}")])


def _elicits(schema: Mapping[str, Any]) -> ToolHandler:
    """In the earlier era: a form is a request of ours."""

    async def run(ctx: Context, _params: types.CallToolRequestParams) -> Answered:
        given = await ctx.session.elicit_form(
            "Please fill in.", dict(schema), related_request_id=ctx.request_id
        )
        return types.CallToolResult(content=[text(f"{given.action}: {given.content}")])

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
        fixture("test_sampling", _ask_model, takes=strings("prompt")),
        fixture("test_elicitation_sep1034_defaults", _elicits(_WITH_DEFAULTS)),
        fixture("test_elicitation_sep1330_enums", _elicits(_CHOICES)),
        fixture("test_missing_capability", _needs_sampling),
        fixture(f"{_INPUT}elicitation", _asks({"user_name": _NAME})),
        fixture(f"{_INPUT}sampling", _asks({"capital_question": _CAPITAL})),
        fixture(f"{_INPUT}list_roots", _asks({"client_roots": _ROOTS})),
        fixture(
            f"{_INPUT}multiple_inputs",
            _asks(_SEVERAL, state="asked"),
        ),
        fixture(f"{_INPUT}multi_round", _in_turn),
        fixture(f"{_INPUT}capabilities", _what_can_be_asked),
    )
}


async def _ask_for_prompt(
    _ctx: Context, params: types.GetPromptRequestParams
) -> types.GetPromptResult | types.InputRequiredResult:
    if not params.input_responses:
        return _needs({"user_context": _form("What is it about?", strings("context"))})
    said = types.PromptMessage(role="user", content=text("Thank you."))
    return types.GetPromptResult(messages=[said])


PROMPTS: Final[Mapping[str, Handler[types.GetPromptRequestParams, types.Result]]] = {
    f"{_INPUT}prompt": _ask_for_prompt
}
