"""The base of all plans: one class per operation states what is read and shown before it runs."""

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar, Final, Generic, NamedTuple, TypeVar, get_args

from pydantic import SecretStr, ValidationError

from trax_mcp.api.contract import JsonObject
from trax_mcp.api.errors import NotSent
from trax_mcp.api.models import Connection, Destination, Model, Source
from trax_mcp.api.operations import ADDRESSES
from trax_mcp.consent.changes import Action
from trax_mcp.consent.plans.acts import Act, choice_of_one, headline_of_one
from trax_mcp.consent.plans.results import (
    as_asked,
    changes_in_words,
    not_shown_again,
    switched_alone,
)
from trax_mcp.consent.preview import Preview, Row, Target, digest
from trax_mcp.studio import naming
from trax_mcp.studio.facts import Fact, Facts, Observed, Read, Unknown
from trax_mcp.studio.naming import Looks, Name, Sentence, note, say, sentence

if TYPE_CHECKING:
    from trax_mcp.consent.questions import Question

OperationT = TypeVar("OperationT", bound=Action)
ItemT = TypeVar("ItemT", Connection, Destination, Source)
ModelT = TypeVar("ModelT", bound=Model)

Sentences = Iterator[Sentence]

_SHOWN_BY_READS: Final = ("the platform", "the picture format")
"""Hidden changes that a person sees all the same, if TRaX shows them rightly."""
_MAX_CHANGED: Final = 20
"""The most earlier changes that a question names."""
AT_ONCE: Final = ", so viewers may see this at once"
LEAVE_IT: Final = "Leave it as it is"
_WAS: Final = {False: "No longer", True: "You were asked"}
_IS_NOW: Final = {False: "Now", True: "It's now"}
_LONG_KEY: Final = 12
"""From this length on, a stream key is told by its end too."""


class Report(NamedTuple):
    """What came of a call: in words and with warnings for a person, and a model's next step."""

    said: tuple[Sentence, ...]
    warnings: tuple[Sentence, ...] = ()
    next_step: str = ""


