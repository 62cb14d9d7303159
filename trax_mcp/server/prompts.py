"""Prompts, each a Markdown file: TOML front matter between `+++` lines, then the text.

The folder travels inside the package; in a checkout it lies beside it. A file that says what it
does not mean stops the start. This room fills in arguments and knows nothing of what a prompt is
about.
"""

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from string import Template
from typing import Annotated, Final

import mcp_types as types
from pydantic import BaseModel, ConfigDict, Field, StrictBool

from trax_mcp.server.error_boundary import WrongRequestError
from trax_mcp.server.tool_filter import TOOLS, ToolFilter
from trax_mcp.studio import naming

_FENCE = "+++\n"
_PACKAGE = Path(__file__).parents[1]
FOLDERS = (_PACKAGE / "prompts", _PACKAGE.parent / "prompts")

LONGEST_VALUE: Final = 1_000
"""Characters that a person may give for one argument."""

_IN_QUOTES = re.compile(r'"\$(?:\w+|\{\w+\})"', re.ASCII)
_MENTIONED = re.compile(r"`(\w+)`", re.ASCII)

_Name = Annotated[str, Field(pattern=r"^[a-z]+(_[a-z]+)*$")]
_Words = Annotated[str, Field(pattern=r"\S")]


class Completes(StrEnum):
    """What the front matter may say that an argument is one of."""

    STUDIOS = "studios"
    DESTINATIONS = "destinations"
    SOURCES = "sources"
    CONNECTIONS = "connections"
    PLATFORMS = "platforms"


class _Strict(BaseModel):
    """A part of the front matter: nothing in it is unknown, and nothing missing."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Argument(_Strict):
    """What a person gives; `completes` is what they are offered while they type."""

    name: _Name
    title: _Words
    description: _Words
    required: StrictBool = False
    completes: Completes | None = None


class FrontMatter(_Strict):
    """What a file says of its prompt: how it is listed, and all tools that its text names."""

    name: _Name
    title: _Words
    description: _Words
    tools: tuple[_Name, ...] = Field(min_length=1)
    arguments: tuple[Argument, ...] = ()


@dataclass(frozen=True, slots=True)
class Prompt:
    """A prompt: what is said of it, and the text that its arguments are put into."""

    front: FrontMatter
    text: Template

    @property
    def listing(self) -> types.Prompt:
        """As `prompts/list` shows it: what the protocol knows of it, and nothing of ours."""
        shown = {"name", "title", "description", "required"}
        return types.Prompt(
            name=self.front.name,
            title=self.front.title,
            description=self.front.description,
            arguments=[
                types.PromptArgument(**it.model_dump(include=shown)) for it in self.front.arguments
            ],
        )

    def argument(self, name: str) -> Argument | None:
        """The argument of that name, if it takes one."""
        return next((it for it in self.front.arguments if it.name == name), None)

    def fill(self, given: Mapping[str, str]) -> str:
        """The text with what a person gave.

        Raises:
            WrongRequestError: a required argument is missing, or one is too long.
        """
        values = {it.name: self._value(it, given) for it in self.front.arguments}
        return self.text.substitute(values)

    def _value(self, argument: Argument, given: Mapping[str, str]) -> str:
        """As it stands between the quotes of the text: it can neither end them nor hide in them."""
        value = given.get(argument.name, "")
        if argument.required and not value.strip():
            raise WrongRequestError(f"The prompt {self.front.name} needs `{argument.name}`.")
        if len(value) > LONGEST_VALUE:
            raise WrongRequestError(
                f"`{argument.name}` may have {LONGEST_VALUE} characters at most."
            )
        return naming.own(value)[1:-1]


class Prompts:
    """The prompts that are offered, by name."""

    def __init__(self, prompts: Mapping[str, Prompt]) -> None:
        self._prompts = prompts

    @classmethod
    def load(cls, offer: ToolFilter) -> "Prompts":
        """Read all prompts, and keep those whose tools are all offered.

        Raises:
            ValueError: a file, offered or not, is not as it must be; the sentence names it.
        """
        folder = next(folder for folder in FOLDERS if folder.is_dir())
        offered = {kind.tool_name for kind in offer.kinds()}
        prompts = list(_read_all(folder))
        return cls({it.front.name: it for it in prompts if offered.issuperset(it.front.tools)})

    def all(self) -> list[Prompt]:
        """All prompts, in the order of their files."""
        return list(self._prompts.values())

    def listings(self) -> list[types.Prompt]:
        """All prompts as `prompts/list` shows them."""
        return [prompt.listing for prompt in self._prompts.values()]

    def fill(self, name: str, arguments: Mapping[str, str]) -> types.GetPromptResult:
        """Put the arguments into a prompt, each once; one that it does not take changes nothing.

        Raises:
            WrongRequestError: there is no such prompt here, or not with these arguments.
        """
        prompt = self._find(name)
        text = types.TextContent(type="text", text=prompt.fill(arguments))
        return types.GetPromptResult(
            description=prompt.front.description,
            messages=[types.PromptMessage(role="user", content=text)],
        )

    def completes(self, name: str, argument: str) -> Completes | None:
        """What an argument of a prompt is one of; None if it is anything.

        Raises:
            WrongRequestError: there is no such prompt here.
        """
        found = self._find(name).argument(argument)
        return found.completes if found else None

    def _find(self, name: str) -> Prompt:
        if name not in self._prompts:
            raise WrongRequestError("There is no such prompt.")
        return self._prompts[name]


def _read_all(folder: Path) -> Iterator[Prompt]:
    for file in sorted(folder.glob("*.md")):
        prompt = _read(file.name, file.read_text(encoding="utf-8"))
        if (wrong := next(_faults(file.stem, prompt), None)) is not None:
            raise ValueError(f"{file.name} {wrong}")
        yield prompt


def _read(file_name: str, source: str) -> Prompt:
    before, _, rest = source.partition(_FENCE)
    front, fence, text = rest.partition(_FENCE)
    if before or not fence:
        raise ValueError(f"{file_name} must open with front matter between +++ lines")
    try:
        front_matter = FrontMatter.model_validate(tomllib.loads(front))
    except ValueError as error:
        raise ValueError(f"{file_name} has wrong front matter: {error}") from None
    return Prompt(front_matter, Template(text.strip()))


def _faults(stem: str, prompt: Prompt) -> Iterator[str]:
    """Where what a file declares and what its text does are two things, in words for its author."""
    front, text = prompt.front, prompt.text
    names = [it.name for it in front.arguments]
    if front.name != stem:
        yield f"must have the name of its file, not {front.name}"
    if unknown := sorted(set(front.tools) - TOOLS):
        yield f"lists tools that do not exist: {unknown}"
    named = set(_MENTIONED.findall(text.template)) & TOOLS
    if other := sorted(named ^ set(front.tools)):
        yield f"must list just the tools that its text names in backticks: {other}"
    if not text.is_valid() or len(set(names)) < len(names):
        yield "has a lone $ (it is written $$), or an argument twice"
    if other := sorted(set(text.get_identifiers()) ^ set(names)):
        yield f"must declare just the arguments that it uses: {other}"
    if Template(_IN_QUOTES.sub("", text.template)).get_identifiers():
        yield 'must use each argument between quotes, as "$name"'
