"""`trax-mcp doctor`: looks at the settings, at TRaX and at the clients, and tells what is well.

Knows where to look and in which order. What it means is judged in `checks` and `trax_checks`, how
it is printed is in `report`.
"""

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import asdict
from pathlib import Path

import anyio

from trax_mcp.api.caller import ANONYMOUS, Caller
from trax_mcp.cli.checks import (
    Check,
    Section,
    StartCheck,
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
from trax_mcp.cli.entries import ConfigState, ConfiguredClient, Installation, survey
from trax_mcp.cli.probe import Probe
from trax_mcp.cli.replacement import is_open_to_others
from trax_mcp.cli.report import Report
from trax_mcp.cli.terminal import console_on, waiting
from trax_mcp.cli.trax_checks import ProbeResult, judge_scopes, judge_trax
from trax_mcp.cli.upstream import client_for
from trax_mcp.cli.variables import (
    Variables,
    check_start_among,
    choose_variables,
    entry_variables,
    start_with,
)
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
    console = console_on(sys.stdout)
    if as_json:
        console.print(json.dumps(_as_json(checks), indent=2), soft_wrap=True)
    else:
        Report(console).print(sections)
    return 0 if is_well(checks) else 1


def _examine(environment: Mapping[str, str], computer: Computer) -> tuple[Section, ...]:
    configured = survey(computer, Installation.this())
    variables = choose_variables(environment, configured)
    settings, settings_check = _settings(variables)
    caller, key_check = _key(settings, computer)
    result = ProbeResult(idle=True) if settings is None else _look(settings, caller)
    trax = judge_trax(
        result, where=_where(settings), read_only=settings is not None and settings.read_only
    )
    clients = judge_clients(_clients(configured, computer, environment))
    return (
        Section("Settings, key and TRaX", (settings_check, key_check, *trax)),
        Section("What the key may do", judge_scopes(result)),
        Section("MCP clients on this computer", clients),
    )


def _settings(variables: Variables) -> tuple[Settings | None, Check]:
    try:
        settings, problem = start_with(variables.values), None
    except CannotStart as error:
        settings, problem = None, str(error)
    return settings, judge_settings(problem, given_by=variables.by, names=variables.names)


def _key(settings: Settings | None, computer: Computer) -> tuple[Caller, Check]:
    if settings is None:
        return ANONYMOUS, Check("key", State.NOT_CHECKED, "Not seen: see settings.")
    if settings.sandbox:
        return caller_of(settings), Check("key", State.OK, "The sandbox brings its own.")
    try:
        caller, problem = caller_of(settings), None
    except CannotStart as error:
        caller, problem = ANONYMOUS, str(error)
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


def _look(settings: Settings, caller: Caller) -> ProbeResult:
    with waiting(console_on(sys.stderr), "Looking at TRaX"):
        return anyio.run(_probe, settings, caller)


async def _probe(settings: Settings, caller: Caller) -> ProbeResult:
    async with aclosing(client_for(settings)) as client:
        return await Probe(client, caller).look()


def _clients(
    configured: Sequence[ConfiguredClient], computer: Computer, environment: Mapping[str, str]
) -> Iterator[Check]:
    for it in configured:
        if it.standing is not ConfigState.ABSENT:
            yield _client(it, computer, environment)


def _client(
    configured: ConfiguredClient, computer: Computer, environment: Mapping[str, str]
) -> Check:
    client, standing = configured.client, configured.standing
    path = shorten(configured.path, home=computer.home)
    if configured.project is not None:
        project = shorten(Path(configured.project), home=computer.home)
        return judge_project(client, path, project, standing)
    variables = entry_variables(configured)
    start = StartCheck() if variables is None else check_start_among(variables, environment)
    disabled = configured.entry.get("disabled") is True
    return judge_client(client, path, standing, start, disabled=disabled)


def _as_json(checks: Sequence[Check]) -> dict[str, object]:
    shown = ({name: it for name, it in asdict(check).items() if it is not None} for check in checks)
    return {"ok": is_well(checks), "checks": list(shown)}
