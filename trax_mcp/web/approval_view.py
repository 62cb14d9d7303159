"""Describes a question as JSON, for a page or a panel."""

from collections.abc import Iterator
from math import ceil
from typing import Final, TypedDict

from trax_mcp.actions.shown import NOTHING_IS_REAL, Preview
from trax_mcp.api.contract import JsonObject
from trax_mcp.consent.question import (
    READING_SECONDS,
    Ended,
    Question,
    QuestionState,
)
from trax_mcp.studio.naming import Name, Sentence
from trax_mcp.web.endings import NOT_OPEN, Ending, ending_of

WATCH: Final = "watch_control_room"
PRESS: Final = "press_in_control_room"
ANSWER: Final = "answer_approval"
"""The tools of a room. The last one is a panel's, too."""
TICKET: Final = "live.traxstreaming/ticket"
"""In the `_meta` of a result: what lets a panel or a room answer its question."""
QUESTIONS: Final = "live.traxstreaming/questions"
"""In the `_meta` of a look: the same of the questions that are open."""


class Asker(TypedDict):
    """The client that asks, as it calls itself, and whether its studios are for practice."""

    asker: str
    practice: bool


def describe(state: QuestionState, *, asker: str = "", practice: bool = False) -> JsonObject:
    """One question as it is now, without its id. `asker` is the client, as it calls itself."""
    question = state.question
    if question is None:
        return gone(NOT_OPEN, asker=asker, practice=practice)
    preview = question.preview
    described = {
        "phase": state.phase,
        "readingSeconds": READING_SECONDS,  # a stop's yes counts at once
        "secondsLeft": max(0, ceil(question.open_until - state.now)),
        "isStop": question.is_stop,
        "sending": _sending(question),
        **card(preview, practice=practice),
        "asker": asker,
        "outcome": None,
    }
    if not state.is_over:
        return described
    return {**described, **_ended(ending_of(state.result()))}


def describe_end(result: Ended, *, asker: str, practice: bool) -> JsonObject:
    """What came of a question of which nothing else is known."""
    return {**gone(ending_of(result), asker=asker, practice=practice), "phase": "ended"}


def gone(ending: Ending, *, asker: str = "", practice: bool = False) -> JsonObject:
    """A question that is not asked any more."""
    return {"phase": "gone", "asker": asker, "practice": practice, **_ended(ending)}


def _sending(question: Question) -> str:
    if question.operations[-1].starts_broadcast:
        return "Going live…"
    return "Going offline…" if question.is_stop else "Sending…"


def _ended(ending: Ending) -> JsonObject:
    """The end in parts for a page or a panel, and in words."""
    parts = {"headline": ending.headline, "since": ending.since, "text": _pieces(ending.text)}
    return {"ended": parts, "outcome": ending.words}


def card(preview: Preview, *, practice: bool = False) -> JsonObject:
    """A question as JSON. A sentence is a list of texts and names: `{"name": …, "detail": …}`.

    `lines` is all of it as plain text, for what draws no more than that.
    """
    return {
        "practice": practice,
        "goesLive": preview.goes_live,
        "headline": _pieces(preview.headline),
        "lead": [_pieces(it) for it in preview.lead],
        "rows": [
            {
                "label": row.label,
                "items": [_pieces(it) for it in row.items],
                "muted": row.is_muted,
            }
            for row in preview.rows
        ],
        "lasts": [_pieces(it) for it in preview.lasts],
        "warnings": [_pieces(it) for it in preview.warnings],
        "unknown": list(preview.unknown),
        "lines": [*([NOTHING_IS_REAL] if practice else []), *_lines(preview)],
        "no": preview.no,
        "yes": preview.yes,
    }


def _lines(preview: Preview) -> Iterator[str]:
    yield preview.headline.text
    yield from (it.text for it in preview.effects)
    yield from (f"Warning: {it.text}" for it in preview.warnings)
    yield from (f"Not known: {it}" for it in preview.unknown)


def _pieces(sentence: Sentence) -> list[JsonObject | str]:
    """Texts as they are, and names without their quotes, so that they can be drawn in bold."""
    return [
        {"name": it.text[1:-1], "detail": it.detail} if isinstance(it, Name) else it
        for it in sentence.parts
    ]
