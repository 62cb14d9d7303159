"""Several changes of one studio, with one question for all."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from functools import cached_property
from typing import Any

from trax_mcp.api.contract import JsonObject
from trax_mcp.api.models import Destination, ItemT, Model, Source
from trax_mcp.api.operation import Operation
from trax_mcp.api.operations import (
    CreateDestination,
    CreateSource,
    DeleteDestination,
    DeleteSource,
    UpdateDestination,
    UpdateSource,
    UpdateStudio,
)
from trax_mcp.consent.changes import Action, ApplyChanges
from trax_mcp.consent.plans.acts import Act, Rank, choice_of_several, headline_of_several
from trax_mcp.consent.plans.base import AT_ONCE, Plan, Sentences, plan_for, stays
from trax_mcp.consent.plans.stream import may_reach, on_screen, places, stays_off
from trax_mcp.consent.preview import Row
from trax_mcp.studio.facts import Facts, Observed, Read
from trax_mcp.studio.naming import Sentence, say


class ApplyChangesPlan(Plan[ApplyChanges]):
    """Makes several changes. Each has its own plan, with the facts as those before leave them."""

    reads = ()

    @cached_property
    def plans(self) -> Sequence[Plan[Any]]:
        """The plan of each change, in order."""
        plans, facts = list[Plan[Any]](), self.facts
        for step in self.operation.steps:
            plan = plan_for(step)(step, facts, self._hidden, self._changed_to, now=self.now)
            plan.asked_with = self.facts
            plans.append(plan)
            facts = facts_after(step, facts)
        return plans

    @classmethod
    def puts_on_air(cls, operation: ApplyChanges) -> bool:
        return any(plan_for(it).puts_on_air(it) for it in operation.steps)

    @classmethod
    def sets_auto_go_live(cls, operation: ApplyChanges) -> bool | None:
        settings = [plan_for(it).sets_auto_go_live(it) for it in operation.steps]
        return next((it for it in reversed(settings) if it is not None), None)

    def acts(self) -> Iterator[Act]:
        for plan in self.plans:
            plan.target()  # which must be listed
            yield from plan.acts()

    def headline(self) -> Sentence:
        is_live = self.operation.starts_broadcast
        return headline_of_several(self.acts(), self.name, is_live=is_live)

    def choices(self) -> tuple[str, str]:
        return choice_of_several(self.acts()), "Change nothing"

    def lead(self) -> Sentences:
        if self.operation.starts_broadcast or self.sets_auto_go_live(self.operation):
            yield from may_reach(self.plans[-1])
        told = Counter(it.lead for it in sorted(self.acts(), key=lambda it: it.rank) if it.lead)
        first = {it.lead: it for it in self.acts()}
        words = (_lead_among(first[lead], number) for lead, number in told.items())
        yield from map(say, dict.fromkeys(words))
        if any([*plan.on_air()] for plan in self.plans):
            yield from self.while_on_air(AT_ONCE)

    def rows(self) -> Iterator[Row]:
        acts = sorted(self.acts(), key=lambda it: it.rank)
        yield from _facts(it for it in acts if it.rank < Rank.GO_LIVE)
        if self.operation.starts_broadcast:
            yield places(self.plans[-1], "Streams to", self._after.enabled, short="To")
        yield from _facts(it for it in acts if it.rank >= Rank.GO_LIVE)
        if self.operation.starts_broadcast:
            turned_off = {it.id for it in _may_be_on(self.facts)}
            off = [it for it in self._after.destinations.value or () if it.enabled is False]
            still_off = [it for it in off if it.id not in turned_off]
            yield stays_off(self.plans[-1], still_off)
            yield on_screen(self.plans[-1])
        elif self.sets_auto_go_live(self.operation):
            yield places(self.plans[-1], "Would stream to", self._after.enabled, short="To")

    def lasts(self) -> Sentences:
        acts = [it for it in self.acts() if it.lasts is not None]
        if len({it.lasts for it in acts}) > 1:
            yield say("These stay this way until you change them.")
        elif acts:
            yield say(_stays_of_several(acts))

    @property
    def _after(self) -> Facts:
        """The facts as all changes leave them."""
        return facts_after(self.operation.steps[-1], self.plans[-1].facts)

    def warnings(self) -> Sentences:
        yield from dict.fromkeys(it for plan in self.plans for it in plan.warnings())

    def done(self, _answer: JsonObject, _observed: Observed | None) -> Sentences:
        yield from ()  # each change has its own result


def _facts(acts: Iterable[Act]) -> Iterator[Row]:
    """What is shown of acts among several changes, in a row for each label."""
    facts = dict[str, list[Sentence]]()
    for it in acts:
        if it.fact is not None:
            facts.setdefault(it.label, []).append(it.fact)
    yield from (Row(label, tuple(items)) for label, items in facts.items())


def _lead_among(act: Act, number: int) -> str:
    """What becomes public or is lost, among several changes, of which so many lose the same."""
    among = act.lead_of_many if number > 1 else act.lead_among
    return among or act.lead


def _stays_of_several(acts: Sequence[Act]) -> str:
    """What outlives the show, by its platform if that is known."""
    first, is_on = acts[0], acts[0].lasts is True
    if len(acts) > 1:
        return stays(len(acts), is_on=is_on)
    return stays(1, is_on=is_on).replace("It", [*first.platforms, f"The {first.thing}"][0], 1)


def facts_before_last(action: Action, facts: Facts) -> Facts:
    """The facts as all steps but the last leave them. Pure."""
    for step in action.steps[:-1]:
        facts = facts_after(step, facts)
    return facts


def unshown(shown: Facts, now: Facts, added: Iterable[str]) -> list[Destination]:
    """The destinations that are, or may be, switched on now and were not shown so. Pure.

    Those that earlier steps have added have no id yet where they were shown: theirs are in `added`.
    """
    ids = {*added, *(it.id for it in _may_be_on(shown))}
    return [it for it in _may_be_on(now) if it.id not in ids]


def is_as_shown(shown: Facts, now: Facts, added: Iterable[str]) -> bool:
    """Whether a go-live reaches nothing that was not shown, or not told of. Pure."""
    before, after = shown.destinations, now.destinations
    is_less_clear = (
        after.unreadable > before.unreadable
        or (after.is_null and not before.is_null)
        or (bool(after.missing) and not before.missing)
    )
    return not is_less_clear and not unshown(shown, now, added)


def _may_be_on(facts: Facts) -> tuple[Destination, ...]:
    return (*facts.enabled, *facts.perhaps_enabled)


def facts_after(operation: Operation[Model], facts: Facts) -> Facts:
    """The facts as a call leaves them, as far as they were known. Pure.

    What TRaX documents no default for counts as on: so much may go on air.
    """
    destinations, sources = facts.destinations.value or (), facts.sources.value or ()
    match operation:
        case UpdateStudio(name=str(name)) if facts.studio.value:
            return facts._replace(studio=Read(facts.studio.value.model_copy(update={"name": name})))
        case CreateDestination() as new:
            place = Destination(
                id="",
                name=new.name,
                platform=new.platform,
                enabled=new.enabled is not False,
                vertical=new.vertical is True,
            )
            destinations = (*destinations, place)
        case UpdateDestination():
            destinations = _changed(destinations, operation)
        case DeleteDestination(dest_id=its_id):
            destinations = tuple(it for it in destinations if it.id != its_id)
        case CreateSource() as new:
            source = Source(id="", name=new.name, type=new.type, active=new.active is not False)
            sources = (*sources, source)
        case UpdateSource():
            sources = _changed(sources, operation)
        case DeleteSource(source_id=its_id):
            sources = tuple(it for it in sources if it.id != its_id)
    return facts._replace(
        destinations=_with(facts.destinations, destinations), sources=_with(facts.sources, sources)
    )


def _changed(items: Iterable[ItemT], change: UpdateDestination | UpdateSource) -> tuple[ItemT, ...]:
    """The items of a list, of which the call changes one."""
    target, given = change.target_id(), change.model_dump(exclude_none=True)
    return tuple(
        it.model_copy(update={name: given[name] for name in given.keys() & type(it).model_fields})
        if it.id == target
        else it
        for it in items
    )


def _with(read: Read[tuple[ItemT, ...]], items: tuple[ItemT, ...]) -> Read[tuple[ItemT, ...]]:
    """A list with other items. One that is not known stays so."""
    return read if read.value is None else replace(read, value=items)