class Plan(ABC, Generic[OperationT]):
    """An operation with the facts around it: what a person is shown before they agree, and after.

    Among several changes, `facts` are as those before leave them. Names are those of `asked_with`,
    the facts before the call: it could hide what it deletes behind a name that it gives.

    Subclasses state what is read, what would happen, the act in a few words, and what the call has
    done. `hidden` counts the changes made through this server that no
    read shows, and `changed_to` has those since the last go-live, with the host of an address. Only
    notes may depend on `now`.
    """

    operation_type: ClassVar[type[Action]]
    reads: ClassVar[Sequence[Fact]]
    """The facts that are read before the question."""

    def __init_subclass__(cls) -> None:
        """Take the operation from the base class: `class GoLivePlan(Plan[GoLive])`."""
        (cls.operation_type,) = get_args(cls.__orig_bases__[0])  # type: ignore[attr-defined]
        PLANS.setdefault(cls.operation_type, cls)

    def __init__(
        self,
        operation: OperationT,
        facts: Facts,
        hidden: Mapping[str, int] | None = None,
        changed_to: Mapping[str, str] | None = None,
        *,
        now: datetime,
    ) -> None:
        self.operation = operation
        self.facts = facts
        self.asked_with = facts
        self.now = now
        self.undone: bool | None = None
        self.was_off = False
        self._hidden = hidden or {}
        self._changed_to = changed_to or {}

    @classmethod
    def reads_for(cls, _operation: OperationT) -> Sequence[Fact]:
        """The facts that are read before the question about this call."""
        return cls.reads

    @classmethod
    def hidden_fields(cls, _operation: OperationT) -> Sequence[str]:
        """The changes of the call that no read shows, in words: "the address"."""
        return ()

    @classmethod
    def hidden_changes(cls, operation: OperationT) -> Mapping[str, str]:
        """The same by target, "the address of source_3", with the host of an address."""
        given, target = operation.arguments(), operation.target_id()
        hosts = [naming.host(str(it)) for name, it in given.items() if name in ADDRESSES]
        return {
            f"{what} of {target}": hosts[0] if what == "the address" else ""
            for what in cls.hidden_fields(operation)
        }

    @classmethod
    def puts_on_air(cls, _operation: OperationT) -> bool:
        """Whether the call can put something new on air, now or later."""
        return False

    @classmethod
    def sets_auto_go_live(cls, _operation: OperationT) -> bool | None:
        """Whether the call turns `autoGoLive` on or off; None if it does not touch it."""
        return None

    def target(self) -> Target:
        """The thing that the call acts on.

        Raises:
            NotSent: its list could be read, and does not contain it.
        """
        studio = self.asked_with.studio.value
        return Target(self.operation.target_id(), studio.name if studio else None)

    @abstractmethod
    def acts(self) -> Iterator[Act]:
        """What the call does, in a few words for each thing."""

    def lead(self) -> Sentences:
        """What becomes public or is lost."""
        yield from (say(text) for it in self.acts() if (text := it.lead))
        yield from self.on_air()

    def on_air(self) -> Sentences:
        """What it means for viewers, unless the studio is off air."""
        yield from ()

    def rows(self) -> Iterator[Row]:
        """The facts, in groups."""
        yield from ()

    def lasts(self) -> Sentences:
        """What outlives the show."""
        yield from ()

    def warnings(self) -> Sentences:
        """Things that a person should know before they agree."""
        yield from ()

    def unknown(self) -> Iterator[Unknown]:
        """What could not be read."""
        yield from self.facts.unknown

    def headline(self) -> Sentence:
        """The act as a question, with the name of its thing and, if it has room, of the show."""
        template = headline_of_one([*self.acts()])
        names = (self.described, self.studio)
        return sentence(template, *names[: template.count("{}")])

    def choices(self) -> tuple[str, str]:
        """The choice that agrees, and the one that refuses. Neither holds a name."""
        first, *others = self.acts()
        return choice_of_one([first, *others]), LEAVE_IT if others else first.no

    def goes_live(self) -> bool:
        """Whether the call puts the show on air, now or later on its own."""
        if self.operation.starts_broadcast or self.sets_auto_go_live(self.operation):
            return True
        return self.puts_on_air(self.operation) and self.facts.live is not False

    def report(
        self,
        answer: JsonObject,
        observed: Observed | None = None,
        *,
        undone: bool | None = None,
    ) -> Report:
        """The result of the call.

        `answer` is TRaX's, of any form; empty if it was lost and the effect was `observed`.
        `undone`: a stop came after a go-live, which was then taken off the air again, or not.
        """
        self.undone = undone
        return Report(
            tuple(self.done(answer, observed)),
            tuple(self.warnings_after(answer)),
            self.next_step(observed),
        )

    @abstractmethod
    def done(self, answer: JsonObject, observed: Observed | None) -> Sentences:
        """The result of the call, in words. Uses the answer of TRaX as far as it can be read.

        A person reads it: it names no tool and gives no order.
        """

    def warnings_after(self, _answer: JsonObject) -> Sentences:
        """Things that a person should know after the call."""
        yield from ()

    def next_step(self, _observed: Observed | None) -> str:
        """What a model should do now, if anything."""
        return ""

    @cached_property
    def preview(self) -> Preview:
        """The texts that a person is shown, and their digest.

        The digest of a stop holds only its arguments: nothing else may invalidate it.

        Raises:
            NotSent: as `target`.
        """
        target = self.target()
        yes, no = self.choices()
        preview = Preview(
            operation=self.operation.tool_name,
            target=target,
            headline=self.headline(),
            yes=yes,
            no=no,
            lead=tuple(self.lead()),
            rows=tuple(it for it in self.rows() if it.items),
            lasts=tuple(self.lasts()),
            warnings=tuple(self.warnings()),
            unknown=tuple(map(str, self.unknown())),
            puts_on_air=self.puts_on_air(self.operation),
            goes_live=self.goes_live(),
        )
        return preview._replace(digest=self._digest(preview))

    def _digest(self, preview: Preview) -> str:
        if self.operation.stops_broadcast:
            return digest(self.operation, ())
        hidden = sorted(self._hidden.items()) if preview.puts_on_air else []
        choices = (preview.yes, preview.no)
        return digest(self.operation, preview.shown, preview.target.id, hidden, choices)

    def changes_since(self, question: "Question") -> tuple[Sentence, ...]:
        """The differences from an earlier question, in words."""
        was, is_now = question.preview.shown, self.preview.shown
        shown = frozenset(was)
        before, now = Counter(it.text for it in was), Counter(it.text for it in is_now)
        removed, added = before - now, now - before
        replaced = dict.fromkeys(it for it in is_now if it not in shown and it.text not in added)
        return (
            *self._hidden_changes_since(question),
            *(_after(_WAS[_asks(it)], it) for it in dict.fromkeys(was) if it.text in removed),
            *(_after(_IS_NOW[_asks(it)], it) for it in dict.fromkeys(is_now) if it.text in added),
            *(_after("Now another one of the same name", it) for it in replaced),
        )

    def _hidden_changes_since(self, question: "Question") -> Sentences:
        if not question.preview.puts_on_air:
            return
        for change, times_changed in self._hidden.items():
            if times_changed != question.hidden.get(change, 0):
                yield sentence("Changed here: {} {}.", *self._named(change))

    def changed_earlier(self) -> Sentences:
        """The changes made here since the last go-live that no read shows.

        They are notes: the digest has how often each thing was changed.
        """
        told = [it for it in self._changed_to if not it.startswith(_SHOWN_BY_READS)]
        for change in told[-_MAX_CHANGED:]:
            host = self._changed_to[change]
            to = f", to {host}" if host else ""
            changed = sentence("Changed here earlier: {} {}{}.", *self._named(change), to)
            yield changed._replace(is_note=True)
        if (more := len(told) - _MAX_CHANGED) > 0:
            yield note(f"Changed here earlier: {more} more addresses and stream keys.")

    def _named(self, change: str) -> tuple[str, Name]:
        """A hidden change, "the address of", and the name of its thing for its id."""
        what, _, target_id = change.rpartition(" of ")
        it = self._thing(target_id)
        name = self.named_thing(it) if it else naming.named(target_id)
        return f"{what} of", name._replace(detail="", short_detail="") if it is None else name

    def destination(self, it: Destination) -> Name:
        """A destination as sentences describe it, with its id if another one looks the same."""
        it = as_in(self.asked_with.destinations, it)
        return naming.destination(it, among=self._destination_looks, longest=naming.TARGET_NAME)

    def source(self, it: Source) -> Name:
        """A source as sentences describe it, with its id if another one looks the same."""
        it = as_in(self.asked_with.sources, it)
        return naming.source(it, among=self._source_looks, longest=naming.TARGET_NAME)

    def source_name(self, it: Source) -> Name:
        """The same without its type."""
        it = as_in(self.asked_with.sources, it)
        return naming.named(it.name, it.id, among=self._source_looks)

    @cached_property
    def _destination_looks(self) -> Looks:
        return _looks(self.asked_with.destinations, self.facts.destinations)

    @cached_property
    def _source_looks(self) -> Looks:
        return _looks(self.asked_with.sources, self.facts.sources)

    def named_thing(self, it: Destination | Source) -> Name:
        """Either of them."""
        return self.destination(it) if isinstance(it, Destination) else self.source_name(it)

    def _thing(self, its_id: str) -> Destination | Source | None:
        return next((it for it in self._things if it.id == its_id), None)

    @property
    def _things(self) -> Iterator[Destination | Source]:
        yield from self.facts.destinations.value or ()
        yield from self.facts.sources.value or ()

    @property
    def studio(self) -> Name | str:
        """The studio by name."""
        return naming.studio(self.asked_with.studio.value, longest=naming.TARGET_NAME)

    @property
    def name(self) -> Name:
        """The target by its whole name, or by id where the name is unknown."""
        target = self.target()
        if it := self._thing(target.id):
            return self.named_thing(it)
        if isinstance(self.studio, Name) and self.studio.id == target.id:
            return self.studio
        return naming.named(target.name or target.id, target.id)

    @property
    def described(self) -> Name:
        """The target as the headline names it."""
        return self.name

    def find(self, listed: Read[tuple[ItemT, ...]], *, kind: str, listed_by: str) -> ItemT | None:
        """The target in its list. None if the list is unknown, or it may be in the unread part.

        Raises:
            NotSent: the list does not contain it.
        """
        for item in listed.value or ():
            if item.id == self.operation.target_id():
                return item
        if not listed.is_whole:
            return None
        raise NotSent(
            "not_found",
            f"TRaX lists no such {kind}",
            f"Check the id with {listed_by}.",
        )

    def read_response(self, model: type[ModelT], answer: JsonObject) -> ModelT | None:
        """The answer as a model. None if it does not hold what the contract promises."""
        try:
            return model.model_validate(answer)
        except ValidationError:
            return None

    def each_change_done(
        self, answer: JsonObject, *, kind: str, before: Name | None, after: Name | None
    ) -> Sentences:
        """The changes of a thing, with the values that TRaX answered. No secret is one.

        `before` is its name as the facts have it, and `after` as TRaX has answered.
        """
        given = self.operation.arguments()
        answer = {**as_asked(given), **answer}
        place = f" of {self.studio}" if kind != "studio" else ""
        is_placed = before is not None or isinstance(self.studio, Name)
        if "name" in given and answer.get("name") == given["name"] and after is not None:
            old, new = f" {before}" if before else "", naming.quoted(str(given["name"]))
            if not {it for it in given if not it.endswith("Id")} - {"name"}:
                where = place if is_placed else ""
                yield sentence("Renamed the {}{}{} to {}.", kind, old, where, new)
                return
        name = before if before and "name" in given else after or before or self.name
        is_on = switched_alone(given, answer)
        if is_on is not None:
            on = "on" if is_on else "off"
            turned = f"Turned {on} {{}} in {{}}. It stays {on} for later shows."
            yield sentence(turned, name, self.studio)
            return
        changed = changes_in_words(given, answer)
        yield sentence("Changed the {} {}{}: {}", kind, name, place, changed)

    def each_hidden(self, *names: str) -> str:
        """The end of a sentence: the arguments among these that TRaX will not show."""
        given = self.operation.arguments()
        return not_shown_again([name for name in names if name in given])

    def while_on_air(self, consequence: str) -> Sentences:
        """The consequence for viewers, unless the studio is off air."""
        if self.facts.live is not False:
            you_are = "You're" if self.facts.live else "You may be"
            yield say(f"{you_are} on air{consequence}.")


