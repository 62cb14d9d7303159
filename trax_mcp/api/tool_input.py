"""What a caller may want, as a frozen value: its fields are the arguments of a tool.

A value stands on one documented call, which its class line quotes beside the effect: an `Operation`
is that call itself, other values make several calls of it. Quoting a call that the contract does
not have, or declaring no effect, fails at import. A value knows nothing of clients, tools or
confirmations.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import ClassVar

from pydantic import BaseModel, ConfigDict, SecretStr, model_validator
from pydantic.alias_generators import to_camel, to_snake

from trax_mcp.api.contract import CONTRACT, Call, Field, JsonObject

RENAMED: Mapping[str, str] = {"id": "studioId"}
"""Contract name -> argument name. The path's `id` is always a studio's; one name, one meaning."""


class Effect(StrEnum):
    """What a call can do. Declared by hand, since no document says which calls are dangerous."""

    READ = "read"
    WRITE = "write"
    GUARDED = "guarded"
    """Changes what viewers see or destroys something: runs only with consent."""


class ToolInput(BaseModel):
    """Something a caller may want; a subclass for each tool."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        alias_generator=to_camel,
        validate_by_name=True,
        validate_by_alias=True,
        hide_input_in_errors=True,
    )

    call: ClassVar[Call]
    """The documented call that it is, or that it stands on."""
    effect: ClassVar[Effect]
    contract_fields: ClassVar[Mapping[str, Field]]
    """What the call takes, by the names of our arguments."""
    tool_name: ClassVar[str]
    """The name under which it is offered: `GoLive` is `go_live`."""

    def __init_subclass__(cls, **_declared: object) -> None:
        """Keep the class line from `Generic`, which takes no keywords; pydantic hands it on."""
        super().__init_subclass__()

    @classmethod
    def __pydantic_init_subclass__(
        cls,
        *,
        call: str | None = None,
        effect: Effect | None = None,
        abstract: bool = False,
        **kwargs: object,
    ) -> None:
        """Bind the class to its documented call; `abstract` ones have none.

        Raises:
            TypeError: no call or no effect is declared, or an argument is described by nobody.
            KeyError: the contract has no such call.
        """
        super().__pydantic_init_subclass__(**kwargs)
        if abstract:
            return
        if call is None or effect is None:
            raise TypeError(f"{cls.__name__} must quote its call and declare its effect")
        cls.call, cls.effect = CONTRACT.calls[call], effect
        cls.contract_fields = {RENAMED.get(it, it): field for it, field in cls.call.fields.items()}
        cls.tool_name = to_snake(cls.__name__)
        for argument in cls.arguments():
            if not cls.describe(argument):
                raise TypeError(f"{cls.__name__}: nobody describes `{argument}`")

    @model_validator(mode="before")
    @classmethod
    def _null_means_omitted(cls, given: object) -> object:
        if isinstance(given, Mapping):
            return {name: value for name, value in given.items() if value is not None}
        return given

    @classmethod
    def summary(cls) -> str:
        """What it does, in one sentence."""
        return f"{cls.advice().partition('. ')[0].rstrip('.')}."

    @classmethod
    def words(cls) -> str:
        """All that a model is told of it."""
        return cls.advice()

    @classmethod
    def advice(cls) -> str:
        """Our own words for the model: the class's docstring."""
        return " ".join((cls.__doc__ or "").split())

    @classmethod
    def arguments(cls) -> list[str]:
        """The JSON names of all arguments, in the order of the class."""
        return [str(field.alias) for field in cls.model_fields.values()]

    @classmethod
    def describe(cls, argument: str) -> str:
        """The contract's description of an argument, then ours."""
        ours = next(f.description for f in cls.model_fields.values() if f.alias == argument)
        field = cls.contract_fields.get(argument)
        return " ".join(filter(None, (field.description if field else None, ours)))

    @classmethod
    def answer(cls) -> JsonObject:
        """The schema of what comes back: the documented call's, unless a subclass says more."""
        return cls.call.answer

    def studio(self) -> str:
        """The id of the studio it is about, empty if it is about none."""
        return str(self.given().get("studioId", ""))

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
