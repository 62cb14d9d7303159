"""The child process that opens the browser."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING
from unittest.mock import patch

import pytest

from tests.support.server_process import PATIENCE_SECONDS
from trax_mcp.web.browser import open_browser

if TYPE_CHECKING:
    from pathlib import Path


pytestmark = pytest.mark.slow


def test_the_browser_is_opened_by_no_module_of_the_present_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "webbrowser.py").write_text("open('taken', 'w')")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("BROWSER", "true")
    with patch.object(subprocess, "Popen") as start:
        open_browser("about:blank")
    command = start.call_args.args[0]
    subprocess.run(command, check=False, timeout=PATIENCE_SECONDS)  # noqa: S603  it is ours
    assert not (tmp_path / "taken").exists()


def test_the_browser_does_not_get_the_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRAX_API_KEY", "trax_live_sk_secret")
    monkeypatch.setenv("DISPLAY", ":7")
    with patch.object(subprocess, "Popen") as start:
        open_browser("about:blank")
    environment = start.call_args.kwargs["env"]
    assert environment["DISPLAY"] == ":7"
    assert "trax_live_sk_secret" not in environment.values()
