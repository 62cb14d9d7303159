"""A change: an operation that says what it means, before it is sent and after."""

from abc import abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from inspect import isabstract
from typing import Any, ClassVar, Final, Generic, NamedTuple, TypeVar

from pydantic import ValidationError

from trax_mcp.actions.acts import LEAVE_IT, Act, choice_of_one, headline_of_one
from trax_mcp.actions.results import (
    as_asked,
    changes_in_words,
    not_shown_again,
    otherwise,
    switched_alone,
)
from trax_mcp.actions.view import Row, Sentences, Target, View
from trax_mcp.api.contract import JsonObject
from trax_mcp.api.errors import TraxError
from trax_mcp.api.models import ItemT, Model
from trax_mcp.api.operation import ListOperation, Operation, Response_co
from trax_mcp.api.reads import GetStudio
from trax_mcp.api.responses import Response
from trax_mcp.studio import naming
from trax_mcp.studio.facts import Facts, Kind, Unknown
from trax_mcp.studio.naming import Name, Sentence, say, sentence

NOT_CHANGED: Final = "NOT changed: "
ModelT = TypeVar("ModelT", bound=Model)


class Report(NamedTuple):
    """What came of a call: in words and with warnings for a person, and a model's next step."""

    said: tuple[Sentence, ...]
    warnings: tuple[Sentence, ...] = ()
    next_step: str = ""