PLANS: Final = dict[type[Action], type[Plan[Any]]]()


def plan_for(operation: Action) -> type[Plan[Any]]:
    """The plan of a mutating operation."""
    return PLANS[type(operation)]


def _asks(it: Sentence) -> bool:
    """Whether it is the headline, which may be another one now."""
    return it.text.endswith("?")


def as_in(listed: Read[tuple[ItemT, ...]], it: ItemT) -> ItemT:
    """The thing as it is in a list, if it is there."""
    found: ItemT = listed.by_id.get(it.id, it)
    return found


def _looks(*lists: Read[tuple[Destination, ...]] | Read[tuple[Source, ...]]) -> Looks:
    """How names look, as the first of these lists has them that names them."""
    return Looks({it.id: it.name for listed in reversed(lists) for it in listed.value or ()})


def _after(begin: str, it: Sentence) -> Sentence:
    """A sentence after a word about it. Its end is a period, unless it asks."""
    end = "" if it.text.endswith((".", "?", "!")) else "."
    return Sentence((f"{begin}: ", *it.parts, *filter(None, (end,))))


def key_in_words(secret: SecretStr) -> str:
    """A stream key, so that a person can tell theirs from another one, and nobody can use it."""
    key = secret.get_secret_value()
    end = f", ending in {naming.quoted(key[-4:])}" if len(key) >= _LONG_KEY else ""
    return f"{len(key)} character{'' if len(key) == 1 else 's'}{end}"


def stays(number: int, *, is_on: bool) -> str:
    """What outlives the show: one or more things that are turned on or off."""
    it, stay, them = ("It", "stays", "it") if number == 1 else ("They", "stay", "them")
    return f"{it} {stay} {'on' if is_on else 'off'} for later shows until you turn {them} " + (
        "off." if is_on else "back on."
    )
