"""Tool results: structured content for programs, and the same as text for models."""

from collections.abc import Sequence
from typing import Annotated, Any, Final

import mcp_types as types
from pydantic import Field, WithJsonSchema

from trax_mcp.api.contract import JsonObject
from trax_mcp.api.errors import TraxError
from trax_mcp.api.models import Model
from trax_mcp.api.operation import Effect, ListOperation, Operation, ToolInput
from trax_mcp.api.operations import GetStudio
from trax_mcp.api.text_safety import spell_out
from trax_mcp.clock import iso
from trax_mcp.consent.calls import Done, NotRun
from trax_mcp.consent.changes import AppliedChange, AppliedChanges, ApplyChanges
from trax_mcp.consent.practice import NOTHING_IS_REAL, PRACTICE
from trax_mcp.consent.preview import Preview, Target
from trax_mcp.server.consent_text import (
    done_lines,
    goes_on,
    not_run_text,
    preview_text,
    several_done_lines,
)
from trax_mcp.server.schemas import drop_mismatches
from trax_mcp.server.untrusted import (
    NAMES_NOTICE,
    add_notice,
    without_ours,
    write_delimited,
    write_json,
)
from trax_mcp.studio import naming
from trax_mcp.studio.answers import Answer

_PREFIX: Final = "live.traxstreaming/"  # MCP asks for a domain of one's own in `_meta`
SCOPE: Final = f"{_PREFIX}scope"
"""In the `_meta` of a tool: the scope that its key needs."""
OPERATION: Final = f"{_PREFIX}operation"
"""In the `_meta` of a tool: the HTTP call that it makes."""
_APPROVED_IN = f"{_PREFIX}approvedIn"
_OUTCOME = f"{_PREFIX}outcome"
_TICKET = f"{_PREFIX}ticket"  # lets the client's panel answer for a person

_IDS: JsonObject = {"type": "array", "items": {"type": "string"}}
_CHAT_SCHEMA: JsonObject = {
    "notice": {"type": "string", "description": "Who wrote what follows."},
    "probablyOwn": {**_IDS, "description": "Ids of messages that were probably sent from here."},
}


class ObservedAnswer(Answer):
    """What was seen after a change of the broadcast."""

    state: str = Field(description="on_air, starting, stopping, off_air, unknown")
    since: str | None = None
    checked_at: str


class TargetAnswer(Answer):
    """The thing that a call acts on."""

    id: str
    name: str | None = None
    platform: str | None = None


class PreviewAnswer(Answer):
    """What a call would do. `no` and `yes` are the choices, for buttons."""

    operation: str
    target: TargetAnswer
    question: str
    no: str
    yes: str
    effects: list[str]
    warnings: list[str]
    unknown: list[str]


class NotRunAnswer(Answer):
    """Why a call did not run."""

    executed: bool = Field(description="false: the call did not run. Look here first.")
    status: str = Field(description="Why the call did not run.")
    message: str = Field(description="The same in words, and what to do next.")
    reason: str | None = Field(None, description="Why, in more detail.")
    channel: str | None = Field(None, description="Where a person is being asked.")
    preview: Annotated[PreviewAnswer, WithJsonSchema({"type": "object"})] | None = Field(
        None, description="What the call would do."
    )
    confirmation: str | None = Field(
        None, description="For the same call, after the user approves."
    )
    expires_at: str | None = Field(None, description="When the confirmation ends.")
    retry_after_seconds: int | None = Field(None, description="When the call can be made again.")


class ErrorAnswer(Answer):
    """The `error` object of a failed call."""

    code: str
    message: str
    http_status: int | None = None
    request_id: str | None = None
    required_scope: str | None = None
    retry_after_seconds: int | None = None
    retryable: bool
    outcome: str


def result_schema(kind: type[ToolInput], schema: JsonObject, *, guarded: bool) -> JsonObject:
    """The schema of an answer, with the fields that this server adds to it."""
    added: JsonObject = {**NotRunAnswer.json_schema()["properties"]} if guarded else {}
    if kind.returns_untrusted_text:
        added.update(_CHAT_SCHEMA)
    if kind.effect is not Effect.READ:
        added["practice"] = {"type": "string", "description": "In practice studios: not real."}
    is_broadcast = issubclass(kind, Operation) and (kind.starts_broadcast or kind.stops_broadcast)
    if is_broadcast or kind is ApplyChanges:
        seen = "What was seen afterwards."
        added["observed"] = {**ObservedAnswer.json_schema(), "description": seen}
    return {**schema, "properties": {**added, **schema["properties"]}} if added else schema


