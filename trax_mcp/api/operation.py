"""The noun of this house: a call to TRaX as a frozen value.

An operation's fields are its arguments, its class line quotes the documented call, declares the
effect and names the answer, its docstring is advice to the model. Quoting a call that the contract
does not have, or declaring no effect, fails at import. An operation knows nothing of clients,
tools or confirmations.
"""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar, Generic, Self, TypeVar
from urllib.parse import quote

from pydantic import BaseModel, ConfigDict, SecretStr, model_validator
from pydantic.alias_generators import to_camel, to_snake

from trax_mcp.api.arguments import rule
from trax_mcp.api.contract import CONTRACT, Call, Field, JsonObject
from trax_mcp.api.models import Model

Answer_co = TypeVar("Answer_co", bound=Model, covariant=True)

RENAMED: Mapping[str, str] = {"id": "studioId"}
"""Contract name -> argument name. The path's `id` is always a studio's; one name, one meaning."""


class Effect(StrEnum):
    """What a call can do. Declared by hand, since no document says which calls are dangerous."""

    READ = "read"
    WRITE = "write"
    GUARDED = "guarded"
    """Changes what viewers see or destroys something: runs only with consent."""


@dataclass(frozen=True, slots=True)
class Request:
    """An operation as HTTP: what is sent, less the key. `body` is JSON, None for no body."""

    method: str
    path: str
    query: Mapping[str, str]
    body: JsonObject | None = dataclasses.field(default=None, repr=False)


class Operation(BaseModel, Generic[Answer_co]):
    """Something TRaX can be asked; a subclass for each call of the contract."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        alias_generator=to_camel,
        validate_by_name=True,
        validate_by_alias=True,
        hide_input_in_errors=True,
    )

    call: ClassVar[Call]
    effect: ClassVar[Effect]
    documented: ClassVar[Mapping[str, Field]]
    """What the call takes, by the names of our arguments."""
    known_as: ClassVar[str]
    """The name under which the operation is offered: `GoLive` is `go_live`."""
    seen_by: ClassVar[str | None]
    """The name of the reading operation that shows what became of this one, if it mutates."""

    def __init_subclass__(cls, **_declared: object) -> None:
        """Keep the class line from `Generic`, which takes no keywords; pydantic hands it on."""
        super().__init_subclass__()

    @classmethod
    def __pydantic_init_subclass__(
        cls,
        *,
        call: str | None = None,
        effect: Effect | None = None,
        seen_by: "type[Operation[Model]] | None" = None,
        **kwargs: object,
    ) -> None:
        """Bind the class to its documented call.

        Raises:
            TypeError: no call or no effect is declared, the effect contradicts the HTTP method,
                a mutation names nothing that shows what became of it, or an argument is not the
                call's or is described by nobody.
            KeyError: the contract has no such call.
        """
        super().__pydantic_init_subclass__(**kwargs)
        if cls.__pydantic_generic_metadata__["origin"] is Operation:
            return  # `Operation[StudioList]`: a type, not an operation
        if call is None or effect is None:
            raise TypeError(f"{cls.__name__} must quote its call and declare its effect")
        cls.call, cls.effect = CONTRACT.calls[call], effect
        cls.documented = {RENAMED.get(it, it): field for it, field in cls.call.fields.items()}
        cls.known_as = to_snake(cls.__name__)
        cls.seen_by = seen_by.known_as if seen_by else None
        if not cls.call.mutates == (effect is not Effect.READ) == (seen_by is not None):
            raise TypeError(f"{cls.__name__}: the effect, the method and `seen_by` must agree")
        for argument in cls.arguments():
            if not cls.describe(argument):
                raise TypeError(f"{cls.__name__}: nobody describes `{argument}`")

    @model_validator(mode="before")
    @classmethod
    def _null_means_omitted(cls, given: object) -> object:
        if isinstance(given, Mapping):
            return {name: value for name, value in given.items() if value is not None}
        return given

    @model_validator(mode="after")
    def _changes_something(self) -> Self:
        if self.call.method == "PATCH" and not self.request().body:
            raise rule("changes nothing: give at least one thing to change")
        return self

    @classmethod
    def advice(cls) -> str:
        """What we add to the contract's words, for the model: the class's docstring."""
        return " ".join((cls.__doc__ or "").split())

    @classmethod
    def arguments(cls) -> list[str]:
        """The JSON names of all arguments, in the order of the class."""
        return [str(field.alias) for field in cls.model_fields.values()]

    @classmethod
    def describe(cls, argument: str) -> str:
        """The contract's description of an argument, then ours.

        Raises:
            TypeError: the documented call takes no such argument.
        """
        if argument not in cls.documented:
            raise TypeError(f"{cls.call.name} takes no `{argument}`")
        ours = next(f.description for f in cls.model_fields.values() if f.alias == argument)
        return " ".join(filter(None, (cls.documented[argument].description, ours)))

    def request(self) -> Request:
        """The HTTP request that this value stands for. Secrets are in the clear in its body."""
        placed: dict[str, JsonObject] = {"path": {}, "query": {}, "body": {}}
        for argument, value in self.given().items():
            field = self.documented[argument]
            placed[field.place][field.name] = _in_the_clear(value)
        return Request(
            method=self.call.method,
            path=_fill(self.call.path, placed["path"]),
            query={name: str(value) for name, value in placed["query"].items()},
            body=placed["body"] if self.call.has_body else None,
        )

    @classmethod
    def answer_model(cls) -> type[Answer_co]:
        """The model of the answer, as the class line names it."""
        model: type[Answer_co] = cls.__mro__[1].__pydantic_generic_metadata__["args"][0]  # type: ignore[attr-defined]
        return model

    def studio(self) -> str:
        """The id of the studio it is about, empty if it is about none."""
        return str(self.given().get("studioId", ""))

    def target(self) -> str:
        """The id of the thing it acts on: the last one in the path, empty if there is none."""
        given = self.given()
        ids = [str(given[it]) for it, field in self.documented.items() if field.place == "path"]
        return ids[-1] if ids else ""

    def secrets(self) -> list[str]:
        """The values, in the clear, that no text may repeat."""
        return [
            value.get_secret_value()
            for value in self.given().values()
            if isinstance(value, SecretStr)
        ]

    def given(self) -> dict[str, object]:
        """The arguments that were given, by their JSON names; a secret stays wrapped."""
        return {
            str(type(self).model_fields[name].alias): value
            for name, value in self
            if value is not None
        }


def _fill(path: str, ids: Mapping[str, str]) -> str:
    """Put ids into their segments; every character that could leave one is percent-encoded."""
    return path.format_map({name: quote(value, safe="") for name, value in ids.items()})


def _in_the_clear(value: object) -> object:
    if isinstance(value, SecretStr):
        return value.get_secret_value()
    return list(value) if isinstance(value, tuple) else value
