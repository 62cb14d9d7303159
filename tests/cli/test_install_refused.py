"""`trax-mcp install` if it cannot be done: one sentence gives the reason and what was changed."""

from __future__ import annotations

import errno
import os
from typing import TYPE_CHECKING

import pytest

from tests.support.client_configurations import SAMPLES
from tests.support.home_folder import KEY, Home, Outcome, install_on_terminal, sample_of
from trax_mcp.cli.install import file_replacement
from trax_mcp.cli.main import main

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """An empty home folder."""
    return Home(tmp_path)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ('{\n  "mcpServers": {,}\n}', "is not JSON (line 2, column 18)"),
        ('{"a": 1', "is not JSON (line 1, column 8)"),
        ('{"a": 1} /*', "is not JSON (line 1, column 10)"),
        ('{"a": NaN}', "is not JSON"),
        ("[" * 99999, "is not JSON"),
        ('{"a": 1e999}', "cannot be written again as it is"),
        ("[]", "holds something else than an object"),
        ('{"mcpServers": []}', 'holds something else than an object under "mcpServers"'),
        (
            '{"mcpServers": {"trax": "x"}}',
            'holds something else than an object under "mcpServers.trax"',
        ),
        (
            '{"mcpServers": {"trax": {"env": []}}}',
            'holds something else than an object under "mcpServers.trax.env"',
        ),
        (
            '{"mcpServers": {"trax": {"url": "http://127.0.0.1:8765/mcp"}}}',
            'has a server "trax" already, which is reached by a url',
        ),
    ],
    ids=[
        "stray comma",
        "truncated",
        "open comment",
        "NaN",
        "deep",
        "infinite",
        "list",
        "servers is a list",
        "entry is a string",
        "env is a list",
        "url entry",
    ],
)
async def test_unsuitable_configuration_is_not_changed(home: Home, text: str, problem: str) -> None:
    """The error names the file and the problem; the key is not asked for."""
    file = home.write_config(sample_of("cursor"), text)
    before = home.file_stats()
    done = await home.install("cursor", typed=f"{KEY}\n")
    hint = "--print shows what to add by hand"
    assert done == Outcome(1, "", f"trax-mcp: Nothing was changed: {file} {problem}; {hint}.\n")
    assert home.file_stats() == before


@pytest.mark.parametrize("client", ["claude-desktop", "claude-code"])
@pytest.mark.parametrize("text", ['{\n  // mine\n  "mcpServers": {}}', '{"mcpServers": {},}'])
async def test_comments_are_refused_for_a_client_without_comment_support(
    home: Home, client: str, text: str
) -> None:
    """That client cannot read such a configuration itself."""
    home.write_config(sample_of(client), text)
    before = home.file_stats()
    done = await home.install(client, "--sandbox")
    assert (done.code, "is not JSON (line" in done.err) == (1, True)
    assert home.file_stats() == before


async def test_configuration_that_is_not_utf_8_is_refused(home: Home) -> None:
    """Here UTF-16."""
    file = home.write_config(SAMPLES[0])
    file.write_bytes(SAMPLES[0].text.encode("utf-16"))
    done = await home.install("claude-desktop", typed=f"{KEY}\n")
    error = f"trax-mcp: Nothing was changed: {file} is not text in UTF-8.\n"
    assert done == Outcome(1, "", error)
    assert not home.key_file.exists()


@pytest.mark.parametrize("locked", ["file", "folder", "key folder"])
async def test_read_only_file_or_folder_is_not_changed(home: Home, locked: str) -> None:
    """Even for root, who could write there."""
    file = home.write_config(sample_of("cursor"))
    home.key_file.parent.mkdir(parents=True)
    path = {"file": file, "folder": file.parent, "key folder": home.key_file.parent}[locked]
    path.chmod(0o555)
    before = home.file_stats()
    done = await home.install("cursor", typed=f"{KEY}\n")
    assert done == Outcome(1, "", f"trax-mcp: Nothing was changed: {path} is read-only.\n")
    assert home.file_stats() == before
    path.chmod(0o755)


