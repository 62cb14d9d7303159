"""The command: `python -m proof.conformance NODE REFEREES`.

Starts both servers, lets the referees at them one after another, and prints what they found. It
exits with 0 if everything was as expected, with 1 if not, and with 2 if it could not be judged.
"""

import argparse
import asyncio
import signal
import sys
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
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
        problems = _judge(asked.node.absolute(), asked.referees.absolute())
    except (RefereeError, OSError) as error:
        print(f"\nconformance: {error}", file=sys.stderr)
        sys.exit(2)
    except KeyboardInterrupt:
        sys.exit(130)
    print(f"\nListed, and why:\n{report.told_reasons(EXPECTED)}")
    print(f"\nJudged in {time.monotonic() - began:.0f} s.", flush=True)
    if problems:
        sys.exit(f"\nNot as expected:\n{report.told_problems(problems)}")


def _judge(node: Path, packages: Path) -> list[str]:
    with TemporaryDirectory(prefix="conformance-", dir=packages.parent) as scratch:
        return asyncio.run(_let_them(Referees(node, packages, Path(scratch))))


async def _let_them(referees: Referees) -> list[str]:
    """Let every referee judge, and print each finding as it comes; what is unexpected of it."""
    async with AsyncExitStack() as stack:
        servers = {
            server: await stack.enter_async_context(running(*_HTTP, program=program))
            for server, program in _PROGRAMS.items()
        }
        urls = {server: await _url(it) for server, it in servers.items()}
        problems = [it async for it in _findings(referees, urls)]
        if problems:
            problems += [f"{name} server: {_last_words(it)}" for name, it in servers.items()]
        return problems


async def _findings(referees: Referees, urls: dict[Server, str]) -> AsyncIterator[str]:
    # One after another: some of the suite's checks wait for half a second and no longer.
    for server, url in urls.items():
        for revision in get_args(Revision):
            run = await referees.run_suite(url, server=server, revision=revision)
            verdict = judge(run, EXPECTED)
            print(report.told_verdict(verdict), flush=True)
            for problem in verdict.problems:
                yield problem
    for era in get_args(Era):
        for lint in (await referees.lint_http(urls["bare"], era), await referees.lint_stdio(era)):
            print(report.told_lint(lint), flush=True)
            for problem in lint.problems:
                yield problem


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
    main()
