"""Tool results: structured content for programs, and the same as text for models."""

from dataclasses import asdict
from typing import Final

import mcp_types as types

from trax_mcp.api.contract import JsonObject
from trax_mcp.api.errors import TraxError
from trax_mcp.api.json_schema import FLAG, INTEGER, TEXT, described, object_of, without_nulls
from trax_mcp.api.models import Model
from trax_mcp.api.operation import Operation
from trax_mcp.api.tool_input import ToolInput
from trax_mcp.clock import iso
from trax_mcp.consent.calls import Done, NotRun
from trax_mcp.consent.preview import Preview
from trax_mcp.server.consent_text import PENDING_STATUSES, done_lines, not_run_text, preview_text
from trax_mcp.server.schemas import drop_mismatches
from trax_mcp.server.untrusted import add_notice, write_delimited, write_json
from trax_mcp.studio.facts import Observed

_PREFIX: Final = "live.traxstreaming/"  # MCP asks for a domain of one's own in `_meta`
SCOPE: Final = f"{_PREFIX}scope"
"""In the `_meta` of a tool: the scope that its key needs."""
OPERATION: Final = f"{_PREFIX}operation"
"""In the `_meta` of a tool: the HTTP call that it makes."""
_APPROVED_IN = f"{_PREFIX}approvedIn"
_OUTCOME = f"{_PREFIX}outcome"
_TICKET = f"{_PREFIX}ticket"  # lets the client's panel answer for a person

_NOTICE_SCHEMA: JsonObject = described(TEXT, "Who wrote what follows.")
_OBSERVED_SCHEMA: JsonObject = described(
    object_of(
        state=described(TEXT, "on_air, starting, stopping, off_air, unknown"),
        since=TEXT,
        checkedAt=TEXT,
    ),
    "What was seen afterwards.",
)
_NOT_RUN_SCHEMAS: JsonObject = {
    "executed": described(FLAG, "false: the call did not run. Look here first."),
    "status": described(TEXT, "Why the call did not run."),
    "message": described(TEXT, "The same in words, and what to do next."),
    "reason": described(TEXT, "Why, in more detail."),
    "channel": described(TEXT, "Where a person is being asked."),
    "preview": {"type": "object", "description": "What the call would do."},
    "confirmation": described(TEXT, "For the same call, after a person's yes."),
    "expiresAt": described(TEXT, "When the confirmation ends."),
    "retryAfterSeconds": described(INTEGER, "When the call can be made again."),
}


def result_schema(kind: type[ToolInput], schema: JsonObject, *, guarded: bool) -> JsonObject:
    """The schema of an answer, with the fields that this server adds to it."""
    added = dict(_NOT_RUN_SCHEMAS) if guarded else {}
    if kind.returns_untrusted_text:
        added["notice"] = _NOTICE_SCHEMA
    if issubclass(kind, Operation) and (kind.starts_broadcast or kind.stops_broadcast):
        added["observed"] = _OBSERVED_SCHEMA
    return {**schema, "properties": {**added, **schema["properties"]}} if added else schema


def answer_result(operation: type[Operation[Model]], done: Done) -> types.CallToolResult:
    """The answer of TRaX, unchanged, after what a change has done, in words.

    A notice comes before text that viewers wrote.
    """
    data = done.data
    if operation.returns_untrusted_text:
        return untrusted_result(add_notice(data))
    meta: JsonObject = {_APPROVED_IN: done.approved_in} if done.approved_in else {}
    if done.observed is not None:
        data = {**data, "observed": _observed(done.observed)}
        meta[_OUTCOME] = done.observed.state
    result = data_result(data, *done_lines(done, operation.tool_name))
    return result.model_copy(update={"meta": meta}) if meta else result


def data_result(data: JsonObject, *sentences: str) -> types.CallToolResult:
    """A result with this data. The text starts with the sentences."""
    lines = filter(None, (*sentences, write_json(data)))
    return types.CallToolResult(content=[_text("\n".join(lines))], structured_content=data)


def untrusted_result(data: JsonObject) -> types.CallToolResult:
    """A result with text that viewers wrote. `data` must have the notice."""
    return types.CallToolResult(content=[_text(write_delimited(data))], structured_content=data)


def fit_to_schema(result: types.CallToolResult, schema: JsonObject) -> types.CallToolResult:
    """Drop structured content of undocumented types, which a client would refuse as an error.

    The text stays unchanged.
    """
    documented = drop_mismatches(result.structured_content, schema)
    return result.model_copy(update={"structured_content": documented})


def error_result(error: TraxError) -> types.CallToolResult:
    """The result of a failed call."""
    return types.CallToolResult(
        content=[_text(error.message)],
        structured_content={"error": error_payload(error)},
        is_error=True,
    )


def error_payload(error: TraxError) -> JsonObject:
    """The `error` object of a failed call."""
    payload = {
        "code": error.code,
        "message": error.message,
        "httpStatus": error.http_status,
        "requestId": error.request_id,
        "requiredScope": error.required_scope,
        "retryAfterSeconds": error.retry_after_seconds,
        "retryable": error.retryable,
        "outcome": error.outcome,
    }
    return without_nulls(payload)


def not_run_result(call: NotRun) -> types.CallToolResult:
    """The result of a call that was not sent."""
    structured = {
        "executed": False,
        "status": call.status,
        "message": not_run_text(call),
        "reason": call.reason,
        "channel": call.channel,
        "preview": _preview(call.preview) if call.preview else None,
        "confirmation": call.confirmation,
        "expiresAt": iso(call.expires_at) if call.expires_at else None,
        "retryAfterSeconds": call.retry_after_seconds,
    }
    return types.CallToolResult(
        content=[_text(preview_text(call))],
        structured_content=without_nulls(structured),
        is_error=call.status not in PENDING_STATUSES,
        _meta={_TICKET: call.ticket} if call.ticket else None,
    )


def _preview(preview: Preview) -> JsonObject:
    return {
        "operation": preview.operation,
        "target": without_nulls(asdict(preview.target)),
        "effects": [it.text for it in preview.effects],
        "warnings": [it.text for it in preview.warnings],
        "unknown": list(preview.unknown),
    }


def _observed(observed: Observed) -> JsonObject:
    return without_nulls(
        {"state": observed.state, "since": observed.since, "checkedAt": observed.checked_at}
    )


def _text(text: str) -> types.TextContent:
    return types.TextContent(type="text", text=text)
