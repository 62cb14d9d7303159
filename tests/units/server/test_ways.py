"""In which ways a person is asked: by what their client draws, and what the operator allows."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING, Final

import pytest

from tests.support.terminal_rows import rows_of
from trax_mcp.actions.shown import Preview
from trax_mcp.actions.view import Row, Target
from trax_mcp.consent.ways import WaysToAsk
from trax_mcp.server.ways import (
    MOST_FORMS,
    TABLE,
    ConnectedClient,
    Operator,
    drawn_by,
    forms_of,
    ways,
)
from trax_mcp.server.ways_in_words import NOBODY, asked_in, known_from, newest
from trax_mcp.studio.naming import say

if TYPE_CHECKING:
    from trax_mcp.consent.ways import Way

FORMS: Final = ConnectedClient("claude-code", "2.1.332", has_form=True)
PANELS: Final = ConnectedClient("somebody", "1", has_panel=True)
BOTH: Final = ConnectedClient("somebody", "1", has_form=True, has_panel=True)
CUTS: Final = ConnectedClient("claude-code", "2.1.267", has_form=True)
QWEN: Final = ConnectedClient("qwen-cli-mcp-client-trax", "0.0.1", has_panel=True)
NEITHER: Final = ConnectedClient("gemini", "1")

AT_HOME: Final = Operator(has_page=True)
AWAY: Final = Operator()
HUMAN: Final = Operator(WaysToAsk(("form", "panel", "page")))
PASSKEY: Final = Operator(WaysToAsk(("form", "panel", "page"), needs_passkey=True), has_page=True)
PREVIEW: Final = WaysToAsk(("preview",))
CONFIRM_ALONE: Final = WaysToAsk((), confirm_alone=True)


@pytest.mark.parametrize(
    ("name", "version", "rows", "draws_panel"),
    [
        ("claude-code", "2.1.332", 4, True),
        ("claude-code", "2.1.332-beta.1", 4, True),
        ("claude-code", "10.0", 4, True),
        ("claude-code", "2.1.331", 0, True),  # what 2.1.250 and 2.1.332 both draw
        ("claude-code", "2.1.267", 0, True),
        ("claude-code", "2.1.250", 0, True),
        ("claude-code", "2.1.234", 0, True),  # what 2.1.233 and 2.1.250 both draw
        ("claude-code", "2.1.233", 4, True),
        ("claude-code", "2.1.197", 4, True),  # none before it was tried
        ("claude-code", "", 4, True),
        ("claude-code", "latest", 4, True),
        ("claude-codex", "2.1.197", 4, True),
        ("codex-mcp-client", "0.172.0", 12, True),
        ("copilot-cli", "1.0.102", 12, True),
        ("qwen-cli-mcp-client-trax", "0.0.1", 4, False),
        ("qwen-cli-mcp-client-", "0.0.2", 4, False),
        ("qwen", "0.0.1", 4, True),
        ("", "", 4, True),
        ("nobody knows", "1.0", 4, True),
    ],
)
def test_a_client_draws_what_the_versions_that_were_tried_around_it_both_draw(
    name: str, version: str, rows: int, *, draws_panel: bool
) -> None:
    drawn = drawn_by(name, version)
    assert (drawn.rows, drawn.draws_panel) == (rows, draws_panel)


WAYS: Final[list[tuple[ConnectedClient, Operator, int, tuple[Way, ...]]]] = [
    # What fits into one form, and what does not.
    (FORMS, AT_HOME, 1, ("form", "page")),
    (FORMS, AT_HOME, 2, ("page", "form")),
    (FORMS, AWAY, 1, ("form",)),
    (FORMS, AWAY, MOST_FORMS, ("form",)),
    (FORMS, AWAY, MOST_FORMS + 1, ()),
    (FORMS, AT_HOME, MOST_FORMS + 1, ("page",)),
    (BOTH, AT_HOME, 1, ("form", "panel", "page")),
    (BOTH, AT_HOME, 2, ("panel", "page", "form")),
    (PANELS, AT_HOME, 2, ("panel", "page", "preview")),
    (NEITHER, AT_HOME, 1, ("page", "preview")),
    (NEITHER, AWAY, 9, ("preview",)),
    # Declared, and not drawn.
    (CUTS, AT_HOME, 1, ("page",)),
    (CUTS, AWAY, 1, ()),
    (CUTS, HUMAN, 2, ()),
    (CUTS, AWAY._replace(ask=PREVIEW), 1, ("preview",)),
    (QWEN, AT_HOME, 1, ("page", "preview")),
    # The operator.
    (BOTH, AT_HOME._replace(ask=WaysToAsk(("form",))), 2, ("form",)),
    (BOTH, AT_HOME._replace(ask=WaysToAsk(("page", "preview"))), 1, ("page", "preview")),
    (BOTH, AT_HOME._replace(ask=WaysToAsk(("page",))), 1, ("page",)),
    (
        BOTH,
        AT_HOME._replace(ask=WaysToAsk(("page", "form", "panel"))),
        1,
        ("page", "form", "panel"),
    ),
    (
        BOTH,
        AT_HOME._replace(ask=WaysToAsk(("page", "form", "panel"))),
        2,
        ("page", "panel", "form"),
    ),
    (BOTH, AWAY._replace(ask=WaysToAsk(("page", "panel", "preview"))), 1, ("panel", "preview")),
    (FORMS, AWAY._replace(ask=WaysToAsk(("page",))), 1, ()),
    (NEITHER, HUMAN, 1, ()),
    (FORMS, HUMAN, 2, ("form",)),
    (BOTH, PASSKEY, 1, ("page",)),
    (BOTH, AT_HOME._replace(ask=PREVIEW), 1, ("preview",)),
    (BOTH, AT_HOME._replace(ask=CONFIRM_ALONE), 1, ("preview",)),
]


@pytest.mark.parametrize(("client", "operator", "forms", "expected"), WAYS)
def test_each_client_is_asked_in_these_ways(
    client: ConnectedClient, operator: Operator, forms: int, expected: tuple[Way, ...]
) -> None:
    assert ways(client, operator, forms=forms) == expected


@pytest.mark.parametrize(
    ("client", "operator", "expected"),
    [
        (BOTH, AT_HOME, ("form", "panel", "page")),
        (BOTH, PASSKEY, ("form", "page")),
        (NEITHER, HUMAN, ("preview",)),
        (CUTS, AWAY, ("form",)),
    ],
)
def test_a_stop_is_asked_in_a_form_first_and_never_refused(
    client: ConnectedClient, operator: Operator, expected: tuple[Way, ...]
) -> None:
    assert ways(client, operator, is_stop=True) == expected


def test_length_never_moves_a_question_to_the_model() -> None:
    allowed: tuple[tuple[Way, ...], ...] = (
        ("form",),
        ("form", "preview"),
        ("form", "panel", "page"),
        ("form", "panel", "page", "preview"),
        ("panel", "page", "form", "preview"),
    )
    for client, order, has_page, forms, is_stop in product(
        (FORMS, BOTH, CUTS),
        allowed,
        (True, False),
        (1, 2, 99),
        (True, False),
    ):
        operator = Operator(WaysToAsk(order), has_page=has_page)
        assert "preview" not in ways(client, operator, forms=forms, is_stop=is_stop)


def test_a_way_that_has_shown_nothing_is_not_tried_again() -> None:
    assert ways(BOTH, AT_HOME, tried={"form"}) == ("panel", "page")
    assert ways(BOTH, AT_HOME, forms=2, tried={"panel", "page"}) == ("form",)


@pytest.mark.parametrize(
    ("operator", "is_allowed"),
    [
        (AT_HOME, True),
        (AT_HOME._replace(ask=PREVIEW), True),
        (HUMAN, False),
        (PASSKEY, False),
    ],
)
def test_a_caller_may_wish_for_previews_where_the_operator_allows_them(
    operator: Operator, *, is_allowed: bool
) -> None:
    wished = ways(BOTH, operator, wants_preview=True)
    assert wished == (("preview",) if is_allowed else ways(BOTH, operator))


def question(destinations: int) -> Preview:
    """A question that needs more room with each destination."""
    names = tuple(say(f"Destination number {it} of a long list") for it in range(destinations))
    return Preview(
        "go_live",
        Target("studio_42"),
        say("Go live?"),
        yes="Go live",
        no="Don't go live",
        rows=(Row("Streams to", names),),
    )


@pytest.mark.parametrize(
    ("client", "is_whole"),
    [
        (ConnectedClient("claude-code", "2.1.332"), False),
        (ConnectedClient("codex-mcp-client", "0.171.0"), True),
        (ConnectedClient(), False),
    ],
)
def test_a_question_takes_as_many_forms_as_a_client_needs(
    client: ConnectedClient, *, is_whole: bool
) -> None:
    forms = forms_of(client, question(12))
    assert (len(forms) == 1) is is_whole
    if not is_whole:
        assert max(len(rows_of(it.message, 74)) for it in forms) <= 4
        shown = "".join(it.message for it in forms)
        assert [it for it in range(12) if f"number {it} of" not in shown] == []


def test_each_row_has_its_source_and_date() -> None:
    for it in TABLE:
        assert it.source, it
        assert it.date, it
        assert bool(it.name) <= bool(it.version), it


@pytest.mark.parametrize(
    ("command", "operator", "expected"),
    [
        (
            "claude-code",
            AT_HOME,
            "a form; for what is longer than 4 rows, the page in your browser, else several forms",
        ),
        ("claude-code", AWAY, "a form; for what is longer than 4 rows, several forms"),
        ("gemini-cli", AT_HOME, "the page in your browser"),
        ("gemini-cli", AWAY, "a preview, which the assistant shows you"),
        ("gemini-cli", HUMAN, NOBODY),
        ("claude-desktop", AT_HOME, "a panel, else the page in your browser"),
    ],
)
def test_how_a_client_asks_is_said_in_words(
    command: str, operator: Operator, expected: str
) -> None:
    drawn = newest(command)
    assert drawn is not None
    assert asked_in(drawn, operator) == expected


def test_how_it_is_known_names_the_release_that_was_tried() -> None:
    (qwen,) = (it for it in TABLE if it.title == "Qwen Code")
    assert known_from(qwen) == "0.24.4, tried in a terminal, 2026-12-01"
    assert newest("other") is None
