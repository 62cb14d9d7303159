"""A call that was not done, as its caller is told: refused, or a person is asked, or is to be.

Pure. Every text says what was not done and what to do next. Clients show it as plain text or as
Markdown.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final, Literal, Self

from trax_mcp.actions.several import ApplyChanges
from trax_mcp.actions.shown import Preview
from trax_mcp.consent.calls import Ask, Call, NotRun, Reason, Status
from trax_mcp.consent.question import QUESTION_SECONDS, REST_SECONDS, Question
from trax_mcp.consent.ways import Way
from trax_mcp.server.question_text import preview_lines
from trax_mcp.studio import times
from trax_mcp.studio.naming import Sentence
from trax_mcp.studio.outputs import Words
from trax_mcp.web.endings import ending_of_refusal

ToldStatus = Literal["confirmation_required", "asking"] | Status
"""What is told of such a call."""
BEGIN: Final = "--- For the user ---"
END: Final = "--- End ---"
"""What the user is to be shown stands between these lines, which Markdown leaves as they are."""
_GOOD_FOR: Final = times.duration(timedelta(seconds=QUESTION_SECONDS))
_FOR_SO_LONG: Final = f"Nothing happens unless you approve. This expires in {_GOOD_FOR}."

_NOT_AGAIN: Final = "Don't call again unless the user asks for it."

_REASONS: Final[Mapping[tuple[ToldStatus, Reason | None], str]] = {
    ("confirmation_required", None): "{operation} needs the user's approval.",
    ("asking", None): "the user is being asked {where}.",
    ("confirmation_invalid", "expired"): "this `confirmation` has expired or isn't valid here.",
    ("confirmation_invalid", "mismatch"): "this `confirmation` is for another call.",
    ("confirmation_invalid", "changed"): "things have changed since the approval.",
    ("declined", "malformed"): "the answer wasn't one of the choices.",
    ("declined", "client_error"): "the client couldn't ask the user.",
    ("cannot_ask", None): "the user must be asked here, and this client can't ask them.",
    ("nothing_to_do", None): "{why}.",
}

_WHERE: Final[Mapping[Way, str]] = {
    "form": "in the client's form",
    "panel": "in a panel of this conversation",
    "page": "on a page in their browser",
}

_YOUR_BROWSER: Final[Mapping[Way, str]] = {**_WHERE, "page": "on a page in your browser"}

_NEXT_STEPS: Final[Mapping[ToldStatus, str]] = {
    "asking": "Tell the user and stop. Call again with the same arguments to learn the result.",
    "declined": _NOT_AGAIN,
    "cannot_ask": "TRAX_ASK doesn't allow previews, so use a client that can ask the user.",
    "nothing_to_do": "Check with check_studio.",
    "confirmation_invalid": "Call again if the user still wants it.",
}
"""The next step where there is no confirmation to send."""

_SAID: Final[Mapping[Reason, str]] = {
    "too_soon": (
        "Nobody can have read that yet. Show it, end your turn, and wait for the user's message."
    ),
    "declined": f"The user said no, so nothing was sent. {_NOT_AGAIN}",
    "cancelled": f"The user closed the question, so nothing was sent. {_NOT_AGAIN}",
    "timed_out": f"Nobody answered within five minutes, so nothing was sent. {_NOT_AGAIN}",
    "unseen": (
        "The client declined at once, so nobody saw the question, and nothing was sent. If it"
        " never shows questions, the operator can set TRAX_ASK=preview."
    ),
}
_WITHDRAWN: Final = (
    "Nobody can have read that, and now it's withdrawn. End your turn, and wait for the user's"
    " message."
)
_NO_ERRORS: Final = {"declined", "cancelled", "timed_out", "recently_declined", "too_soon"}
"""Reasons that are no failure of the tool. Frameworks end a run at an error."""

_SUMMARIES: Final[Mapping[Reason, str]] = {
    "too_soon": "Not done yet: nobody can have read the question so soon.",
    "unseen": "Nobody saw the question, so nothing was sent.",
    "malformed": "The answer wasn't one of the choices, so nothing was sent.",
    "client_error": "You couldn't be asked, so nothing was sent.",
}


@dataclass(frozen=True, slots=True)
class NotDone:
    """What a caller is told of a call that was not done.

    With `confirmation`, the same call runs until `expires_at`. `why` explains the status in words
    where `status` and `reason` do not. `channel` is where a person is being asked, and `ticket`
    lets a panel answer: no model may read it.
    """

    tool: str
    status: ToldStatus
    reason: Reason | None = None
    why: str | None = None
    preview: Preview | None = None
    changes: tuple[Sentence, ...] = ()
    retry_after_seconds: int | None = None
    confirmation: str | None = None
    expires_at: datetime | None = None
    channel: Way | None = None
    ticket: str | None = field(default=None, repr=False)

    @classmethod
    def refused(cls, call: Call, it: NotRun) -> Self:
        """A call that may not run."""
        return cls(
            call.tool,
            it.status,
            it.reason,
            it.why,
            preview=it.preview,
            changes=it.changes,
            retry_after_seconds=it.retry_after_seconds,
        )

    @classmethod
    def previewed(cls, call: Call, ask: Ask, question: Question | None) -> Self:
        """The model is to ask. Without a question, its word alone counts."""
        return cls(
            call.tool,
            "confirmation_invalid" if ask.reason else "confirmation_required",
            ask.reason,
            preview=ask.preview,
            changes=ask.changes,
            confirmation=question.id if question else None,
            expires_at=question.expires_at if question else None,
        )

    @property
    def cannot_ask(self) -> bool:
        """Whether nobody can be asked, though a form might have been shown."""
        return self.status == "cannot_ask" and self.reason != "unseen"


def goes_on(not_run: NotDone) -> bool:
    """Whether the call still awaits its yes, or a person's answer has ended it: no error."""
    return _awaits_model(not_run) or not_run.status == "asking" or not is_error(not_run)


