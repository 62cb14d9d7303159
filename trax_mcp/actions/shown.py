"""The question about a call: of one change, or of several with one question for all. Pure.

Each of several is shown with the facts as those before it leave them.
"""

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final, NamedTuple

from trax_mcp.actions.acts import AT_ONCE, Act, Rank, choice_of_several, headline_of_several, stays
from trax_mcp.actions.change import Change
from trax_mcp.actions.stream import may_reach, on_screen, places, stays_off
from trax_mcp.actions.view import Row, Sentences, Target, View
from trax_mcp.api.models import Destination, Model
from trax_mcp.api.operation import Operation
from trax_mcp.api.reads import GetStudio, ListDestinations
from trax_mcp.studio.facts import Facts, Kind
from trax_mcp.studio.naming import Sentence, say

Operations = tuple[Change[Any], ...]
"""What a call does: one change, or several of one studio."""

SEVERAL: Final = "apply_changes"
"""The tool whose calls make several changes."""
LOOK: Final = "Check with check_studio before anything else."
"""What to do where the outcome of several is not known."""
PRACTICE: Final = "Practice: "
"""Before the act, in a question on practice studios."""
NOTHING_IS_REAL: Final = "Practice studios: nothing is real."
_WAS: Final = {False: "No longer", True: "You were asked"}
_IS_NOW: Final = {False: "Now", True: "It's now"}


class Preview(NamedTuple):
    """A question to a person, as data.

    `headline` is the act. `lead` says what becomes public or is lost. `lasts` says what outlives
    the show. `yes` is the choice that agrees, and `no` the one that refuses: neither holds a name.
    `goes_live`: the call puts the show on air, now or later on its own.
    """

    operation: str
    target: Target
    headline: Sentence
    yes: str
    no: str
    lead: tuple[Sentence, ...] = ()
    rows: tuple[Row, ...] = ()
    lasts: tuple[Sentence, ...] = ()
    warnings: tuple[Sentence, ...] = ()
    unknown: tuple[str, ...] = ()
    puts_on_air: bool = False
    goes_live: bool = False
    digest: str = ""

    @property
    def effects(self) -> tuple[Sentence, ...]:
        """What the call does, in sentences: all but the headline and the warnings."""
        return (*self.lead, *(it.sentence for it in self.rows), *self.lasts)

    @property
    def shown(self) -> tuple[Sentence, ...]:
        """Everything that a person is shown and that consent depends on, fact by fact."""
        return tuple(it for it in self._shown() if not it.is_note)

    def _shown(self) -> Iterator[Sentence]:
        yield self.headline
        yield from self.warnings
        yield from self.lead
        for row in self.rows:
            for item in row.items:
                yield Row(row.label, (item,)).sentence
        yield from self.lasts
        yield from (say(f"Not known: {it}") for it in self.unknown)


def tool_of(changes: tuple[Operation[Model], ...]) -> str:
    """The tool whose call makes these changes."""
    return changes[0].tool_name if len(changes) == 1 else SEVERAL


def puts_on_air(changes: Operations) -> bool:
    """Whether one of them can put something new on air, now or later."""
    return any(it.puts_on_air for it in changes)


def sets_auto_go_live(changes: Operations) -> bool | None:
    """Whether they leave `autoGoLive` on or off; None if they do not touch it."""
    settings = [it.sets_auto_go_live for it in changes]
    return next((it for it in reversed(settings) if it is not None), None)


def with_views(changes: Operations, view: View) -> Iterator[tuple[Change[Any], View]]:
    """Each change, with the facts as those before leave them."""
    for it in changes:
        yield it, view
        view = view.then(it.after(view.facts))


def show(changes: Operations, view: View) -> Preview:
    """The texts that a person is shown, and their digest.

    The digest of a stop holds only its arguments: nothing else may invalidate it.

    Raises:
        NotSent: the list of a target could be read, and does not contain it.
    """
    preview = _one(changes[0], view) if len(changes) == 1 else _Several(changes, view).preview()
    leads_on_air = puts_on_air(changes)
    preview = preview._replace(
        puts_on_air=leads_on_air,
        goes_live=changes[-1].starts_broadcast
        or bool(sets_auto_go_live(changes))
        or (leads_on_air and view.facts.live is not False),
    )
    if changes[0].stops_broadcast:
        return preview._replace(digest=digest(preview.operation, changes, ()))
    also = (preview.target.id, (preview.yes, preview.no))
    return preview._replace(digest=digest(preview.operation, changes, preview.shown, *also))


def digest(
    tool: str, operations: Sequence[Operation[Model]], shown: Iterable[Sentence], *also: object
) -> str:
    """A digest of the arguments, the sentences with whole names, and the ids of what they name.

    Their order does not matter: TRaX promises none for lists.
    """
    given = [it.model_dump(mode="json", by_alias=True, exclude_none=True) for it in operations]
    tools = [it.tool_name for it in operations]
    arguments = given[0] if len(given) == 1 else [*zip(tools, given, strict=True)]
    content = json.dumps([tool, arguments, _content(shown), also], sort_keys=True)
    return hashlib.sha256(content.encode()).hexdigest()[:32]


