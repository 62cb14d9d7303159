"""Unlinking platform accounts."""

from trax_mcp.api.contract import JsonObject
from trax_mcp.api.operations import UnlinkConnection
from trax_mcp.consent.plans.base import Plan, Sentences
from trax_mcp.consent.preview import Target
from trax_mcp.studio import naming
from trax_mcp.studio.facts import Fact, Observed
from trax_mcp.studio.naming import sentence


class UnlinkConnectionPlan(Plan[UnlinkConnection]):
    """Unlinks an account."""

    reads = (Fact.CONNECTIONS, Fact.STUDIO_DETAILS, Fact.HEALTH)

    def target(self) -> Target:
        it = self.find(
            self.facts.connections,
            kind="connection",
            listed_by="list_connections",
        )
        if it is None:
            return Target(self.operation.connection_id)
        return Target(it.id, it.display_name, it.platform)

    def effects(self) -> Sentences:
        yield sentence("Unlinks the {} {} from TRaX.", self._kind, self.name)
        yield sentence("Cannot be undone here: only a person can link it again, on TRaX.")
        yield sentence("Nothing is deleted on {} itself.", self._platform)

    def warnings(self) -> Sentences:
        platform = self.target().platform
        for details in self.facts.studio_details.value or ():
            for it in details.enabled:
                if it.platform == platform:
                    yield sentence(
                        "{} in {}{} may stop working.",
                        naming.destination(it),
                        naming.studio(details.studio.value),
                        ", which is on air," if details.live else "",
                    )

    def choice(self) -> str:
        return f"Unlink the account {self.name}"

    def done(self, _answer: JsonObject, _observed: Observed | None) -> Sentences:
        yield sentence("Unlinked the {} {} from TRaX.", self._kind, self.name)

    @property
    def _platform(self) -> str:
        platform = self.target().platform
        return "the platform" if platform is None else naming.platform(platform)

    @property
    def _kind(self) -> str:
        platform = self.target().platform
        return "account" if platform is None else f"{naming.platform(platform)} account"
