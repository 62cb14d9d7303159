"""`trax-mcp install` if it cannot be done: one sentence gives the reason and what was changed."""

from __future__ import annotations

import errno
import os
from typing import TYPE_CHECKING

import pytest

from tests.support.client_configurations import SAMPLES
from tests.support.home_folder import KEY, sample_of
from tests.support.product.commands import Outcome

if TYPE_CHECKING:
    from tests.support.home_folder import Home


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ('{\n  "mcpServers": {,}\n}', "is not JSON (line 2, column 18)"),
        ('{"a": 1} /*', "is not JSON (line 1, column 10)"),
        ("[]", "holds something else than an object"),
        ('{"mcpServers": []}', 'holds something else than an object under "mcpServers"'),
        (
            '{"mcpServers": {"trax": "x"}}',
            'holds something else than an object under "mcpServers.trax"',
        ),
        (
            '{"mcpServers": {"trax": {"url": "http://127.0.0.1:8765/mcp"}}}',
            'has a server "trax" already, which is reached by a url',
        ),
    ],
    ids=["stray comma", "open comment", "list", "servers", "entry", "url entry"],
)
def test_unsuitable_configuration_is_not_changed(home: Home, text: str, problem: str) -> None:
    """The error names the file and the problem; the key is not asked for."""
    file = home.write_config(sample_of("cursor"), text)
    before = home.file_stats()
    done = home.install("cursor", typed=f"{KEY}\n")
    hint = "--print shows what to add by hand"
    assert done == Outcome(1, "", f"trax-mcp: Nothing was changed: {file} {problem}; {hint}.\n")
    assert home.file_stats() == before


def test_configuration_that_is_not_utf_8_is_refused(home: Home) -> None:
    """Here UTF-16."""
    file = home.write_config(SAMPLES[0])
    file.write_bytes(SAMPLES[0].text.encode("utf-16"))
    done = home.install("claude-desktop", typed=f"{KEY}\n")
    error = f"trax-mcp: Nothing was changed: {file} is not text in UTF-8.\n"
    assert done == Outcome(1, "", error)
    assert not home.key_file.exists()


@pytest.mark.parametrize("locked", ["file", "key folder"])
def test_read_only_file_or_folder_is_not_changed(home: Home, locked: str) -> None:
    """Even for root, who could write there."""
    file = home.write_config(sample_of("cursor"))
    home.key_file.parent.mkdir(parents=True)
    path = file if locked == "file" else home.key_file.parent
    path.chmod(0o555)
    before = home.file_stats()
    done = home.install("cursor", typed=f"{KEY}\n")
    assert done == Outcome(1, "", f"trax-mcp: Nothing was changed: {path} is read-only.\n")
    assert home.file_stats() == before
    path.chmod(0o755)


def test_failure_after_the_key_is_reported_and_repaired_by_another_run(home: Home) -> None:
    """Here the client's configuration breaks while the key is typed."""
    cursor = sample_of("cursor")
    file = home.write_config(cursor)

    def type_key() -> str:
        home.write_config(cursor, "{")
        return KEY

    done = home.install("cursor", typed=type_key, terminal=True, settings={"COLUMNS": "400"})
    error = (
        f"trax-mcp: The key was written to {home.key_file}, nothing else was changed: {file} is"
        " not JSON (line 1, column 2); --print shows what to add by hand."
    )
    assert done.code == 1
    assert error in done.out
    assert home.all_files() == {cursor.path: b"{", ".config/trax-mcp/key": f"{KEY}\n".encode()}
    home.write_config(cursor)
    assert home.install("cursor").code == 0
    assert file.read_text() == home.config_with_trax(cursor)


def test_full_disk_leaves_the_configuration_and_no_temporary_file(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The error gives the reason."""
    file = home.write_config(sample_of("cursor"))
    before = home.all_files()

    def full(_file: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    done = home.install("cursor", "--sandbox")
    assert done.code == 1
    assert "cannot be written (No space left on device)" in done.err
    assert (file.parent.is_dir(), home.all_files()) == (True, before)
