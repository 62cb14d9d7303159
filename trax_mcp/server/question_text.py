"""Writes a question to a person: as forms that a small screen shows whole, and as lines. Pure.

Clients cut a form that is longer than a few rows, without a word. So a form is one paragraph: the
act, then what becomes public or is lost, then the facts, with short names. What does not fit goes
into further forms.
"""

from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from itertools import chain
from typing import Any, Final, NamedTuple

from trax_mcp.actions.shown import NOTHING_IS_REAL, PRACTICE, Preview
from trax_mcp.actions.view import Row
from trax_mcp.api.text_safety import CONTINUED, columns_of
from trax_mcp.studio.naming import Sentence, joined

ROWS: Final = 4
COLUMNS: Final = 74
"""Claude Code draws four rows of a form, of six columns less than its terminal has."""
NARROW: Final = 54
LONGEST_DESCRIPTION: Final = 47
"""Of the description of a field, Claude Code draws so much at 60 columns."""
CHOICE: Final = "choice"
_NO_ANSWER: Final = "No answer within 5 minutes means no."
GO_ON: Final = "Go on"
"""The choice of each form but the last, where a question needs several."""
_LEAST_ROOM: Final = 60
"""So many columns a form has for facts, after the act."""


class FormMessage(NamedTuple):
    """The text of one form, and of its field. Several have numbers; the last one asks."""

    message: str
    description: str = _NO_ANSWER
    number: int = 1
    of: int = 1

    @property
    def is_last(self) -> bool:
        """Whether it offers the act."""
        return self.number == self.of


def form_messages(
    preview: Preview, *, practice: bool = False, rows: int = ROWS, columns: int = COLUMNS
) -> tuple[FormMessage, ...]:
    """The forms that ask a question, one after the other: mostly one. Each fits into the rows."""
    drafts = list(_drafts(preview, practice=practice))
    for width in (min(NARROW, columns), columns):
        for draft in drafts:
            if fits(draft.message, rows=rows, columns=width):
                return (draft,)
    return tuple(_several(preview, practice=practice, rows=rows, columns=columns))


def form_of_stop(preview: Preview, *, practice: bool = False) -> FormMessage:
    """The only form that asks about a stop: a person in a hurry gets no second one.

    The facts stand there if they fit.
    """
    shown = (preview, preview._replace(rows=()))
    *drafts, last = chain.from_iterable(_drafts(it, practice=practice) for it in shown)
    return next((it for it in drafts if fits(it.message)), last)


def fits(message: str, *, rows: int = ROWS, columns: int = COLUMNS) -> bool:
    """Whether a paragraph takes no more than so many rows, in any client.

    Claude Code breaks it at blanks alone. A word that is longer than a row begins a new one.
    """
    taken, used = 1, 0
    for word in message.split(" "):
        size = _columns_of_word(word, columns)
        if used and used + 1 + size > columns:
            taken, used = taken + 1, 0
        used += size + bool(used)
        more = max(0, used - 1) // columns
        taken, used = taken + more, used - more * columns
    return taken <= rows


def form_schema(preview: Preview, form: FormMessage) -> dict[str, Any]:
    """One choice: the no, which is preselected, and the act, or to go on to the next form."""
    yes = preview.yes if form.is_last else GO_ON
    field = {
        "type": "string",
        "title": "Your answer",
        "description": form.description,
        "enum": [preview.no, yes],
        "default": preview.no,
    }
    return {"type": "object", "properties": {CHOICE: field}, "required": [CHOICE]}


def preview_lines(
    preview: Preview, changes: Sequence[Sentence] = (), *, practice: bool = False
) -> Iterator[str]:
    """The question with whole names, a fact a line."""
    if practice:
        yield NOTHING_IS_REAL
        yield ""
    if changes:
        yield "Changed since you were asked:"
        yield from (f"- {it.text}" for it in changes)
        yield ""
    yield preview.headline.text
    yield from (f"- {it.text}" for it in preview.lead)
    yield from (f"- {it.sentence.text}" for it in preview.rows)
    yield from (f"- {it.text}" for it in preview.lasts)
    yield from (f"- Warning: {it.text}" for it in preview.warnings)
    yield from (f"- Not known: {it}" for it in preview.unknown)


