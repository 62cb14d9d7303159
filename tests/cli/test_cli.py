"""The command line: help, exit codes, and the sandbox command."""

from __future__ import annotations

import re
import signal

import pytest

from tests.support.http_clients import plain_http
from tests.support.product.commands import Outcome, run_command
from tests.support.product.server import VERSION
from tests.support.server_process import running

MAX_WIDTH = 80


COMMANDS = [
    *("demo", "sandbox", "install", "doctor", "passkey", "uninstall", "room"),
    *("http", "sign-in"),
]


def test_help_fits_80_columns_and_lists_every_command() -> None:
    """It is printed on stdout, with exit code 0."""
    steps = ([], *([it] for it in COMMANDS), ["sign-in", "list"], ["sign-in", "revoke"])
    shown = {" ".join(it): run_command(*it, "--help") for it in steps}
    assert {(it.code, it.err) for it in shown.values()} == {(0, "")}
    lines = [line for it in shown.values() for line in it.out.splitlines()]
    assert [line for line in lines if len(line) > MAX_WIDTH] == []
    assert re.findall(r"^ {2}([a-z][a-z-]+) {2,}\w", shown[""].out, re.MULTILINE) == COMMANDS


def test_version_option_prints_the_version() -> None:
    """It is printed on stdout, with exit code 0."""
    assert run_command("--version") == Outcome(0, f"trax-mcp {VERSION}\n", "")


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["htp"], "'htp'"),
        (["--nope"], "--nope"),
        (["http", "--host", "", "--port", "x"], "'--host': must be an address such as 127.0.0.1"),
        (["http", "--port", "none"], "'--port': 'none' is not a valid"),
        (["sandbox", "--port", "65536"], "'--port': 65536 is not in the range 0<=x<=65535"),
        (["http", "extra"], "extra"),
        (["doctor", "cursor", "--sandbox"], "CLIENT or --sandbox, not both"),
    ],
)
def test_invalid_arguments_exit_with_2(arguments: list[str], named: str) -> None:
    """Stderr names the invalid argument."""
    done = run_command(*arguments)
    assert (done.code, done.out) == (2, "")
    assert named in done.err


@pytest.mark.parametrize("arguments", ["--sandbox doctor", "doctor --sandbox"])
def test_an_option_works_on_both_sides_of_a_command(arguments: str) -> None:
    done = run_command(*arguments.split())
    assert (done.code, done.err) == (0, "")
    assert "The practice server answers." in done.out


def test_on_a_terminal_trax_mcp_alone_prints_its_help() -> None:
    """A client starts it with pipes, and there it serves."""
    done = run_command(terminal=True)
    assert (done.code, done.out) == (0, run_command("--help").out)
    assert run_command() == Outcome(0, "", "")


def test_a_passkey_needs_a_browser() -> None:
    """And without one, nothing is written."""
    said = "trax-mcp: A passkey is made in a browser, and there is none here.\n"
    assert run_command("passkey") == Outcome(1, "", said)


@pytest.mark.parametrize("command", ["uninstall", "passkey", "sign-in list"])
def test_a_command_that_changes_what_is_real_takes_no_sandbox(command: str) -> None:
    """It would change that all the same."""
    done = run_command("--sandbox", *command.split())
    assert (done.code, "this command takes no --sandbox" in done.err) == (2, True)


async def test_sandbox_command_serves_its_api_over_http() -> None:
    """As a process. It accepts the key that it prints, and its upload URLs have its own address."""
    async with running("sandbox", "--port", "0", "--empty") as server:
        address = await server.address()
        key = (await server.stderr.match(r"X-API-Key: (\S+)'"))[1]
        async with plain_http(address) as http:
            assert (await http.get("/v1/studios")).status_code == 401
            http.headers["X-API-Key"] = key
            assert (await http.get("/v1/studios")).json()["data"] == []
            assert (await http.post("/v1/studios", json={"name": "Mine"})).is_success
            upload = {"filename": "a.png", "contentType": "image/png", "byteSize": 1}
            reserved = (await http.post("/v1/media", json=upload)).json()
            assert reserved["uploadUrl"].startswith(f"{address}/")
        assert await server.stop(signal.SIGTERM) == 0
    assert server.stdout.all == []


async def test_sandbox_command_deviates_by_name() -> None:
    """Several may be named. It says which."""
    deviate = ("--deviate", "number-ids", "--deviate", "no-vertical")
    async with running("sandbox", "--port", "0", *deviate) as server:
        address = await server.address()
        key = (await server.stderr.match(r"X-API-Key: (\S+)'"))[1]
        await server.stderr.match("It deviates: Ids are numbers.")
        async with plain_http(address) as http:
            http.headers["X-API-Key"] = key
            listed = (await http.get("/v1/studios/42/destinations")).json()["data"]
        assert [it["id"] for it in listed] == [1, 2, 3]
        assert [it for it in listed if "vertical" in it] == []


def test_sandbox_command_lists_the_deviations() -> None:
    """Also after a name that is not among them."""
    listed = run_command("sandbox", "--deviate", "list")
    assert listed.code == 0
    assert "  slow-start             A start shows only after 12 seconds.\n" in listed.out
    unknown = run_command("sandbox", "--deviate", "slow")
    assert unknown.code == 2
    assert unknown.err == f"trax-mcp: there is no deviation 'slow', but these:\n{listed.out}"
