"""The command: `python -m proof.conformance NODE REFEREES`.

Starts both servers, lets the referees at them one after another, and prints what they findings. It
exits with 0 if everything was as expected, with 1 if not, and with 2 if it could not be judged.
"""

import argparse
import asyncio
import os
import signal
import sys
import time
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final, get_args

from proof.conformance import conformance_report
from proof.conformance.expected_failures import EXPECTED
from proof.conformance.referees import Era, Referees
from proof.conformance.suite_results import RefereeError, Revision, Server
from proof.conformance.suite_verdict import judge
from tests.support.server_process import Running, running

_PROGRAMS: Final[dict[Server, tuple[str, str]]] = {
    "overlaid": ("-m", "proof.conformance.overlaid_server"),
    "bare": ("-m", "trax_mcp"),
}
_LAST_LINES: Final = 4
_START_ATTEMPTS: Final = 3
_HTTP: Final = ("http", "--port", "0", "--sandbox")


def main() -> None:
    """Run everything, print the results, and exit."""
    # The servers are ended on SIGTERM too.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    parser = argparse.ArgumentParser(prog="python -m proof.conformance", description=__doc__)
    parser.add_argument("node", type=Path, help="the program that runs the referees")
    parser.add_argument("referees", type=Path, help="where they are installed")
    options = parser.parse_args()
    started_at = time.monotonic()
    print(f"{conformance_report.ABOUT}\n\n{conformance_report.HEAD}", flush=True)
    try:
        findings = _run(options.node.absolute(), options.referees.absolute())
    except BrokenPipeError:  # stdout is closed
        raise
    except (RefereeError, OSError) as error:
        print(f"\nconformance: {error}", file=sys.stderr)
        sys.exit(2)
    except KeyboardInterrupt:
        sys.exit(130)
    failed = conformance_report.format_reasons(findings.reasons)
    print(f"\nScenarios that failed as listed, and why:\n{failed}")
    print(f"\nJudged in {time.monotonic() - started_at:.0f} s.", flush=True)
    if findings.problems:
        sys.exit(f"\nNot as expected:\n{conformance_report.format_problems(findings.problems)}")


@dataclass(frozen=True, slots=True)
class _Findings:
    """The reasons of listed failures, and the unexpected results."""

    reasons: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


def _run(node: Path, packages: Path) -> _Findings:
    with TemporaryDirectory(prefix="conformance-", dir=packages.parent) as scratch:
        return asyncio.run(_run_all(Referees(node, packages, Path(scratch))))


async def _run_all(referees: Referees) -> _Findings:
    """Run all referees, and print each result."""
    findings = _Findings()
    async with AsyncExitStack() as stack:
        servers = {
            server: await stack.enter_async_context(running(*_HTTP, program=program))
            for server, program in _PROGRAMS.items()
        }
        urls = {server: await _url(it) for server, it in servers.items()}
        # Sequentially, because some of the suite's checks wait for half a second only.
        for server, url in urls.items():
            await _run_suite(referees, findings, server=server, url=url)
        await _lint(referees, findings, url=urls["bare"])
        if findings.problems:
            outputs = (f"{name} server: {_last_lines(it)}" for name, it in servers.items())
            findings.problems.extend(outputs)
    return findings


async def _run_suite(referees: Referees, findings: _Findings, *, server: Server, url: str) -> None:
    print(conformance_report.format_server(server), flush=True)
    for revision in get_args(Revision):
        run = await referees.run_suite(url, server=server, revision=revision)
        verdict = judge(run, EXPECTED)
        print(conformance_report.format_verdict(verdict), flush=True)
        findings.reasons.extend(verdict.reasons)
        findings.problems.extend(verdict.problems)


async def _lint(referees: Referees, findings: _Findings, *, url: str) -> None:
    print(conformance_report.LINTS, flush=True)
    for era in get_args(Era):
        for lint in (await referees.lint_http(url, era), await referees.lint_stdio(era)):
            print(conformance_report.format_lint(lint), flush=True)
            findings.problems.extend(lint.problems)


async def _url(server: Running) -> str:
    for _ in range(_START_ATTEMPTS):
        try:
            return f"{await server.address()}/mcp"
        except TimeoutError:  # the machine is busy
            continue
        except AssertionError:
            break
    raise RefereeError(f"A server has not started: {_last_lines(server)}")


def _last_lines(server: Running) -> str:
    lines = [it for it in server.stderr.all if not it.startswith("INFO")]
    return "".join(lines[-_LAST_LINES:]).strip() or "it said nothing."


if __name__ == "__main__":
    try:
        main()
    except BrokenPipeError:  # stdout is closed; discard what remains
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(2)
