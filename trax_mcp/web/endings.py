"""Says to the person who was asked what is so now, in a headline and a few words. Pure."""

from collections.abc import Mapping
from typing import Final, NamedTuple

from trax_mcp.api.errors import TraxError
from trax_mcp.consent.calls import Done, NotRun
from trax_mcp.consent.question import Ended
from trax_mcp.studio import times
from trax_mcp.studio.facts import State
from trax_mcp.studio.naming import Sentence, say

_CHECK: Final = "TRaX can't tell whether the picture arrives, so check the platforms."


class Ending(NamedTuple):
    """What came of a question. `since` is TRaX's time of the state in the headline."""

    headline: str
    text: Sentence
    since: str | None = None

    @property
    def words(self) -> str:
        """All of it, with the time in UTC."""
        moment = times.parse(self.since)
        since = f", since {times.at(moment, moment)}" if moment else ""
        return f"{self.headline}{since}. {self.text.text}".rstrip()


def _ending(headline: str, text: str = "", since: str | None = None) -> Ending:
    return Ending(headline, say(text), since)


NOT_OPEN: Final = _ending("This question isn't open any more", "Nothing was sent.")
NOT_HERE: Final = _ending("This question isn't open here any more")
WRONG: Final = _ending("This answer couldn't be read", "Nothing was sent.")
_UNREPORTED: Final = _ending(
    "This question isn't asked here any more", "It was shown too late. Nothing was sent."
)
_NOT_RUN: Final = {
    "declined": _ending("You said no", "Nothing was sent."),
    "recently_declined": _ending(
        "You've said no to this several times", "Nothing was sent. Try again in a minute."
    ),
    "timed_out": _ending("This question has expired", "Nobody answered, so nothing was sent."),
    "changed": _ending("Things have changed", "Nothing was sent. Ask for it again."),
    "expired": NOT_OPEN,
    "used": _ending("This approval was already used", "Nothing more was sent."),
    "cancelled": _ending("This isn't asked any more", "Nothing was sent."),
}
_OBSERVED: Final[Mapping[State, Ending]] = {
    "off_air": _ending("You're off air"),
    "starting": _ending("You weren't seen on air yet", "TRaX accepted it. Check the platforms."),
    "unknown": _ending(
        "Check the platforms", "TRaX accepted it, but trax-mcp couldn't tell whether it worked."
    ),
}
_UNDONE: Final = {
    True: _ending("You're off air", "You went offline meanwhile, so the show was ended again."),
    False: _ending(
        "Check the platforms", "You went offline meanwhile, but the show may still be on air."
    ),
}
"""After a go-live during which a stop came."""
_NOTHING_SENT: Final = _ending("Nothing was sent")


def ending_of(result: Ended | None) -> Ending:
    """What came of a question. Without a result, it was not shown in time."""
    match result:
        case None:
            return _UNREPORTED
        case TraxError(outcome="not_applied"):
            return _ending("It didn't work", f"{result.told}{result.not_done}.")
        case TraxError():
            happened = f"{result.told}. Ask your assistant to look."
            return _ending("It isn't known whether it worked", happened)
        case Done(is_whole=False) if len(result.steps) > 1:
            return _ending(result.tally, "Ask your assistant about the rest.")
        case Done():
            return _done(result)
        case NotRun():
            return ending_of_refusal(result.reason, result.why)


def ending_of_refusal(reason: str | None, why: str | None) -> Ending:
    """What came of a call that did not run: why, in words, as far as the reason does not say it."""
    known = _NOT_RUN.get(reason or "", _NOTHING_SENT)
    if not why:
        return known
    why = f"{why[0].upper()}{why[1:].removesuffix('.')}."
    return known._replace(text=say(f"{why} {known.text.text}".rstrip()))


def _done(done: Done) -> Ending:
    observed = done.observed
    (first, *others) = done.steps
    if first.error is not None and not others:  # what was seen comes first
        seen, _, happened = first.error.told.partition(". ")
        return _ending(seen, f"{happened}{first.error.not_done}.")
    said = first.said[0] if first.said else say("")
    if observed is None:
        all_made = f"All {len(done.steps)} changes were made."
        return Ending("Done", say(all_made) if others else said)
    if observed.state == "on_air":
        return _ending("You're live", _CHECK, observed.since)
    if done.undone is not None:
        return _UNDONE[done.undone]
    if observed.state == "stopping":  # of a start too, which a stop has followed
        return Ending("Look again in a minute", said)
    return _OBSERVED[observed.state]
