"""Going live and going offline."""

from trax_mcp.api.operations import GoLive, GoOffline
from trax_mcp.consent.plans.base import Plan, Sentences
from trax_mcp.studio import naming, times
from trax_mcp.studio.facts import Fact
from trax_mcp.studio.naming import note, sentence
from trax_mcp.studio.readiness import READINESS_FACTS, go_live_warnings


class GoLivePlan(Plan[GoLive]):
    """Starts a broadcast."""

    reads = READINESS_FACTS

    @classmethod
    def puts_on_air(cls, _operation: GoLive) -> bool:
        return True

    def effects(self) -> Sentences:
        yield sentence("Starts a broadcast of {} that anyone can watch.", self.name)
        for it in self.facts.enabled:
            yield sentence("Goes out on {}.", naming.destination(it))
        for source in self.facts.active:
            yield sentence("Can be on screen: {}.", naming.source(source))

    def warnings(self) -> Sentences:
        yield from (it.what for it in go_live_warnings(self.facts))

    def choice(self) -> str:
        platforms = naming.platforms(it.platform for it in self.facts.enabled)
        return f"Go live{f' on {platforms}' if platforms else ''}: {self.name}"


class GoOfflinePlan(Plan[GoOffline]):
    """Ends a broadcast."""

    reads = (Fact.STUDIO, Fact.STATUS, Fact.DESTINATIONS)

    def effects(self) -> Sentences:
        yield sentence("Ends the broadcast of {} for all viewers.", self.name)
        if self.facts.live:
            yield note(f"It {times.on_air(self.facts.since, self.now)}.")
            for it in self.facts.enabled:
                yield sentence("Leaves {}.", naming.destination(it))
        if self.facts.live is False:
            yield sentence(
                "It does not seem to be on air: a start that is under way is stopped too."
            )

    def choice(self) -> str:
        return f"Go offline: {self.name}"
