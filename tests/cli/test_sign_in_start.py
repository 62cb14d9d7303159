"""`trax-mcp http --sign-in` as a process: its files, what stops its start, and what it leaves."""

from __future__ import annotations

import signal
import stat
import sys
from typing import TYPE_CHECKING, Final

import pytest

from tests.support.hosted_process import FILE, SECRET_FILE, answering, hosted_server
from tests.support.oauth_steps import OAuthSteps
from tests.support.server_process import running
from trax_mcp.sandbox import SANDBOX_KEY

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

pytestmark = pytest.mark.slow

PUBLIC_URL: Final = ("--public-url", "http://localhost:8765")


def settings_in(folder: Path) -> dict[str, str]:
    """The settings that put both files into a folder."""
    return {
        "TRAX_SIGN_IN_FILE": str(folder / FILE),
        "TRAX_SIGN_IN_SECRET_FILE": str(folder / SECRET_FILE),
    }


def modes_in(folder: Path) -> dict[str, int]:
    """The files of a folder, with their permissions."""
    return {it.name: stat.S_IMODE(it.stat().st_mode) for it in folder.iterdir()}


def files_below(folder: Path) -> list[Path]:
    """All files in a folder and below."""
    return [it for it in folder.rglob("*") if it.is_file()]


async def refusal_to_start(
    *arguments: str, settings: dict[str, str], program: Sequence[str] = ("-m", "trax_mcp")
) -> str:
    """What a server prints that does not start."""
    command = ("http", "--port", "0", *arguments)
    async with running(*command, settings=settings, program=program) as server:
        assert await server.end() == 1
    assert server.stdout.text == ""
    return server.stderr.text


async def test_the_first_start_makes_both_files_for_this_user_alone(tmp_path: Path) -> None:
    """A later one keeps them, and leaves no journal beside the file."""
    async with hosted_server(tmp_path) as server:
        secret = server.secret_file.read_text()
        assert await server.process.stop(signal.SIGTERM) == 0
    async with hosted_server(tmp_path) as server:
        assert server.secret_file.read_text() == secret
        assert await server.process.stop(signal.SIGTERM) == 0
    assert modes_in(tmp_path) == {FILE: 0o600, SECRET_FILE: 0o600}


@pytest.mark.skipif(sys.platform != "linux", reason="macOS and Windows have one folder for both")
async def test_by_default_the_secret_lies_apart_from_the_file(tmp_path: Path) -> None:
    """A copy of one folder opens nothing."""
    folders = {"HOME": str(tmp_path), "XDG_DATA_HOME": "", "XDG_CONFIG_HOME": ""}
    command = ("http", "--port", "0", "--sign-in", *PUBLIC_URL)
    async with running(*command, settings=folders) as server:
        await answering(server)
        assert await server.stop(signal.SIGTERM) == 0
    found = {it.name: it.parent for it in files_below(tmp_path)}
    assert found.keys() == {"sign-in.sqlite", "sign-in.secret"}
    assert found["sign-in.sqlite"] != found["sign-in.secret"]


async def test_the_address_for_clients_is_told(tmp_path: Path) -> None:
    """It is what people add in claude.ai, and not where the server listens."""
    command = ("http", "--port", "0", "--sign-in", *PUBLIC_URL)
    async with running(*command, settings=settings_in(tmp_path)) as server:
        await answering(server)
    told = "trax-mcp: For claude.ai and others its address is http://localhost:8765/mcp"
    assert server.stderr.all[0].strip() == told


async def test_a_secret_that_is_gone_is_named(tmp_path: Path) -> None:
    """A path that is misspelt would else end all sign-ins without a word."""
    (tmp_path / FILE).touch(0o600)
    async with hosted_server(tmp_path) as server:
        first = server.process.stderr.all[0].strip()
    assert first == (
        "trax-mcp: TRAX_SIGN_IN_SECRET_FILE was gone. It is made anew: all sign in again."
    )


async def test_a_command_reads_the_file_of_a_server_that_runs(tmp_path: Path) -> None:
    """With the same settings."""
    listing = running("sign-in", "list", settings=settings_in(tmp_path))
    async with hosted_server(tmp_path), listing as command:
        assert await command.end() == 0
    assert command.stdout.text.startswith("Nobody is signed in.")
    assert command.stderr.text == ""


