"""`trax-mcp uninstall` takes out what `install` wrote, and nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.home_folder import KEY, each_client
from tests.support.product.commands import Outcome, run_command

if TYPE_CHECKING:
    from tests.support.client_configurations import Sample
    from tests.support.home_folder import Home


def uninstall(home: Home, *arguments: str) -> Outcome:
    """Run it here."""
    return run_command("uninstall", *arguments, settings=home.settings())


@each_client
def test_a_configuration_is_as_it_was_before_install(home: Home, sample: Sample) -> None:
    """With its indents and line ends. The key file stays, and is named."""
    file = home.write_config(sample)
    assert home.install(sample.client, typed=f"{KEY}\n").code == 0
    done = uninstall(home, sample.client)
    assert (done.code, done.err) == (0, "")
    assert file.read_text(encoding="utf-8") == sample.text
    assert f"~/{home.key_file.relative_to(home.path)}" in done.out
    assert home.key_file.read_text(encoding="utf-8").startswith(KEY)
    assert KEY not in done.out


@pytest.mark.parametrize(
    ("started", "is_ours"),
    [
        ({"command": "/gone/trax-mcp", "args": ["--sandbox"]}, True),
        ({"command": "C:/gone/trax-mcp.exe"}, True),
        ({"command": "/gone/python", "args": ["-P", "-m", "trax_mcp"]}, True),
        ({"command": "uvx", "args": ["trax-mcp"]}, True),
        ({"command": "/opt/other/trax"}, False),
        ({"command": "node", "args": ["/opt/bridge.js", "--log", "/var/log/trax-mcp.log"]}, False),
        ({"command": "uv", "args": ["run", "--directory", "/src/trax-mcp", "other.py"]}, False),
        ({"url": "http://127.0.0.1:8765/mcp"}, False),
    ],
    ids=str,
)
def test_an_entry_that_starts_something_else_stays(
    home: Home, started: dict[str, object], *, is_ours: bool
) -> None:
    """One of an installation that was moved does not."""
    file = home.write_entry("cursor", **started)
    before = file.read_text(encoding="utf-8")
    done = uninstall(home, "cursor")
    assert ("trax" not in file.read_text(encoding="utf-8")) is is_ours
    assert (file.read_text(encoding="utf-8") == before) is not is_ours
    assert (done.code, "It stays." in done.err) == (0, not is_ours)