def _content(shown: Iterable[Sentence]) -> list[tuple[str, list[tuple[str, str]]]]:
    """What sentences say, and the ids of what they name."""
    return sorted((it.text, [(name.id, name.rest) for name in it.names]) for it in shown)


def changes_since(was: Preview, is_now: Preview) -> tuple[Sentence, ...]:
    """The differences from an earlier question, in words."""
    shown, now = frozenset(was.shown), is_now.shown
    texts_before, texts_now = Counter(it.text for it in was.shown), Counter(it.text for it in now)
    removed, added = texts_before - texts_now, texts_now - texts_before
    replaced = dict.fromkeys(it for it in now if it not in shown and it.text not in added)
    return (
        *(_after(_WAS[_asks(it)], it) for it in dict.fromkeys(was.shown) if it.text in removed),
        *(_after(_IS_NOW[_asks(it)], it) for it in dict.fromkeys(now) if it.text in added),
        *(_after("Now another one with the same name", it) for it in replaced),
    )


def reads_for(operations: Operations) -> Sequence[Kind]:
    """What is read before the question, each once."""
    return tuple(dict.fromkeys(kind for it in operations for kind in it.all_reads))


def says_the_same(operations: Operations, one: View, other: View) -> bool:
    """Whether a person is shown the same of both, with all that it names, in whatever order.

    Raises:
        NotSent: what an operation acts on is not there.
    """
    first, second = (_content(show(operations, it).shown) for it in (one, other))
    return first == second


def _asks(it: Sentence) -> bool:
    """Whether it is the headline, which may be another one now."""
    return it.text.endswith("?")


def _after(begin: str, it: Sentence) -> Sentence:
    """A sentence after a word about it. Its end is a period, unless it asks."""
    end = "" if it.text.endswith((".", "?", "!")) else "."
    return Sentence((f"{begin}: ", *it.parts, *filter(None, (end,))))


def _one(change: Change[Any], view: View) -> Preview:
    target = change.target(view)
    yes, no = change.choices(view)
    return Preview(
        operation=change.tool_name,
        target=target,
        headline=change.headline(view),
        yes=yes,
        no=no,
        lead=tuple(change.lead(view)),
        rows=tuple(it for it in change.rows(view) if it.items),
        lasts=tuple(change.lasts(view)),
        warnings=tuple(change.warnings(view)),
        unknown=tuple(map(str, change.unknown(view))),
    )


class _Several:
    """Several changes, in sentences."""

    def __init__(self, changes: Operations, view: View) -> None:
        self._changes = [*with_views(changes, view)]
        self._view = view
        last, self._last_view = self._changes[-1]
        self._after = last.after(self._last_view.facts)
        self._starts = last.starts_broadcast
        self._is_set_to_start = sets_auto_go_live(changes)
        for it, its_view in self._changes:
            it.target(its_view)  # which must be listed
        self._acts = [act for it, its_view in self._changes for act in it.acts(its_view)]
        self._by_rank = sorted(self._acts, key=lambda it: it.rank)

    def preview(self) -> Preview:
        view, (first, _) = self._view, self._changes[0]
        studio = view.asked_with[GetStudio].value
        target = Target(first.studio(), studio.name if studio else None)
        warnings = (it for change, its in self._changes for it in change.warnings(its))
        return Preview(
            operation=SEVERAL,
            target=target,
            headline=headline_of_several(self._acts, view.named(target), is_live=self._starts),
            yes=choice_of_several(self._acts),
            no="Change nothing",
            lead=tuple(self._lead()),
            rows=tuple(it for it in self._rows() if it.items),
            lasts=tuple(self._lasts()),
            warnings=tuple(dict.fromkeys(warnings)),
            unknown=tuple(map(str, view.facts.unknown)),
        )

    def _lead(self) -> Sentences:
        if self._starts or self._is_set_to_start:
            yield from may_reach(self._last_view)
        told = Counter(it.lead for it in self._by_rank if it.lead)
        first = {it.lead: it for it in self._acts}
        words = (_lead_among(first[lead], number) for lead, number in told.items())
        yield from map(say, dict.fromkeys(words))
        if any([*it.on_air(its_view)] for it, its_view in self._changes):
            yield from self._view.while_on_air(AT_ONCE)

    def _rows(self) -> Iterator[Row]:
        yield from _facts(it for it in self._by_rank if it.rank < Rank.GO_LIVE)
        if self._starts:
            yield places(self._last_view, "Streams to", self._after.enabled, short="To")
        yield from _facts(it for it in self._by_rank if it.rank >= Rank.GO_LIVE)
        if self._starts:
            turned_off = {it.id for it in _may_be_on(self._view.facts)}
            off = [it for it in self._after[ListDestinations].value or () if it.enabled is False]
            yield stays_off(self._last_view, [it for it in off if it.id not in turned_off])
            yield on_screen(self._last_view)
        elif self._is_set_to_start:
            yield places(self._last_view, "Would stream to", self._after.enabled, short="To")

    def _lasts(self) -> Sentences:
        acts = [it for it in self._acts if it.lasts is not None]
        if len({it.lasts for it in acts}) > 1:
            yield say("These stay this way until you change them.")
        elif acts:
            yield say(_stays_of_several(acts))


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


def _may_be_on(facts: Facts) -> tuple[Destination, ...]:
    return (*facts.enabled, *facts.perhaps_enabled)
