"""Installs the frameworks: `python -m proof.frameworks.environments`."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from tests import ROOT

if TYPE_CHECKING:
    from pathlib import Path

INSTALLED: Final = ROOT / os.environ.get("FRAMEWORKS_FOLDER", "build/frameworks")
PROGRAMS: Final = ROOT / "proof/frameworks/programs"
TOOLS: Final = ROOT / "build/tools/bin"
_PINNED: Final = INSTALLED.name == "frameworks"
_PACKAGES: Final = ROOT / "proof/frameworks/packages.txt"
_NPM_OPTIONS: Final = "--no-save --no-package-lock --ignore-scripts --no-audit --no-fund"


@dataclass(frozen=True)
class Environment:
    """A framework in an environment of its own. The first of its packages is its own."""

    name: str
    registry: str
    packages: tuple[str, ...]

    @property
    def folder(self) -> Path:
        """Where it is installed."""
        return INSTALLED / self.name

    @property
    def command(self) -> tuple[str, ...]:
        """What runs its show."""
        program = self.name.replace("-", "_") + "_show"
        if self.registry == "pypi":
            return (str(self.folder / "bin/python"), str(PROGRAMS / f"{program}.py"))
        return (str(TOOLS / "node"), str(self.folder / f"{program}.mjs"))

    @property
    def versions(self) -> str:
        """What is installed of its packages, and of MCP's SDK."""
        names = [re.split(r"(?<!^)@|[=<\[]", it)[0] for it in self.packages]
        sdk = "mcp" if self.registry == "pypi" else "@modelcontextprotocol/sdk"
        found = ((it, self._version(it)) for it in dict.fromkeys([*names, sdk]))
        return ", ".join(f"{name} {version}" for name, version in found if version)

    def install(self) -> None:
        """Install it, unless the same was installed."""
        stamp = self.folder / "installed.txt"
        if stamp.exists() and stamp.read_text(encoding="utf-8") == repr(self):
            return
        self.folder.mkdir(parents=True, exist_ok=True)
        if self.registry == "pypi":
            uv, python = str(TOOLS / "uv"), str(self.folder / "bin/python")
            _run(uv, "venv", "--quiet", "--clear", "--python", sys.executable, str(self.folder))
            _run(uv, "pip", "install", "--quiet", "--python", python, *self.packages)
        else:
            folder = str(self.folder)
            _run("npm", "install", *_NPM_OPTIONS.split(), "--prefix", folder, *self.packages)
        stamp.write_text(repr(self), encoding="utf-8")

    def _version(self, package: str) -> str | None:
        if self.registry == "npm":
            manifest = self.folder / "node_modules" / package / "package.json"
            if not manifest.exists():
                return None
            return str(json.loads(manifest.read_text(encoding="utf-8"))["version"])
        normal = re.sub(r"[-_.]+", "_", package).lower()
        found = self.folder.glob(f"lib/python*/site-packages/{normal}-*.dist-info")
        return next((it.name.split("-")[1].removesuffix(".dist") for it in found), None)


def environments() -> list[Environment]:
    """Those of `packages.txt`, or their newest versions in another folder than `frameworks`."""
    lines = _PACKAGES.read_text(encoding="utf-8").splitlines()
    found = [it.split() for it in lines if not it.startswith("#")]
    return [
        Environment(name, registry, tuple(map(_wanted, packages)))
        for name, registry, *packages in found
    ]


def _wanted(package: str) -> str:
    return package if _PINNED else re.sub(r"==.*|(?<=.)@[\d.]+$", "", package)


def _run(*command: str) -> None:
    path = f"{TOOLS}:{os.environ['PATH']}"
    environment = os.environ | {"PATH": path, "NODE_OPTIONS": "--use-system-ca"}
    subprocess.run(command, check=True, env=environment)


if __name__ == "__main__":
    for it in environments():
        it.install()
        print(f"{it.name}: {it.versions}", flush=True)
