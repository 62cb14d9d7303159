"""The race: `python -m bench.race FOLDER`, with the folder that holds node and npm.

It installs, measures, asks, judges, prints and writes `docs/race.md`. With `--quick` it takes few
turns and writes nothing, to see only that it works. A server that fails a measurement has an empty
cell and a note.
"""

import argparse
import os
import platform
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from bench.harness.controlled_sandbox import SandboxControl
from bench.harness.process import ROOT, HarnessError, python_module
from bench.race import behaviour, speed
from bench.race.compared_servers import COMPARED_SERVERS, OURS, Kind, Launcher, write_contract
from bench.race.installation import FOLDER, NotInstalled, install, node_of, node_version, version_of
from bench.race.offered_tools import OfferedTools
from bench.race.race_report import ABOUT, Race, find_stale, format_columns, format_page
from bench.race.speed import FULL, QUICK, Effort, Figures
from bench.race.table_rows import Cell

_PAGE: Final = ROOT / "docs" / "race.md"
_SDK: Final = {Kind.OURS: "mcp", Kind.PYTHON: "mcp", Kind.NODE: "@modelcontextprotocol/sdk"}


def main() -> None:
    """Run the race; exits with 1 if a target is missed without an explanation."""
    parser = argparse.ArgumentParser(prog="python -m bench.race", description=__doc__)
    parser.add_argument("tools", type=Path, help="the folder with node and npm")
    parser.add_argument("--quick", action="store_true", help="few turns; writes nothing")
    options = parser.parse_args()
    started = time.monotonic()
    print(f"{ABOUT}\n", flush=True)
    race = _run(options.tools.resolve(), QUICK if options.quick else FULL)
    print(f"\n{race.machine}\n\n{format_columns(race)}\n")
    print("\n".join(map(str, race.verdicts)))
    if stale := find_stale(race.table):
        print(f"\nSentences about who is not ahead: {'; '.join(stale)}")
    if not options.quick:
        _PAGE.write_text(format_page(race), encoding="utf-8")
    print(f"\nIt took {time.monotonic() - started:.0f} s.")
    sys.exit(not all(it.is_accepted for it in race.verdicts))


def _run(tools: Path, effort: Effort) -> Race:
    FOLDER.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(dir=FOLDER))
    notes: list[str] = []
    try:
        with python_module("bench.harness.controlled_sandbox") as sandbox:
            write_contract(folder, sandbox.address())
            launchers = [*_install_all(tools, folder, sandbox.address(), notes)]
            if OURS not in {it.server.name for it in launchers}:
                sys.exit(f"race: trax-mcp itself cannot be installed: {notes}")
            table = _measure(launchers, effort, SandboxControl(sandbox.address()), notes)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return Race(
        date=datetime.now(UTC).date().isoformat(),
        machine=_machine(launchers[0].node),
        versions={it.server.name: _version(it) for it in launchers},
        table=table,
        notes=notes,
    )


def _install_all(tools: Path, folder: Path, upstream: str, notes: list[str]) -> Iterator[Launcher]:
    node = node_of(tools)
    for server in COMPARED_SERVERS:
        try:
            yield Launcher(server, install(server, tools), node, folder, upstream)
        except NotInstalled as why:
            notes.append(
                f"{server.name} did not run: {server.requirement} cannot be installed: {why}"
            )


def _measure(
    launchers: Sequence[Launcher], effort: Effort, upstream: SandboxControl, notes: list[str]
) -> dict[str, dict[str, Cell]]:
    """Fill the table; a server that cannot start is left out."""
    # The first start fills the bytecode and disk caches.
    started, failed = speed.in_turns(launchers, speed.start, times=1)
    notes.extend(f"{name} did not run: {why}" for name, why in failed.items())
    running = [it for it in launchers if it.server.name in started]
    table: dict[str, dict[str, Cell]] = {it.server.name: {} for it in running}

    def in_turns(label: str, measure: Callable[[Launcher], Figures], *, times: int) -> None:
        print(f"measuring {label}", flush=True)
        able = [it for it in running if it.server.http or label != "calls over HTTP"]
        medians, failed = speed.in_turns(able, measure, times=times)
        notes.extend(f"{name}, {label}: {why}" for name, why in failed.items())
        for name, figures in medians.items():
            table[name] |= figures

    in_turns("starts", speed.start, times=effort.starts)
    in_turns("calls over stdio", lambda it: speed.over_stdio(it, effort), times=effort.rounds)
    in_turns("calls over HTTP", lambda it: speed.over_http(it, effort), times=effort.rounds)
    for launcher in running:
        name = launcher.server.name
        print(f"asking {name}", flush=True)
        for key, question in behaviour.QUESTIONS.items():
            try:
                table[name] |= _ask(launcher, upstream, key, question)
            except (HarnessError, OSError) as error:
                notes.append(f"{name}, {key}: {speed.reason_of(error)}")
    return table


def _ask(
    launcher: Launcher,
    upstream: SandboxControl,
    key: str,
    question: Callable[[behaviour.ServerUnderTest], Cell],
) -> dict[str, Cell]:
    upstream.reset()
    with launcher.on_stdio() as (process, client):
        tools_offered = OfferedTools.of(client)
        subject = behaviour.ServerUnderTest(process, client, tools_offered, upstream)
        protocol = str(client.initialize_result["protocolVersion"])
        surface = {row: read(tools_offered) for row, read in behaviour.SURFACE.items()}
        return {"protocol": protocol, **surface, key: question(subject)}


def _version(launcher: Launcher) -> str:
    server = launcher.server
    version = version_of(server, launcher.home, server.package)
    sdk = version_of(server, launcher.home, _SDK[server.kind])
    return f"{server.package} {version}, {f'{_SDK[server.kind]} {sdk}' if sdk else 'no SDK'}"


def _machine(node: str) -> str:
    python = f"Python {platform.python_version()}, node {node_version(node)}"
    # Other load on the machine affects every measured figure.
    system = f"{platform.system()} {platform.machine()}, {os.cpu_count()} processors"
    return f"{python}; {system}, load {os.getloadavg()[0]:.1f}"


if __name__ == "__main__":
    try:
        main()
    except HarnessError as error:
        sys.exit("\n".join([f"\nrace: {error}", *getattr(error, "__notes__", ())]))
