"""Several changes of one studio, with one question for all."""

from collections.abc import Iterable, Sequence
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
from trax_mcp.consent.plans.base import ON_AIR, Plan, Sentences, plan_for
from trax_mcp.studio import naming
from trax_mcp.studio.facts import Facts, Observed, Read
from trax_mcp.studio.naming import Sentence, sentence


class ApplyChangesPlan(Plan[ApplyChanges]):
    """Makes several changes. Each has its own plan, with the facts as those before leave them."""

    reads = ()

    @cached_property
    def plans(self) -> Sequence[Plan[Any]]:
        """The plan of each change, in order."""
        plans, facts = list[Plan[Any]](), self.facts
        for step in self.operation.steps:
            plan = plan_for(step)(step, facts, self._hidden, self._changed_to, now=self.now)
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

    def effects(self) -> Sentences:
        told = set[Sentence]()  # only what is no effect of one change alone can be said once
        for number, plan in enumerate(self.plans, start=1):
            plan.target()  # which must be listed
            first, *others = plan.effects()
            yield first._replace(text=f"{number}. {first.text}")
            yield from (it for it in others if it not in told)
            told.update(it for it in others if it.text.startswith(ON_AIR))

    def warnings(self) -> Sentences:
        yield from dict.fromkeys(it for plan in self.plans for it in plan.warnings())

    def choice(self) -> str:
        things = f"Do these {len(self.plans)} things"
        if self.operation.starts_broadcast:
            platforms = naming.platforms(it.platform for it in self.plans[-1].facts.enabled)
            things += f" and be live{f' on {platforms}' if platforms else ''}"
        return f"{things}: {self.name}"

    def done(self, _answer: JsonObject, _observed: Observed | None) -> Sentences:
        before = {it.id for it in self.facts.enabled}
        after = self.plans[-1].facts.destinations.value or ()
        off = [self.destination(it).text for it in after if it.id in before and not it.enabled]
        if self.operation.starts_broadcast and off:
            yield sentence("Switched off for the next show too: {}.", naming.listed(off))


def facts_before_last(action: Action, facts: Facts) -> Facts:
    """The facts as all steps but the last leave them. Pure."""
    for step in action.steps[:-1]:
        facts = facts_after(step, facts)
    return facts


def unshown(shown: Facts, now: Facts, added: Iterable[str]) -> list[Destination]:
    """The destinations that are switched on now and were not shown so. Pure.

    Those that earlier steps have added have no id yet where they were shown: theirs are in `added`.
    """
    ids = {*added, *(it.id for it in shown.enabled)}
    return [it for it in now.enabled if it.id not in ids]


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
