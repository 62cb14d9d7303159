"""Runs the tests on other people's machines: `python -m proof.machines [--quick] [MACHINE ...]`.

Each is a clone of what is committed, with a `.venv` and a home of its own; those that differ in
variables alone share it, cleaned. Python's defaults run `make test`, twice; others run a sample:
commands, what meets the system, and secrets in all output. `--quick` takes seconds: it collects all
tests twice, and runs some where all is strange.

It ends with a line for each machine, also for one that can't be had here, and exits with 1 if
anything has failed. What each has printed is in `build/machines/`.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import time
from contextlib import suppress
from itertools import zip_longest
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias

from tests import ROOT

if TYPE_CHECKING:
    from collections.abc import Mapping

Command: TypeAlias = "tuple[str, ...]"

_PYTEST: Final = (".venv/bin/python", "-m", "pytest", "-q", "-rs")
_WORKERS: Final = (*_PYTEST, "-n", "auto", "--dist", "worksteal", "-m", "not timing")
_SAMPLE: Final = ("tests/cli", "tests/seams", "tests/server/test_secrets_in_output.py")
_FEW: Final = ("tests/seams", "tests/cli/test_secret_files.py", "tests/cli/test_install.py")
_COLLECT: Final = (*_PYTEST, "--collect-only", "--snapshot-warn-unused")
_LOGS: Final = ROOT / "build/machines"
_MOST_SECONDS: Final = 1800.0
_TO_PACKAGES: Final = ("PIP_", "SSL_CERT_", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY")
"""How variables begin by which packages are reached from here."""
_PATH: Final = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_NOBODY: Final = 65534
_HAS_VENV: Final = "import ensurepip, sys; print(sys.executable, sys.version, sep='\\n')"
_ENDS: Final = re.compile(r"^=* ?(\d+ (?:passed|failed).*?) ?=*$|^(SKIPPED .*)$", re.MULTILINE)


class Absent(Exception):
    """Why a machine can't be had here."""


class Machine(NamedTuple):
    """What differs from Python's defaults.

    `start` starts each command there, and `start_tests` the tests, once all is set up.
    """

    name: str
    variables: Mapping[str, str | None] = {}
    """None: it isn't set."""
    start: Command = ()
    start_tests: Command = ()
    tests: tuple[Command, ...] = ((*_WORKERS, *_SAMPLE),)
    folder: str = "clone"
    python: str = f"{sys.version_info[0]}.{sys.version_info[1]}"
    has_git: bool = True


def _shell(text: str) -> Command:
    return ("sh", "-c", f'{text} && exec "$@"', "sh")


_USER: Final = ("setpriv", f"--reuid={_NOBODY}", f"--regid={_NOBODY}", "--clear-groups")
_AS_NOBODY: Final = (*_USER, *_shell("true"))  # setpriv starts a program as root still may
_NO_IPV6: Final = "ip link set lo up && echo 1 >/proc/sys/net/ipv6/conf/all/disable_ipv6"
_WITHOUT_IPV6: Final = ("unshare", "--net", *_shell(_NO_IPV6))
_ALL_STRANGE: Final = Machine(
    "strange",
    {"LANG": "C", "TZ": "America/St_Johns", "HOME": None, "PYTHONDONTWRITEBYTECODE": "1"},
    _shell("umask 077; trap '' INT HUP"),
    tests=((*_PYTEST, *_FEW),),
)
_MACHINES: Final = (
    Machine("defaults", tests=(("make", "test"),) * 2),
    Machine("no-bytecode", {"PYTHONDONTWRITEBYTECODE": "1"}),
    Machine("hash-seed-0", {"PYTHONHASHSEED": "0"}),
    Machine("hash-seed-1", {"PYTHONHASHSEED": "1"}),
    Machine("lang-c", {"LANG": "C"}),
    Machine("decimal-comma", {"LANG": "de_DE.UTF-8"}),
    Machine("auckland", {"TZ": "Pacific/Auckland"}),
    Machine("st-johns", {"TZ": "America/St_Johns"}),
    Machine("home-read-only", {"HOME": "/proc"}),  # root can't write there either
    Machine("no-home", {"HOME": None}),
    Machine("ordinary-user", start=_AS_NOBODY, python="3"),
    Machine("umask-077", start=_shell("umask 077")),
    Machine("signals-ignored", start=_shell("trap '' INT HUP")),
    Machine("odd-folder", folder="a clöne"),
    Machine("archive", has_git=False),
    Machine("one-processor", start=("taskset", "1")),
    Machine("no-ipv6", start_tests=_WITHOUT_IPV6, tests=((*_WORKERS, *_SAMPLE, "tests/web"),)),
    *(Machine(f"python-{it}", python=it) for it in ("3.11", "3.12", "3.13", "3.14")),
)


def main() -> None:
    """Run them, print a line for each, and exit."""
    parser = argparse.ArgumentParser(prog="python -m proof.machines", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="what takes seconds, in this folder")
    parser.add_argument("machines", nargs="*", metavar="MACHINE", help="by name; without: all")
    asked = parser.parse_args()
    names = [it.name for it in _MACHINES]
    if unknown := sorted({*asked.machines} - {*names}):
        parser.error(f"there are {', '.join(names)}, and not {', '.join(unknown)}")
    wanted = [it for it in _MACHINES if it.name in (asked.machines or names)]
    _LOGS.mkdir(parents=True, exist_ok=True)
    if asked.quick:
        _collect_twice()
        wanted = [_ALL_STRANGE]
    ends = []
    with TemporaryDirectory(prefix="machines-") as name:
        Path(name).chmod(0o755)
        for it in wanted:
            began = time.monotonic()
            end, *more = _tried(it, Path(name), in_place=asked.quick)
            ends.append(end)
            seconds = f"{time.monotonic() - began:6.0f} s"
            print(f"{it.name:16}{seconds}  {end}", *more, sep="\n  ", flush=True)
    failed, absent = (sum(it.startswith(word) for it in ends) for word in ("FAILED", "not here"))
    print(f"\n{len(ends)} machines: {failed} failed, and {absent} can't be had here.")
    sys.exit(failed > 0)