def page_sentence(operation: ListOperation[Any], page: JsonObject) -> str:
    """Whether a page ends its list. The last one has no cursor (source: TRaX's pagination)."""
    if page.get("nextCursor"):
        return "There are more: call again with `nextCursor` as `cursor`."
    return "That is the end of the list." if operation.cursor else "That is the whole list."


def answer_result(
    operation: Operation[Model], done: Done, *, own: Sequence[str], meaning: str = ""
) -> types.CallToolResult:
    """The answer of TRaX, after what a change has done or what it means, in words.

    It is unchanged but for fields that would pass as this server's. A notice, and the ids of
    own messages, come before text that viewers wrote.
    """
    data = without_ours(done.data)
    if operation.returns_untrusted_text:
        return untrusted_result(add_notice(data, own))
    if isinstance(operation, ListOperation | GetStudio):
        return named_result(data, meaning)
    return _done_result(done, data, meaning, *done_lines(done, operation.tool_name))


def changes_result(done: Done) -> types.CallToolResult:
    """What came of several changes, each in a line of its own. An error unless all were made."""
    changes = [
        AppliedChange(
            tool=it.tool,
            outcome=it.outcome,
            answer=it.data and without_ours(it.data),
            error=it.error and error_payload(it.error),
        )
        for it in done.steps
    ]
    result = _done_result(done, AppliedChanges(changes=changes).data(), *several_done_lines(done))
    return result.model_copy(update={"is_error": not done.is_whole})


def _done_result(done: Done, data: JsonObject, *sentences: str) -> types.CallToolResult:
    """A result with what was seen afterwards, and how the call was approved."""
    meta: JsonObject = {_APPROVED_IN: done.approved_in} if done.approved_in else {}
    if done.observed is not None:
        data = {**data, "observed": ObservedAnswer.model_validate(done.observed).data()}
        meta[_OUTCOME] = done.observed.state
    result = data_result(data, *sentences)
    return result.model_copy(update={"meta": meta}) if meta else result


def data_result(data: JsonObject, *sentences: str) -> types.CallToolResult:
    """A result with this data. The text starts with the sentences."""
    lines = filter(None, (*sentences, write_json(data)))
    return types.CallToolResult(content=[_text("\n".join(lines))], structured_content=data)


def named_result(data: JsonObject, *sentences: str) -> types.CallToolResult:
    """The same for data with names, which are announced right before it."""
    return data_result(data, *sentences, NAMES_NOTICE)


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
    return ErrorAnswer.model_validate(error).data()


def in_practice(result: types.CallToolResult) -> types.CallToolResult:
    """The result of a change in practice studios, which says so first."""
    text = "\n".join(it.text for it in result.content if isinstance(it, types.TextContent))
    said = [_text(f"{NOTHING_IS_REAL}\n{text}")]
    data = {"practice": NOTHING_IS_REAL, **(result.structured_content or {})}
    return result.model_copy(update={"content": said, "structured_content": data})


def not_run_result(call: NotRun, *, practice: bool = False) -> types.CallToolResult:
    """The result of a call that was not sent. In `practice`, its question says so."""
    answer = NotRunAnswer(
        executed=False,
        status=call.status,
        message=not_run_text(call),
        reason=call.reason,
        channel=call.channel,
        preview=call.preview and _preview(call.preview, practice=practice),
        confirmation=call.confirmation,
        expires_at=iso(call.expires_at) if call.expires_at else None,
        retry_after_seconds=call.retry_after_seconds,
    )
    return types.CallToolResult(
        content=[_text(preview_text(call, practice=practice))],
        structured_content=answer.data(),
        is_error=not goes_on(call),
        _meta={_TICKET: call.ticket} if call.ticket else None,
    )


def _preview(preview: Preview, *, practice: bool) -> PreviewAnswer:
    return PreviewAnswer(
        operation=preview.operation,
        target=_target(preview.target),
        question=f"{PRACTICE if practice else ''}{preview.headline.text}",
        no=preview.no,
        yes=preview.yes,
        effects=[it.text for it in preview.effects],
        warnings=[it.text for it in preview.warnings],
        unknown=[*preview.unknown],
    )


def _target(target: Target) -> TargetAnswer:
    """The target, with its name as the sentences spell it."""
    name, platform = (
        None if it is None else spell_out(it, longest=naming.TARGET_NAME)
        for it in (target.name, target.platform)
    )
    return TargetAnswer(id=target.id, name=name, platform=platform)


def _text(text: str) -> types.TextContent:
    return types.TextContent(type="text", text=text)
