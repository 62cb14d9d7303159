"""`trax-mcp doctor`: looks at the settings, at TRaX and at the clients, and tells what is well.

Knows where to look and in which order. What it means is judged in `checkup` and `sight`, how it is
printed is in `report`.
"""

import io
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import asdict
from pathlib import Path
from typing import TextIO

import anyio
from rich.console import Console

from trax_mcp.api.caller import NOBODY, Caller
from trax_mcp.cli.checkup import (
    Check,
    Prospect,
    Section,
    State,
    is_well,
    judge_client,
    judge_clients,
    judge_key,
    judge_project,
    judge_settings,
    shorten,
)
from trax_mcp.cli.choices import caller_of
from trax_mcp.cli.clients import Computer
from trax_mcp.cli.entries import Finding, Installation, Standing, survey
from trax_mcp.cli.examination import Examination
from trax_mcp.cli.given import Given, entry_variables, given, prospect_among, start_with
from trax_mcp.cli.report import Report
from trax_mcp.cli.safekeeping import is_open_to_others
from trax_mcp.cli.sight import Sight, judge_scopes, judge_trax
from trax_mcp.cli.story import Story
from trax_mcp.cli.upstream import client_for
from trax_mcp.settings import CannotStart, Settings


def examine(environment: Mapping[str, str], *, as_json: bool) -> int:
    """Print every check on stdout, and with each that is not well the one thing to do about it.

    Returns 1 if a check has failed, else 0. A warning is no failure: a scope that the key lacks, a
    key of another shape, differences in the contract that break nothing, a client that starts
    something else or gives no key, no client at all. Nor is what could not be checked: the cause
    is a check of its own.

    Nothing is changed: TRaX gets reads, each once and for at most TRAX_TIMEOUT_SECONDS; the reads
    of a studio come after the list of studios, all others at the same time. `as_json` prints one
    object: `{"ok", "checks": [{"name", "state", "detail", "remedy"?}]}`.
    """
    sections = _examine(environment, Computer.here())
    checks = [check for section in sections for check in section.checks]
    console = _console(sys.stdout)
    if as_json:
        console.print(json.dumps(_told(checks), indent=2), soft_wrap=True)
    else:
        Report(console).print(sections)
    return 0 if is_well(checks) else 1


def _examine(environment: Mapping[str, str], computer: Computer) -> tuple[Section, ...]:
    findings = survey(computer, Installation.this())
    variables = given(environment, findings)
    settings, settings_check = _settings(variables)
    caller, key_check = _key(settings, computer)
    sight = Sight(idle=True) if settings is None else _look(settings, caller)
    trax = judge_trax(
        sight, where=_where(settings), read_only=settings is not None and settings.read_only
    )
    clients = judge_clients(_clients(findings, computer, environment))
    return (
        Section("Settings, key and TRaX", (settings_check, key_check, *trax)),
        Section("What the key may do", judge_scopes(sight)),
        Section("MCP clients on this computer", clients),
    )


def _settings(variables: Given) -> tuple[Settings | None, Check]:
    try:
        settings, problem = start_with(variables.variables), None
    except CannotStart as error:
        settings, problem = None, str(error)
    return settings, judge_settings(problem, given_by=variables.by, names=variables.names)


def _key(settings: Settings | None, computer: Computer) -> tuple[Caller, Check]:
    if settings is None:
        return NOBODY, Check("key", State.NOT_CHECKED, "Not seen: see settings.")
    if settings.sandbox:
        return caller_of(settings), Check("key", State.OK, "The sandbox brings its own.")
    try:
        caller, problem = caller_of(settings), None
    except CannotStart as error:
        caller, problem = NOBODY, str(error)
    file = settings.api_key_file
    check = judge_key(
        caller.key,
        kept=_kept(settings, computer),
        problem=problem,
        open_to_others=file is not None and is_open_to_others(file),
    )
    return caller, check


def _kept(settings: Settings, computer: Computer) -> str:
    if settings.api_key_file is None:
        return "TRAX_API_KEY"
    return shorten(settings.api_key_file, home=computer.home)


def _where(settings: Settings | None) -> str:
    if settings is None:
        return "TRaX"
    return "The embedded sandbox" if settings.sandbox else settings.base_url


def _look(settings: Settings, caller: Caller) -> Sight:
    with Story(_console(sys.stderr)).waiting() as tell:
        tell("Looking at TRaX")
        return anyio.run(_examination, settings, caller)


async def _examination(settings: Settings, caller: Caller) -> Sight:
    async with aclosing(client_for(settings)) as client:
        return await Examination(client, caller).look()


def _clients(
    findings: Sequence[Finding], computer: Computer, environment: Mapping[str, str]
) -> Iterator[Check]:
    for finding in findings:
        if finding.standing is not Standing.ABSENT:
            yield _client(finding, computer, environment)


def _client(finding: Finding, computer: Computer, environment: Mapping[str, str]) -> Check:
    client, standing = finding.client, finding.standing
    path = shorten(finding.path, home=computer.home)
    if finding.project is not None:
        project = shorten(Path(finding.project), home=computer.home)
        return judge_project(client, path, project, standing)
    variables = entry_variables(finding)
    prospect = Prospect() if variables is None else prospect_among(variables, environment)
    disabled = finding.entry.get("disabled") is True
    return judge_client(client, path, standing, prospect, disabled=disabled)


def _told(checks: Sequence[Check]) -> dict[str, object]:
    told = ({name: it for name, it in asdict(check).items() if it is not None} for check in checks)
    return {"ok": is_well(checks), "checks": list(told)}


def _console(stream: TextIO) -> Console:
    if isinstance(stream, io.TextIOWrapper):
        # A path may hold what this terminal's encoding does not know.
        stream.reconfigure(errors="backslashreplace")
    return Console(file=stream, highlight=False, markup=False, emoji=False)
