"""The input of a tool as a frozen value: its fields are the tool's arguments.

Each input is based on one documented call, which its class arguments name. An `Operation` is that
call; other inputs make several calls. A class that quotes an undocumented call does not import.
"""

import re
from collections.abc import Mapping
from enum import StrEnum
from typing import ClassVar

from pydantic import BaseModel, ConfigDict, SecretStr, model_validator
from pydantic.alias_generators import to_camel, to_snake

from trax_mcp.api.contract import CONTRACT, Call, Field, JsonObject

RENAMED: Mapping[str, str] = {"id": "studioId"}
"""Contract name -> argument name. In a path, `id` is always the id of a studio."""

_REWORDED: Mapping[re.Pattern[str], str] = {
    # The scope is in `_meta`, and TRaX's refusal names it.
    re.compile(r"Requires scope \S+\. ?"): "",
    # The name of a setting of TRaX's servers tells a model nothing.
    re.compile(
        r"Gated behind PUBLIC_API_WRITE_ENABLED(; returns 503 write_disabled while off)?\."
    ): "Refused while TRaX takes no changes.",
    # The schema has both numbers.
    re.compile(r" \(default \d+, max \d+\)"): "",
}
"""Texts of the contract that a model reads in another form. Everything else is quoted."""


def for_models(documented: str) -> str:
    """A text of the contract as a model reads it."""
    for pattern, text in _REWORDED.items():
        documented = pattern.sub(text, documented)
    return documented.strip()


class Effect(StrEnum):
    """The effect of a call. Declared by hand: no document says which calls are dangerous."""

    READ = "read"
    WRITE = "write"
    """It changes something. Its plan says which calls run only with consent."""
    GUARDED = "guarded"
    """Viewers see it, or it destroys something: every call runs only with consent."""


class ToolInput(BaseModel):
    """The arguments of one tool; a subclass for each tool."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        alias_generator=to_camel,
        validate_by_name=True,
        validate_by_alias=True,
        hide_input_in_errors=True,
    )

    call: ClassVar[Call]
    """The documented call that this input is, or is based on."""
    effect: ClassVar[Effect]
    hint: ClassVar[str]
    """Our text for the model, in addition to the contract's."""
    reads_files: ClassVar[bool]
    """Whether it reads files of the computer that the server runs on."""
    returns_untrusted_text: ClassVar[bool]
    """Whether the answer holds text that viewers wrote."""
    contract_fields: ClassVar[Mapping[str, Field]]
    """The parameters of the call, by our argument names."""
    tool_name: ClassVar[str]
    """`go_live` for `GoLive`."""

    def __init_subclass__(cls, **_declared: object) -> None:
        """Ignore the class arguments: `Generic` accepts none, and pydantic passes them on."""
        super().__init_subclass__()

    @classmethod
    def __pydantic_init_subclass__(
        cls,
        *,
        call: str | None = None,
        effect: Effect | None = None,
        hint: str = "",
        reads_files: bool = False,
        returns_untrusted_text: bool = False,
        abstract: bool = False,
        **kwargs: object,
    ) -> None:
        """Bind the class to its documented call. Abstract classes have none.

        Raises:
            TypeError: the class arguments lack a call, an effect or a hint, or an argument has no
                description.
            KeyError: the contract has no such call.
        """
        super().__pydantic_init_subclass__(**kwargs)
        if abstract:
            return
        if call is None or effect is None or not hint:
            raise TypeError(f"{cls.__name__} must quote its call and declare its effect and hint")
        cls.call, cls.effect, cls.hint = CONTRACT.calls[call], effect, hint
        cls.reads_files, cls.returns_untrusted_text = reads_files, returns_untrusted_text
        cls.contract_fields = {RENAMED.get(it, it): field for it, field in cls.call.fields.items()}
        cls.tool_name = to_snake(cls.__name__)
        for argument in cls.argument_names():
            if not cls.describe_argument(argument):
                raise TypeError(f"{cls.__name__}: `{argument}` has no description")

    @model_validator(mode="before")
    @classmethod
    def _treat_null_as_omitted(cls, data: object) -> object:
        if isinstance(data, Mapping):
            return {name: value for name, value in data.items() if value is not None}
        return data

    @classmethod
    def summary(cls) -> str:
        """The first sentence of the description."""
        return f"{cls.hint.partition('. ')[0].rstrip('.')}."

    @classmethod
    def description(cls) -> str:
        """The whole description of the tool for the model."""
        return f"{cls.hint} Cannot be undone." if CONTRACT.is_final(cls.call) else cls.hint

    @classmethod
    def argument_names(cls) -> list[str]:
        """The JSON names of all arguments, required ones first."""
        fields = sorted(cls.model_fields.values(), key=lambda field: not field.is_required())
        return [str(field.alias) for field in fields]

    @classmethod
    def describe_argument(cls, name: str) -> str:
        """The contract's description of an argument, followed by ours."""
        ours = next(it.description for it in cls.model_fields.values() if it.alias == name)
        field = cls.contract_fields.get(name)
        documented = for_models(field.description) if field else ""
        return " ".join(filter(None, (documented, ours)))

    @classmethod
    def answer_schema(cls) -> JsonObject:
        """The JSON schema of the answer: the call's, unless a subclass returns another one."""
        return cls.call.answer

    def studio(self) -> str:
        """The id of the studio it is about, or an empty string."""
        return str(self.arguments().get("studioId", ""))

    def secrets(self) -> list[str]:
        """The secret arguments in plain text. No message may repeat them."""
        return [
            value.get_secret_value()
            for value in self.arguments().values()
            if isinstance(value, SecretStr)
        ]

    def arguments(self) -> dict[str, object]:
        """The arguments that have a value, by JSON name. Secrets stay wrapped."""
        return {
            str(type(self).model_fields[name].alias): value
            for name, value in self
            if value is not None
        }
