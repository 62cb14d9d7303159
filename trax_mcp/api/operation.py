"""The input of a tool as a frozen value, and the operation: an input that is one call to TRaX.

The fields are the tool's arguments. The class arguments name the endpoint, the effect, what
needs a person's yes, the hint and what the call does to a broadcast. A declaration that contradicts
the contract does not import.
"""

import dataclasses
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from enum import IntEnum, StrEnum, auto
from typing import Any, ClassVar, Final, Generic, Literal, Self, TypeVar
from urllib.parse import quote

from pydantic import BaseModel, ConfigDict, SecretStr, model_validator
from pydantic.alias_generators import to_camel, to_snake

from trax_mcp.api.arguments import LARGEST_PAGE, Cursor, Limit, broken_rule
from trax_mcp.api.contract import CONTRACT, Endpoint, JsonObject, Param
from trax_mcp.api.models import ItemT, Model, Page

Progress = Callable[[int, int, str], Awaitable[None]]
"""Gets the progress so far, the total, and a message. Clients draw the numbers as they are."""
Response_co = TypeVar("Response_co", bound=Model, covariant=True)

_REWORDED: Final[Mapping[re.Pattern[str], str]] = {
    # The scope is in `_meta`, and TRaX's refusal names it.
    re.compile(r"Requires scope \S+\. ?"): "",
    # The name of a setting of TRaX's servers tells a model nothing, and get_health says it once.
    re.compile(
        r"Gated behind PUBLIC_API_WRITE_ENABLED(; returns 503 write_disabled while off)?\. ?"
    ): "",
    # The schema has the larger number.
    re.compile(r"(?<=\(default \d\d), max \d+(?=\))"): "",
    # An empty list is refused, since it asks for more than one with a platform in it.
    re.compile(r"; empty = "): "; left out = ",
}
"""Texts of the contract that a model reads in another form. Everything else is quoted."""


def _for_models(*texts: str | None) -> str:
    """Texts of the contract and ours, as a model reads them."""
    text = " ".join(filter(None, texts))
    for pattern, other in _REWORDED.items():
        text = pattern.sub(other, text)
    return text.strip()


class Effect(StrEnum):
    """The effect of a call. Declared by hand: no document says which calls are dangerous."""

    READ = "read"
    WRITE = "write"
    """It changes something. Its `consent` says which calls run only with consent."""
    GUARDED = "guarded"
    """Viewers see it, or it destroys something: every call runs only with consent."""


class When(IntEnum):
    """When a call needs consent."""

    NEVER = auto()
    WHILE_LIVE = auto()
    ALWAYS = auto()


ByValue = Mapping[bool | None, When]
"""When a call needs consent, by the value of an argument; None is for one that is not given."""


Rule = When | ByValue
Consent = Mapping[str, Rule]
"""When a call needs consent, by the arguments that it has."""


def if_true(when: When) -> ByValue:
    """Only a call that turns the argument on needs consent."""
    return {True: when}


def unless_false(when: When) -> ByValue:
    """A call needs consent unless it turns the argument off."""
    return {True: when, None: when}


def most(rule: Rule) -> When:
    """The most that an argument can ask for."""
    return rule if isinstance(rule, When) else max(rule.values())


