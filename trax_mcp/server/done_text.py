"""The texts of a call that ran: what it has done, how it was approved, what to do next. Pure."""

from typing import Final

from trax_mcp.actions.several import ApplyChanges
from trax_mcp.consent.calls import Done, Step
from trax_mcp.studio.outputs import Words

_NOT_ASKED: Final = " Nobody was asked: this server takes the assistant's word."
_NOT_AGAIN: Final = "Don't call again."


def done_words(done: Done) -> Words:
    """Say what a call has done, how it was approved and what else happened, and what to do next."""
    (step,) = done.steps
    said, next_step = [it.text for it in step.said], step.next_step
    if step.lost is not None and done.observed is not None:
        seen = done.observed.state.replace("_", " ")
        said.append(f"{step.lost}. Then the show was seen {seen}.")
        next_step = next_step or _NOT_AGAIN
    elif step.lost is not None:
        said.append(_read_back(step.lost))
        next_step = next_step or _NOT_AGAIN
    summary = f"{' '.join(said)}{_approved(done)}".lstrip()
    return Words(summary, tuple(it.text for it in step.warnings), next_step)


def several_done_words(done: Done) -> Words:
    """Say how many changes were made and how they were approved, and what came of each."""
    if not done.is_whole:
        made = f"{done.tally}."
    elif done.observed is not None and done.observed.state != "on_air":
        made = "TRaX accepted all changes."
    else:
        made = "All changes were made."
    steps = (f"{number}. {_said(it)}" for number, it in enumerate(done.steps, start=1))
    lines = (f"{made}{_approved(done)}", *steps)
    return Words("\n".join(lines), message=_next_after_several(done))


def _said(step: Step) -> str:
    """What became of one of several changes."""
    said = [it.text for it in (*step.said, *step.warnings)]
    is_seen = step.outcome == "applied" and step.data is None
    return " ".join([*said, _read_back(step.lost)] if step.lost and not is_seen else said)


def _next_after_several(done: Done) -> str:
    """One next step: that of the change which was not made, or of which nobody is sure."""
    for it in done.steps:
        if it.outcome == "not_sent":
            break
        if it.error is not None:
            return it.error.next_step
        if it.outcome == "unknown" or it.next_step:
            return it.next_step or ApplyChanges.look
    return "" if done.is_whole else ApplyChanges.look


def _read_back(lost: str) -> str:
    """That what a call has done was read, since its response was lost."""
    return f"{lost}. This was read right after."


def _approved(done: Done) -> str:
    """The last sentence of a line, where nobody was asked."""
    return _NOT_ASKED if done.approved_by == "confirm_alone" else ""
