"""The noun of this house: a call to TRaX as a frozen value.

An operation's fields are its arguments, its class line quotes the documented call, declares the
effect and names the answer, its docstring is advice to the model. What contradicts the document
fails at import. An operation knows nothing of clients, tools or confirmations.
"""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Generic, Self, TypeVar
from urllib.parse import quote

from pydantic import SecretStr, model_validator

from trax_mcp.api.argument_types import rule
from trax_mcp.api.contract import JsonObject
from trax_mcp.api.models import Model
from trax_mcp.api.tool_input import Effect, ToolInput

Answer_co = TypeVar("Answer_co", bound=Model, covariant=True)


@dataclass(frozen=True, slots=True)
class Request:
    """An operation as HTTP: what is sent, less the key. `body` is JSON, None for no body."""

    method: str
    path: str
    query: Mapping[str, str]
    body: JsonObject | None = dataclasses.field(default=None, repr=False)


class Operation(ToolInput, Generic[Answer_co], abstract=True):
    """Something TRaX can be asked; a subclass for each call of the contract."""

    verify_with: ClassVar[str | None]
    """The name of the reading operation that shows what became of this one, if it mutates."""

    @classmethod
    def __pydantic_init_subclass__(  # type: ignore[override]  # pydantic hands the class line on
        cls,
        *,
        call: str | None = None,
        effect: Effect | None = None,
        abstract: bool = False,
        verify_with: "type[Operation[Model]] | None" = None,
        **kwargs: object,
    ) -> None:
        """Bind the class to its documented call, and hold it against the document.

        Raises:
            TypeError: the effect contradicts the HTTP method, a mutation names nothing that shows
                what became of it, or an argument is not the call's; also as `ToolInput`.
            KeyError: the contract has no such call.
        """
        if cls.__pydantic_generic_metadata__["origin"] is Operation:
            return  # `Operation[StudioList]`: a type, not an operation
        super().__pydantic_init_subclass__(call=call, effect=effect, abstract=abstract, **kwargs)
        cls.verify_with = verify_with.tool_name if verify_with else None
        if not cls.call.mutates == (cls.effect is not Effect.READ) == (verify_with is not None):
            raise TypeError(f"{cls.__name__}: the effect, the method and `verify_with` must agree")
        for argument in cls.arguments():
            if argument not in cls.contract_fields:
                raise TypeError(f"{cls.call.name} takes no `{argument}`")

    @model_validator(mode="after")
    def _changes_something(self) -> Self:
        if self.call.method == "PATCH" and not self.request().body:
            raise rule("changes nothing: give at least one thing to change")
        return self

    @classmethod
    def summary(cls) -> str:
        """What it does, in the contract's words."""
        return cls.call.summary

    @classmethod
    def words(cls) -> str:
        """The contract's words, then our advice."""
        return " ".join(filter(None, (cls.call.summary, cls.call.description, cls.advice())))

    def request(self) -> Request:
        """The HTTP request that this value stands for. Secrets are in the clear in its body."""
        placed: dict[str, JsonObject] = {"path": {}, "query": {}, "body": {}}
        for argument, value in self.given().items():
            field = self.contract_fields[argument]
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

    def target(self) -> str:
        """The id of the thing it acts on: the last one in the path, empty if there is none."""
        given = self.given()
        ids = [
            str(given[it]) for it, field in self.contract_fields.items() if field.place == "path"
        ]
        return ids[-1] if ids else ""


def _fill(path: str, ids: Mapping[str, str]) -> str:
    """Put ids into their segments; every character that could leave one is percent-encoded."""
    return path.format_map({name: quote(value, safe="") for name, value in ids.items()})


def _in_the_clear(value: object) -> object:
    if isinstance(value, SecretStr):
        return value.get_secret_value()
    return list(value) if isinstance(value, tuple) else value
