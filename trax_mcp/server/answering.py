"""Takes what a person has pressed in a panel or in the control room."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Final, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from trax_mcp.api.caller import Caller
from trax_mcp.api.contract import JsonObject
from trax_mcp.consent.open_questions import OpenQuestion, OpenQuestions
from trax_mcp.consent.store import StoreUnavailable, store_unavailable
from trax_mcp.consent.ways import Way
from trax_mcp.web.approval_view import Asker, describe, describe_end, gone
from trax_mcp.web.endings import NOT_HERE, WRONG

_MAX_LENGTH: Final = 512
ANSWERED_IN: Final[Mapping[Literal["panel", "page"], frozenset[Way]]] = {
    "panel": frozenset({"panel"}),
    "page": frozenset({"panel", "page"}),
}
"""The ways of asking that are answered there. A page may show what an app does not."""


class AnswerApproval(BaseModel):
    """What a panel says."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    ticket: str = Field(max_length=_MAX_LENGTH, description="The ticket of the question.")
    choice: str | None = Field(
        None,
        max_length=_MAX_LENGTH,
        description="One of its choices. Without it, it is shown.",
    )


async def take_answer(
    questions: OpenQuestions,
    arguments: JsonObject,
    caller: Caller,
    who: Asker,
    *,
    claimed_name: str | None = None,
    by: Literal["panel", "page"] = "panel",
) -> JsonObject:
    """Report that a question is shown, or take a person's choice. Returns its state.

    Raises:
        TraxError: the store does not answer, and the question is not about a stop.
    """
    try:
        answer = AnswerApproval.model_validate(arguments)
    except ValidationError:
        return gone(WRONG, **who)
    try:
        asked = await questions.get(answer.ticket, caller)
        if asked is None:
            return gone(NOT_HERE, **who)
        if not asked.is_stop:  # what is remembered of a stop's may be away: it is sent first
            question = (await asked.state()).question
            if question is None or question.way not in ANSWERED_IN[by]:
                return gone(NOT_HERE, **who)
        asked = replace(asked, call=asked.call._replace(claimed_name=claimed_name))
        return await _answer(asked, answer.choice, who, by=by)
    except StoreUnavailable:
        raise store_unavailable() from None


async def _answer(
    asked: OpenQuestion, choice: str | None, who: Asker, *, by: Literal["panel", "page"]
) -> JsonObject:
    state = None
    result = None if choice is None else await asked.answer(choice, by=by)
    with suppress(StoreUnavailable):
        if choice is None:
            await asked.report()
        state = await asked.state()
    if state is None and result is None and not asked.is_stop:
        raise StoreUnavailable
    described = describe(state or asked.as_signed(), **who)
    # A stop is sent even if its question was asked again meanwhile.
    return described if result is None else {**described, **describe_end(result, **who)}