def not_run_words(not_run: NotDone) -> Words:
    """Say that a call did not run to a person, and why and what to do next to a model."""
    return Words(_summary(not_run), message=_message(not_run))


def _summary(not_run: NotDone) -> str:
    if not_run.status == "asking":
        return f"Not done yet: you're being asked {_YOUR_BROWSER[not_run.channel or 'form']}."
    if not_run.reason == "changed" and _awaits_model(not_run):
        why = "things have changed, so this needs your approval again"
        return f"{_question(not_run)}Not done yet: {why}."
    if _awaits_model(not_run):
        return f"{_question(not_run)}Not done yet: this needs your approval."
    return refusal_summary(not_run) or ending_of_refusal(not_run.reason, not_run.why).words


def _question(not_run: NotDone) -> str:
    return f"{not_run.preview.headline.text} " if not_run.preview else ""


def _message(not_run: NotDone) -> str:
    if (text := refusal_text(not_run)) is not None:
        return text
    where = _WHERE[not_run.channel or "form"]
    reason = _reason(not_run).format(operation=not_run.tool, why=not_run.why, where=where)
    waits = _awaits_model(not_run) or not_run.status == "asking"
    begin = "Not done yet" if waits else "Nothing was sent"
    return f"{begin}: {reason} {_next_step(not_run)}"


def preview_text(not_run: NotDone, *, practice: bool = False) -> str:
    """What to do next, and the preview; the last line is what may be sent after a yes."""
    parts = [_message(not_run)]
    if not_run.preview is not None:
        shown = ["\n".join(preview_lines(not_run.preview, not_run.changes, practice=practice))]
        if not_run.confirmation is not None:
            shown.append(_FOR_SO_LONG)
        parts += [BEGIN, *shown, END] if _awaits_model(not_run) else shown
    if not_run.confirmation is not None:
        evidence = f'confirm: true, confirmation: "{not_run.confirmation}" {_lifetime(not_run)}'
        parts.append(f"For your next call, not for the user:\n{evidence}")
    return "\n\n".join(parts)


