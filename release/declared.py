"""What `pyproject.toml`, the Dockerfile and the locks declare, as data."""

from __future__ import annotations

import json
import re
import shlex
import tomllib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from tests import ROOT

if TYPE_CHECKING:
    from pathlib import Path

DECLARED: Final[dict[str, Any]] = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
PROJECT: Final[dict[str, Any]] = DECLARED["project"]

REQUIREMENTS: Final = ROOT / "deploy/requirements.lock"
"""What runs in the image."""
BUILD_REQUIREMENTS: Final = ROOT / "deploy/build-requirements.lock"
"""What builds the package that is installed there."""


def build_sources() -> set[str]:
    """The files and folders that a wheel is built from."""
    wheel = DECLARED["tool"]["hatch"]["build"]["targets"]["wheel"]
    files = ["pyproject.toml", PROJECT["readme"], *PROJECT["license-files"]]
    return {*files, *wheel["packages"], *wheel["force-include"]}


@dataclass(frozen=True, slots=True)
class Instruction:
    """An instruction of the Dockerfile, with its continuation lines joined."""

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


def locked(lock: Path) -> dict[str, Version]:
    """The version of each distribution in a lock. Each must have a hash, and be nothing else."""
    lines = lock.read_text(encoding="utf-8").replace("\\\n", "").splitlines()
    found: dict[str, Version] = {}
    for line in (it for it in lines if not it.startswith("#")):
        pinned, *hashes = re.split(r"\s+--hash=", line)
        requirement = Requirement(pinned)
        (specifier,) = requirement.specifier
        assert (specifier.operator, requirement.url, requirement.marker) == ("==", None, None)
        assert hashes
        assert all(re.fullmatch(r"sha256:[0-9a-f]{64}", it.strip()) for it in hashes)
        found[canonicalize_name(requirement.name)] = Version(specifier.version)
    return found
