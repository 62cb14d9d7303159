"""The Dockerfile as data: its instructions in order.

Parses only the forms that our Dockerfile uses, and runs nothing.
"""

from __future__ import annotations

import json
import re
import shlex
from dataclasses import dataclass
from typing import Final

from tests import ROOT

DOCKERFILE: Final = ROOT / "Dockerfile"
PORT: Final = "8765"
_KNOWN = {
    *("COPY", "ENTRYPOINT", "ENV", "EXPOSE", "FROM", "HEALTHCHECK", "LABEL", "RUN", "USER"),
    "WORKDIR",
}


@dataclass(frozen=True, slots=True)
class Instruction:
    """One instruction, with its continuation lines joined."""

    name: str
    text: str

    def words(self) -> list[str]:
        """The text as separate words, without options and quotes."""
        return [word for word in shlex.split(self.text) if not word.startswith("--")]

    def option(self, name: str) -> str | None:
        """An option's value, None if it is not given."""
        found = re.match(rf"(?:--\S+ +)*--{name}=(\S+)", self.text)
        return found and found[1]

    def command(self) -> list[str]:
        """The command in its JSON (exec) form."""
        command: list[str] = json.loads(self.text[self.text.index("[") :])
        return command


def instructions() -> list[Instruction]:
    """All instructions of the Dockerfile.

    Raises:
        ValueError: an instruction is not supported here.
    """
    lines = DOCKERFILE.read_text(encoding="utf-8").splitlines()
    text = "\n".join(line for line in lines if line and not line.lstrip().startswith("#"))
    found = [Instruction(*it.split(maxsplit=1)) for it in re.sub(r"\\\n\s*", "", text).splitlines()]
    if unknown := {it.name for it in found} - _KNOWN:
        raise ValueError(f"not supported here: {sorted(unknown)}")
    return found


def last_stage() -> list[Instruction]:
    """The instructions of the last stage."""
    found = instructions()
    starts = [number for number, it in enumerate(found) if it.name == "FROM"]
    return found[starts[-1] :]


def only(name: str) -> Instruction:
    """The single instruction with this name in the last stage."""
    (instruction,) = (it for it in last_stage() if it.name == name)
    return instruction


def variables() -> dict[str, str]:
    """The environment variables that the image sets."""
    pairs = (word.partition("=") for word in only("ENV").words())
    return {name: value for name, _, value in pairs}


def copied() -> set[str]:
    """The sources that are copied from the repository."""
    copies = (it for it in instructions() if it.name == "COPY" and it.option("from") is None)
    return {source for it in copies for source in it.words()[:-1]}