def _lifetime(not_run: NotDone) -> str:
    """How long its confirmation can be used. It is new: the date goes without saying."""
    ends = not_run.expires_at
    until = f", until {times.at(ends, now=ends)}" if ends else ""
    return f"(good for {_GOOD_FOR}{until})"


def _reason(not_run: NotDone) -> str:
    match not_run:
        case NotDone(reason="expired", why=str()):
            return "{why}."
        case _:
            return _REASONS[not_run.status, not_run.reason]


def _awaits_model(not_run: NotDone) -> bool:
    """Whether the model shows the preview, and brings the yes."""
    return not_run.confirmation is not None or not_run.status == "confirmation_required"


def _next_step(not_run: NotDone) -> str:
    if _awaits_model(not_run):
        elsewhere = (
            "The user can answer there or here. One is enough. "
            if not_run.status == "asking"
            else ""
        )
        return f"{elsewhere}{_ask_for_yes(not_run)}"
    if not_run.status == "cannot_ask" and not_run.why is not None:
        return not_run.why
    if not_run.status == "nothing_to_do" and not_run.tool == ApplyChanges.tool_name:
        return "Make the other changes without go_live."
    return _NEXT_STEPS[not_run.status]


def _ask_for_yes(not_run: NotDone) -> str:
    evidence = (
        ", `confirm: true` and the `confirmation`"
        if not_run.confirmation
        else " and `confirm: true`"
    )
    return (
        "Show the user the whole preview (translate it if needed, leave nothing out) and stop. If"
        f" their next message approves it without conditions, call {not_run.tool} again with"
        f" the same arguments{evidence}. Approval with conditions doesn't count: make the changed"
        " call instead. You may show several previews together, unless one changes what another"
        " shows."
    )


# What a person said no to, or too soon


def is_error(not_run: NotDone) -> bool:
    """Whether a call has failed, which did not run and awaits nobody's answer."""
    if not_run.status == "cannot_ask":  # nobody's mistake
        return False
    is_withdrawn = not_run.reason == "cancelled" and not_run.why is not None
    return is_withdrawn or not_run.reason not in _NO_ERRORS


def refusal_summary(not_run: NotDone) -> str:
    """Why a call did not run, for a person. Empty if that is said elsewhere."""
    match not_run:
        case NotDone(reason="too_soon", why=str()):
            return "Nobody can have read the question, so it's withdrawn. Nothing was sent."
        case NotDone(reason="recently_declined", retry_after_seconds=int(left)):
            return f"You said no, so you won't be asked again for {_seconds(left)}."
        case NotDone(status="cannot_ask", reason=None):
            return "You can't be asked here, so nothing was sent."
        case NotDone(reason=str(reason)):
            return _SUMMARIES.get(reason, "")
    return ""


def refusal_text(not_run: NotDone) -> str | None:
    """Why a call did not run, and what to do next. None if that is said elsewhere."""
    match not_run:
        case NotDone(reason="too_soon", why=str()):
            return _WITHDRAWN
        case NotDone(reason="used", why=why):
            used = f"This approval was already used: {why}."
            return f"Nothing more was sent. {used} Check the result first."
        case NotDone(reason="cancelled", why=str(why)):
            return f"The question was withdrawn: {why}. Nothing was sent. {_NOT_AGAIN}"
        case NotDone(reason="recently_declined", retry_after_seconds=int(left)):
            ago = _seconds(max(0, int(REST_SECONDS) - left))
            return (
                f"The user said no {ago} ago, so they won't be asked again for {_seconds(left)}. If"
                " they changed their mind, tell them and call again then."
            )
        case NotDone(reason=str(reason)):
            return _SAID.get(reason)
    return None


def _seconds(count: int) -> str:
    return "1 second" if count == 1 else f"{count} seconds"
