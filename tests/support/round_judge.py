"""The promises that a round must keep, judged by TRaX's wire and by what people were answered."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Final

import anyio

from tests.support.random_round import LONGEST_SECONDS, PEOPLE, STRANGER

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.random_round import Round, Yes
    from tests.support.random_trax import Sent

STOP_SECONDS: Final = 2.5
"""A stop is on the wire by then."""
RAN: Final = "the call ran"
NOT_KNOWN: Final = "whether the call ran is not known"


async def broken_in(it: Round) -> list[str]:
    """Run a round, and see what is left of it. Return the promises that it broke, and its story."""
    found = ["a call does not end"]
    with anyio.move_on_after(10 * LONGEST_SECONDS):
        await it.run()
        found = [*problems(it)] or await problems_in_the_calm(it)
    return [f"{it.studio}:", *found, it.story()] if found else []


def problems(it: Round) -> Iterator[str]:
    """What a race broke, in words. Its calls have ended, and no calm has come yet."""
    for yes in it.yeses:
        yield from _of_a_yes(it, yes)
    yield from _unasked(it)
    yield from _at_once(it)
    yield from _of_stops(it)


async def problems_in_the_calm(it: Round) -> list[str]:
    """What is left of each yes: it is used and says what came of it, void, or still good.

    At the end the studio can be stopped, and changed: no call has kept its turn.
    """
    found = [problem for yes in tuple(it.yeses) for problem in await _pressed_once_more(it, yes)]
    if it.world.sandbox.is_running(it.studio):
        stop = await it.ask("cat", "go_offline")
        if stop is None or (await it.press(stop)).outcome != "ran":
            found.append("a stop in the calm did not run")
        if it.world.sandbox.is_running(it.studio):
            found.append("the studio is on air after a stop in the calm")
    new = {"destId": it.second, "rtmpUrl": "rtmps://cat.example/app"}
    change = await it.ask("cat", "update_destination", **new)
    if change is None or (await it.press(change)).outcome != "ran":
        found.append("a change in the calm did not run")
    return found


def _of_a_yes(it: Round, yes: Yes) -> Iterator[str]:
    sends = yes.sends(it.sent)
    name = f"{yes.who}'s {yes.tool}"
    if any(press.outcome == "no answer" for press in yes.presses):
        yield f"{name} got no answer"
    if any(sent.arrived < yes.pressed for sent in sends):
        yield f"{name} was sent before its yes"
    good = [sent for sent in sends if sent.may_be_applied]
    if len(good) > 1:
        yield f"one yes of {name} ran {len(good)} times"
    outcomes = [press.outcome for press in yes.presses]
    # A stop that TRaX refuses again and again may be seen off air all the same, by another's.
    is_seen = yes.tool == "go_offline" and len(sends) > 1
    if outcomes.count("ran") > 1 or (outcomes.count("ran") and not good and not is_seen):
        yield f"{name} says that it ran, {outcomes.count('ran')} times"
    may_have_sent = [it for it in outcomes if it.startswith(("ran", "failed", "cancelled"))]
    if len(sends) > len(may_have_sent):
        yield f"{name} says that it did not run, but was sent"
    for sent in sends if yes.tool == "go_live" else ():
        if _was_void(it, yes, sent):
            yield f"{name} was sent on a yes to something else"


def _was_void(it: Round, yes: Yes, sent: Sent) -> bool:
    """Whether a go-live was sent although what was shown had changed, or a stop had ended."""
    asked = yes.asked[1]
    pressed_before = [press.at for press in yes.presses if press.at <= sent.arrived]
    if any(asked < at < min(pressed_before, default=0.0) for at in it.renamed):
        return True
    changed = [
        other
        for other in it.sent
        if other.may_be_applied
        and asked < other.arrived
        and other.answered is not None
        and other.answered < sent.arrived
    ]
    stops = [stop for stop in it.yeses if stop.tool == "go_offline" and asked < stop.pressed]
    return any(other.is_hidden for other in changed) or any(
        other in changed for stop in stops for other in stop.sends(it.sent)
    )


def _unasked(it: Round) -> Iterator[str]:
    """Nothing guarded is sent without a yes."""
    asked = {id(sent) for yes in it.yeses for sent in yes.sends(it.sent)}
    stopped = min((yes.pressed for yes in it.yeses if yes.tool == "go_offline"), default=None)
    starters = {yes.key for yes in it.yeses if yes.tool == "go_live"}
    for sent in it.sent:
        if id(sent) in asked or sent.key == PEOPLE[STRANGER]:
            continue
        is_undone = sent.call.endswith("/go-offline") and sent.key in starters
        if is_undone and stopped is not None and stopped < sent.arrived:
            continue  # a go-live that a stop did not know of
        is_free = sent.key == PEOPLE["eve"] and sent.call.startswith("PATCH")
        if not is_free or sent.studio_is_running or _starts_during(it, sent.arrived):
            yield f"sent without a yes: {sent}"


def _starts_during(it: Round, at: float) -> bool:
    return any(
        sent.call.endswith("/go-live")
        and sent.may_be_applied
        and sent.arrived <= at
        and (sent.answered is None or at < sent.answered)
        for sent in it.sent
    )


def _at_once(it: Round) -> Iterator[str]:
    """One call at a time in a studio, from its reads to TRaX's answer, but for stops."""
    changes = [sent for sent in it.sent if not sent.call.endswith("/go-offline")]
    for first, second in pairwise(changes):
        if first.answered is None or second.arrived < first.answered:
            yield f"two calls at once: {first} and {second}"


