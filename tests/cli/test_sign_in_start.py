"""The start of `trax-mcp http --sign-in`: its files, and what stops it."""

from __future__ import annotations

import signal
import sys
from typing import TYPE_CHECKING, Final

import pytest

from tests.support.home_folder import Home, mode
from tests.support.hosted_process import FILE, SECRET_FILE, hosted_server
from tests.support.product.commands import Outcome, run_command
from tests.support.product.sandbox import SANDBOX_KEY
from tests.support.server_process import running
from tests.world.oauth import OAuthSteps

if TYPE_CHECKING:
    from pathlib import Path

COMMAND: Final = ("http", "--port", "0", "--sign-in")
PUBLIC_URL: Final = ("--public-url", "http://localhost:8765")


def settings_in(folder: Path) -> dict[str, str]:
    """The settings that put both files into a folder."""
    return {
        "TRAX_SIGN_IN_FILE": str(folder / FILE),
        "TRAX_SIGN_IN_SECRET_FILE": str(folder / SECRET_FILE),
    }


def start(folder: Path) -> Outcome:
    """Start a server up to where it would serve, and end it."""
    return run_command(*COMMAND, *PUBLIC_URL, settings=settings_in(folder))


def test_the_first_start_makes_both_files_for_this_user_alone(tmp_path: Path) -> None:
    """A later one keeps them, and leaves no journal beside the file."""
    assert start(tmp_path).code == 0
    secret = (tmp_path / SECRET_FILE).read_text(encoding="utf-8")
    assert start(tmp_path).code == 0
    assert (tmp_path / SECRET_FILE).read_text(encoding="utf-8") == secret
    assert {it.name: mode(it) for it in tmp_path.iterdir()} == {FILE: 0o600, SECRET_FILE: 0o600}


@pytest.mark.skipif(sys.platform != "linux", reason="macOS and Windows have one folder for both")
def test_by_default_the_secret_lies_apart_from_the_file(home: Home) -> None:
    """A copy of one folder opens nothing."""
    assert run_command(*COMMAND, *PUBLIC_URL, settings=home.settings()).code == 0
    assert set(home.all_files()) == {
        ".local/share/trax-mcp/sign-in.sqlite",
        ".config/trax-mcp/sign-in.secret",
    }


def test_a_secret_that_is_gone_is_named(tmp_path: Path) -> None:
    """A path that is misspelt would else end all sign-ins without a word."""
    start(tmp_path)
    (tmp_path / SECRET_FILE).unlink()
    assert start(tmp_path).err.splitlines()[0] == (
        "trax-mcp: TRAX_SIGN_IN_SECRET_FILE was gone. All sign in again."
    )


def test_a_file_that_is_none_of_sign_ins_stops_the_start(tmp_path: Path) -> None:
    """With one sentence, before the server listens."""
    (tmp_path / FILE).write_bytes(b"no database " * 1000)
    (tmp_path / FILE).chmod(0o600)
    assert start(tmp_path) == Outcome(
        1,
        "",
        "trax-mcp: TRAX_SIGN_IN_FILE names a file that holds no sign-ins, or is damaged. Move it"
        " away: then a new one is made, and everybody signs in again.\n",
    )


async def test_an_operator_sees_and_ends_a_sign_in_of_a_server_that_serves(tmp_path: Path) -> None:
    """As processes, with the same settings; the next call of the client is refused."""
    files = settings_in(tmp_path)
    async with (
        hosted_server(tmp_path, "--sandbox") as server,
        OAuthSteps(server.address) as steps,
    ):
        await steps.register()
        tokens = await steps.sign_in(SANDBOX_KEY, access="read")
        bearer = {"Authorization": f"Bearer {tokens['access_token']}"}
        assert (await steps.http.post("/mcp", headers=bearer)).status_code != 401
        async with running("sign-in", "list", settings=files) as listing:
            assert await listing.end() == 0
        assert '"The tests" (127.0.0.1): look only' in listing.stdout.text
        revoked = run_command("sign-in", "revoke", "--all", settings=files)
        assert revoked.out == 'Revoked: "The tests" (127.0.0.1).\n'
        assert (await steps.http.post("/mcp", headers=bearer)).status_code == 401
        assert await server.process.stop(signal.SIGTERM) == 0
    printed = server.process.stderr.text + listing.stdout.text
    for secret in (SANDBOX_KEY, tokens["access_token"], tokens["refresh_token"]):
        assert secret not in printed
