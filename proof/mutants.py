"""Breaks each line of the pure modules that changed, and lists what no unit test notices.

They changed since the revision in `BASE`: by default the last tag, or 50 commits ago where there is
none. `BASE=all` takes every pure module. A break that is listed may change nothing that shows.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
from fnmatch import fnmatch
from pathlib import Path
from shutil import which
from typing import Final

from tests import ROOT

MUTMUT: Final = str(Path(sys.executable).with_name("mutmut"))


def pure_modules(paths: list[str]) -> list[str]:
    """Those of the paths that are pure modules with unit tests, as `pyproject.toml` lists them."""
    pyproject = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    patterns = pyproject["tool"]["mutmut"]["only_mutate"]
    return [it for it in paths if any(fnmatch(it, pattern) for pattern in patterns)]


def git(*arguments: str) -> list[str]:
    """The lines that git prints."""
    command = [which("git") or "git", *arguments]
    ran = subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True)
    return ran.stdout.splitlines()


def changed_since(base: str) -> list[str]:
    """The modules of the package that changed since a revision, and are still there."""
    if base == "all":
        return git("ls-files", "trax_mcp/*.py")
    return git("diff", "--name-only", "--diff-filter=d", f"{base}...", "--", "trax_mcp/*.py")


def main(base: str) -> None:
    """Run mutmut on the changed modules, and print what it found."""
    base = base or next(iter(git("tag", "--merged", "HEAD", "--sort=-creatordate")), "HEAD~50")
    modules = [it.removesuffix(".py").replace("/", ".") for it in pure_modules(changed_since(base))]
    print(f"Pure modules that changed since {base}: {', '.join(modules) or 'none'}", flush=True)
    if not modules:
        return
    subprocess.run([MUTMUT, "run", *(f"{it}.*" for it in modules)], cwd=ROOT, check=True)
    told = subprocess.run([MUTMUT, "results"], cwd=ROOT, check=True, capture_output=True, text=True)
    lines = [it.strip() for it in told.stdout.splitlines()]
    unseen = [it for it in lines if it.rpartition(".")[0] in modules]
    print(*unseen, f"{len(unseen)} breaks go unnoticed.", sep="\n")


if __name__ == "__main__":
    main(os.environ.get("BASE", ""))