def _of_stops(it: Round) -> Iterator[str]:
    """A stop is on the wire in time, and the studio is off air after the last one."""
    stops = [yes for yes in it.yeses if yes.tool == "go_offline"]
    for stop in stops:
        waited = [press.at for press in stop.presses if press.outcome != "cancelled"]
        latest = min(waited, default=float("inf")) + STOP_SECONDS * max(1.0, it.world.pace)
        if waited and not any(sent.arrived <= latest for sent in stop.sends(it.sent)):
            yield f"{stop.who}'s stop was not sent in time"
    applied = [
        stop.pressed for stop in stops if any(sent.may_be_applied for sent in stop.sends(it.sent))
    ]
    off = [sent for sent in it.sent if _is_stop(sent)]
    if not applied or any(sent.fate != "applied" for sent in off):
        return  # TRaX refused a stop, or lost it, and its person was told
    last = max(applied)
    younger = [yes for yes in it.yeses if yes.tool == "go_live" and yes.asked[1] > last]
    if not any(yes.sends(it.sent) for yes in younger) and it.world.sandbox.is_running(it.studio):
        yield "the studio is on air after the last stop"


async def _pressed_once_more(it: Round, yes: Yes) -> list[str]:
    """Press a yes again, now that all is over. Return what was wrong with that."""
    name = f"{yes.who}'s {yes.tool}"
    sends = yes.sends(it.sent)
    applied = [sent for sent in sends if sent.may_be_applied]
    is_good = not applied and await _is_good(it, yes)
    before = len(it.sent)
    press = await it.press(yes)
    is_sent = len(it.sent) > before
    if applied:
        is_known = all(sent.fate == "applied" for sent in applied)
        says_it = RAN in press.message or (NOT_KNOWN in press.message and not is_known)
        is_right = not is_sent and press.outcome == "used" and says_it
        told = f"a used yes of {name} does not say what came of it: {press.outcome}"
        return [] if is_right else [told]
    if is_good is False and is_sent:
        return [f"a void yes of {name} was sent"]
    if is_good and not (is_sent and press.outcome == "ran"):
        return [f"a yes of {name} was not given back: {press.outcome}"]
    return []


async def _is_good(it: Round, yes: Yes) -> bool | None:
    """Whether a yes that was not used would still run a call. None if it may have been discarded.

    A yes that was void for a moment stays void. A stop that TRaX refused may void a yes, unless it
    was a stranger's.
    """
    again = await it.ask(yes.who, yes.tool, **_without_studio(yes))
    is_as_shown = yes.tool == "go_offline" or (again is not None and again.shown == yes.shown)
    voiding = _that_void(it, yes)
    if not is_as_shown or any(sent.arrived > yes.asked[1] for sent in voiding):
        return False
    outcomes = {press.outcome for press in yes.presses}
    was_void = outcomes & {"changed", "asked", "expired"} or (
        yes.tool == "go_live" and any(_is_stop(sent) for sent in it.sent)
    )
    return None if voiding or was_void else True


def _that_void(it: Round, yes: Yes) -> list[Sent]:
    """The stops, and the changes that TRaX does not show, since somebody was asked to go live."""
    return [
        sent
        for sent in it.sent
        if yes.tool == "go_live"
        and sent.may_be_applied
        and sent.answered is not None
        and sent.answered > yes.asked[0]
        and (sent.is_hidden or _is_stop(sent))
    ]


def _is_stop(sent: Sent) -> bool:
    return sent.call.endswith("/go-offline") and sent.key != PEOPLE[STRANGER]


def _without_studio(yes: Yes) -> dict[str, object]:
    return {name: value for name, value in yes.arguments.items() if name != "studioId"}
