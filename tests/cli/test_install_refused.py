"""`trax-mcp install` if it cannot be done: one sentence gives the reason and what was changed."""

from __future__ import annotations

import errno
import json
import os
from typing import TYPE_CHECKING

import pytest

from tests.support.home_folder import COMMAND, KEY, sample_of

if TYPE_CHECKING:
    from tests.support.home_folder import Home


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ('{\n  "mcpServers": {,}\n}', "isn't plain JSON (line 2, column 18)"),
        ('{"a": 1} /*', "isn't plain JSON (line 1, column 10)"),
        # Python 3.13 points at the comma in column 18, earlier ones at what follows.
        ('{"mcpServers": {},}', "isn't plain JSON (line 1, column 1"),
        ('{"a": NaN, "b": 1e999}', "isn't plain JSON"),
        ('{"a": "\\ud800"}', "isn't plain JSON"),
        ('{"mcpServers": {"a": {}}, "mcpServers": {}}', "has a name twice"),
        ("[]", "isn't a JSON object"),
        ('{"mcpServers": []}', 'has no object under "mcpServers"'),
        ('{"mcpServers": {"trax": "x"}}', 'has no object under "trax"'),
        (
            '{"mcpServers": {"trax": {"url": "http://127.0.0.1:8765/mcp"}}}',
            'has a server "trax" already, which is reached by a url',
        ),
        ("\ufeff\udc80", "isn't text in UTF-8"),
    ],
    ids=ascii,
)
def test_a_configuration_that_is_not_plain_json_is_not_changed(
    home: Home, text: str, problem: str
) -> None:
    """The problem is named first; then the key is written, and the entry is printed to paste."""
    file = home.write_config(sample_of("cursor"), "")
    file.write_bytes(text.encode(errors="surrogateescape"))
    before = file.read_bytes()
    done = home.install("cursor", typed=f"{KEY}\n")
    assert done.code == 1
    assert done.err.startswith(f"{file} {problem}")
    assert done.err.splitlines()[0].endswith(", so trax-mcp doesn't change it. Add trax by hand.")
    assert json.loads(done.out)["mcpServers"]["trax"]["command"] == COMMAND
    assert file.read_bytes() == before
    assert home.key_file.read_text(encoding="utf-8").startswith(KEY)


def test_a_read_only_file_is_not_changed(home: Home) -> None:
    """Even for root, who could write there."""
    file = home.write_config(sample_of("cursor"))
    file.chmod(0o444)
    done = home.install("cursor", "--sandbox")
    assert (done.code, "is read-only, so trax-mcp doesn't change it" in done.err) == (1, True)
    assert file.read_text(encoding="utf-8") == sample_of("cursor").text


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
