"""Prompts, each a Markdown file: TOML front matter between `+++` lines, then the text.

A wheel has the folder inside the package, a checkout beside it. An inconsistent file stops the
start of the server.
"""

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from pathlib import Path
from string import Template
from typing import Annotated, Final

import mcp_types as types
from pydantic import BaseModel, ConfigDict, Field, StrictBool

from trax_mcp.api.text_safety import escape
from trax_mcp.server.error_boundary import WrongRequestError
from trax_mcp.server.tool_filter import TOOLS, ToolFilter

_FRONT_MATTER_MARK = "+++\n"
_PACKAGE = Path(__file__).parents[1]
FOLDERS = (_PACKAGE / "prompts", _PACKAGE.parent / "prompts")

LONGEST_VALUE: Final = 1_000
"""The most characters of one argument's value."""

_QUOTED_ARGUMENT = re.compile(r'"\$(?:\w+|\{\w+\})"', re.ASCII)
_IN_BACKTICKS = re.compile(r"`(\w+)`", re.ASCII)

_Name = Annotated[str, Field(pattern=r"^[a-z]+(_[a-z]+)*$")]
_Text = Annotated[str, Field(pattern=r"\S")]


class Completes(StrEnum):
    """The lists that an argument's completions can come from."""

    STUDIOS = "studios"
    DESTINATIONS = "destinations"
    SOURCES = "sources"
    CONNECTIONS = "connections"
    PLATFORMS = "platforms"


class _Strict(BaseModel):
    """A part of the front matter. Unknown fields are errors."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Argument(_Strict):
    """An argument; `completes` is the list that its completions come from."""

    name: _Name
    title: _Text
    description: _Text
    required: StrictBool = False
    completes: Completes | None = None


class FrontMatter(_Strict):
    """The front matter of a prompt; `tools` are all tools that its text names."""

    name: _Name
    title: _Text
    description: _Text
    tools: tuple[_Name, ...] = Field(min_length=1)
    arguments: tuple[Argument, ...] = ()


@dataclass(frozen=True, slots=True)
class Prompt:
    """A prompt: its front matter, and the template of its text."""

    front: FrontMatter
    text: Template

    @property
    def listing(self) -> types.Prompt:
        """The prompt as `prompts/list` shows it, without fields that the protocol does not have."""
        fields = {"name", "title", "description", "required"}
        return types.Prompt(
            name=self.front.name,
            title=self.front.title,
            description=self.front.description,
            arguments=[
                types.PromptArgument(**it.model_dump(include=fields)) for it in self.front.arguments
            ],
        )

    def argument(self, name: str) -> Argument | None:
        """The argument with this name, if there is one."""
        return next((it for it in self.front.arguments if it.name == name), None)

    def fill(self, arguments: Mapping[str, str]) -> str:
        """The text with the values of the arguments.

        Raises:
            WrongRequestError: a required argument is missing, or one is too long.
        """
        values = {it.name: self._value(it, arguments) for it in self.front.arguments}
        return self.text.substitute(values)

    def _value(self, argument: Argument, arguments: Mapping[str, str]) -> str:
        """The value, escaped so that it cannot end the quotes around it or hide in them."""
        value = arguments.get(argument.name, "")
        if argument.required and not value.strip():
            raise WrongRequestError(f"The prompt {self.front.name} needs `{argument.name}`.")
        if len(value) > LONGEST_VALUE:
            raise WrongRequestError(
                f"`{argument.name}` may have {LONGEST_VALUE} characters at most."
            )
        return escape(value)


class Prompts:
    """The prompts that are offered, by name."""

    def __init__(self, prompts: Mapping[str, Prompt]) -> None:
        self._prompts = prompts

    @classmethod
    def load(cls, tool_filter: ToolFilter) -> "Prompts":
        """Read all prompts, and keep those whose tools are all offered.

        Raises:
            ValueError: a file is inconsistent, whether offered or not; the message names it.
        """
        folder = next(folder for folder in FOLDERS if folder.is_dir())
        offered = {kind.tool_name for kind in tool_filter.kinds()}
        prompts = list(_read_all(folder))
        return cls({it.front.name: it for it in prompts if offered.issuperset(it.front.tools)})

    def all(self) -> list[Prompt]:
        """All prompts, in the order of their files."""
        return list(self._prompts.values())

    def listings(self) -> list[types.Prompt]:
        """All prompts as `prompts/list` shows them."""
        return [prompt.listing for prompt in self._prompts.values()]

    def fill(self, name: str, arguments: Mapping[str, str]) -> types.GetPromptResult:
        """Fill in a prompt. Unknown arguments are ignored.

        Raises:
            WrongRequestError: there is no such prompt, or an argument is missing or too long.
        """
        prompt = self._find(name)
        text = types.TextContent(type="text", text=prompt.fill(arguments))
        return types.GetPromptResult(
            description=prompt.front.description,
            messages=[types.PromptMessage(role="user", content=text)],
        )

    def completes(self, name: str, argument: str) -> Completes | None:
        """The list that completes an argument of a prompt; None if it is free text or unknown.

        Raises:
            WrongRequestError: there is no such prompt.
        """
        declared = self._find(name).argument(argument)
        return declared.completes if declared else None

    def _find(self, name: str) -> Prompt:
        if name not in self._prompts:
            raise WrongRequestError("There is no such prompt.")
        return self._prompts[name]


def _read_all(folder: Path) -> Iterator[Prompt]:
    for file in sorted(folder.glob("*.md")):
        prompt = _read(file.name, file.read_text(encoding="utf-8"))
        if (problem := next(_problems(file.stem, prompt), None)) is not None:
            raise ValueError(f"{file.name} {problem}")
        yield prompt


@cache
def _read(file_name: str, source: str) -> Prompt:
    before, _, rest = source.partition(_FRONT_MATTER_MARK)
    front, closing, text = rest.partition(_FRONT_MATTER_MARK)
    if before or not closing:
        raise ValueError(f"{file_name} must open with front matter between +++ lines")
    try:
        front_matter = FrontMatter.model_validate(tomllib.loads(front))
    except ValueError as error:
        raise ValueError(f"{file_name} has wrong front matter: {error}") from None
    return Prompt(front_matter, Template(text.strip()))


def _problems(stem: str, prompt: Prompt) -> Iterator[str]:
    """Inconsistencies between the front matter and the text."""
    front, text = prompt.front, prompt.text
    names = [it.name for it in front.arguments]
    if front.name != stem:
        yield f"must have the name of its file, not {front.name}"
    if unknown := sorted(set(front.tools) - TOOLS):
        yield f"lists tools that do not exist: {unknown}"
    mentioned = set(_IN_BACKTICKS.findall(text.template)) & TOOLS
    if other := sorted(mentioned ^ set(front.tools)):
        yield f"must list just the tools that its text names in backticks: {other}"
    if not text.is_valid() or len(set(names)) < len(names):
        yield "has a lone $ (it is written $$), or an argument twice"
    if other := sorted(set(text.get_identifiers()) ^ set(names)):
        yield f"must declare just the arguments that it uses: {other}"
    if Template(_QUOTED_ARGUMENT.sub("", text.template)).get_identifiers():
        yield 'must use each argument between quotes, as "$name"'