class ToolInput(BaseModel):
    """The arguments of one tool; a subclass for each tool."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        alias_generator=to_camel,
        validate_by_name=True,
        validate_by_alias=True,
        hide_input_in_errors=True,
        # The contract's descriptions are added to the fields first.
        defer_build=True,
    )

    endpoint: ClassVar[Endpoint]
    """The documented endpoint that this input is, or whose tag and scope it has."""
    effect: ClassVar[Effect]
    hint: ClassVar[str]
    """Our text for the model, in addition to the contract's."""
    reads_files: ClassVar[bool]
    """Whether it reads files of the computer that the server runs on."""
    returns_untrusted_text: ClassVar[bool]
    """Whether the answer holds text that viewers wrote."""
    look: ClassVar[str] = "Call again later."
    """What to do where the outcome of a call is not known."""
    tool_name: ClassVar[str]
    """`go_live` for `GoLive`."""
    params: ClassVar[Mapping[str, Param]]
    """The parameters of the endpoint, by our names: in a path, `id` is the id of a studio."""
    wider_without: ClassVar[frozenset[str]] = frozenset()
    """The optional arguments without which the call does more."""

    def __init_subclass__(cls, **_declared: object) -> None:
        """Ignore the class arguments: `Generic` accepts none, and pydantic passes them on."""
        super().__init_subclass__()

    @classmethod
    def __pydantic_init_subclass__(
        cls,
        *,
        endpoint: str | None = None,
        effect: Effect | None = None,
        hint: str = "",
        reads_files: bool = False,
        returns_untrusted_text: bool = False,
        abstract: bool = False,
        **kwargs: object,
    ) -> None:
        """Bind the class to its endpoint. Abstract classes have none.

        Raises:
            TypeError: the class arguments lack an endpoint, an effect or a hint, or an argument has
                no description.
            KeyError: the contract has no such endpoint.
        """
        super().__pydantic_init_subclass__(**kwargs)
        if abstract:
            return
        if endpoint is None or effect is None or not hint:
            raise TypeError(
                f"{cls.__name__} must name its endpoint and declare its effect and hint"
            )
        cls.endpoint, cls.effect, cls.hint = CONTRACT.endpoints[endpoint], effect, hint
        cls.reads_files, cls.returns_untrusted_text = reads_files, returns_untrusted_text
        cls.tool_name = to_snake(cls.__name__)
        cls.params = {
            "studioId" if name == "id" else name: param
            for name, param in cls.endpoint.params.items()
        }
        for name, field in cls.model_fields.items():
            param = cls.params.get(str(field.alias))
            field.description = _for_models(param.description if param else "", field.description)
            if not field.description:
                raise TypeError(f"{cls.__name__}: `{name}` has no description")

    @model_validator(mode="before")
    @classmethod
    def _leave_out_what_is_empty(cls, data: object) -> object:
        if isinstance(data, Mapping):
            return {name: it for name, it in data.items() if not cls._is_left_out(name, it)}
        return data

    @classmethod
    def _is_left_out(cls, name: object, value: object) -> bool:
        """Some clients have a model fill in each argument: with null, or with an empty text."""
        return value is None or (value == "" and name in cls._optional() - cls.wider_without)

    @classmethod
    def _optional(cls) -> set[str]:
        fields = cls.model_fields.values()
        return {str(field.alias) for field in fields if not field.is_required()}

    @classmethod
    def summary(cls) -> str:
        """The first sentence of the description."""
        return f"{cls.hint.partition('. ')[0].rstrip('.')}."

    @classmethod
    def description(cls) -> str:
        """The whole description of the tool for the model."""
        return f"{cls.hint} Can't be undone." if cls.endpoint.is_final else cls.hint

    @classmethod
    def argument_names(cls) -> list[str]:
        """The JSON names of all arguments, required ones first."""
        fields = sorted(cls.model_fields.values(), key=lambda field: not field.is_required())
        return [str(field.alias) for field in fields]

    @classmethod
    def output_schema(cls) -> JsonObject:
        """The JSON schema of the output: TRaX's response, unless a subclass returns another."""
        return cls.endpoint.response

    def studio(self) -> str:
        """The id of the studio it is about, or an empty string."""
        return str(getattr(self, "studio_id", ""))

    def secrets(self) -> list[str]:
        """The secret arguments in plain text. No message may repeat them."""
        return [it.get_secret_value() for _, it in self if isinstance(it, SecretStr)]

    def arguments(self) -> dict[str, object]:
        """The arguments that have a value, by JSON name. Secrets stay wrapped."""
        fields = type(self).model_fields
        return {str(fields[name].alias): value for name, value in self if value is not None}


@dataclass(frozen=True, slots=True)
class Request:
    """An operation as HTTP, without the key. `body` is JSON, or None for no body."""

    method: str
    path: str
    query: Mapping[str, str]
    body: JsonObject | None = dataclasses.field(default=None, repr=False)


