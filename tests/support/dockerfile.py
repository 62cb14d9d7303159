"""The Dockerfile as data: its instructions in order, of the forms that it uses."""

from __future__ import annotations

import json
import re
import shlex
from dataclasses import dataclass

from tests import ROOT


@dataclass(frozen=True, slots=True)
class Instruction:
    """One instruction, with its continuation lines joined."""

    name: str
    text: str

    def words(self) -> list[str]:
        """The text as separate words, without options and quotes."""
        return [word for word in shlex.split(self.text) if not word.startswith("--")]

    def command(self) -> list[str]:
        """The command in its JSON (exec) form."""
        command: list[str] = json.loads(self.text[self.text.index("[") :])
        return command


def instructions() -> list[Instruction]:
    """All instructions of the Dockerfile."""
    lines = (ROOT / "Dockerfile").read_text(encoding="utf-8").splitlines()
    text = "\n".join(line for line in lines if line and not line.startswith("#"))
    return [Instruction(*it.split(maxsplit=1)) for it in re.sub(r"\\\n\s*", "", text).splitlines()]


def only(name: str) -> Instruction:
    """The only instruction with this name."""
    (instruction,) = (it for it in instructions() if it.name == name)
    return instruction


def copied() -> set[str]:
    """The sources that are copied from the repository."""
    copies = [it for it in instructions() if it.name == "COPY" and "--from" not in it.text]
    return {source for it in copies for source in it.words()[:-1]}
