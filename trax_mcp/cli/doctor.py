"""`trax-mcp doctor`: checks the settings, TRaX and the MCP clients, and prints the results.

The checks are in `doctor_checks` and `trax_checks`, the output is in `doctor_report`.
"""

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import asdict
from pathlib import Path

import anyio

from trax_mcp.api.caller import ANONYMOUS, Caller
from trax_mcp.cli.client_factory import client_for
from trax_mcp.cli.clients import Computer
from trax_mcp.cli.doctor_checks import (
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
from trax_mcp.cli.doctor_report import Report
from trax_mcp.cli.entries import ConfigState, ConfiguredClient, Installation, read_configurations
from trax_mcp.cli.probe import Probe
from trax_mcp.cli.replacement import is_open_to_others
from trax_mcp.cli.setting_checks import caller_of
from trax_mcp.cli.terminal import console_on, waiting
from trax_mcp.cli.trax_checks import ProbeResult, judge_scopes, judge_trax
from trax_mcp.cli.variables import (
    Variables,
    check_start_among,
    choose_variables,
    entry_variables,
    start_with,
)
from trax_mcp.settings import CannotStart, Settings


def examine(environment: Mapping[str, str], *, as_json: bool) -> int:
    """Print every check on stdout, with a remedy for each that needs one.

    Returns 1 if a check has failed, else 0. These are warnings, not failures: a scope that the key
    lacks, a key of another form, differences in the contract that break nothing, a client that
    starts something else or gives no key, no client at all. What could not be checked is no
    failure either: its cause has its own check.

    Changes nothing. TRaX gets each read once, for at most TRAX_TIMEOUT_SECONDS; the reads of a
    studio follow the list of studios, all others run concurrently. `as_json` prints one object:
    `{"ok", "checks": [{"name", "state", "detail", "remedy"?}]}`.
    """
    sections = _run_checks(environment, Computer.here())
    checks = [check for section in sections for check in section.checks]
    console = console_on(sys.stdout)
    if as_json:
        console.print(json.dumps(_as_json(checks), indent=2), soft_wrap=True)
    else:
        Report(console).print(sections)
    return 0 if is_well(checks) else 1


def _run_checks(environment: Mapping[str, str], computer: Computer) -> tuple[Section, ...]:
    configured = read_configurations(computer, Installation.this())
    variables = choose_variables(environment, configured)
    settings, settings_check = _check_settings(variables)
    caller, key_check = _check_key(settings, computer)
    result = ProbeResult(skipped=True) if settings is None else _probe(settings, caller)
    trax = judge_trax(
        result, address=_address(settings), read_only=settings is not None and settings.read_only
    )
    clients = judge_clients(_check_clients(configured, computer, environment))
    return (
        Section("Settings, key and TRaX", (settings_check, key_check, *trax)),
        Section("What the key may do", judge_scopes(result)),
        Section("MCP clients on this computer", clients),
    )


def _check_settings(variables: Variables) -> tuple[Settings | None, Check]:
    try:
        settings, problem = start_with(variables.values), None
    except CannotStart as error:
        settings, problem = None, str(error)
    return settings, judge_settings(problem, given_by=variables.source, names=variables.names)


def _check_key(settings: Settings | None, computer: Computer) -> tuple[Caller, Check]:
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
        location=_key_location(settings, computer),
        problem=problem,
        open_to_others=file is not None and is_open_to_others(file),
    )
    return caller, check


def _key_location(settings: Settings, computer: Computer) -> str:
    if settings.api_key_file is None:
        return "TRAX_API_KEY"
    return shorten(settings.api_key_file, home=computer.home)


def _address(settings: Settings | None) -> str:
    if settings is None:
        return "TRaX"
    return "The embedded sandbox" if settings.sandbox else settings.base_url


def _probe(settings: Settings, caller: Caller) -> ProbeResult:
    with waiting(console_on(sys.stderr), "Looking at TRaX"):
        return anyio.run(_run_probe, settings, caller)


async def _run_probe(settings: Settings, caller: Caller) -> ProbeResult:
    async with aclosing(client_for(settings)) as client:
        return await Probe(client, caller).run()


def _check_clients(
    configured: Sequence[ConfiguredClient], computer: Computer, environment: Mapping[str, str]
) -> Iterator[Check]:
    for it in configured:
        if it.state is not ConfigState.ABSENT:
            yield _check_client(it, computer, environment)


def _check_client(
    configured: ConfiguredClient, computer: Computer, environment: Mapping[str, str]
) -> Check:
    client, state = configured.client, configured.state
    path = shorten(configured.path, home=computer.home)
    if configured.project is not None:
        project = shorten(Path(configured.project), home=computer.home)
        return judge_project(client, path, project, state)
    variables = entry_variables(configured)
    start = StartCheck() if variables is None else check_start_among(variables, environment)
    disabled = configured.entry.get("disabled") is True
    return judge_client(client, path, state, start, disabled=disabled)


def _as_json(checks: Sequence[Check]) -> dict[str, object]:
    fields = [asdict(check) for check in checks]
    without_none = [{name: it for name, it in row.items() if it is not None} for row in fields]
    return {"ok": is_well(checks), "checks": without_none}
