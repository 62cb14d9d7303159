"""Clients that people have draw each question whole, and do nothing that nobody chose."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pytest

from proof.clients.programs import PROGRAMS, Program
from proof.clients.sessions import (
    APPROVAL,
    SCENES,
    choices_of,
    opened,
    operations_of,
    run_once,
    sentences_not_on,
)
from proof.clients.terminal import squeezed

if TYPE_CHECKING:
    from proof.clients.sessions import Session

_READ_SECONDS: Final = 5.0
"""An answer that comes earlier may count as nobody's."""


@pytest.fixture(params=PROGRAMS, ids=lambda it: it.name)
def program(request: pytest.FixtureRequest) -> Program:
    """Each client that is installed."""
    found: Program = request.param
    if found.version is None:
        pytest.skip(f"{found.package} cannot be installed here")
    return found


@pytest.mark.parametrize("scene", SCENES)
def test_a_question_is_drawn_whole_with_the_no_preselected_and_esc_is_a_no(
    program: Program, scene: str
) -> None:
    with opened(program) as session:
        form = session.ask(scene)
        screen = session.record(scene)
        if form:
            assert sentences_not_on(screen, form["message"]) == []
            _no_is_preselected(session, choices_of(form))
            session.terminal.pass_time(_READ_SECONDS)
            session.terminal.press("Esc")
            session.wait_for_end()
            session.record(f"{scene}-esc")
        else:
            assert sentences_not_on(screen, session.model.last_text) == []
        assert session.server.has_run == []


def test_enter_enter_puts_nothing_on_air(program: Program) -> None:
    with opened(program) as session:
        session.ask("go-live")
        session.terminal.press("Enter")
        session.terminal.rest()
        session.terminal.press("Enter")
        session.terminal.rest(1)
        session.record("go-live-enter-enter")
        assert session.server.has_run == []


@pytest.mark.parametrize("scene", ["go-live", "names-with-hyphens"])
def test_a_deliberate_approval_does_what_was_shown(program: Program, scene: str) -> None:
    with opened(program) as session:
        if session.ask(scene):
            session.approve_all()
        else:
            session.terminal.pass_time(_READ_SECONDS + 1)
            session.say(APPROVAL)
            session.allow(f"{scene}-approved")
        session.terminal.wait_until(lambda: session.server.has_run)
        session.wait_for_end(1 if program.has_forms else 2)
        session.record(f"{scene}-approved")
        assert session.server.has_run == operations_of(scene)


def test_a_model_that_confirms_its_own_call_at_once_puts_nothing_on_air(
    program: Program,
) -> None:
    assert run_once(program, "go-live") == []


def _no_is_preselected(session: Session, choices: list[str]) -> None:
    no = choices[0]
    marked = [
        row for row in session.terminal.text.splitlines() if session.program.preselected in row
    ]
    assert any(squeezed(no) in squeezed(row) for row in marked), marked
