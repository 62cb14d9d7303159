"""`trax-mcp doctor`: runs the checks in order and prints their results."""

import json
import sys
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import asdict
from typing import Final

import anyio

from trax_mcp.api.errors import TraxError
from trax_mcp.cli.doctor.checks import Examination, Result, State, failure_result
from trax_mcp.cli.doctor.client_checks import check_clients, check_started, choose_settings
from trax_mcp.cli.doctor.configured_clients import read_client, read_clients
from trax_mcp.cli.doctor.report import print_report
from trax_mcp.cli.install.clients import FILE_CLIENTS
from trax_mcp.cli.terminal import console_on, waiting

Results = dict[str, Result]
"""The results of the checks by name, in order."""
_SKIPPED_AFTER: Final = frozenset({State.FAILED, State.NOT_CHECKED})


def examine(environment: Mapping[str, str], *, as_json: bool, client: str | None = None) -> int:
    """Print the result of every check on stdout, with a remedy for each that needs one.

    With a client, what that one would start is checked, with the settings in its configuration.

    Returns 1 if a check has failed, else 0. These are warnings, not failures: a scope that the key
    lacks, a key of another form or that others can read, differences in the contract that break
    nothing, a client that starts something else or gives no key, no client at all.

    Changes nothing. TRaX gets a few reads, one after the other, each for at most
    TRAX_TIMEOUT_SECONDS. `as_json` prints one object:
    `{"ok", "checks": [{"name", "state", "detail", "remedy"?}]}`.
    """
    results = _examine_computer(environment) if client is None else _examine_client(client)
    ok = all(it.state is not State.FAILED for it in results.values())
    console = console_on(sys.stdout)
    if as_json:
        console.print(json.dumps(_as_json(results, ok=ok), indent=2), soft_wrap=True)
    else:
        print_report(console, results)
    return 0 if ok else 1


def _examine_computer(environment: Mapping[str, str]) -> Results:
    clients = read_clients()
    source, variables = choose_settings(environment, clients)
    return _run(source, variables) | check_clients(clients)


def _examine_client(name: str) -> Results:
    configured = read_client(FILE_CLIENTS[name])
    started = check_started(configured)
    if started.state is State.FAILED:
        return {name: started}
    source = f"{configured.client.title}'s configuration"
    return {name: started} | _run(source, configured.variables)


def _run(source: str, variables: Mapping[str, str]) -> Results:
    with waiting(console_on(sys.stderr), "Checking") as show:
        return anyio.run(_run_checks, source, variables, show)


async def _run_checks(
    source: str, variables: Mapping[str, str], show: Callable[[str], None]
) -> Results:
    """The results. A check is skipped if one that it needs has failed or was skipped."""
    results: Results = {}
    async with AsyncExitStack() as connections:
        for check in Examination(source, variables, connections).checks:
            show(f"Checking {check.name}")
            cause = next((it for it in check.needs if results[it].state in _SKIPPED_AFTER), None)
            if cause is not None:
                results[check.name] = Result(State.NOT_CHECKED, f"Skipped: see {cause}.")
                continue
            try:
                results[check.name] = await check.run()
            except TraxError as error:
                results[check.name] = failure_result(error.failure)
    return results


def _as_json(results: Mapping[str, Result], *, ok: bool) -> dict[str, object]:
    rows = [{"name": name, **asdict(it)} for name, it in results.items()]
    checks = [{field: it for field, it in row.items() if it is not None} for row in rows]
    return {"ok": ok, "checks": checks}
