"""The official conformance suite and the Inspector: `python -m proof.conformance NODE FOLDER`.

They judge the product with the suite's fixtures beside its tools (overlaid), and as it is started
(bare). It exits with 0 if everything was as expected, with 1 if not, and with 2 if it could not be
judged.
"""

import argparse
import asyncio
import signal
import sys
import textwrap
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final, get_args

from proof.conformance import authorization
from proof.conformance.expected_failures import EXPECTED, REASONS
from proof.conformance.suite import Era, ProgramError, Programs, Revision, Server
from proof.conformance.verdict import judge
from tests.support.server_process import Running, running

_PROGRAMS: Final[dict[Server, tuple[str, str]]] = {
    "overlaid": ("-m", "proof.conformance.overlaid_server"),
    "bare": ("-m", "trax_mcp"),
}
_HTTP: Final = ("http", "--port", "0", "--sandbox")
_START_ATTEMPTS: Final = 3
_LAST_LINES: Final = 4
_MAX_LENGTH: Final = 800
_HEAD: Final = f"{'':13}{'scored':20}{'not scored':20}unexpected    s"


def main() -> None:
    """Run everything, print the results, and exit."""
    # The servers are ended on SIGTERM too.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    parser = argparse.ArgumentParser(prog="python -m proof.conformance", description=__doc__)
    parser.add_argument("node", type=Path, help="the program that runs the programs")
    parser.add_argument("folder", type=Path, help="where they are installed")
    options = parser.parse_args()
    node, packages = options.node.absolute(), options.folder.absolute()
    print(f"Scenarios that passed (and failed as listed), and unexpected results\n\n{_HEAD}")
    try:
        with TemporaryDirectory(prefix="conformance-", dir=packages.parent) as scratch:
            problems = asyncio.run(_run_all(Programs(node, packages, Path(scratch))))
    except (ProgramError, OSError) as error:
        print(f"\nconformance: {error}", file=sys.stderr)
        sys.exit(2)
    if problems:
        lines = (textwrap.fill(f"- {it[:_MAX_LENGTH]}", 80) for it in problems)
        sys.exit("\n".join(["\nNot as expected:", *lines]))


async def _run_all(programs: Programs) -> Sequence[str]:
    """Run all programs, and print each result; returns the unexpected ones."""
    problems: list[str] = []
    async with AsyncExitStack() as stack:
        servers = {
            server: await stack.enter_async_context(running(*_HTTP, program=program))
            for server, program in _PROGRAMS.items()
        }
        urls = {server: await _url(it) for server, it in servers.items()}
        # Sequentially, because some of the suite's checks wait for half a second only.
        problems += await _run_suites(programs, urls)
        problems += await _run_authorization(programs)
        print("Inspector --strict")
        for era in get_args(Era):
            for transport, url in (("HTTP", urls["bare"]), ("stdio", "")):
                tools, complaint = await programs.lint(era, url)
                print(f"  {transport}, {era}: {tools} tools", flush=True)
                problems += [f"Inspector, {transport}, {era}: {complaint}"] if complaint else []
        if problems:
            problems += [f"{name} server: {_last_lines(it)}" for name, it in servers.items()]
    return problems


async def _run_suites(programs: Programs, urls: dict[Server, str]) -> Sequence[str]:
    problems: list[str] = []
    reasons = Counter(dict.fromkeys(REASONS, 0))
    for server, url in urls.items():
        print(f"{server} server", flush=True)
        for revision in get_args(Revision):
            started_at = time.monotonic()
            run = await programs.run_suite(url, server=server, revision=revision)
            verdict = judge(run, EXPECTED[server, revision])
            counts = [
                f"{len(it & verdict.passed)} of {len(it)} ({len(it & verdict.listed.keys())})"
                for it in (run.scored, run.not_scored)
            ]
            seconds = time.monotonic() - started_at
            cells = f"  {revision:11}{counts[0]:20}{counts[1]:20}"
            print(f"{cells}{len(verdict.problems):10}{seconds:5.1f}", flush=True)
            reasons.update(verdict.listed.values())
            problems += verdict.problems
    print("\nScenarios that failed as listed, and why:")
    for reason, times in reasons.items():
        print(textwrap.fill(f"{times or '-':>4}  {reason}", 80, subsequent_indent=" " * 6))
    return problems


async def _run_authorization(programs: Programs) -> Sequence[str]:
    scenarios = await authorization.run_authorization(programs)
    passed = [it.id for checks in scenarios.values() for it in checks if it.status == "SUCCESS"]
    print(
        f"Authorization server\n  {len(scenarios)} scenarios, {len(passed)} checks passed",
        flush=True,
    )
    return list(authorization.problems(scenarios))


async def _url(server: Running) -> str:
    for _ in range(_START_ATTEMPTS):
        try:
            return f"{await server.address()}/mcp"
        except TimeoutError:  # the machine is busy
            continue
        except AssertionError:
            break
    raise ProgramError(f"A server has not started: {_last_lines(server)}")


def _last_lines(server: Running) -> str:
    lines = [it for it in server.stderr.all if not it.startswith("INFO")]
    return "".join(lines[-_LAST_LINES:]).strip() or "it said nothing."


if __name__ == "__main__":
    main()
