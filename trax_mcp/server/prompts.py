"""Prompts, each a Markdown file: TOML front matter between `+++` lines, then the text.

A wheel has the folder inside the package, a checkout beside it.
"""

import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from string import Template
from typing import Any, Final, Literal

import mcp_types as types
from pydantic import BaseModel, ConfigDict

from trax_mcp.api.caller import ANONYMOUS, Caller
from trax_mcp.api.text_safety import escape
from trax_mcp.server.errors import WrongRequestError
from trax_mcp.server.offer import TOOLS, Offer
from trax_mcp.server.request import McpRequest

LONGEST_VALUE: Final = 1_000
"""The most characters of one argument's value."""

Completes = Literal["studios", "connections", "platforms"]
"""The lists that completions of an argument come from."""

_MARK = "+++\n"
_PACKAGE = Path(__file__).parents[1]
_FOLDERS = (_PACKAGE / "prompts", _PACKAGE.parent / "prompts")


class _Strict(BaseModel):
    """A part of a file. Unknown fields are errors."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Argument(_Strict):
    """An argument of a prompt."""

    name: str
    title: str
    description: str
    required: bool = False
    completes: Completes | None = None


class Prompt(_Strict):
    """A prompt; `tools` are all tools that its text, a template, names."""

    name: str
    title: str
    description: str
    tools: tuple[str, ...]
    arguments: tuple[Argument, ...] = ()
    text: str

    @property
    def listing(self) -> types.Prompt:
        """The prompt as `prompts/list` shows it, without fields that the protocol does not have."""
        fields = {"name", "title", "description", "required"}
        return types.Prompt(
            name=self.name,
            title=self.title,
            description=self.description,
            arguments=[
                types.PromptArgument(**it.model_dump(include=fields)) for it in self.arguments
            ],
        )

    def completes(self, argument: str) -> Completes | None:
        """The list for an argument; None if that is free text or unknown."""
        return next((it.completes for it in self.arguments if it.name == argument), None)

    def filled(self, given: Mapping[str, str]) -> str:
        """The text with the values of the arguments. Others are ignored.

        Raises:
            WrongRequestError: a required argument is missing, or one is too long.
        """
        values = {it.name: given.get(it.name, "") for it in self.arguments}
        for argument in self.arguments:
            if argument.required and not values[argument.name].strip():
                raise WrongRequestError(f"The prompt {self.name} needs `{argument.name}`.")
            if len(values[argument.name]) > LONGEST_VALUE:
                raise WrongRequestError(
                    f"`{argument.name}` may have {LONGEST_VALUE} characters at most."
                )
        # Escaped, a value cannot end the quotes around it or hide in them.
        escaped = {name: escape(value) for name, value in values.items()}
        return Template(self.text).substitute(escaped)


class Prompts:
    """The prompts, and the methods of MCP for them. One is offered if all its tools are."""

    def __init__(self, offer: Offer) -> None:
        self._offer = offer

    def offered(self, caller: Caller = ANONYMOUS) -> dict[str, Prompt]:
        """The prompts that a caller is offered, by name, in the order of their files."""
        return {
            prompt.name: prompt
            for prompt in read_prompts()
            if not any(self._offer.why_not(TOOLS[it], caller) for it in prompt.tools)
        }

    async def list_prompts(self, request: McpRequest[Any]) -> types.ListPromptsResult:
        """Answer `prompts/list`."""
        offered = self.offered(request.caller).values()
        return types.ListPromptsResult(prompts=[prompt.listing for prompt in offered])

    async def get_prompt(
        self, request: McpRequest[types.GetPromptRequestParams]
    ) -> types.GetPromptResult:
        """Answer `prompts/get`.

        Raises:
            WrongRequestError: there is no such prompt, or an argument is missing or too long.
        """
        prompt = self.find(request.params.name, request.caller)
        text = types.TextContent(type="text", text=prompt.filled(request.params.arguments or {}))
        return types.GetPromptResult(
            description=prompt.description,
            messages=[types.PromptMessage(role="user", content=text)],
        )

    def find(self, name: str, caller: Caller) -> Prompt:
        """The prompt with this name.

        Raises:
            WrongRequestError: there is none.
        """
        offered = self.offered(caller)
        if name not in offered:
            raise WrongRequestError("There is no such prompt.")
        return offered[name]


@cache
def read_prompts() -> tuple[Prompt, ...]:
    """All prompts, in the order of their files."""
    folder = next(folder for folder in _FOLDERS if folder.is_dir())
    return tuple(_read(file.read_text(encoding="utf-8")) for file in sorted(folder.glob("*.md")))


def _read(source: str) -> Prompt:
    _, front, text = source.split(_MARK, 2)
    return Prompt.model_validate({**tomllib.loads(front), "text": text.strip()})
