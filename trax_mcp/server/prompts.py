"""Prompts, each a Markdown file: TOML front matter between `+++` lines, then the text.

The folder travels inside the package; in a checkout it lies beside it. This room fills in
arguments and knows nothing of what a prompt is about.
"""

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from string import Template

import mcp_types as types

from trax_mcp.server.handlers import WrongRequestError

_FENCE = "+++\n"
_PACKAGE = Path(__file__).parents[1]
FOLDERS = (_PACKAGE / "prompts", _PACKAGE.parent / "prompts")


@dataclass(frozen=True, slots=True)
class Prompt:
    """A prompt as it is listed, and the text that its arguments are put into."""

    listing: types.Prompt
    text: Template


class Prompts:
    """The prompts that are offered, by name."""

    def __init__(self, prompts: Mapping[str, Prompt]) -> None:
        self._prompts = prompts

    @classmethod
    def load(cls) -> "Prompts":
        """Read all prompts.

        Raises:
            ValueError: a file is not front matter and text, or its text names an argument that
                the front matter does not declare.
        """
        folder = next(folder for folder in FOLDERS if folder.is_dir())
        return cls({prompt.listing.name: prompt for prompt in _read_all(folder)})

    def all(self) -> list[Prompt]:
        """All prompts, in the order of their files."""
        return list(self._prompts.values())

    def listings(self) -> list[types.Prompt]:
        """All prompts as `prompts/list` shows them."""
        return [prompt.listing for prompt in self._prompts.values()]

    def fill(self, name: str, arguments: Mapping[str, str]) -> types.GetPromptResult:
        """Put the arguments into a prompt; each value is used once, as it is.

        Raises:
            WrongRequestError: there is no such prompt, or a required argument is missing.
        """
        if name not in self._prompts:
            raise WrongRequestError("There is no such prompt.")
        prompt = self._prompts[name]
        declared = prompt.listing.arguments or []
        for argument in declared:
            if argument.required and not arguments.get(argument.name):
                raise WrongRequestError(f"The prompt {name} needs `{argument.name}`.")
        values = {argument.name: arguments.get(argument.name, "") for argument in declared}
        text = types.TextContent(type="text", text=prompt.text.substitute(values))
        return types.GetPromptResult(
            description=prompt.listing.description,
            messages=[types.PromptMessage(role="user", content=text)],
        )


def _read_all(folder: Path) -> Iterator[Prompt]:
    for file in sorted(folder.glob("*.md")):
        yield _read(file.name, file.read_text(encoding="utf-8"))


def _read(file_name: str, source: str) -> Prompt:
    before, _, rest = source.partition(_FENCE)
    front, fence, text = rest.partition(_FENCE)
    if before or not fence:
        raise ValueError(f"{file_name} must open with front matter between +++ lines")
    template = Template(text.strip())
    try:
        listing = types.Prompt.model_validate(tomllib.loads(front))
    except ValueError as error:
        raise ValueError(f"{file_name} has wrong front matter: {error}") from None
    undeclared = set(template.get_identifiers()) - {it.name for it in listing.arguments or []}
    if undeclared or not template.is_valid():
        raise ValueError(f"{file_name} uses what it does not declare: {sorted(undeclared)}")
    return Prompt(listing, template)
