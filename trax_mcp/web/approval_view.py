"""Describes a question as JSON, for a page or a panel."""

from collections.abc import Iterator, Sequence
from typing import Final

from trax_mcp.api.contract import JsonObject
from trax_mcp.api.errors import TraxError
from trax_mcp.consent.calls import Done, NotRun
from trax_mcp.consent.preview import Preview
from trax_mcp.consent.questions import READING_SECONDS, Ended, QuestionState
from trax_mcp.studio.naming import Name, Sentence

_STATES: Final = {
    "on_air": "It is on air.",
    "off_air": "It is off air.",
    "starting": "TRaX has accepted it. It was not seen on air yet: look on the platforms.",
    "stopping": "TRaX has accepted it. It was not seen off air yet: look on the platforms.",
    "unknown": "TRaX has accepted it. What came of it could not be seen: look on the platforms.",
}
_NOT_RUN: Final = {
    "declined": "You said no. Nothing was sent.",
    "timed_out": "Nobody answered in time. Nothing was sent.",
    "changed": "Things have changed again. Nothing was sent: ask for it once more.",
    "expired": "This question is no longer open. Nothing was sent.",
    "used": "This was approved elsewhere already. Nothing more was sent.",
}

_WHY: Final = {
    "cancelled": "This is no longer asked: {why}. Nothing was sent.",
    "expired": "This question is no longer open: {why}.",
    "used": "This was approved elsewhere already: {why}. Nothing more was sent.",
}
_UNREPORTED: Final = "This was shown too late, and is no longer asked here. Nothing was sent."


def describe(state: QuestionState) -> JsonObject:
    """One question as it is now, without its id."""
    question = state.question
    if question is None:
        return {"phase": "gone", "outcome": _NOT_RUN["expired"]}
    preview = question.preview
    result = state.result(preview.operation) if state.is_over else None
    return {
        "question": str(question.number),
        "phase": state.phase,
        "readingSeconds": 0 if question.is_stop else READING_SECONDS,
        **card(preview, question.changes),
        "outcome": outcome_text(result) if state.is_over else None,
    }


def card(
    preview: Preview, changes: Sequence[Sentence] = (), *, practice: bool = False
) -> JsonObject:
    """A question as JSON. A sentence is a list of texts and names: `{"name": …, "detail": …}`.

    `lines` is all of it as plain text, for what draws no more than that.
    """
    return {
        "practice": practice,
        "goesLive": preview.goes_live,
        "headline": _pieces(preview.headline),
        "lead": [_pieces(it) for it in preview.lead],
        "changes": [_pieces(it) for it in changes],
        "rows": [
            {"label": row.label, "items": [_pieces(it) for it in row.items]} for row in preview.rows
        ],
        "lasts": [_pieces(it) for it in preview.lasts],
        "warnings": [_pieces(it) for it in preview.warnings],
        "unknown": list(preview.unknown),
        "lines": [*_lines(preview, changes)],
        "no": preview.no,
        "yes": preview.yes,
    }


def _lines(preview: Preview, changes: Sequence[Sentence]) -> Iterator[str]:
    yield preview.headline.text
    yield from (f"Changed: {it.text}" for it in changes)
    yield from (it.text for it in preview.effects)
    yield from (f"Warning: {it.text}" for it in preview.warnings)
    yield from (f"Not known: {it}" for it in preview.unknown)


def _pieces(sentence: Sentence) -> list[JsonObject | str]:
    """Texts as they are, and names without their quotes, so that they can be drawn in bold."""
    return [
        {"name": it.text[1:-1], "detail": it.detail} if isinstance(it, Name) else it
        for it in sentence.parts
    ]


def outcome_text(result: Ended | None) -> str:
    """Say to the person who was asked what came of it."""
    match result:
        case None:
            return _UNREPORTED
        case TraxError():
            return result.message
        case Done(is_whole=False):
            return f"Made {result.made} of {len(result.steps)} changes: ask your assistant which."
        case Done():
            return f"Done. {_STATES[result.observed.state]}" if result.observed else "Done."
        case NotRun(reason=reason, why=str(why)):
            return _WHY.get(reason or "", "Nothing was sent: {why}").format(why=why)
        case _:
            return _NOT_RUN.get(result.reason or "", "Nothing was sent.")
