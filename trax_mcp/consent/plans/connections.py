"""Unlinking platform accounts."""

from collections.abc import Iterator
from typing import Final

from trax_mcp.api.contract import JsonObject
from trax_mcp.api.models import Destination
from trax_mcp.api.operations import UnlinkConnection
from trax_mcp.consent.plans.acts import Act, Rank
from trax_mcp.consent.plans.base import Plan, Sentences
from trax_mcp.consent.preview import Target
from trax_mcp.studio import naming
from trax_mcp.studio.facts import NOT_TOLD, Fact, Observed, Unknown, count
from trax_mcp.studio.naming import Looks, Name, Sentence, say, sentence

_MOST_NAMED: Final = 10
"""The most destinations that are named once the account is unlinked."""


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

    @property
    def described(self) -> Name:
        """The account, with its id if another one looks the same."""
        accounts = self.facts.connections.value or ()
        target = self.target()
        looks = Looks({it.id: it.display_name for it in accounts})
        return naming.named(target.name or target.id, target.id, among=looks)

    def acts(self) -> Iterator[Act]:
        known = naming.known_platform(self.target().platform or "")
        yield Act(
            rank=Rank.DELETE,
            yes=f"Unlink the {known} account" if known else "Unlink the account",
            no="Keep it linked",
            headline="Unlink {}",
            verb="unlink",
            thing="account",
            lead="Only you can link it again, on TRaX.",
        )

    def headline(self) -> Sentence:
        return sentence("Unlink the {} {}?", self._kind, self.described)

    def lasts(self) -> Sentences:
        yield say(f"Nothing is deleted on {self._platform}.")

    def warnings(self) -> Sentences:
        for it, studio, is_live in self._switched_on():
            on_air = ", which is on air," if is_live else ""
            yield sentence("{} in {}{} may stop working.", _place(it), studio, on_air)

    def unknown(self) -> Iterator[Unknown]:
        yield from super().unknown()
        if self.facts.connections.value is not None and self.target().platform is None:
            yield Unknown("the account's platform", NOT_TOLD)
        unclear = [it for it, _, _ in self._switched_on() if it.platform is None]
        if unclear:
            yield Unknown(f"the platform of {count(len(unclear), 'destinations')}", NOT_TOLD)

    def done(self, _answer: JsonObject, _observed: Observed | None) -> Sentences:
        yield sentence("Unlinked the {} {} from TRaX.", self._kind, self.described)
        switched_on = [*self._switched_on()]
        still_on = [f"{_place(it)} in {studio}" for it, studio, _ in switched_on]
        if more := len(still_on) - _MOST_NAMED:
            still_on[_MOST_NAMED:] = [f"{more} more"] if more > 0 else []
        if still_on:
            is_clear = all(it.platform == self.target().platform for it, _, _ in switched_on)
            perhaps = "" if is_clear and self.target().platform else ", perhaps"
            told = f"Still switched on{perhaps} for {self._platform}"
            yield say(f"{told}: {naming.listed(still_on)}.")

    def _switched_on(self) -> Iterator[tuple[Destination, Name | str, bool]]:
        """The destinations that are on, each with its studio: is that on air?

        All that may be of its platform.
        """
        platform = self.target().platform
        for details in self.facts.studio_details.value or ():
            studio = naming.studio(details.studio.value, longest=naming.TARGET_NAME)
            for it in (*details.enabled, *details.perhaps_enabled):
                if platform is None or it.platform in {platform, None}:
                    yield it, studio, details.live is True

    @property
    def _platform(self) -> str:
        platform = self.target().platform
        return "the platform" if platform is None else naming.platform(platform)

    @property
    def _kind(self) -> str:
        platform = self.target().platform
        return "account" if platform is None else f"{naming.platform(platform)} account"


def _place(it: Destination) -> Name:
    return naming.destination(it, longest=naming.TARGET_NAME)
