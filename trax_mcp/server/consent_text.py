"""What a person reads when a call waits for them, or did not run.

Every text says what was not done and what to do next. Nothing here decides anything.
"""

from collections.abc import Iterator, Mapping
from typing import Final

from trax_mcp.consent.calls import NotRun, Question
from trax_mcp.consent.policy import Reason, Status
from trax_mcp.consent.preview import Preview
from trax_mcp.studio.naming import target

_WHY: Final[Mapping[tuple[Status, Reason | None], str]] = {
    ("confirmation_required", None): "{operation} needs a person's yes.",
    ("confirmation_invalid", "expired"): "this confirmation has expired, or was never yours.",
    ("confirmation_invalid", "mismatch"): "this confirmation is for another call.",
    ("confirmation_invalid", "changed"): "things have changed since the yes.",
    ("confirmation_invalid", "used"): "this confirmation was used already: {told}.",
    ("declined", "declined"): "the person said no.",
    ("declined", "cancelled"): "the person closed the question without an answer.",
    ("declined", "timed_out"): "nobody answered within five minutes.",
    ("declined", "malformed"): "the answer was none of the choices.",
    ("declined", "client_error"): "the client could not ask the person.",
    ("cannot_ask", None): "a person must be asked here, and this client cannot ask one.",
    ("nothing_to_do", None): "{told}",
}

_NEXT: Final[Mapping[Status, str]] = {
    "declined": "Do not call again unless the person asks for it.",
    "cannot_ask": "The operator set TRAX_CONFIRM=human: use a client that shows forms.",
    "nothing_to_do": "Look with get_stream_status.",
    "confirmation_invalid": "Call again if the person still wants it.",
}
"""What to do where there is no confirmation to pass on."""


def not_run_text(not_run: NotRun) -> str:
    """Why a call did not run, and what to do next, in a few sentences."""
    why = _WHY[not_run.status, not_run.reason]
    happened = why.format(operation=not_run.operation, told=not_run.told)
    return f"Nothing was sent: {happened} {_what_next(not_run)}"


def preview_text(not_run: NotRun) -> str:
    """The same with the preview, for a person; its last line is what a yes lets the model send."""
    parts = [not_run_text(not_run)]
    if not_run.outlook is not None:
        parts.append("\n".join(_outlook(not_run.outlook, not_run.changes)))
    if not_run.confirmation is not None:
        parts.append(
            f'confirm: true, confirmation: "{not_run.confirmation}" (until {not_run.expires_at})'
        )
    return "\n\n".join(parts)


def question_text(question: Question) -> str:
    """The preview as a question to a person."""
    return "\n".join(_outlook(question.outlook, question.changes))


def _what_next(not_run: NotRun) -> str:
    again = (
        f"Show this to the person and stop. Call {not_run.operation} again only after their next"
        " message says yes, with the same arguments and "
    )
    if not_run.confirmation is not None:
        return f"{again}the last line here."
    if not_run.status == "confirmation_required":
        return f"{again}`confirm: true`."
    if not_run.reason == "used":
        return "Look at what came of it before anything else."
    return _NEXT[not_run.status]


def _outlook(outlook: Preview, changes: tuple[str, ...]) -> Iterator[str]:
    """What changed first, then warnings, then what would happen."""
    if changes:
        yield "Changed since you were asked:"
        yield from (f"- {it}" for it in changes)
    on = f" on {target(outlook.target)}" if outlook.target.id else ""
    yield f"{outlook.operation}{on}:"
    yield from (f"- Warning: {it}" for it in outlook.warnings)
    yield from (f"- {it}" for it in outlook.effects)
    yield from (f"- Not known: {it}" for it in outlook.unknown)