def _drafts(preview: Preview, *, practice: bool) -> Iterator[FormMessage]:
    """The same question as one form, from the fullest to the shortest."""
    begin, end = list(_begin(preview, practice=practice)), _end(preview)
    for is_short in (False, True):
        facts = [_row(it, is_short=is_short) for it in preview.rows]
        lasts = [it.in_short for it in preview.lasts]
        yield FormMessage(" ".join((*begin, *facts, *lasts, *end)))
        last = " ".join(lasts)
        if 0 < len(last) <= LONGEST_DESCRIPTION:
            yield FormMessage(" ".join((*begin, *facts, *end)), last)


def _begin(preview: Preview, *, practice: bool) -> Iterator[str]:
    yield f"{PRACTICE if practice else ''}{preview.headline.in_short}"
    yield from (it.in_short for it in preview.lead)


def _end(preview: Preview) -> list[str]:
    warnings = [it.in_short for it in preview.warnings]
    return [*warnings, *(f"Not known: {it}." for it in preview.unknown)]


def _row(row: Row, *, is_short: bool) -> str:
    label = (row.short if is_short else "") or row.label
    return _as_sentence(f"{label}: {joined(row.items).in_short}")


def _several(preview: Preview, *, practice: bool, rows: int, columns: int) -> Iterator[FormMessage]:
    """Several forms, each with the act first, and as many facts as fit after it."""
    act, *others = _begin(preview, practice=practice)
    begin = f"{act} (999 of 999)"

    def has_room(page: str) -> bool:
        return fits(f"{begin}{page}", rows=rows, columns=columns)

    facts = [*others, *_facts(preview, has_room), *(it.in_short for it in preview.lasts)]
    pages = [""]
    for fact in chain.from_iterable(
        _divided(it, has_room, longest=rows * columns) for it in (*facts, *_end(preview))
    ):
        longer = f"{pages[-1]} {fact}"
        if pages[-1] and not has_room(longer):
            pages.append(f" {fact}")
        else:
            pages[-1] = longer
    for number, page in enumerate(pages, start=1):
        yield FormMessage(f"{act} ({number} of {len(pages)}){page}", number=number, of=len(pages))


def _facts(preview: Preview, has_room: Callable[[str], bool]) -> Iterator[str]:
    """Each row whole if there is room for it, else fact by fact."""
    for row in preview.rows:
        if has_room(f" {(whole := _row(row, is_short=True))}"):
            yield whole
        else:
            label = row.short or row.label
            yield from (_as_sentence(f"{label}: {it.in_short}") for it in row.items)


def _as_sentence(text: str) -> str:
    """The text with a period, unless a quote at its end has one."""
    return text if text.endswith(('."', '!"', '?"')) else f"{text}."


def _divided(text: str, has_room: Callable[[str], bool], *, longest: int) -> Iterator[str]:
    """A long text in pieces, with a sign where it goes on: what the caller sets is never cut."""
    sign = ""
    while not has_room(f" {sign}{text}"):
        begin = f" {sign}"

        def is_too_long(size: int, begin: str = begin, text: str = text) -> bool:
            return not has_room(f"{begin}{text[:size]} {CONTINUED}")

        size = max(_LEAST_ROOM, bisect_left(range(longest), x=True, key=is_too_long) - 1)
        blank = text.rfind(" ", size // 2, size)
        size = size if blank < 0 else blank
        yield f"{sign}{text[:size]} {CONTINUED}"
        sign, text = f"{CONTINUED} ", text[size:].lstrip(" ")
    yield f"{sign}{text}"


def _columns_of_word(word: str, columns: int) -> int:
    """The columns that a word takes: two for a wide character, which no row has half of."""
    if word.isascii():
        return len(word)
    size = sum(max(1, columns_of(it)) for it in word)
    return size + size // (columns - 1)
