"""The race: `python -m proof.race FOLDER`, with the folder that holds node and npm.

It installs, measures, asks, judges, prints and writes `docs/race.md`. With `--quick` it takes few
turns and writes nothing, to see only that it works.
"""

import argparse
import os
import platform
import shutil
import sys
import tempfile
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from bench.processes import ROOT, BenchError, Process
from proof.race import course
from proof.race.entrants import ENTRANTS, OURS, Kind
from proof.race.installing import FOLDER, NotInstalled, install, node_of, node_version, version_of
from proof.race.pace import FULL, QUICK
from proof.race.report import ABOUT, Race, as_page, in_columns
from proof.race.runners import Runner, write_contract
from proof.race.sentences import SENTENCES
from proof.race.verdicts import judge, needless

_PAGE: Final = ROOT / "docs" / "race.md"
_SDK: Final = {Kind.OURS: "mcp", Kind.PYTHON: "mcp", Kind.NODE: "@modelcontextprotocol/sdk"}


def main() -> None:
    """Run the race. The exit code is 1 if a target is missed and nothing says why."""
    parser = argparse.ArgumentParser(prog="python -m proof.race", description=__doc__)
    parser.add_argument("tools", type=Path, help="the folder with node and npm")
    parser.add_argument("--quick", action="store_true", help="few turns; writes nothing")
    options = parser.parse_args()
    began = time.monotonic()
    print(f"{ABOUT}\n", flush=True)
    race = _run(options.tools.resolve(), quick=options.quick)
    print(f"\n{race.machine}\n\n{in_columns(race)}\n")
    print("\n".join(map(str, race.verdicts)))
    if stale := needless(race.table, race.sentences):
        print(f"\nSentences about who is not ahead: {'; '.join(stale)}")
    if not options.quick:
        _PAGE.write_text(as_page(race), encoding="utf-8")
    print(f"\nIt took {time.monotonic() - began:.0f} s.")
    sys.exit(not all(it.stands for it in race.verdicts))


def _run(tools: Path, *, quick: bool) -> Race:
    homes, absent = _installed(tools)
    if OURS not in homes:
        sys.exit(f"race: trax-mcp itself cannot be installed: {absent[OURS]}")
    folder = Path(tempfile.mkdtemp(dir=FOLDER))
    try:
        with Process("proof.race.directed") as upstream:
            address = upstream.address()
            write_contract(folder, address)
            node = node_of(tools)
            runners = [
                Runner(it, homes[it.name], node, folder, address)
                for it in ENTRANTS
                if it.name in homes
            ]
            return _told(runners, absent, course.run(runners, QUICK if quick else FULL, address))
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _installed(tools: Path) -> tuple[dict[str, Path], dict[str, str]]:
    FOLDER.mkdir(parents=True, exist_ok=True)
    homes: dict[str, Path] = {}
    absent: dict[str, str] = {}
    for entrant in ENTRANTS:
        try:
            homes[entrant.name] = install(entrant, tools)
        except NotInstalled as why:
            absent[entrant.name] = f"{entrant.requirement} cannot be installed: {why}"
    return homes, absent


def _told(runners: Sequence[Runner], absent: dict[str, str], seen: course.Seen) -> Race:
    table = {name: cells for name, cells in seen.table.items() if name not in seen.absent}
    return Race(
        date=datetime.now(UTC).date().isoformat(),
        machine=_machine(runners),
        versions={it.entrant.name: _version(it) for it in runners},
        table=table,
        absent=absent | seen.absent,
        notes=seen.notes,
        verdicts=judge(table, SENTENCES),
        sentences=SENTENCES,
    )


def _version(runner: Runner) -> str:
    entrant = runner.entrant
    own = version_of(entrant, runner.home, entrant.package)
    sdk = version_of(entrant, runner.home, _SDK[entrant.kind])
    return f"{entrant.package} {own}, {f'{_SDK[entrant.kind]} {sdk}' if sdk else 'no SDK'}"


def _machine(runners: Sequence[Runner]) -> str:
    python = f"Python {platform.python_version()}, node {node_version(runners[0].node)}"
    # Others' work on the machine shows in every measured figure.
    load = f"load {os.getloadavg()[0]:.1f}"
    return (
        f"{python}; {platform.system()} {platform.machine()}, {os.cpu_count()} processors, {load}"
    )


if __name__ == "__main__":
    try:
        main()
    except BenchError as error:
        sys.exit("\n".join([f"\nrace: {error}", *getattr(error, "__notes__", ())]))
