"""The command: `python -m proof.conformance NODE REFEREES`.

Starts both servers, lets the referees at them one after another, and prints what they found. It
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

from proof.conformance import report
from proof.conformance.expected import EXPECTED
from proof.conformance.referees import Era, Referees
from proof.conformance.results import RefereeError, Revision, Server
from proof.conformance.verdict import judge
from tests.processes import Running, running

_PROGRAMS: Final[dict[Server, tuple[str, str]]] = {
    "overlaid": ("-m", "proof.conformance.overlaid"),
    "bare": ("-m", "trax_mcp"),
}
_LAST_LINES: Final = 4
_STARTING: Final = 3
_HTTP: Final = ("http", "--port", "0", "--sandbox")


def main() -> None:
    """Judge, print, and exit with what it comes to."""
    # The servers are ended on the way out, however this is ended.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    parser = argparse.ArgumentParser(prog="python -m proof.conformance", description=__doc__)
    parser.add_argument("node", type=Path, help="the program that runs the referees")
    parser.add_argument("referees", type=Path, help="where they are installed")
    asked = parser.parse_args()
    began = time.monotonic()
    print(f"{report.ABOUT}\n\n{report.HEAD}", flush=True)
    try:
        found = _judge(asked.node.absolute(), asked.referees.absolute())
    except BrokenPipeError:  # of our own stdout
        raise
    except (RefereeError, OSError) as error:
        print(f"\nconformance: {error}", file=sys.stderr)
        sys.exit(2)
    except KeyboardInterrupt:
        sys.exit(130)
    failed = report.told_reasons(found.reasons)
    print(f"\nScenarios that failed as listed, and why:\n{failed}")
    print(f"\nJudged in {time.monotonic() - began:.0f} s.", flush=True)
    if found.problems:
        sys.exit(f"\nNot as expected:\n{report.told_problems(found.problems)}")


@dataclass(frozen=True, slots=True)
class _Found:
    """What all referees came to: why scenarios failed as listed, and what is unexpected."""

    reasons: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


def _judge(node: Path, packages: Path) -> _Found:
    with TemporaryDirectory(prefix="conformance-", dir=packages.parent) as scratch:
        return asyncio.run(_let_them(Referees(node, packages, Path(scratch))))


async def _let_them(referees: Referees) -> _Found:
    """Let every referee judge, and print each finding as it comes."""
    found = _Found()
    async with AsyncExitStack() as stack:
        servers = {
            server: await stack.enter_async_context(running(*_HTTP, program=program))
            for server, program in _PROGRAMS.items()
        }
        urls = {server: await _url(it) for server, it in servers.items()}
        # One after another: some of the suite's checks wait for half a second and no longer.
        for server, url in urls.items():
            await _run_suite(referees, found, server=server, url=url)
        await _lint(referees, found, url=urls["bare"])
        if found.problems:
            said = (f"{name} server: {_last_words(it)}" for name, it in servers.items())
            found.problems.extend(said)
    return found


async def _run_suite(referees: Referees, found: _Found, *, server: Server, url: str) -> None:
    print(report.told_server(server), flush=True)
    for revision in get_args(Revision):
        run = await referees.run_suite(url, server=server, revision=revision)
        verdict = judge(run, EXPECTED)
        print(report.told_verdict(verdict), flush=True)
        found.reasons.extend(verdict.reasons)
        found.problems.extend(verdict.problems)


async def _lint(referees: Referees, found: _Found, *, url: str) -> None:
    print(report.LINTS, flush=True)
    for era in get_args(Era):
        for lint in (await referees.lint_http(url, era), await referees.lint_stdio(era)):
            print(report.told_lint(lint), flush=True)
            found.problems.extend(lint.problems)


async def _url(server: Running) -> str:
    for _ in range(_STARTING):
        try:
            return f"{await server.address()}/mcp"
        except TimeoutError:  # this machine is busy
            continue
        except AssertionError:
            break
    raise RefereeError(f"A server has not started: {_last_words(server)}")


def _last_words(server: Running) -> str:
    said = [it for it in server.stderr.all if not it.startswith("INFO")]
    return "".join(said[-_LAST_LINES:]).strip() or "it said nothing."


if __name__ == "__main__":
    try:
        main()
    except BrokenPipeError:  # nobody reads on; what is left to be written goes nowhere
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(2)
