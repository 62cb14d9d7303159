"""What a model is told of a call that a person has not approved, or too soon. Pure."""

from collections.abc import Mapping
from typing import Final

from trax_mcp.consent.calls import Reason
from trax_mcp.consent.question import REST_SECONDS
from trax_mcp.server.not_done import NotDone

_NOT_AGAIN: Final = "Don't call again unless the user asks for it."
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
            return f"You said no before, so you aren't asked again for {_seconds(left)}."
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
