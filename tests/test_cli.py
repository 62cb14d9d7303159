"""The command line: help that fits the screen, exit codes, and the sandbox as a command."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import httpx
import pytest

from tests.processes import SIGNALS, running
from trax_mcp import __version__
from trax_mcp.cli import main
from trax_mcp.sandbox import SANDBOX_KEY

if TYPE_CHECKING:
    from pathlib import Path

WIDEST = 80

MENTIONED = {
    (): ["http", "sandbox", "demo", "--sandbox", "--version", "TRAX_API_KEY", "API Keys"],
    ("http",): ["--host", "127.0.0.1", "--port", "8765", "--sandbox", "/mcp", "X-API-Key"],
    ("sandbox",): ["--port", "8766", "--empty"],
    ("demo",): ["sandbox"],
    ("install",): ["CLIENT", "claude-desktop", "vscode", "--print", "--sandbox", "without echo"],
    ("doctor",): ["--json", "--sandbox", "contract", "Exits with 0"],
    ("contract",): ["[check]", "JSON", "TRAX_BASE_URL"],
}


def ended(*arguments: str) -> object:
    """Run a command in this process and return its exit code."""
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    return caught.value.code


@pytest.mark.parametrize("command", MENTIONED, ids=" ".join)
def test_help_fits_the_screen_and_says_what_there_is(
    command: tuple[str, ...], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Exit code 0, on stdout, no line over 80 columns."""
    monkeypatch.setenv("COLUMNS", str(WIDEST))
    assert ended(*command, "--help") == 0
    said = capsys.readouterr()
    assert said.err == ""
    assert [line for line in said.out.splitlines() if len(line) > WIDEST] == []
    assert [word for word in MENTIONED[command] if word not in said.out] == []


def test_help_lists_every_command_with_what_it_does(capsys: pytest.CaptureFixture[str]) -> None:
    """A command that is not in the help is not there for a person."""
    assert ended("--help") == 0
    listed = re.findall(r"^ {4}(\w+) +\w", capsys.readouterr().out, re.MULTILINE)
    assert listed == [command[0] for command in MENTIONED if command]


def test_the_version_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    """As other programs do."""
    assert ended("--version") == 0
    assert capsys.readouterr().out == f"trax-mcp {__version__}\n"


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["htp"], "'htp'"),
        (["--nope"], "--nope"),
        (["http", "--port", "none"], "--port: must be a number from 0 to 65535"),
        (["http", "--port", "65536"], "--port: must be a number from 0 to 65535"),
        (["sandbox", "--port", "-1"], "--port"),
        (["http", "extra"], "extra"),
    ],
)
def test_what_cannot_be_understood_ends_with_two(
    arguments: list[str], named: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """On stderr, naming what was not understood."""
    assert ended(*arguments) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert named in said.err


@pytest.mark.parametrize("command", [[], ["http"]])
def test_a_wrong_setting_ends_with_one_and_its_sentence(
    command: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The two servers read the same settings."""
    monkeypatch.setenv("TRAX_LOG_LEVEL", "loud")
    assert ended(*command) == (
        "trax-mcp: TRAX_LOG_LEVEL must be 'DEBUG', 'INFO', 'WARNING' or 'ERROR'."
    )


@pytest.mark.parametrize("content", ["x" * 5000, "sk_live_one\nsk_live_two\n", "\0\0"])
def test_a_key_file_that_holds_something_else_is_named(
    content: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is the file that has to be corrected, and nothing of it is repeated."""
    file = tmp_path / "key"
    file.write_text(content)
    monkeypatch.setenv("TRAX_API_KEY_FILE", str(file))
    assert ended() == (
        "trax-mcp: TRAX_API_KEY_FILE: A TRaX key is 1 to 512 visible ASCII characters"
        " without spaces."
    )


@pytest.mark.parametrize("number", SIGNALS)
async def test_the_sandbox_serves_its_own_api_to_any_http_client(number: int) -> None:
    """With the key that it prints, until a signal comes."""
    async with running("sandbox", "--port", "0") as server:
        address = await server.address()
        key = (await server.stderr.match(r"X-API-Key: (\S+)'"))[1]
        async with httpx.AsyncClient(base_url=address, trust_env=False) as http:
            health = await http.get("/v1/health")
            studios = await http.get("/v1/studios", headers={"X-API-Key": key})
            refused = await http.get("/v1/studios")
            assert await server.stop(number) == 0
    assert health.json()["writeEnabled"]
    assert "Friday Night Show" in [studio["name"] for studio in studios.json()["data"]]
    assert refused.status_code == 401
    assert server.stdout.all == []


async def test_the_empty_sandbox_has_no_studios_until_one_is_made() -> None:
    """And an upload URL points back to the port that it was given."""
    async with running("sandbox", "--port", "0", "--empty") as server:
        address = await server.address()
        headers = {"X-API-Key": SANDBOX_KEY}
        async with httpx.AsyncClient(base_url=address, headers=headers, trust_env=False) as http:
            before = (await http.get("/v1/studios")).json()["data"]
            made = await http.post("/v1/studios", json={"name": "Mine"})
            after = (await http.get("/v1/studios")).json()["data"]
            upload = {"filename": "a.png", "contentType": "image/png", "byteSize": 1}
            reserved = (await http.post("/v1/media", json=upload)).json()
    assert before == []
    assert made.is_success
    assert [studio["name"] for studio in after] == ["Mine"]
    assert reserved["uploadUrl"].startswith(f"{address}/")
