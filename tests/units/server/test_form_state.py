"""Which form an answer is to: only a text that was signed for this very form says so."""

from __future__ import annotations

import pytest

from trax_mcp.server.form_state import FormState

KEY = "sk_live_mine"
SHOWN = FormState("the_id-of:a question", part=1, of=3)


def test_what_was_signed_is_read_as_it_was() -> None:
    assert FormState.read(SHOWN.signed(KEY), key=KEY) == SHOWN


@pytest.mark.parametrize(
    "text",
    [
        "",
        SHOWN.question_id,
        f"{SHOWN.question_id}:1:3",
        SHOWN.signed(KEY).replace(":1:3:", ":3:3:"),
        SHOWN.signed(KEY).replace(":1:3:", ":1:1:"),
        SHOWN.signed(KEY).replace("the_id", "an_id"),
        SHOWN.signed("sk_live_another"),
        SHOWN.signed(KEY)[:-1],
        f"{SHOWN.signed(KEY)}0",
        "\ud800:1:1:\ud800",
    ],
)
def test_what_was_changed_or_cut_is_no_answer(text: str) -> None:
    assert FormState.read(text, key=KEY) is None
