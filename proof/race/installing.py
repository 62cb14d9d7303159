"""Each entrant into an environment of its own under `build/race`, once.

It knows package managers and markers, and no MCP. A marker holds what was installed, so that a new
version, or a change of ours, is installed anew.
"""

import hashlib
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

from bench.processes import ROOT
from proof.race.entrants import Entrant, Kind

FOLDER: Final = ROOT / "build" / "race"
PATIENCE_SECONDS: Final = 600
_OURS: Final = ("trax_mcp", "prompts", "pyproject.toml")
_PRIVATE: Final = re.compile(
    r"https?://\S+|(?<![\w.])/\S+|\b(?:[\w-]+\.)+(?:org|com|net|io|dev|example)\b"
)


class NotInstalled(Exception):
    """The package manager could not, and the text is the first line of why."""


def install(entrant: Entrant, tools: Path) -> Path:
    """The environment of an entrant, made if it is not there yet.

    Raises:
        NotInstalled: it could not be made.
    """
    home = FOLDER / entrant.name
    marker, wanted = home / "installed", _wanted(entrant)
    if marker.is_file() and marker.read_text(encoding="utf-8") == wanted:
        return home
    print(f"installing {entrant.requirement}", flush=True)
    shutil.rmtree(home, ignore_errors=True)
    home.mkdir(parents=True)
    for command in _commands(entrant, home, tools):
        _run(command, tools)
    marker.write_text(wanted, encoding="utf-8")
    return home


def node_of(tools: Path) -> str:
    """The real node behind the tools' one, which is a script that would be measured as well."""
    return _printed([str(tools / "node"), "-p", "process.execPath"]) or str(tools / "node")


def node_version(node: str) -> str:
    """The version of a node, or that there is none."""
    return _printed([node, "--version"]) or "none"


def first_reason(text: str) -> str:
    """The first line that names an error, or the first of all, without hosts and paths."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    errors = (line for line in lines if re.search("error", line, re.IGNORECASE))
    line = next(errors, lines[0] if lines else "it said nothing")
    return _PRIVATE.sub("...", line.partition(" (from versions")[0])[:200]


def _wanted(entrant: Entrant) -> str:
    if entrant.kind is not Kind.OURS:
        return f"{entrant.requirement} for {sys.version}"
    digest = hashlib.sha256(sys.version.encode())
    for part in _OURS:
        root = ROOT / part
        files = sorted(root.rglob("*.*")) if root.is_dir() else [root]
        for file in (it for it in files if it.is_file() and "__pycache__" not in it.parts):
            digest.update(str(file).encode() + file.read_bytes())
    return digest.hexdigest()


def _commands(entrant: Entrant, home: Path, tools: Path) -> list[list[str]]:
    if entrant.kind is Kind.NODE:
        quiet = ["--no-save", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
        npm = str(tools / "npm")
        return [[npm, "install", "--prefix", str(home), *quiet, entrant.requirement]]
    what = str(ROOT) if entrant.kind is Kind.OURS else entrant.requirement
    pip = [str(home / "bin" / "python"), "-m", "pip", "install", "--quiet", what]
    return [[sys.executable, "-m", "venv", str(home)], pip]


def _run(command: list[str], tools: Path) -> None:
    # Trusts what the system trusts: node has a list of its own, which knows no company's proxy.
    path = f"{tools}{os.pathsep}{os.environ.get('PATH', '')}"
    environment = {**os.environ, "PATH": path, "NODE_OPTIONS": "--use-system-ca"}
    try:
        done = subprocess.run(
            command,
            env=environment,
            cwd=FOLDER,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
            text=True,
            timeout=PATIENCE_SECONDS,
        )
    except subprocess.TimeoutExpired:
        raise NotInstalled(f"it took longer than {PATIENCE_SECONDS} s") from None
    except OSError as error:
        raise NotInstalled(f"{Path(command[0]).name}: {error.strerror}") from None
    if done.returncode:
        raise NotInstalled(first_reason(done.stderr or done.stdout))


def version_of(entrant: Entrant, home: Path, package: str) -> str | None:
    """The version of a package inside an entrant's environment, or None without it."""
    if entrant.kind is Kind.NODE:
        manifest = home / "node_modules" / package / "package.json"
        if not manifest.is_file():
            return None
        found = re.search(r'"version":\s*"([^"]+)"', manifest.read_text(encoding="utf-8"))
        return found[1] if found else None
    code = "import sys, importlib.metadata as m; print(m.version(sys.argv[1]))"
    return _printed([str(home / "bin" / "python"), "-c", code, package]) or None


def _printed(command: list[str]) -> str:
    """What a command prints, or nothing if it fails."""
    try:
        done = subprocess.run(command, capture_output=True, check=True, text=True, timeout=30)
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout.strip()
