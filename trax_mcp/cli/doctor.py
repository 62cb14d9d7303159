"""`trax-mcp doctor`: runs the checks in order and prints their results."""

import json
import sys
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import asdict

import anyio

from trax_mcp.api.errors import TraxError
from trax_mcp.cli.client_checks import check_clients, choose_settings
from trax_mcp.cli.configured_clients import read_clients
from trax_mcp.cli.doctor_checks import Examination, Result, State, failure_result
from trax_mcp.cli.doctor_report import print_report
from trax_mcp.cli.terminal import console_on, waiting


def examine(environment: Mapping[str, str], *, as_json: bool) -> int:
    """Print the result of every check on stdout, with a remedy for each that needs one.

    Returns 1 if a check has failed, else 0. These are warnings, not failures: a scope that the key
    lacks, a key of another form or that others can read, differences in the contract that break
    nothing, a client that starts something else or gives no key, no client at all.

    Changes nothing. TRaX gets a few reads, one after the other, each for at most
    TRAX_TIMEOUT_SECONDS. `as_json` prints one object:
    `{"ok", "checks": [{"name", "state", "detail", "remedy"?}]}`.
    """
    clients = read_clients()
    source, variables = choose_settings(environment, clients)
    with waiting(console_on(sys.stderr), "Checking") as show:
        results = anyio.run(_run_checks, source, variables, show)
    results |= check_clients(clients)
    ok = all(it.state is not State.FAILED for it in results.values())
    console = console_on(sys.stdout)
    if as_json:
        console.print(json.dumps(_as_json(results, ok=ok), indent=2), soft_wrap=True)
    else:
        print_report(console, results)
    return 0 if ok else 1


async def _run_checks(
    source: str, variables: Mapping[str, str], show: Callable[[str], None]
) -> dict[str, Result]:
    """The results by name, in order. A check is skipped if one that it needs has failed."""
    results: dict[str, Result] = {}
    async with AsyncExitStack() as connections:
        for check in Examination(source, variables, connections).checks:
            show(f"Checking {check.name}")
            cause = next((it for it in check.needs if results[it].state is State.FAILED), None)
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
