"""The base of all plans: one class per operation states what is read and shown before it runs."""

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar, Final, Generic, TypeVar, get_args

from pydantic import SecretStr, ValidationError

from trax_mcp.api.contract import JsonObject
from trax_mcp.api.errors import NotSent
from trax_mcp.api.models import Connection, Destination, Model, Source
from trax_mcp.api.operations import ADDRESSES
from trax_mcp.consent.changes import Action
from trax_mcp.consent.preview import Preview, Target, digest
from trax_mcp.studio import naming
from trax_mcp.studio.facts import Fact, Facts, Observed, Read
from trax_mcp.studio.naming import Name, Sentence, note, sentence

if TYPE_CHECKING:
    from trax_mcp.consent.questions import Question

OperationT = TypeVar("OperationT", bound=Action)
ItemT = TypeVar("ItemT", Connection, Destination, Source)
ModelT = TypeVar("ModelT", bound=Model)

Sentences = Iterator[Sentence]

_IDS: Final = frozenset({"studioId", "destId", "sourceId"})
_SHOWN_BY_READS: Final = ("the platform", "the picture format")
"""Hidden changes that a person sees all the same, if TRaX shows them rightly."""
_SWITCHES: Final = frozenset({"enabled", "active"})
_MAX_CHANGED: Final = 20
"""The most earlier changes that a question names."""
ON_AIR: Final = ("The studio is on air.", "The studio may be on air.")
"""How the sentence for viewers begins, which several changes of one studio share."""
_LONG_KEY: Final = 12
"""From this length on, a stream key is told by its end too."""


