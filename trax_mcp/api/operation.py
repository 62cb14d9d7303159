"""An operation: one call to TRaX as a frozen value. Its fields are the arguments.

The class arguments name the documented call, the effect, the hint and what the call does to a
broadcast. A declaration that contradicts the contract does not import.
"""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, ClassVar, Generic, Literal, Self, TypeVar
from urllib.parse import quote

from pydantic import SecretStr, model_validator

from trax_mcp.api.argument_types import LARGEST_PAGE, Cursor, Limit, broken_rule
from trax_mcp.api.contract import JsonObject
from trax_mcp.api.models import ItemT, Model, Page
from trax_mcp.api.tool_input import Effect, ToolInput, for_models

Answer_co = TypeVar("Answer_co", bound=Model, covariant=True)


@dataclass(frozen=True, slots=True)
class Request:
    """An operation as HTTP, without the key. `body` is JSON, or None for no body."""

    method: str
    path: str
    query: Mapping[str, str]
    body: JsonObject | None = dataclasses.field(default=None, repr=False)


class Operation(ToolInput, Generic[Answer_co], abstract=True):
    """A call to TRaX; a subclass for each call of the contract."""

    look: ClassVar[str]
    """What to do where the outcome of a call is not known."""
    starts_broadcast: ClassVar[bool]
    stops_broadcast: ClassVar[bool]

    @classmethod
    def __pydantic_init_subclass__(  # type: ignore[override]  # pydantic passes the class arguments on
        cls,
        *,
        call: str | None = None,
        effect: Effect | None = None,
        abstract: bool = False,
        shown_by: "type[Operation[Model]] | None" = None,
        broadcast: Literal["start", "stop"] | None = None,
        **kwargs: Any,  # noqa: ANN401  keywords of `ToolInput`, which checks them
    ) -> None:
        """Bind the class to its documented call and check it against the contract.

        Raises:
            TypeError: effect, HTTP method and `shown_by` disagree, or the call has no parameter
                of an argument's name; also as `ToolInput`.
            KeyError: the contract has no such call.
        """
        if cls.__pydantic_generic_metadata__["origin"] is not None:
            return  # a type such as `Operation[Studio]`
        super().__pydantic_init_subclass__(call=call, effect=effect, abstract=abstract, **kwargs)
        if abstract:
            return
        cls.look = "Call again later."
        if shown_by is not None:
            cls.look = f"Look with {shown_by.tool_name} before anything else."
        cls.starts_broadcast, cls.stops_broadcast = broadcast == "start", broadcast == "stop"
        declared = (cls.effect is not Effect.READ, shown_by is not None)
        if declared != (cls.call.mutates, cls.call.mutates):
            raise TypeError(f"{cls.__name__}: effect, method and `shown_by` must agree")
        for argument in cls.argument_names():
            if argument not in cls.contract_fields:
                raise TypeError(f"{cls.call.name} takes no `{argument}`")

    @model_validator(mode="after")
    def _require_a_change(self) -> Self:
        if self.call.method == "PATCH" and not self.request().body:
            raise broken_rule("changes nothing: give at least one thing to change")
        return self

    @classmethod
    def summary(cls) -> str:
        """The contract's summary of the call."""
        return cls.call.summary

    @classmethod
    def description(cls) -> str:
        """The contract's summary and description, followed by our hint."""
        documented = for_models(cls.call.description)
        return " ".join(filter(None, (cls.call.summary, documented, super().description())))

    @classmethod
    def answer_model(cls) -> type[Answer_co]:
        """The model of the answer: `Studio` for `class GetStudio(Operation[Studio])`."""
        model: type[Answer_co] = cls._type_argument()
        return model

    @classmethod
    def _type_argument(cls) -> type:
        model: type = cls.__mro__[1].__pydantic_generic_metadata__["args"][0]  # type: ignore[attr-defined]
        return model

    def request(self) -> Request:
        """The HTTP request of this operation. Its body holds secrets in plain text."""
        placed: dict[str, JsonObject] = {"path": {}, "query": {}, "body": {}}
        for argument, value in self.arguments().items():
            field = self.contract_fields[argument]
            placed[field.location][field.name] = plain_value(value)
        return Request(
            method=self.call.method,
            path=self.call.path.format_map(
                # Percent-encoding keeps each id in its own segment.
                {name: quote(value, safe="") for name, value in placed["path"].items()}
            ),
            query={name: str(value) for name, value in placed["query"].items()},
            body=placed["body"] if self.call.has_body else None,
        )

    def target_id(self) -> str:
        """The last id in the path, or an empty string."""
        arguments = self.arguments()
        fields = self.contract_fields.items()
        ids = [str(arguments[name]) for name, field in fields if field.location == "path"]
        return ids[-1] if ids else ""


class ListOperation(Operation[Page[ItemT]], Generic[ItemT], abstract=True):
    """A list that comes in pages. TRaX ends it by leaving out `nextCursor`."""

    cursor: Cursor | None = None
    limit: Limit | None = None

    def next_page(self, cursor: str | None) -> Self:
        """The same list from a cursor on, with as many items on the page as TRaX allows."""
        return self.model_copy(update={"cursor": cursor, "limit": LARGEST_PAGE})

    @classmethod
    def answer_model(cls) -> type[Page[ItemT]]:
        """A page of the items: `Page[Studio]` for `class ListStudios(ListOperation[Studio])`."""
        model: type[Page[ItemT]] = _page_of(cls._type_argument())
        return model


@cache
def _page_of(item: type[Model]) -> Any:  # noqa: ANN401
    """A page of these items. pydantic keeps none by itself, and would build each one anew."""
    return Page[item]  # type: ignore[valid-type]  # made at run time


def plain_value(value: object) -> object:
    """An argument as JSON holds it. A secret is revealed."""
    if isinstance(value, SecretStr):
        return value.get_secret_value()
    return list(value) if isinstance(value, tuple) else value