class Change(Operation[Response_co], Generic[Response_co], abstract=True):
    """An operation that changes something.

    Subclasses state what is read, the act in a few words, what would happen, and what the call has
    done.
    """

    reads: ClassVar[Sequence[Kind]]
    """The facts that are read before the question."""
    can_be_one_of_several: ClassVar[bool]
    """Whether `apply_changes` makes it too. It says with `after` how it leaves the facts."""

    @classmethod
    def __pydantic_init_subclass__(  # type: ignore[override]  # pydantic passes the class arguments on
        cls,
        *,
        several: bool = False,
        **kwargs: Any,  # noqa: ANN401  of `Operation`
    ) -> None:
        """Bind the class as `Operation` does. With `several` it can be one of several changes.

        Raises:
            TypeError: it does not say what it reads, does or has done; also as `Operation`.
        """
        super().__pydantic_init_subclass__(**kwargs)
        cls.can_be_one_of_several = several
        if "endpoint" in kwargs and (isabstract(cls) or not hasattr(cls, "reads")):
            raise TypeError(f"{cls.__name__} must say what it reads, does and has done")

    @property
    def all_reads(self) -> Sequence[Kind]:
        """The facts that are read before the question about this call."""
        return self.reads

    @property
    def puts_on_air(self) -> bool:
        """Whether the call can put something new on air, now or later."""
        return False

    @property
    def sets_auto_go_live(self) -> bool | None:
        """Whether the call turns `autoGoLive` on or off; None if it does not touch it."""
        return None

    def after(self, facts: Facts) -> Facts:
        """The facts as the call leaves them, as far as they were known.

        What TRaX documents no default for counts as on: so much may go on air.
        """
        return facts

    def after_response(self, facts: Facts, response: JsonObject) -> Facts:
        """The same after TRaX's response, which has the id of what was created."""
        return self.after(facts)

    def changed(self, items: Iterable[ItemT]) -> Iterator[ItemT]:
        """A list as a call leaves it that changes one thing in it."""
        given = self.model_dump(exclude_none=True)
        for it in items:
            known = {name: given[name] for name in given.keys() & type(it).model_fields}
            yield it.model_copy(update=known) if it.id == self.target_id() else it

    def without_target(self, items: Iterable[ItemT]) -> Iterator[ItemT]:
        """A list as a call leaves it that deletes one thing."""
        return (it for it in items if it.id != self.target_id())

    def target(self, view: View) -> Target:
        """The thing that the call acts on.

        Raises:
            NotSent: its list could be read, and does not contain it.
        """
        studio = view.asked_with[GetStudio].value
        return Target(self.target_id(), studio.name if studio else None)

    def described(self, view: View) -> Name:
        """The target as the headline names it."""
        return view.named(self.target(view))

    # Before the call

    @abstractmethod
    def acts(self, view: View) -> Iterator[Act]:
        """What the call does, in a few words for each thing."""

    def lead(self, view: View) -> Sentences:
        """What becomes public or is lost."""
        yield from (say(text) for it in self.acts(view) if (text := it.lead))
        yield from self.on_air(view)

    def on_air(self, view: View) -> Sentences:
        """What it means for viewers, unless the studio is off air."""
        yield from ()

    def rows(self, view: View) -> Iterator[Row]:
        """The facts, in groups."""
        yield from ()

    def lasts(self, view: View) -> Sentences:
        """What outlives the show."""
        yield from ()

    def warnings(self, view: View) -> Sentences:
        """Things that a person should know before they agree."""
        yield from ()

    def unknown(self, view: View) -> Iterator[Unknown]:
        """What could not be read."""
        yield from view.facts.unknown

    def headline(self, view: View) -> Sentence:
        """The act as a question, with the name of its thing and, if it has room, of the show."""
        template = headline_of_one([*self.acts(view)])
        names = (self.described(view), view.studio)
        return sentence(template, *names[: template.count("{}")])

    def choices(self, view: View) -> tuple[str, str]:
        """The choice that agrees, and the one that refuses. Neither holds a name."""
        first, *others = self.acts(view)
        return choice_of_one([first, *others]), LEAVE_IT if others else first.no

    # After the call

    def report(self, view: View, response: JsonObject) -> Report:
        """The result of the call.

        `response` is TRaX's, of any form; empty if it was lost and the effect was observed.
        """
        return Report(
            tuple(self.done(view, response)),
            tuple(self.warnings_after(view, response)),
            self.next_step(view),
        )

    def not_changed(self, response: Response[Model]) -> TraxError | None:
        """Why it failed, if TRaX's response shows otherwise than was asked for."""
        if self.endpoint.method != "PATCH":
            return None
        if not (told := otherwise(self.arguments(), response.data)):
            return None
        return TraxError(
            "not_changed",
            f"{NOT_CHANGED}{naming.listed(told)}",
            self.look,
            outcome="unknown",
            http_status=response.status,
            request_id=response.request_id,
        )

    @abstractmethod
    def done(self, view: View, response: JsonObject) -> Sentences:
        """The result of the call, in words. Uses TRaX's response as far as it can be read.

        A person reads it: it names no tool and gives no order.
        """

    def warnings_after(self, view: View, response: JsonObject) -> Sentences:
        """Things that a person should know after the call."""
        yield from ()

    def next_step(self, view: View) -> str:
        """What a model should do now, if anything."""
        return ""

    def each_change_done(
        self,
        view: View,
        response: JsonObject,
        *,
        kind: str,
        before: Name | None,
        after: Name | None,
    ) -> Sentences:
        """The changes of a thing, with the values that TRaX answered. No secret is one.

        `before` is its name as the facts have it, and `after` as TRaX has answered.
        """
        given = self.arguments()
        response = {**as_asked(given), **response}
        place = f" of {view.studio}" if kind != "studio" else ""
        is_placed = before is not None or isinstance(view.studio, Name)
        if "name" in given and response.get("name") == given["name"] and after is not None:
            old, new = f" {before}" if before else "", naming.quoted(str(given["name"]))
            if not {it for it in given if not it.endswith("Id")} - {"name"}:
                where = place if is_placed else ""
                yield sentence("Renamed the {}{}{} to {}.", kind, old, where, new)
                return
        name = before if before and "name" in given else after or before or self.described(view)
        is_on = switched_alone(given, response)
        if is_on is not None:
            on = "on" if is_on else "off"
            turned = f"Turned {on} {{}} in {{}}. It stays {on} for later shows."
            yield sentence(turned, name, view.studio)
            return
        changed = changes_in_words(given, response)
        yield sentence("Changed the {} {}{}: {}", kind, name, place, changed)

    def each_hidden(self, *names: str) -> str:
        """The end of a sentence: the arguments among these that TRaX will not show."""
        given = self.arguments()
        return not_shown_again([name for name in names if name in given])


def with_its_id(facts: Facts, kind: type[ListOperation[ItemT]], response: JsonObject) -> Facts:
    """These, with the id that TRaX gave to what was created in a list."""
    its_id = response.get("id")
    if not isinstance(its_id, str):
        return facts
    return facts.changing(
        kind, lambda them: (it if it.id else it.model_copy(update={"id": its_id}) for it in them)
    )


def read_as(model: type[ModelT], response: JsonObject) -> ModelT | None:
    """A response as a model. None if it does not hold what the contract promises."""
    try:
        return model.model_validate(response)
    except ValidationError:
        return None