class Plan(ABC, Generic[OperationT]):
    """An operation with the facts around it: what a person is shown before they agree, and after.

    Subclasses state what is read, what would happen, the act in a few words, and what the call has
    done. `hidden` counts the changes made through this server that no
    read shows, and `changed_to` has those since the last go-live, with the host of an address. Only
    notes may depend on `now`.
    """

    operation_type: ClassVar[type[Action]]
    reads: ClassVar[Sequence[Fact]]
    """The facts that are read before the question."""
    reads_after: ClassVar[Sequence[Fact]] = ()
    """The facts that are read after sending, for `done`: status and destinations at most."""

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
        self.now = now
        self.undone: bool | None = None
        self._hidden = hidden or {}
        self._changed_to = changed_to or {}

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
        studio = self.facts.studio.value
        return Target(self.operation.target_id(), studio.name if studio else None)

    @abstractmethod
    def effects(self) -> Sentences:
        """The effects of the call, in words."""

    def warnings(self) -> Sentences:
        """Things that a person should know before they agree."""
        yield from ()

    @abstractmethod
    def choice(self) -> str:
        """The act in a few words, with names in quotes."""

    def report(
        self,
        answer: JsonObject,
        observed: Observed | None = None,
        *,
        undone: bool | None = None,
    ) -> tuple[Sentence, ...]:
        """The result of the call, in words: one sentence, and warnings after it.

        `answer` is TRaX's, of any form; empty if it was lost and the effect was `observed`.
        `undone`: a stop came after a go-live, which was then taken off the air again, or not.
        """
        self.undone = undone
        is_seen = observed is not None and observed.state in {"on_air", "off_air"}
        if answer.get("ok") is False and not is_seen:
            tool_name, next_step = self.operation.tool_name, self.operation.look
            return (Sentence(f"TRaX answered `ok: false` to {tool_name}. {next_step}"),)
        return tuple(self.done(answer, observed))

    @abstractmethod
    def done(self, answer: JsonObject, observed: Observed | None) -> Sentences:
        """The result of the call, in words. Uses the answer of TRaX as far as it can be read."""

    @cached_property
    def preview(self) -> Preview:
        """The texts that a person is shown, and their digest.

        The digest of a stop holds only its arguments: nothing else may invalidate it.

        Raises:
            NotSent: as `target`.
        """
        preview = Preview(
            operation=self.operation.tool_name,
            target=self.target(),
            effects=tuple(self.effects()),
            warnings=tuple(self.warnings()),
            unknown=tuple(map(str, self.facts.unknown)),
            choice=self.choice(),
            puts_on_air=self.puts_on_air(self.operation),
        )
        return preview._replace(digest=self._digest(preview))

    def _digest(self, preview: Preview) -> str:
        if self.operation.stops_broadcast:
            return digest(self.operation, ())
        hidden = sorted(self._hidden.items()) if preview.puts_on_air else []
        return digest(self.operation, preview.shown, preview.target.id, hidden)

    def changes_since(self, question: "Question") -> tuple[str, ...]:
        """The differences from an earlier question, in words."""
        shown = frozenset(question.preview.shown)
        before = Counter(it.text for it in question.preview.shown)
        now = Counter(it.text for it in self.preview.shown)
        removed, added = before - now, now - before
        replaced = dict.fromkeys(
            it.text for it in self.preview.shown if it not in shown and it.text not in added
        )
        return (
            *self._hidden_changes_since(question),
            *(f"No longer: {text}" for text in removed),
            *(f"Now: {text}" for text in added),
            *(f"Now another one of the same name: {text}" for text in replaced),
        )

    def _hidden_changes_since(self, question: "Question") -> Iterator[str]:
        if not question.preview.puts_on_air:
            return
        for change, times_changed in self._hidden.items():
            if times_changed != question.hidden.get(change, 0):
                yield f"Changed here since you were asked: {self._named(change)}."

    def changed_earlier(self) -> Sentences:
        """The changes made here since the last go-live that no read shows.

        They are notes: the digest has how often each thing was changed.
        """
        told = [it for it in self._changed_to if not it.startswith(_SHOWN_BY_READS)]
        for change in told[-_MAX_CHANGED:]:
            host = self._changed_to[change]
            to = f", to {host}" if host else ""
            yield note(f"Changed here earlier: {self._named(change)}{to}.")
        if (more := len(told) - _MAX_CHANGED) > 0:
            yield note(f"Changed here earlier: {more} more addresses and stream keys.")

    def _named(self, change: str) -> str:
        """A hidden change with the name of its thing for its id."""
        what, _, target_id = change.rpartition(" of ")
        it = self._thing(target_id)
        return f"{what} of {self._name_of(it) if it else naming.quoted(target_id)}"

    def destination(self, it: Destination, *, longest: int = naming.SHOWN_NAME) -> Name:
        """A destination as sentences describe it, with its id if its name is not its own."""
        return naming.destination(it, self._id_of(it), longest=longest)

    def source(self, it: Source) -> Name:
        """A source as sentences describe it, with its id if its name is not its own."""
        return naming.source(it, self._id_of(it))

    def _name_of(self, it: Destination | Source, *, longest: int = naming.SHOWN_NAME) -> str:
        its_id = self._id_of(it)
        return f"{naming.quoted(it.name, longest=longest)}{f' ({its_id})' if its_id else ''}"

    def _id_of(self, it: Destination | Source) -> str | None:
        """The id of a thing, if another one of its kind has the same name."""
        is_shared = self._namesakes[type(it), naming.beginning(it.name)] > 1
        return naming.word(it.id) if is_shared else None

    def _thing(self, its_id: str) -> Destination | Source | None:
        return next((it for it in self._things if it.id == its_id), None)

    @property
    def _things(self) -> Iterator[Destination | Source]:
        yield from self.facts.destinations.value or ()
        yield from self.facts.sources.value or ()

    @cached_property
    def _namesakes(self) -> Counter[tuple[type[Model], str]]:
        return Counter((type(it), naming.beginning(it.name)) for it in self._things)

    @property
    def studio(self) -> Name | str:
        """The studio by name."""
        return naming.studio(self.facts.studio.value)

    @property
    def name(self) -> Name:
        """The target by its whole name, or by id where the name is unknown."""
        target, longest = self.target(), naming.TARGET_NAME
        if it := self._thing(target.id):
            return Name(self._name_of(it, longest=longest), target.id)
        return Name(naming.quoted(target.name or target.id, longest=longest), target.id)

    @property
    def described(self) -> Name:
        """The target as sentences describe it, with its platform if it has one."""
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
            not_done=f", so {self.operation.tool_name} was not sent",
        )

    def each_argument(self, *, without: Sequence[str] = ()) -> Sentences:
        """A sentence for each argument but ids."""
        for name, value in _by_importance(self.operation.arguments()):
            if name not in without:
                yield sentence("Sets its {} to {}.", name, _shown(name, value))

    def each_change(self) -> Sentences:
        """A sentence for each argument that the call sets on its target."""
        for name, value in _by_importance(self.operation.arguments()):
            if name in _SWITCHES:
                yield sentence("Switches {} {}.", "on" if value else "off", self.described)
            else:
                yield sentence("Sets {} of {} to {}.", name, self.described, _shown(name, value))

    def read_answer(self, model: type[ModelT], answer: JsonObject) -> ModelT | None:
        """The answer as a model. None if it does not hold what the contract promises."""
        try:
            return model.model_validate(answer)
        except ValidationError:
            return None

    def each_change_done(self, answer: JsonObject, *, of: Name | str) -> Sentences:
        """The changes of a thing, with the values that TRaX answered. No secret is one."""
        changes, hidden = list[str](), list[str]()
        for name, asked in _by_importance(self.operation.arguments()):
            if name in answer and not isinstance(asked, SecretStr):
                changes.append(_changed_to(name, answer[name], asked))
            else:
                hidden.append(f"`{name}`")
                to = f" to {_shown(name, asked)}" if isinstance(asked, bool) else ""
                changes.append(f"`{name}` is set{to}")
        again = _not_shown_again(hidden, are_all=len(hidden) == len(changes))
        yield sentence("Changed {}: {}.{}", of, naming.listed(changes), again)

    def each_hidden(self, *names: str) -> str:
        """The end of a sentence: the arguments among these that TRaX will not show."""
        given = self.operation.arguments()
        return _not_shown_again([f"`{name}`" for name in names if name in given])

    def each_overwritten(self, *names: str) -> Sentences:
        """A sentence about the arguments among these, whose old values no read shows."""
        given = self.operation.arguments()
        if lost := [name for name in names if name in given]:
            yield sentence(
                "Cannot be undone: what was there as {} is overwritten, and TRaX does not show it.",
                naming.listed(lost),
            )

    def while_on_air(self, consequence: str) -> Sentences:
        """The consequence for viewers, unless the studio is off air."""
        if self.facts.live is not False:
            studio_is, studio_may_be = ON_AIR
            yield sentence("{} {}", studio_is if self.facts.live else studio_may_be, consequence)