def _collect_twice() -> None:
    """Two collections, under two hash seeds, have the same order: one compiles, and one loads.

    A set is in another order under another seed, and some are once they're loaded, so no test may
    be made from one.
    """
    collected = []
    with TemporaryDirectory(prefix="compiled-") as compiled:
        for seed in ("0", "1"):
            variables = {"PYTHONHASHSEED": seed, "PYTHONPYCACHEPREFIX": compiled}
            machine = Machine(f"collected-{seed}", variables)
            collected.append(_run(machine, _COLLECT, ROOT).splitlines())
    names = [[it for it in lines if "::" in it] for lines in collected]
    for first, second in zip_longest(*names):
        if first != second:
            sys.exit(f"Tests are made from a set: first {first}, then {second}")
    print(f"{len(names[0]):,} tests, twice collected in the same order")


def _tried(machine: Machine, folder: Path, *, in_place: bool) -> list[str]:
    """How its tests have ended, and what they have skipped."""
    (_LOGS / f"{machine.name}.log").write_text("", encoding="utf-8")
    try:
        _probe((*machine.start, *machine.start_tests, "true"))
        place, home = (ROOT, _LOGS) if in_place else _clone(machine, folder)
        commands = ((*machine.start_tests, *it) for it in machine.tests)
        printed = "\n".join(_run(machine, it, place, home) for it in commands)
    except Absent as reason:
        return [f"not here: {reason}"]
    except subprocess.CalledProcessError as error:
        return [f"FAILED: {' '.join(error.cmd)}", *error.stdout.splitlines()[-10:]]
    except subprocess.TimeoutExpired as error:
        return [f"FAILED: {error}"]
    found = [it[1] or it[2] for it in _ENDS.finditer(printed)]
    skipped = [it for it in found if it.startswith("SKIPPED")]
    return ["; ".join(it for it in found if it not in skipped), *skipped]


def _probe(command: Command) -> str:
    """What a command prints that any machine should be able to run.

    Raises:
        Absent: this one isn't.
    """
    try:
        done = subprocess.run(command, check=False, capture_output=True, text=True)
    except OSError as error:
        raise Absent(str(error)) from error
    if done.returncode:
        raise Absent(done.stderr.strip())
    return done.stdout


def _clone(machine: Machine, folder: Path) -> tuple[Path, Path]:
    """A clone that is set up by whom it belongs to, and their home."""
    plain = machine._replace(name="", variables={}, start_tests=(), tests=())
    is_usual = plain == Machine("", tests=()) and "HOME" not in machine.variables
    here = folder / ("usual" if is_usual else machine.name)
    clone, home = here / machine.folder, here / "home"
    home.mkdir(parents=True, exist_ok=True)
    if "." in (locale := machine.variables.get("LANG") or ""):
        _probe(("localedef", "-i", locale.partition(".")[0], "-f", "UTF-8", f"{here}/{locale}"))
    if clone.exists():
        _run(machine, ("git", "clean", "-fdxq", "--exclude=.venv"), clone, home)
        return clone, home
    _run(Machine(machine.name), ("git", "bundle", "create", f"{here}/bundle", "HEAD"), ROOT)
    if machine.start == _AS_NOBODY:
        for it in (here, home):
            shutil.chown(it, _NOBODY, _NOBODY)
    _run(machine, ("git", "clone", "--quiet", f"{here}/bundle", str(clone)), here, home)
    if not machine.has_git:
        shutil.rmtree(clone / ".git")
    _run(machine, ("make", ".venv/dev", f"PYTHON={_python(machine)}"), clone, home)
    return clone, home


def _python(machine: Machine) -> str:
    """A Python of this version that can be started there, and makes environments.

    Raises:
        Absent: there is none.
    """
    name = f"python{machine.python}"
    pyenv = sorted(Path.home().glob(f".pyenv/versions/{machine.python}.*/bin/{name}"))
    for it in (f"{sys.base_prefix}/bin/{name}", *map(str, pyenv), name):
        with suppress(Absent):
            path, version = _probe((*machine.start, it, "-c", _HAS_VENV)).splitlines()
            if version.startswith(machine.python):
                return path
    raise Absent(f"there is no {name} that makes environments")


def _run(machine: Machine, command: Command, place: Path, home: Path = _LOGS) -> str:
    """Run a command there, keep what it prints, and return it.

    Raises:
        CalledProcessError: it has failed.
        TimeoutExpired: it hasn't ended.
    """
    kept = {it: os.environ[it] for it in os.environ if it.upper().startswith(_TO_PACKAGES)}
    usual = {"PATH": _PATH, "HOME": str(home), "LOCPATH": str(home.parent)}
    variables = {key: it for key, it in (kept | usual | {**machine.variables}).items() if it}
    done = subprocess.run(
        [*machine.start, *command],
        cwd=place,
        env=variables,
        check=False,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
        timeout=_MOST_SECONDS,
    )
    with (_LOGS / f"{machine.name}.log").open("a", encoding="utf-8") as log:
        log.write(f"$ {' '.join(command)}\n{done.stdout}\n")
    done.check_returncode()
    return done.stdout


if __name__ == "__main__":
    main()