@pytest.mark.parametrize("kind", ["configuration", "key"])
async def test_folder_in_place_of_a_file_is_refused(home: Home, kind: str) -> None:
    """No file is created next to it."""
    cursor = sample_of("cursor")
    folder = home.path / cursor.path if kind == "configuration" else home.key_file
    folder.mkdir(parents=True)
    before = home.file_stats()
    done = await home.install("cursor", typed=f"{KEY}\n")
    error = f"trax-mcp: Nothing was changed: {folder} is a folder, not a file.\n"
    assert done == Outcome(1, "", error)
    assert home.file_stats() == before


async def test_pipe_in_place_of_a_file_is_refused(home: Home) -> None:
    """It is not waited for."""
    file = home.path / ".cursor/mcp.json"
    file.parent.mkdir()
    os.mkfifo(file)
    done = await home.install("cursor", "--sandbox")
    error = f"trax-mcp: Nothing was changed: {file} is something else, not a file.\n"
    assert done == Outcome(1, "", error)


async def test_file_in_place_of_a_folder_is_refused(home: Home) -> None:
    """The error names the file."""
    (home.path / ".cursor").write_text("")
    done = await home.install("cursor", "--sandbox")
    problem = f"{home.path / '.cursor'} is not a folder"
    assert done == Outcome(1, "", f"trax-mcp: Nothing was changed: {problem}.\n")


async def test_symbolic_link_to_itself_is_refused(home: Home) -> None:
    """The link stays."""
    file = home.path / ".cursor/mcp.json"
    file.parent.mkdir()
    file.symlink_to(file)
    done = await home.install("cursor", "--sandbox")
    assert (done.code, f"{file} cannot be read" in done.err) == (1, True)
    assert file.is_symlink()


async def test_name_that_is_too_long_is_refused(home: Home) -> None:
    """No folder is created."""
    done = await home.install("vscode", "--sandbox", XDG_CONFIG_HOME=str(home.path / ("b" * 300)))
    assert (done.code, "cannot be reached (File name too long)" in done.err) == (1, True)
    assert home.all_files() == {}


@pytest.mark.slow
async def test_failure_after_the_key_is_reported_and_repaired_by_another_run(home: Home) -> None:
    """Here the client's configuration breaks while the key is typed."""
    cursor = sample_of("cursor")
    file = home.write_config(cursor)
    output = await install_on_terminal(
        home, "cursor", before_answer=lambda: home.write_config(cursor, "{"), code=1
    )
    error = (
        f"trax-mcp: The key was written to {home.key_file}, nothing else was changed: {file} is"
        " not JSON (line 1, column 2); --print shows what to add by hand."
    )
    assert error in output.decode()
    assert home.all_files() == {cursor.path: b"{", ".config/trax-mcp/key": f"{KEY}\n".encode()}
    home.write_config(cursor)
    assert (await home.install("cursor")).code == 0
    assert file.read_text() == home.config_with_trax(cursor)


def test_concurrent_change_of_the_configuration_is_kept(
    home: Home, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Install stops if the file changed after it was read."""
    for name, value in home.settings().items():
        monkeypatch.setenv(name, value)
    cursor = sample_of("cursor")
    file = home.write_config(cursor, "{}")
    replace = file_replacement.replace

    def replace_late(path: Path, content: bytes, *, mode: int | None = None) -> None:
        replace(path, content, mode=mode)
        home.write_config(cursor)

    monkeypatch.setattr("trax_mcp.cli.install.install.replace", replace_late)
    with pytest.raises(SystemExit) as ended:
        main(["install", "cursor", "--sandbox"])
    problem = f"{file} was changed by another program meanwhile. Try again"
    assert (ended.value.code, capsys.readouterr().err) == (
        1,
        f"trax-mcp: Nothing was changed: {problem}.\n",
    )
    assert file.read_text() == cursor.text


def test_full_disk_leaves_the_configuration_and_no_temporary_file(
    home: Home, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The error gives the reason."""
    for name, value in home.settings().items():
        monkeypatch.setenv(name, value)
    file = home.write_config(sample_of("cursor"))
    before = home.all_files()

    def full(_file: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(SystemExit) as ended:
        main(["install", "cursor", "--sandbox"])
    assert ended.value.code == 1
    assert "cannot be written (No space left on device)" in capsys.readouterr().err
    assert (file.parent.is_dir(), home.all_files()) == (True, before)
