"""Unlinking platform accounts."""

from collections.abc import Iterator
from typing import Final

from trax_mcp.actions.acts import Act, Rank
from trax_mcp.actions.change import Change
from trax_mcp.actions.view import Sentences, Target, View
from trax_mcp.api import arguments
from trax_mcp.api.contract import JsonObject
from trax_mcp.api.models import Destination, Model
from trax_mcp.api.operation import Effect
from trax_mcp.api.reads import (
    GetHealth,
    GetStreamStatus,
    GetStudio,
    ListConnections,
    ListDestinations,
    ListStudios,
)
from trax_mcp.studio import naming
from trax_mcp.studio.facts import NOT_TOLD, Unknown, count
from trax_mcp.studio.naming import Looks, Name, Sentence, say, sentence

_MOST_NAMED: Final = 10
"""The most destinations that are named once the account is unlinked."""


class UnlinkConnection(
    Change[Model],
    endpoint="DELETE /v1/connections/{connectionId}",
    effect=Effect.GUARDED,
    shown_by=ListConnections,
    hint="The user would have to link it again on TRaX.",
):
    connection_id: arguments.Id

    reads = (ListConnections, ListStudios, GetStreamStatus, ListDestinations, GetHealth)

    def target(self, view: View) -> Target:
        it = view.find(ListConnections, self.connection_id)
        if it is None:
            return Target(self.connection_id)
        return Target(it.id, it.display_name, it.platform)

    def described(self, view: View) -> Name:
        """The account, with its id if another one looks the same."""
        accounts = view.facts[ListConnections].value or ()
        target = self.target(view)
        looks = Looks({it.id: it.display_name for it in accounts})
        return naming.named(target.name or target.id, target.id, among=looks)

    def acts(self, view: View) -> Iterator[Act]:
        known = naming.known_platform(self.target(view).platform or "")
        yield Act(
            rank=Rank.DELETE,
            yes=f"Unlink the {known} account" if known else "Unlink the account",
            no="Keep it linked",
            headline="Unlink {}",
            verb="unlink",
            thing="account",
            lead="Only you can link it again on TRaX.",
        )

    def headline(self, view: View) -> Sentence:
        return sentence("Unlink the {} {}?", self._kind(view), self.described(view))

    def lasts(self, view: View) -> Sentences:
        yield say(f"Nothing is deleted on {self._platform(view)}.")

    def warnings(self, view: View) -> Sentences:
        for it, studio, is_live in self._switched_on(view):
            on_air = ", which is on air," if is_live else ""
            yield sentence("{} in {}{} may stop working.", _place(it), studio, on_air)

    def unknown(self, view: View) -> Iterator[Unknown]:
        yield from super().unknown(view)
        if view.facts[ListConnections].value is not None and self.target(view).platform is None:
            yield Unknown("the account's platform", NOT_TOLD)
        unclear = [it for it, _, _ in self._switched_on(view) if it.platform is None]
        if unclear:
            yield Unknown(f"the platform of {count(len(unclear), 'destinations')}", NOT_TOLD)

    def done(self, view: View, _response: JsonObject) -> Sentences:
        yield sentence("Unlinked the {} {} from TRaX.", self._kind(view), self.described(view))
        switched_on = [*self._switched_on(view)]
        still_on = [f"{_place(it)} in {studio}" for it, studio, _ in switched_on]
        if more := len(still_on) - _MOST_NAMED:
            still_on[_MOST_NAMED:] = [f"{more} more"] if more > 0 else []
        if still_on:
            platform = self.target(view).platform
            is_clear = platform and all(it.platform == platform for it, _, _ in switched_on)
            told = f"Still on{'' if is_clear else ', perhaps'} for {self._platform(view)}"
            yield say(f"{told}: {naming.listed(still_on)}.")

    def _switched_on(self, view: View) -> Iterator[tuple[Destination, Name | str, bool]]:
        """The destinations that are on, each with its studio: is that on air?

        All that may be of its platform.
        """
        platform = self.target(view).platform
        for details in view.facts.per_studio:
            studio = naming.studio(details[GetStudio].value, longest=naming.TARGET_NAME)
            for it in (*details.enabled, *details.perhaps_enabled):
                if platform is None or it.platform in {platform, None}:
                    yield it, studio, details.live is True

    def _platform(self, view: View) -> str:
        platform = self.target(view).platform
        return "the platform" if platform is None else naming.platform(platform)

    def _kind(self, view: View) -> str:
        platform = self.target(view).platform
        return "account" if platform is None else f"{naming.platform(platform)} account"


def _place(it: Destination) -> Name:
    return naming.destination(it, longest=naming.TARGET_NAME)
