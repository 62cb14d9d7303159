"""Tool results: words and data, made once, as structured content and as text.

Some clients hand their model the one, some the other. So both halves are made of the same value,
in `said_result` and `chat_result`: they differ only where TRaX sends a value of another type than
it documents.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any, Final

import mcp_types as types
from pydantic import Field, WithJsonSchema

from trax_mcp.actions.several import AppliedChange, AppliedChanges, ApplyChanges
from trax_mcp.actions.shown import NOTHING_IS_REAL, PRACTICE, Preview
from trax_mcp.actions.view import Target
from trax_mcp.api.contract import JsonObject
from trax_mcp.api.errors import TraxError
from trax_mcp.api.models import Model
from trax_mcp.api.operation import Effect, ListOperation, Operation, ToolInput
from trax_mcp.api.reads import GetStudio
from trax_mcp.api.text_safety import spell_out, spell_out_in
from trax_mcp.clock import iso
from trax_mcp.consent.calls import Done
from trax_mcp.server.done_text import done_words, several_done_words
from trax_mcp.server.not_done import NotDone, goes_on, not_run_words, preview_text
from trax_mcp.server.untrusted import NAMES_NOTICE, without_ours, write_delimited, write_json
from trax_mcp.studio import naming
from trax_mcp.studio.facts import Observed
from trax_mcp.studio.outputs import Output, Words
from trax_mcp.tools.check import CheckStudio
from trax_mcp.tools.find import FindStudio
from trax_mcp.web.approval_view import TICKET

_TYPE_CHECKS: Final[Mapping[str, Callable[[Any], bool]]] = {
    "object": lambda it: isinstance(it, dict),
    "array": lambda it: isinstance(it, list),
    "string": lambda it: isinstance(it, str),
    "boolean": lambda it: isinstance(it, bool),
    "integer": lambda it: not isinstance(it, bool) and isinstance(it, int | float) and it % 1 == 0,
    "number": lambda it: not isinstance(it, bool) and isinstance(it, int | float),
}
_PREFIX: Final = "live.traxstreaming/"  # MCP asks for a domain of one's own in `_meta`
SCOPE: Final = f"{_PREFIX}scope"
"""In the `_meta` of a tool: the scope that its key needs."""
OPERATION: Final = f"{_PREFIX}operation"
"""In the `_meta` of a tool: the HTTP call that it makes."""
_APPROVED_IN = f"{_PREFIX}approvedIn"
_OUTCOME = f"{_PREFIX}outcome"

_IDS: JsonObject = {"type": "array", "items": {"type": "string"}}
_WORDS_SCHEMA: JsonObject = {
    "summary": {"type": "string", "description": "In words, for a person."},
    "warnings": {**_IDS, "description": "What they should know of it."},
    "message": {"type": "string", "description": "What to do next."},
}
_NOTICE_SCHEMA: JsonObject = {
    "notice": {"type": "string", "description": "Who wrote what follows."},
}
_CHAT_SCHEMA: JsonObject = {
    "notice": {"type": "string", "description": "Who wrote what follows."},
    "now": {"type": "string", "description": "When this was answered."},
    "more": {"type": "boolean", "description": "More are known. `notice` says how."},
    "probablyOwn": {
        **_IDS,
        "description": "Ids of messages probably sent from here; texts of those without.",
    },
}


class ObservedOutput(Output):
    """What was seen after a change of the broadcast."""

    state: str = Field(description="on_air, starting, stopping, off_air, unknown")
    since: str | None = None
    checked_at: str


class TargetOutput(Output):
    """The thing that a call acts on."""

    id: str
    name: str | None = None
    platform: str | None = None


class PreviewOutput(Output):
    """What a call would do. `no` and `yes` are the choices, for buttons."""

    operation: str
    target: TargetOutput
    question: str
    no: str
    yes: str
    effects: list[str]
    warnings: list[str]
    unknown: list[str]
    changes: list[str] | None = Field(None, description="Changes since the last question.")


class NotRunOutput(Output):
    """Why a call did not run."""

    summary: str = Field(description="In words, for a person.")
    executed: bool = Field(description="false: the call didn't run. Check this first.")
    status: str = Field(description="Why the call didn't run.")
    message: str = Field(description="The same for a model, and what to do next.")
    reason: str | None = Field(None, description="Why, in more detail.")
    channel: str | None = Field(None, description="Where a person is being asked.")
    preview: Annotated[PreviewOutput, WithJsonSchema({"type": "object"})] | None = Field(
        None, description="What the call would do."
    )
    confirmation: str | None = Field(
        None, description="For the same call, after the user approves."
    )
    expires_at: str | None = Field(None, description="When `confirmation` expires.")
    retry_after_seconds: int | None = Field(None, description="When the call can be made again.")


class ErrorOutput(Output):
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
    added: JsonObject = {} if kind.returns_untrusted_text else {**_WORDS_SCHEMA}
    if guarded:
        added |= NotRunOutput.json_schema()["properties"]
    if kind.returns_untrusted_text:
        added |= _CHAT_SCHEMA
    elif _has_names(kind):
        added |= _NOTICE_SCHEMA
    if kind.effect is not Effect.READ:
        added["practice"] = {"type": "string", "description": "In practice studios: not real."}
    is_broadcast = issubclass(kind, Operation) and (kind.starts_broadcast or kind.stops_broadcast)
    if is_broadcast or kind is ApplyChanges:
        seen = "Seen after the call."
        added["observed"] = {**ObservedOutput.json_schema(), "description": seen}
    return {**schema, "properties": {**added, **schema.get("properties", {})}}


def _has_names(kind: type[ToolInput]) -> bool:
    """Whether an answer shows names, which are announced."""
    return issubclass(kind, ListOperation | GetStudio | FindStudio | CheckStudio)


def page_words(operation: ListOperation[Any], page: JsonObject) -> Words:
    """Whether a page ends its list. The last one has no cursor (source: TRaX's pagination)."""
    further = (operation.meaning,) if operation.meaning else ()
    if page.get("nextCursor"):
        more = "Call again with `nextCursor` as `cursor`."
        return Words("There are more.", message=" ".join((more, *further)))
    summary = "That is the end of the list." if operation.cursor else "That is the whole list."
    return Words(summary, message=" ".join(further))


def read_result(
    read: Operation[Model], response: JsonObject, meaning: Words
) -> types.CallToolResult:
    """TRaX's response to a read, after what it means in words.

    It is unchanged but for fields that would pass as this server's, and characters spelt out.
    """
    return own_result(read, without_ours(response), meaning)


def own_result(tool: ToolInput, data: JsonObject, words: Words) -> types.CallToolResult:
    """The answer of a tool. Names in it are announced right before it."""
    return said_result(data, words, notice=NAMES_NOTICE if _has_names(type(tool)) else "")


def change_result(done: Done) -> types.CallToolResult:
    """The same of TRaX's response to a change, after what it has done."""
    return _done_result(done, without_ours(done.steps[0].data or {}), done_words(done))


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
    data = AppliedChanges(changes=changes).data()
    result = _done_result(done, data, several_done_words(done))
    return result.model_copy(update={"is_error": not done.is_whole})


def _done_result(done: Done, data: JsonObject, words: Words) -> types.CallToolResult:
    """A result with what was seen afterwards, and how the call was approved."""
    meta: JsonObject = {_APPROVED_IN: done.approved_by} if done.approved_by else {}
    if done.observed is not None:
        data = {**data, "observed": ObservedOutput.model_validate(done.observed).data()}
        meta[_OUTCOME] = done.observed.state
    result = said_result(data, words)
    return result.model_copy(update={"meta": meta}) if meta else result


def said_result(data: JsonObject, words: Words, *, notice: str = "") -> types.CallToolResult:
    """A result of words and data: as structured content, and as lines with the data in the last."""
    said: JsonObject = {
        "summary": words.summary,
        "warnings": [*words.warnings],
        "message": words.message,
        "notice": notice,
    }
    shown: JsonObject = spell_out_in(data)
    lines = (
        words.summary,
        *(f"Warning: {it}" for it in words.warnings),
        words.message,
        notice,
        write_json(shown),
    )
    return types.CallToolResult(
        content=[_text("\n".join(filter(None, lines)))],
        structured_content={**{name: it for name, it in said.items() if it}, **shown},
    )


def with_news(result: types.CallToolResult, news: Sequence[str]) -> types.CallToolResult:
    """The same, after what was done in its studio since an earlier answer."""
    if not news:
        return result
    data, lines = result.structured_content or {}, [f"Warning: {it}" for it in news]
    lines += (it.text for it in result.content if isinstance(it, types.TextContent))
    return result.model_copy(
        update={
            "content": [_text("\n".join(lines))],
            "structured_content": {**data, "warnings": [*news, *data.get("warnings", ())]},
        }
    )


def chat_result(data: JsonObject) -> types.CallToolResult:
    """A result with text that viewers wrote. `data` must be as shown, with the notice."""
    return types.CallToolResult(content=[_text(write_delimited(data))], structured_content=data)


def fit_to_schema(result: types.CallToolResult, schema: JsonObject) -> types.CallToolResult:
    """Drop structured content of undocumented types, which a client would refuse as an error.

    The text stays unchanged.
    """
    documented = _drop_mismatches(result.structured_content, schema)
    return result.model_copy(update={"structured_content": documented})


def _drop_mismatches(answer: Any, schema: JsonObject) -> Any:  # noqa: ANN401  any JSON
    """Replace values of another type than in the `output_schema` by null; in lists, drop them."""
    if not _TYPE_CHECKS[_type_of(schema)](answer):
        return None
    if isinstance(answer, list):
        items = [_drop_mismatches(it, schema["items"]) for it in answer]
        known = [it for it in items if it is not None]
        # Ids of which none can be read are no empty list.
        is_unknown = answer and not known and _type_of(schema["items"]) != "object"
        return None if is_unknown else known
    if isinstance(answer, dict):
        documented = schema.get("properties", {})
        return {
            name: _drop_mismatches(value, documented[name]) if name in documented else value
            for name, value in answer.items()
        }
    return answer


def _type_of(schema: JsonObject) -> str:
    """The type of a value that is not null."""
    declared = schema["type"]
    return str(declared[0] if isinstance(declared, list) else declared)


def error_result(error: TraxError, observed: Observed | None = None) -> types.CallToolResult:
    """The result of a failed call, with what was seen after a stop."""
    data: JsonObject = {"summary": error.summary, "error": error_payload(error)}
    meta: JsonObject | None = None
    if observed is not None:
        data["observed"] = ObservedOutput.model_validate(observed).data()
        meta = {_OUTCOME: observed.state}
    return types.CallToolResult(
        content=[_text(error.message)], structured_content=data, is_error=True, _meta=meta
    )


def error_payload(error: TraxError) -> JsonObject:
    """The `error` object of a failed call."""
    return ErrorOutput.model_validate(error).data()


def in_practice(result: types.CallToolResult) -> types.CallToolResult:
    """The result of a change in practice studios, which says so first."""
    text = "\n".join(it.text for it in result.content if isinstance(it, types.TextContent))
    content = [_text(f"{NOTHING_IS_REAL}\n{text}")]
    said = result.structured_content or {}
    first = {"summary": f"{PRACTICE}{said['summary']}"} if "summary" in said else {}
    data = {**first, "practice": NOTHING_IS_REAL, **said, **first}
    return result.model_copy(update={"content": content, "structured_content": data})


def not_run_result(call: NotDone, *, practice: bool = False) -> types.CallToolResult:
    """The result of a call that was not sent. In `practice`, its question says so."""
    words = not_run_words(call)
    answer = NotRunOutput(
        summary=words.summary,
        executed=False,
        status=call.status,
        message=words.message,
        reason=call.reason,
        channel=call.channel,
        preview=call.preview and _preview(call, call.preview, practice=practice),
        confirmation=call.confirmation,
        expires_at=iso(call.expires_at) if call.expires_at else None,
        retry_after_seconds=call.retry_after_seconds,
    )
    return types.CallToolResult(
        content=[_text(preview_text(call, practice=practice))],
        structured_content=answer.data(),
        is_error=not goes_on(call),
        _meta={TICKET: call.ticket} if call.ticket else None,
    )


def _preview(call: NotDone, preview: Preview, *, practice: bool) -> PreviewOutput:
    return PreviewOutput(
        operation=preview.operation,
        target=_target(preview.target),
        question=f"{PRACTICE if practice else ''}{preview.headline.text}",
        no=preview.no,
        yes=preview.yes,
        effects=[it.text for it in preview.effects],
        warnings=[it.text for it in preview.warnings],
        unknown=[*preview.unknown],
        changes=[it.text for it in call.changes] or None,
    )


def _target(target: Target) -> TargetOutput:
    """The target, with its name as the sentences spell it."""
    name, platform = (
        None if it is None else spell_out(it, longest=naming.TARGET_NAME)
        for it in (target.name, target.platform)
    )
    return TargetOutput(id=target.id, name=name, platform=platform)


def _text(text: str) -> types.TextContent:
    return types.TextContent(type="text", text=text)
