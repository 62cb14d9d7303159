"""The key file that `install` writes: who reads it, and where its key goes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.home_folder import KEY
from tests.support.http_clients import plain_http
from tests.support.product.commands import run_command
from tests.support.product.local_servers import upstream
from tests.support.product.sandbox import SANDBOX_KEY
from tests.support.server_process import running
from tests.world.wire import MODERN, HttpWire, StdioWire, error_code

if TYPE_CHECKING:
    from tests.support.home_folder import Home


async def test_none_means_that_no_file_is_read(home: Home) -> None:
    """Where there is one too. `test_install` starts a server that reads its file."""
    async with upstream() as trax:
        home.write_key(SANDBOX_KEY, trax.base_url)
        none = {"TRAX_API_KEY_FILE": "none", "TRAX_BASE_URL": trax.base_url}
        async with running(settings=home.settings(**none)) as server:
            wire = StdioWire(server, MODERN)
            found = await wire.call("find_studio", query="friday")
            assert await server.hang_up() == 0
        assert list(trax.requests) == []
    assert (error_code(found), str(home.key_file) in server.stderr.text) == ("no_key", False)


async def test_over_http_the_file_is_not_read(home: Home) -> None:
    """A caller without a key is told so."""
    async with upstream() as trax:
        home.write_key(SANDBOX_KEY, trax.base_url)
        settings = home.settings(TRAX_BASE_URL=trax.base_url)
        async with (
            running("http", "--port", "0", settings=settings) as server,
            plain_http(await server.address()) as http,
        ):
            found = await HttpWire(http, MODERN).call("find_studio", query="friday")
        assert list(trax.requests) == []
    assert error_code(found) == "no_key"


def test_on_the_sandbox_the_file_is_not_read(home: Home) -> None:
    """A file that would stop another start does not stop this one."""
    home.write_key(KEY, "ftp")
    home.key_file.write_bytes(b"\xff")
    done = run_command("--sandbox", settings=home.settings())
    assert (done.code, done.err) == (0, "")
    assert run_command(settings=home.settings()).code == 1


@pytest.mark.parametrize(
    ("content", "settings", "sentence"),
    [
        (
            f"{KEY}\nhttps://trax.example\n",
            {"TRAX_BASE_URL": "https://other.example"},
            (
                "The key in ~/.config/trax-mcp/key is for another address than TRAX_BASE_URL, so it"
                " isn't sent. Correct that, or run trax-mcp install."
            ),
        ),
        (
            f"{KEY}\n",
            {},
            (
                "The key in ~/.config/trax-mcp/key isn't used, since nothing there says where it"
                " belongs. Run trax-mcp install again."
            ),
        ),
        (
            f"{KEY}\nhttp://trax.example\n",
            {},
            (
                "Your key file, ~/.config/trax-mcp/key, is a file whose second line isn't an"
                " address of TRaX."
            ),
        ),
        ("", {}, "Your key file, ~/.config/trax-mcp/key, is an empty file."),
    ],
    ids=["another deployment", "no deployment", "no https", "empty"],
)
def test_a_file_that_does_not_fit_stops_the_start(
    home: Home, content: str, settings: dict[str, str], sentence: str
) -> None:
    """One sentence says why; the key is not in it. With a key in the environment it is not read."""
    home.write_key(KEY)
    home.key_file.write_text(content, encoding="utf-8")
    done = run_command(settings=home.settings(**settings))
    assert (done.code, done.out, done.err) == (1, "", f"trax-mcp: {sentence}\n")
    assert run_command(settings=home.settings(**settings, TRAX_API_KEY=KEY)).code == 0
