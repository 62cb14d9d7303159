"""What a model is told of a call that nobody has approved, or too soon."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pytest

from trax_mcp.server.not_done import NotDone, is_error, refusal_text

if TYPE_CHECKING:
    from trax_mcp.consent.calls import Reason

ROWS: Final[dict[str, tuple[NotDone, str, bool]]] = {
    "too soon": (
        NotDone("go_live", "confirmation_invalid", "too_soon"),
        "Nobody can have read that yet. Show it, end your turn, and wait for the user's message.",
        False,
    ),
    "too soon too often": (
        NotDone("go_live", "confirmation_invalid", "too_soon", why="withdrawn"),
        (
            "Nobody can have read that, and now it's withdrawn. End your turn, and wait for the"
            " user's message."
        ),
        False,
    ),
    "no": (
        NotDone("go_live", "declined", "declined"),
        "The user said no, so nothing was sent. Don't call again unless the user asks for it.",
        False,
    ),
    "withdrawn": (
        NotDone("go_live", "declined", "cancelled", why="others were asked since"),
        (
            "The question was withdrawn: others were asked since. Nothing was sent. Don't call"
            " again unless the user asks for it."
        ),
        True,
    ),
    "used": (
        NotDone("go_live", "confirmation_invalid", "used", why="the call ran"),
        (
            "Nothing more was sent. This approval was already used: the call ran. Check the result"
            " first."
        ),
        True,
    ),
    "no, a while ago": (
        NotDone("go_live", "declined", "recently_declined", retry_after_seconds=40),
        (
            "The user said no 20 seconds ago, so they won't be asked again for 40 seconds. If they"
            " changed their mind, tell them and call again then."
        ),
        False,
    ),
    "no, long ago": (
        NotDone("go_live", "declined", "recently_declined", retry_after_seconds=1),
        (
            "The user said no 59 seconds ago, so they won't be asked again for 1 second. If they"
            " changed their mind, tell them and call again then."
        ),
        False,
    ),
    "unseen": (
        NotDone("go_live", "cannot_ask", "unseen"),
        (
            "The client declined at once, so nobody saw the question, and nothing was sent. If it"
            " never shows questions, the operator can set TRAX_ASK=preview."
        ),
        False,
    ),
}
"""The result, its text, and whether it is an error."""


@pytest.mark.parametrize("name", ROWS)
def test_a_refusal_says_why_and_is_an_error_only_if_something_failed(name: str) -> None:
    not_run, text, fails = ROWS[name]
    assert (refusal_text(not_run), is_error(not_run)) == (text, fails)


@pytest.mark.parametrize("reason", ["expired", "mismatch", "malformed", None])
def test_other_results_are_told_elsewhere(reason: Reason | None) -> None:
    assert refusal_text(NotDone("go_live", "confirmation_invalid", reason)) is None
