"""Going live and going offline."""

from collections.abc import Iterator
from typing import Final

from trax_mcp.api.contract import JsonObject
from trax_mcp.api.operations import GoLive, GoOffline
from trax_mcp.consent.plans.base import Plan, Sentences
from trax_mcp.studio import naming, times
from trax_mcp.studio.facts import Fact, Observed
from trax_mcp.studio.naming import Name, note, sentence
from trax_mcp.studio.readiness import READINESS_FACTS, go_live_warnings

_MAX_NAMED: Final = 20
"""The most destinations that a sentence names."""


class GoLivePlan(Plan[GoLive]):
    """Starts a broadcast."""

    reads = READINESS_FACTS

    @classmethod
    def puts_on_air(cls, _operation: GoLive) -> bool:
        return True

    def effects(self) -> Sentences:
        yield sentence("Starts a broadcast of {} that anyone can watch.", self.name)
        for it in self.facts.enabled:
            yield sentence("Goes out on {}.", self.destination(it))
        for source in self.facts.active:
            yield sentence("Can be on screen: {}.", self.source(source))

    def warnings(self) -> Sentences:
        yield from self.changed_earlier()
        yield from (it.what for it in go_live_warnings(self.facts))

    def choice(self) -> str:
        platforms = naming.platforms(it.platform for it in self.facts.enabled)
        return f"Go live{f' on {platforms}' if platforms else ''}: {self.name}"

    def done(self, answer: JsonObject, observed: Observed | None) -> Sentences:
        where = self._destinations(answer)
        next_step = self.operation.look
        match observed.state if observed else "unknown":
            case "on_air":
                since = times.since(observed.since, self.now) if observed else ""
                yield note(f"On air{since}{where}.")
            case "stopping":
                came = f"The start was accepted, but a stop came after it{self._undone()}."
                yield note(f"{came} {next_step}")
            case "starting":
                yield note(f"Going live{where}, but not seen on air yet. {next_step}")
            case _:
                yield note(
                    f"Going live{where}; whether it is on air could not be seen. {next_step}"
                )

    def _undone(self) -> str:
        """The end of a sentence: what was done about a stop that came after the go-live."""
        match self.undone:
            case True:
                return ", so the studio was taken off the air again"
            case False:
                return ", and to take the studio off the air again has failed: it may be on air"
        return ""

    def _destinations(self, answer: JsonObject) -> str:
        """The end of a sentence: the destinations that TRaX names in its answer."""
        ids = answer.get("destinationIds")
        if not isinstance(ids, list):
            return ""
        names = list(self._names([it for it in ids if isinstance(it, str)]))
        more = len(names) - _MAX_NAMED
        shown = [*names[:_MAX_NAMED], *([f"{more} more"] if more > 0 else [])]
        return f" on {naming.listed(shown)}" if shown else " on no destination"

    def _names(self, ids: list[str]) -> Iterator[str]:
        known = {it.id: it for it in self.facts.destinations.value or ()}
        for it in dict.fromkeys(ids):
            if it in known:
                yield f"{naming.platform(known[it].platform)} ({naming.quoted(known[it].name)})"
            else:
                yield f"the destination {naming.quoted(it)}"


class GoOfflinePlan(Plan[GoOffline]):
    """Ends a broadcast."""

    reads = (Fact.STUDIO, Fact.STATUS, Fact.DESTINATIONS)

    def effects(self) -> Sentences:
        yield sentence("Ends the broadcast of {} for all viewers.", self.name)
        if self.facts.live:
            yield note(f"It {times.on_air(self.facts.since, self.now)}.")
            for it in self.facts.enabled:
                yield sentence("Leaves {}.", self.destination(it))
        if self.facts.live is False:
            yield sentence(
                "It does not seem to be on air: a start that is under way is stopped too."
            )

    def warnings(self) -> Sentences:
        if self.facts.auto_go_live:
            yield sentence(
                "{} can go on air again by itself: its `autoGoLive` was turned on here.",
                self._subject,
            )

    def choice(self) -> str:
        return f"Go offline: {self.name}"

    def done(self, _answer: JsonObject, observed: Observed | None) -> Sentences:
        yield from self._outcome(observed)
        if self.facts.auto_go_live:
            yield sentence(
                "Warning: {} can go on air again by itself. Turn its `autoGoLive` off with"
                " update_studio if the person wants it to stay off the air.",
                self.studio,
            )

    def _outcome(self, observed: Observed | None) -> Sentences:
        next_step = self.operation.look
        match observed.state if observed else "unknown":
            case "off_air":
                yield sentence("{} is off air.", self._subject)
            case "stopping":
                yield sentence(
                    "{} is going off air, but was not seen off air yet. {}",
                    self._subject,
                    next_step,
                )
            case _:
                yield sentence(
                    "{} is going off air; whether it is off air yet could not be seen. {}",
                    self._subject,
                    next_step,
                )

    @property
    def _subject(self) -> Name | str:
        return self.studio if self.facts.studio.value else "The studio"
