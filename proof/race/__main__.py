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

from bench.measured_process import ROOT, BenchError, Process
from proof.race import race_run
from proof.race.compared_servers import COMPARED_SERVERS, OURS, Kind
from proof.race.explanations import EXPLANATIONS
from proof.race.installation import FOLDER, NotInstalled, install, node_of, node_version, version_of
from proof.race.launchers import Launcher, write_contract
from proof.race.race_report import ABOUT, Race, format_columns, format_page
from proof.race.speed import FULL, QUICK
from proof.race.targets import find_stale, judge

_PAGE: Final = ROOT / "docs" / "race.md"
_SDK: Final = {Kind.OURS: "mcp", Kind.PYTHON: "mcp", Kind.NODE: "@modelcontextprotocol/sdk"}


def main() -> None:
    """Run the race; exits with 1 if a target is missed without an explanation."""
    parser = argparse.ArgumentParser(prog="python -m proof.race", description=__doc__)
    parser.add_argument("tools", type=Path, help="the folder with node and npm")
    parser.add_argument("--quick", action="store_true", help="few turns; writes nothing")
    options = parser.parse_args()
    started = time.monotonic()
    print(f"{ABOUT}\n", flush=True)
    race = _run(options.tools.resolve(), quick=options.quick)
    print(f"\n{race.machine}\n\n{format_columns(race)}\n")
    print("\n".join(map(str, race.verdicts)))
    if stale := find_stale(race.table, race.explanations):
        print(f"\nSentences about who is not ahead: {'; '.join(stale)}")
    if not options.quick:
        _PAGE.write_text(format_page(race), encoding="utf-8")
    print(f"\nIt took {time.monotonic() - started:.0f} s.")
    sys.exit(not all(it.is_accepted for it in race.verdicts))


def _run(tools: Path, *, quick: bool) -> Race:
    environments, missing = _install_all(tools)
    if OURS not in environments:
        sys.exit(f"race: trax-mcp itself cannot be installed: {missing[OURS]}")
    folder = Path(tempfile.mkdtemp(dir=FOLDER))
    try:
        with Process("proof.race.controlled_sandbox") as upstream:
            address = upstream.address()
            write_contract(folder, address)
            node = node_of(tools)
            launchers = [
                Launcher(it, environments[it.name], node, folder, address)
                for it in COMPARED_SERVERS
                if it.name in environments
            ]
            return _to_race(
                launchers, missing, race_run.run(launchers, QUICK if quick else FULL, address)
            )
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _install_all(tools: Path) -> tuple[dict[str, Path], dict[str, str]]:
    FOLDER.mkdir(parents=True, exist_ok=True)
    environments: dict[str, Path] = {}
    missing: dict[str, str] = {}
    for server in COMPARED_SERVERS:
        try:
            environments[server.name] = install(server, tools)
        except NotInstalled as why:
            missing[server.name] = f"{server.requirement} cannot be installed: {why}"
    return environments, missing


def _to_race(
    launchers: Sequence[Launcher], missing: dict[str, str], result: race_run.RaceResult
) -> Race:
    table = {name: cells for name, cells in result.table.items() if name not in result.missing}
    return Race(
        date=datetime.now(UTC).date().isoformat(),
        machine=_machine(launchers),
        versions={it.server.name: _version(it) for it in launchers},
        table=table,
        missing=missing | result.missing,
        notes=result.notes,
        verdicts=judge(table, EXPLANATIONS),
        explanations=EXPLANATIONS,
    )


def _version(launcher: Launcher) -> str:
    server = launcher.server
    version = version_of(server, launcher.home, server.package)
    sdk = version_of(server, launcher.home, _SDK[server.kind])
    return f"{server.package} {version}, {f'{_SDK[server.kind]} {sdk}' if sdk else 'no SDK'}"


def _machine(launchers: Sequence[Launcher]) -> str:
    python = f"Python {platform.python_version()}, node {node_version(launchers[0].node)}"
    # Other load on the machine affects every measured figure.
    load = f"load {os.getloadavg()[0]:.1f}"
    return (
        f"{python}; {platform.system()} {platform.machine()}, {os.cpu_count()} processors, {load}"
    )


if __name__ == "__main__":
    try:
        main()
    except BenchError as error:
        sys.exit("\n".join([f"\nrace: {error}", *getattr(error, "__notes__", ())]))
