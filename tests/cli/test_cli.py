"""The command line: help, exit codes, and the sandbox command."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import httpx
import pytest

from tests.support.server_process import SIGNALS, running
from trax_mcp import __version__
from trax_mcp.cli import main
from trax_mcp.sandbox import SANDBOX_KEY

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.slow

MAX_WIDTH = 80

IN_HELP = {
    (): ["http", "sandbox", "demo", "--sandbox", "--version", "install other", "API Keys"],
    ("http",): [
        "--sign-in",
        "--public-url",
        "--host",
        "127.0.0.1",
        "--port",
        "8765",
        "--sandbox",
        "/mcp",
        "X-API-Key",
    ],
    ("sandbox",): ["--port", "8766", "--empty"],
    ("demo",): ["sandbox"],
    ("install",): ["CLIENT", "claude-desktop", "vscode", "--print", "--sandbox", "without echo"],
    ("passkey",): ["browser", "pip install", "going offline needs none"],
    ("sign-in",): ["list", "revoke", "TRAX_SIGN_IN_FILE"],
    ("sign-in", "list"): ["--json"],
    ("sign-in", "revoke"): ["ID", "--all"],
    ("doctor",): ["--json", "--sandbox", "contract", "Exits with 0"],
    ("contract",): ["[check]", "JSON", "TRAX_BASE_URL"],
}


def exit_code(*arguments: str) -> object:
    """Run a command in this process and return its exit code."""
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    return caught.value.code


@pytest.mark.parametrize("command", IN_HELP, ids=" ".join)
def test_help_fits_80_columns_and_lists_every_option(
    command: tuple[str, ...], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is printed on stdout, with exit code 0."""
    monkeypatch.setenv("COLUMNS", str(MAX_WIDTH))
    assert exit_code(*command, "--help") == 0
    output = capsys.readouterr()
    assert output.err == ""
    assert [line for line in output.out.splitlines() if len(line) > MAX_WIDTH] == []
    assert [word for word in IN_HELP[command] if word not in output.out] == []


def test_help_lists_every_command_with_a_description(capsys: pytest.CaptureFixture[str]) -> None:
    """The commands are in the expected order."""
    assert exit_code("--help") == 0
    listed = re.findall(r"^ {4}([\w-]+) +\w", capsys.readouterr().out, re.MULTILINE)
    assert listed == [command[0] for command in IN_HELP if len(command) == 1]


def test_version_option_prints_the_version(capsys: pytest.CaptureFixture[str]) -> None:
    """It is printed on stdout, with exit code 0."""
    assert exit_code("--version") == 0
    assert capsys.readouterr().out == f"trax-mcp {__version__}\n"


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["htp"], "'htp'"),
        (["--nope"], "--nope"),
        (["http", "--host", "", "--port", "x"], "--host: must be an address such as 127.0.0.1"),
        (["http", "--port", "none"], "--port: must be a number from 0 to 65535"),
        (["http", "--port", "65536"], "--port: must be a number from 0 to 65535"),
        (["sandbox", "--port", "-1"], "--port"),
        (["http", "extra"], "extra"),
    ],
)
def test_invalid_arguments_exit_with_2(
    arguments: list[str], named: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Stderr names the invalid argument."""
    assert exit_code(*arguments) == 2
    output = capsys.readouterr()
    assert output.out == ""
    assert named in output.err


@pytest.mark.parametrize("command", [[], ["http"]])
def test_invalid_setting_exits_with_1_and_names_the_setting(
    command: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """On both transports."""
    monkeypatch.setenv("TRAX_LOG_LEVEL", "loud")
    assert exit_code(*command) == (
        "trax-mcp: TRAX_LOG_LEVEL must be 'DEBUG', 'INFO', 'WARNING' or 'ERROR'."
    )


@pytest.mark.parametrize("content", ["x" * 5000, "sk_live_one\nsk_live_two\n", "\0\0"])
def test_invalid_key_file_is_named(
    content: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its content is not repeated."""
    file = tmp_path / "key"
    file.write_text(content)
    monkeypatch.setenv("TRAX_API_KEY_FILE", str(file))
    assert exit_code() == (
        "trax-mcp: TRAX_API_KEY_FILE: A TRaX key is 1 to 512 visible ASCII characters"
        " without spaces."
    )


@pytest.mark.parametrize("number", SIGNALS)
async def test_sandbox_command_serves_its_api_over_http(number: int) -> None:
    """It accepts the key that it prints, until a signal ends it."""
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


async def test_empty_sandbox_has_no_studios_until_one_is_created() -> None:
    """Its upload URLs have its own address."""
    async with running("sandbox", "--port", "0", "--empty") as server:
        address = await server.address()
        headers = {"X-API-Key": SANDBOX_KEY}
        async with httpx.AsyncClient(base_url=address, headers=headers, trust_env=False) as http:
            before = (await http.get("/v1/studios")).json()["data"]
            created = await http.post("/v1/studios", json={"name": "Mine"})
            after = (await http.get("/v1/studios")).json()["data"]
            upload = {"filename": "a.png", "contentType": "image/png", "byteSize": 1}
            reserved = (await http.post("/v1/media", json=upload)).json()
    assert before == []
    assert created.is_success
    assert [studio["name"] for studio in after] == ["Mine"]
    assert reserved["uploadUrl"].startswith(f"{address}/")
