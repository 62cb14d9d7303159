"""A result, a failure, a preview or strangers' words, as a client and a model see them.

Structured content for programs, and the same as text for models. Nothing here decides anything.
"""

from dataclasses import asdict

import mcp_types as types

from trax_mcp.api.contract import JsonObject
from trax_mcp.api.errors import Failure
from trax_mcp.api.models import Model
from trax_mcp.api.operation import Operation
from trax_mcp.api.operations import GoLive, GoOffline, ListChatMessages
from trax_mcp.api.tool_input import ToolInput
from trax_mcp.chat.wait import WaitForChatMessages
from trax_mcp.consent.calls import Done, NotRun
from trax_mcp.consent.preview import Preview
from trax_mcp.server.consent_text import not_run_text, preview_text
from trax_mcp.server.schemas import drop_misfits
from trax_mcp.server.untrusted import fenced, with_notice, write_json
from trax_mcp.studio.outcome import Observed

_WRITTEN_BY_VIEWERS: frozenset[type[ToolInput]] = frozenset({ListChatMessages, WaitForChatMessages})
_OBSERVED = frozenset({GoLive, GoOffline})
_OUTCOME = "live.traxstreaming/outcome"

_NOTICE_SCHEMA: JsonObject = {"type": "string", "description": "Who wrote what follows."}
_OBSERVED_SCHEMA: JsonObject = {
    "type": "object",
    "description": "What was seen afterwards.",
    "properties": {
        "state": {"type": "string", "description": "on_air, starting, stopping, off_air, unknown"},
        "since": {"type": "string"},
        "checkedAt": {"type": "string"},
    },
}


def with_ours(kind: type[ToolInput], schema: JsonObject) -> JsonObject:
    """The schema of an answer as it is given, with what we add to it."""
    ours = {}
    if kind in _WRITTEN_BY_VIEWERS:
        ours = {"notice": _NOTICE_SCHEMA}
    if kind in _OBSERVED:
        ours = {"observed": _OBSERVED_SCHEMA}
    return {**schema, "properties": {**ours, **schema["properties"]}} if ours else schema


def answered(operation: type[Operation[Model]], done: Done) -> types.CallToolResult:
    """TRaX's answer, untouched; before it the notice, where viewers wrote it."""
    data = done.answer.data
    if operation in _WRITTEN_BY_VIEWERS:
        return untrusted_result(with_notice(data))
    if done.observed is None:
        return plain(data)
    result = plain({**data, "observed": _observed(done.observed)})
    return result.model_copy(update={"meta": {_OUTCOME: done.observed.state}})


def plain(data: JsonObject, *, sentence: str | None = None) -> types.CallToolResult:
    """Data as it is; in the text, after a sentence about it if there is one."""
    lines = filter(None, (sentence, write_json(data)))
    return types.CallToolResult(content=[_text("\n".join(lines))], structured_content=data)


def untrusted_result(data: JsonObject) -> types.CallToolResult:
    """Announced data that viewers wrote: fenced for a model, untouched for a program."""
    return types.CallToolResult(content=[_text(fenced(data))], structured_content=data)


def as_documented(result: types.CallToolResult, schema: JsonObject) -> types.CallToolResult:
    """The same as a client accepts it: what was done must not look failed for a wrong type in it.

    The text is as it was.
    """
    documented = drop_misfits(result.structured_content, schema)
    return result.model_copy(update={"structured_content": documented})


def failed(failure: Failure) -> types.CallToolResult:
    """A failed call: an error that a program can branch on and a model can act on."""
    return types.CallToolResult(
        content=[_text(failure.message)],
        structured_content={"error": failure_payload(failure)},
        is_error=True,
    )


def failure_payload(failure: Failure) -> JsonObject:
    """The account of a failed call, as the interface has it."""
    error = {
        "code": failure.code,
        "message": failure.message,
        "httpStatus": failure.http_status,
        "requestId": failure.request_id,
        "requiredScope": failure.required_scope,
        "retryAfterSeconds": failure.retry_after_seconds,
        "retryable": failure.retryable,
        "outcome": failure.outcome,
    }
    return _known(error)


def not_run(call: NotRun) -> types.CallToolResult:
    """A call of which nothing was sent, and what it waits for."""
    structured = {
        "status": call.status,
        "message": not_run_text(call),
        "reason": call.reason,
        "preview": _preview(call.outlook) if call.outlook else None,
        "confirmation": call.confirmation,
        "expiresAt": call.expires_at,
    }
    return types.CallToolResult(
        content=[_text(preview_text(call))],
        structured_content=_known(structured),
        is_error=True,
    )


def _preview(outlook: Preview) -> JsonObject:
    return {
        "operation": outlook.operation,
        "target": _known(asdict(outlook.target)),
        "effects": list(outlook.effects),
        "warnings": list(outlook.warnings),
        "unknown": list(outlook.unknown),
    }


def _observed(observed: Observed) -> JsonObject:
    return _known(
        {"state": observed.state, "since": observed.since, "checkedAt": observed.checked_at}
    )


def _known(facts: JsonObject) -> JsonObject:
    return {name: value for name, value in facts.items() if value is not None}


def _text(text: str) -> types.TextContent:
    return types.TextContent(type="text", text=text)