class Operation(ToolInput, Generic[Response_co], abstract=True):
    """A call to TRaX; a subclass for each endpoint of the contract."""

    response: ClassVar[type[Model]]
    """The model of the response: `Studio` for `class GetStudio(Operation[Studio])`."""
    consent: ClassVar[Consent]
    """Which calls need a person's yes, if not every one does."""
    starts_broadcast: ClassVar[bool]
    stops_broadcast: ClassVar[bool]

    @classmethod
    def __pydantic_init_subclass__(  # type: ignore[override]  # pydantic passes the class arguments on
        cls,
        *,
        abstract: bool = False,
        consent: Consent | None = None,
        shown_by: "type[Operation[Model]] | None" = None,
        broadcast: Literal["start", "stop"] | None = None,
        look: str | None = None,
        **kwargs: Any,  # noqa: ANN401  keywords of `ToolInput`, which checks them
    ) -> None:
        """Bind the class to its endpoint and check it against the contract.

        `shown_by` is the read that shows what a change has done, and `look` says more than its name
        about what to do where that is not known.

        Raises:
            TypeError: effect, HTTP method, `shown_by` and `consent` disagree, or the endpoint has
                no parameter of an argument's name; also as `ToolInput`.
            KeyError: the contract has no such endpoint.
        """
        if cls.__pydantic_generic_metadata__["origin"] is not None:
            return  # a type such as `Operation[Studio]`
        super().__pydantic_init_subclass__(abstract=abstract, **kwargs)
        if abstract:
            return
        (argument,) = cls.__mro__[1].__pydantic_generic_metadata__["args"]  # type: ignore[attr-defined]
        cls.response = Page[argument] if issubclass(cls, ListOperation) else argument  # type: ignore[valid-type]
        if not (cls.effect is not Effect.READ) == (shown_by is not None) == cls.endpoint.mutates:
            raise TypeError(f"{cls.__name__}: effect, method and `shown_by` must agree")
        cls.consent = consent or {}
        cls.wider_without |= {it for it, rule in cls.consent.items() if _is_wider_without(rule)}
        if cls.consent and cls.effect is not Effect.WRITE:
            raise TypeError(f"{cls.__name__}: only a WRITE needs consent for some arguments")
        if unknown := cls.consent.keys() - set(cls.argument_names()):
            raise TypeError(f"{cls.__name__}: `consent` names {sorted(unknown)}")
        if look is not None:
            cls.look = look
        elif shown_by is not None:
            cls.look = f"Check with {shown_by.tool_name} before anything else."
        cls.starts_broadcast, cls.stops_broadcast = broadcast == "start", broadcast == "stop"
        for argument in cls.argument_names():
            if argument not in cls.params:
                raise TypeError(f"{cls.endpoint.name} takes no `{argument}`")

    @model_validator(mode="after")
    def _require_a_change(self) -> Self:
        if self.endpoint.method == "PATCH" and not self.request().body:
            raise broken_rule("changes nothing: give at least one thing to change")
        return self

    @classmethod
    def summary(cls) -> str:
        """The contract's summary of the endpoint."""
        return cls.endpoint.summary

    @classmethod
    def description(cls) -> str:
        """The contract's summary and description, followed by our hint."""
        documented = _for_models(cls.endpoint.description)
        return " ".join(filter(None, (cls.endpoint.summary, documented, super().description())))

    @classmethod
    def may_need_consent(cls) -> bool:
        """Whether some calls need consent, without a setting of the operator."""
        return cls.effect is Effect.GUARDED or bool(cls.consent)

    def when(self) -> When:
        """When this call needs consent: the most that one of its arguments asks for."""
        if self.effect is Effect.GUARDED:
            return When.ALWAYS
        given = self.arguments()
        found = (_when(rule, name, given) for name, rule in self.consent.items())
        return max(found, default=When.NEVER)

    def request(self) -> Request:
        """The HTTP request of this operation. Its body holds secrets in plain text."""
        placed: dict[str, JsonObject] = {"path": {}, "query": {}, "body": {}}
        for argument, value in self.arguments().items():
            param = self.params[argument]
            placed[param.location][param.name] = plain_value(value)
        return Request(
            method=self.endpoint.method,
            path=self.endpoint.path.format_map(
                # Percent-encoding keeps each id in its own segment.
                {name: quote(value, safe="") for name, value in placed["path"].items()}
            ),
            query={name: str(value) for name, value in placed["query"].items()},
            body=placed["body"] if self.endpoint.has_body else None,
        )

    def target_id(self) -> str:
        """The last id in the path, or an empty string."""
        given = self.arguments()
        ids = [str(given[name]) for name, it in self.params.items() if it.location == "path"]
        return ids[-1] if ids else ""


class ListOperation(Operation[Page[ItemT]], Generic[ItemT], abstract=True):
    """A list that comes in pages. TRaX ends it by leaving out `nextCursor`."""

    cursor: Cursor | None = None
    limit: Limit | None = None
    meaning: ClassVar[str] = ""
    """What a model should know of such a list."""

    def next_page(self, cursor: str | None, *, limit: int | None = LARGEST_PAGE) -> Self:
        """The same list from a cursor on, with as many items on the page as TRaX documents."""
        return self.model_copy(update={"cursor": cursor, "limit": limit})


def _when(rule: Rule, argument: str, given: Mapping[str, object]) -> When:
    value = given.get(argument)
    if isinstance(rule, When):
        return When.NEVER if value is None else rule
    return rule.get(value, When.NEVER) if isinstance(value, bool | None) else When.NEVER


def _is_wider_without(rule: Rule) -> bool:
    return isinstance(rule, Mapping) and None in rule


def plain_value(value: object) -> object:
    """An argument as JSON holds it. A secret is revealed."""
    if isinstance(value, SecretStr):
        return value.get_secret_value()
    return list(value) if isinstance(value, tuple) else value
