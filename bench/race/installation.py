"""Installs each server once into its own environment under `build/race`.

A marker file names what was installed, so that a new version is installed again. Ours always is.
"""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

from bench.harness.process import ROOT
from bench.race.compared_servers import ComparedServer, Kind

FOLDER: Final = ROOT / "build" / "race"
TIMEOUT_SECONDS: Final = 600
_HOST_OR_PATH: Final = re.compile(
    r"https?://\S+|(?<![\w.])/\S+|\b(?:[\w-]+\.)+(?:org|com|net|io|dev|example)\b"
)


class NotInstalled(Exception):
    """The package manager failed; the message is the first line of the reason."""


def install(server: ComparedServer, tools: Path) -> Path:
    """The environment of a server, which is created if necessary.

    Raises:
        NotInstalled: that failed.
    """
    home = FOLDER / server.name
    marker, wanted = home / "installed", f"{server.requirement} for {sys.version}"
    is_installed = marker.is_file() and marker.read_text(encoding="utf-8") == wanted
    if is_installed and server.kind is not Kind.OURS:
        return home
    print(f"installing {server.requirement}", flush=True)
    shutil.rmtree(home, ignore_errors=True)
    home.mkdir(parents=True)
    for command in _commands(server, home, tools):
        _run(command, tools)
    marker.write_text(wanted, encoding="utf-8")
    return home


def node_of(tools: Path) -> str:
    """The node executable; the tools' `node` is a script, which would be measured too."""
    return _output_of([str(tools / "node"), "-p", "process.execPath"]) or str(tools / "node")


def node_version(node: str) -> str:
    """The version of node, or "none"."""
    return _output_of([node, "--version"]) or "none"


def first_reason(text: str) -> str:
    """The first line with an error, or the first line, without hosts and paths."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    errors = (line for line in lines if re.search("error", line, re.IGNORECASE))
    line = next(errors, lines[0] if lines else "it said nothing")
    return _HOST_OR_PATH.sub("...", line.partition(" (from versions")[0])[:200]


def _commands(server: ComparedServer, home: Path, tools: Path) -> list[list[str]]:
    if server.kind is Kind.NODE:
        quiet = ["--no-save", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
        npm = str(tools / "npm")
        return [[npm, "install", "--prefix", str(home), *quiet, server.requirement]]
    requirement = str(ROOT) if server.kind is Kind.OURS else server.requirement
    pip = [str(home / "bin" / "python"), "-m", "pip", "install", "--quiet", requirement]
    return [[sys.executable, "-m", "venv", str(home)], pip]


def _run(command: list[str], tools: Path) -> None:
    # node must use the system's certificates, which a company's proxy may need.
    path = f"{tools}{os.pathsep}{os.environ.get('PATH', '')}"
    environment = {**os.environ, "PATH": path, "NODE_OPTIONS": "--use-system-ca"}
    try:
        result = subprocess.run(
            command,
            env=environment,
            cwd=FOLDER,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
            text=True,
            timeout=TIMEOUT_SECONDS,
        )
    except subprocess.TimeoutExpired:
        raise NotInstalled(f"it took longer than {TIMEOUT_SECONDS} s") from None
    except OSError as error:
        raise NotInstalled(f"{Path(command[0]).name}: {error.strerror}") from None
    if result.returncode:
        raise NotInstalled(first_reason(result.stderr or result.stdout))


def version_of(server: ComparedServer, home: Path, package: str) -> str | None:
    """The version of a package in a server's environment, or None."""
    if server.kind is Kind.NODE:
        manifest = home / "node_modules" / package / "package.json"
        if not manifest.is_file():
            return None
        match = re.search(r'"version":\s*"([^"]+)"', manifest.read_text(encoding="utf-8"))
        return match[1] if match else None
    code = "import sys, importlib.metadata as m; print(m.version(sys.argv[1]))"
    return _output_of([str(home / "bin" / "python"), "-c", code, package]) or None


def _output_of(command: list[str]) -> str:
    """The stdout of a command, empty if it fails."""
    try:
        result = subprocess.run(command, capture_output=True, check=True, text=True, timeout=30)
    except (OSError, subprocess.SubprocessError):
        return ""
    return result.stdout.strip()