async def test_a_file_that_is_none_of_sign_ins_stops_the_start(tmp_path: Path) -> None:
    """With one sentence, before the server listens."""
    (tmp_path / FILE).write_bytes(b"no database " * 1000)
    (tmp_path / FILE).chmod(0o600)
    said = await refusal_to_start("--sign-in", *PUBLIC_URL, settings=settings_in(tmp_path))
    assert said == (
        "trax-mcp: TRAX_SIGN_IN_FILE names a file that holds no sign-ins, or is damaged. Move it"
        " away: then a new one is made, and everybody signs in again.\n"
    )


async def test_a_secret_that_others_can_read_stops_the_start(tmp_path: Path) -> None:
    """And is not printed."""
    (tmp_path / SECRET_FILE).write_text("x" * 43)
    (tmp_path / SECRET_FILE).chmod(0o644)
    said = await refusal_to_start("--sign-in", *PUBLIC_URL, settings=settings_in(tmp_path))
    assert said == (
        "trax-mcp: TRAX_SIGN_IN_SECRET_FILE names a file that others can open. Run chmod 600 on"
        " it.\n"
    )


async def test_signing_in_needs_the_address_of_the_server(tmp_path: Path) -> None:
    """Nothing is made without it."""
    said = await refusal_to_start("--sign-in", settings=settings_in(tmp_path))
    assert said == (
        "trax-mcp: TRAX_SIGN_IN needs TRAX_PUBLIC_URL or --public-url: where people reach this"
        " server.\n"
    )
    assert modes_in(tmp_path) == {}


async def test_without_its_extra_signing_in_names_it(tmp_path: Path) -> None:
    """Nothing is made."""
    hide = "import sys; sys.modules['trax_mcp.sealing'] = None"
    program = ("-c", f"{hide}; from trax_mcp.cli import main; main()")
    settings = settings_in(tmp_path)
    said = await refusal_to_start("--sign-in", *PUBLIC_URL, settings=settings, program=program)
    assert said == (
        "trax-mcp: TRAX_SIGN_IN needs an extra. In the folder of trax-mcp, run .venv/bin/python -m"
        " pip install '.[sign-in]'.\n"
    )
    assert modes_in(tmp_path) == {}


async def test_nothing_of_signing_in_is_loaded_without_it() -> None:
    """So that it costs nothing where nobody signs in."""
    program = ("-X", "importtime", "-m", "trax_mcp")
    unmeasured = {"COVERAGE_PROCESS_CONFIG": ""}  # coverage loads sqlite3 itself
    async with running("http", "--port", "0", program=program, settings=unmeasured) as server:
        await server.address()
        assert await server.stop(signal.SIGTERM) == 0
    loaded = {line.rpartition("|")[2].strip() for line in server.stderr.all}
    assert "trax_mcp.server.http.http_app" in loaded
    assert not [it for it in loaded if it.startswith(("trax_mcp.sign_in", "sqlite3"))]


async def test_an_operator_sees_and_ends_a_sign_in_of_a_server_that_serves(tmp_path: Path) -> None:
    """Through the page, the token and the command; the next call of the client is refused."""
    registration = {"TRAX_SIGN_IN_REGISTRATION": "1"}
    files = settings_in(tmp_path)
    async with (
        hosted_server(tmp_path, "--sandbox", settings=registration) as server,
        OAuthSteps(server.address) as steps,
    ):
        await steps.register()
        tokens = await steps.sign_in(SANDBOX_KEY, access="read")
        bearer = {"Authorization": f"Bearer {tokens['access_token']}"}
        assert (await steps.http.post("/mcp", headers=bearer)).status_code != 401
        async with running("sign-in", "list", settings=files) as listing:
            assert await listing.end() == 0
        assert '"The tests" (127.0.0.1): look only' in listing.stdout.text
        async with running("sign-in", "revoke", "--all", settings=files) as revoking:
            assert await revoking.end() == 0
        assert revoking.stdout.text == 'Revoked: "The tests" (127.0.0.1).\n'
        assert (await steps.http.post("/mcp", headers=bearer)).status_code == 401
        assert (await steps.refresh(tokens["refresh_token"])).status_code == 400
    printed = server.process.stderr.text + listing.stdout.text
    for secret in (SANDBOX_KEY, tokens["access_token"], tokens["refresh_token"]):
        assert secret not in printed