PLANS: Final = dict[type[Action], type[Plan[Any]]]()


def plan_for(operation: Action) -> type[Plan[Any]]:
    """The plan of a mutating operation."""
    return PLANS[type(operation)]


def _by_importance(arguments: Mapping[str, object]) -> Iterable[tuple[str, object]]:
    """All arguments but ids. Addresses come first, where no long text can hide them."""
    shown = [it for it in arguments.items() if it[0] not in _IDS]
    return sorted(shown, key=lambda it: it[0] not in ADDRESSES)


def _changed_to(name: str, value: object, asked: object) -> str:
    """The end of a sentence: what an argument has changed, with the value in TRaX's answer."""
    if name in _SWITCHES and value is asked:
        return f"it is switched {'on' if value else 'off'}"
    return f"`{name}` is {_answered(value, asked)}"


def _answered(value: object, asked: object) -> str:
    """A value in TRaX's answer, and what was asked for if that is something else."""
    shown = _plain(value)
    return shown if value == asked else f"{shown}, though {_plain(asked)} was asked for"


def _plain(value: object) -> str:
    match value:
        case bool() | int() | float():
            return str(value).lower()
        case str():
            return naming.quoted(value)
    return "something else"


def _not_shown_again(names: Sequence[str], *, are_all: bool = False) -> str:
    if not names:
        return ""
    these = "this setting" if len(names) == 1 else "these settings"
    return f" TRaX does not show {these if are_all else naming.listed(names)} again."


def _key_in_words(key: str) -> str:
    """A stream key, so that a person can tell theirs from another one, and nobody can use it."""
    end = f" that ends in {naming.quoted(key[-4:])}" if len(key) >= _LONG_KEY else ""
    return f"a key of {len(key)} character{'' if len(key) == 1 else 's'}{end}"


def _shown(name: str, value: object) -> str:
    match value:
        case bool() | int():
            return str(value).lower()
        case SecretStr():
            return _key_in_words(value.get_secret_value())
        case str() if name in ADDRESSES:
            return naming.address(value)
        case _:
            return naming.quoted_whole(str(value))
