"""`trax-mcp install` if it cannot be done: one sentence gives the reason, and nothing changes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.configurations import SAMPLES, Sample
from tests.homes import (
    KEY,
    Home,
    Outcome,
    each_client,
    sample_of,
)
from trax_mcp.cli import key_file
from trax_mcp.cli.install import install
from trax_mcp.cli.replacement import InstallError, Replacement

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """An empty home folder."""
    return Home(tmp_path)


@each_client
@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ('{\n  "mcpServers": {,}\n}', "is not JSON (line 2, column 18)"),
        ('{"a": 1', "is not JSON (line 1, column 8)"),
        ('{"a": NaN}', "is not JSON"),
        ("[]", "holds something else than an object"),
        ('{"@": []}', 'holds something else than an object under "@"'),
        ('{"@": {"trax": "x"}}', 'holds something else than an object under "@.trax"'),
        (
            '{"@": {"trax": {"env": null}}}',
            'holds something else than an object under "@.trax.env"',
        ),
        (
            '{"@": {"trax": {"url": "http://127.0.0.1:8765/mcp"}}}',
            'has a server "trax" already, which is reached by a url',
        ),
    ],
    ids=[
        "stray comma",
        "truncated",
        "NaN",
        "list",
        "servers is a list",
        "entry is a string",
        "env is null",
        "url entry",
    ],
)
async def test_unsuitable_configuration_is_not_changed(
    home: Home, sample: Sample, text: str, problem: str
) -> None:
    """The error names the file and the problem; the key is not written."""
    file = home.write_config(sample, text.replace("@", sample.servers))
    before = home.file_stats()
    done = await home.install(sample.client, typed=f"{KEY}\n")
    problem = problem.replace("@", sample.servers)
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
    assert (done.code, f"{file} is not text in UTF-8." in done.err) == (1, True)
    assert not home.key_file.exists()


@each_client
async def test_read_only_file_or_folder_is_not_changed(home: Home, sample: Sample) -> None:
    """Even for root, who could write there."""
    file = home.write_config(sample)
    for locked, unlocked in ((file, 0o600), (file.parent, 0o700)):
        locked.chmod(unlocked & 0o555)
        before = home.file_stats()
        done = await home.install(sample.client, typed=f"{KEY}\n")
        assert done == Outcome(1, "", f"trax-mcp: Nothing was changed: {locked} is read-only.\n")
        assert home.file_stats() == before
        locked.chmod(unlocked)


async def test_read_only_key_folder_leaves_the_configuration_unchanged(home: Home) -> None:
    """Both files are written, or neither."""
    home.write_config(sample_of("cursor"))
    home.key_file.parent.mkdir(parents=True)
    home.key_file.parent.chmod(0o555)
    before = home.file_stats()
    done = await home.install("cursor", typed=f"{KEY}\n")
    error = f"trax-mcp: Nothing was changed: {home.key_file.parent} is read-only.\n"
    assert done == Outcome(1, "", error)
    assert home.file_stats() == before


@each_client
@pytest.mark.parametrize("kind", ["configuration", "key"])
async def test_folder_in_place_of_a_file_is_refused(home: Home, sample: Sample, kind: str) -> None:
    """No file is created next to it."""
    folder = home.path / sample.path if kind == "configuration" else home.key_file
    folder.mkdir(parents=True)
    before = home.file_stats()
    done = await home.install(sample.client, typed=f"{KEY}\n")
    error = f"trax-mcp: Nothing was changed: {folder} is a folder, not a file.\n"
    assert done == Outcome(1, "", error)
    assert home.file_stats() == before


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


def test_concurrent_change_of_the_configuration_is_kept(
    home: Home, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Install stops if the file changed after it was read."""
    for name, value in home.settings().items():
        monkeypatch.setenv(name, value)
    cursor = sample_of("cursor")
    file = home.write_config(cursor, "{}")
    enter = Replacement.__enter__

    def enter_late(replacement: Replacement) -> Replacement:
        home.write_config(cursor)
        return enter(replacement)

    monkeypatch.setattr(Replacement, "__enter__", enter_late)
    assert install("cursor", sandbox=True) == 1
    assert capsys.readouterr().err == (
        f"trax-mcp: Nothing was changed: {file} was changed by another program meanwhile."
        " Try again.\n"
    )
    assert home.all_files() == {cursor.path: cursor.text.encode()}


@pytest.fixture
def local_home(home: Home, monkeypatch: pytest.MonkeyPatch) -> Home:
    """An empty home folder that this process uses, with a key on stdin."""
    for name, value in home.settings().items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(key_file, "_from_pipe", lambda: KEY)
    return home


def fail_at_the_key(monkeypatch: pytest.MonkeyPatch, error: BaseException) -> None:
    """Raise an error when the key file is committed, after the configuration."""
    commit = Replacement.commit

    def failing_commit(replacement: Replacement) -> None:
        if replacement._path.name == "key":
            raise error
        commit(replacement)

    monkeypatch.setattr(Replacement, "commit", failing_commit)


@pytest.mark.parametrize("text", [None, "{}\n"], ids=["new", "old"])
def test_key_that_cannot_be_written_restores_the_configuration(
    local_home: Home,
    text: str | None,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """No backup and no new folder stays."""
    if text is not None:
        local_home.write_config(sample_of("vscode"), text).chmod(0o640)
    before, modes = (
        local_home.all_files(),
        {it: mode for it, (_, _, mode) in local_home.file_stats().items()},
    )
    fail_at_the_key(monkeypatch, InstallError("the key cannot be replaced"))
    assert install("vscode", sandbox=False) == 1
    error = "trax-mcp: Nothing was changed: the key cannot be replaced.\n"
    assert capsys.readouterr().err.endswith(error)
    assert local_home.all_files() == before
    assert {it: mode for it, (_, _, mode) in local_home.file_stats().items()} == modes


def test_interrupt_before_the_key_is_written_restores_the_configuration(
    local_home: Home, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The interrupt is raised again."""
    local_home.write_config(sample_of("cursor"))
    before = local_home.all_files()
    fail_at_the_key(monkeypatch, KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt):
        install("cursor", sandbox=False)
    assert capsys.readouterr().err.endswith("Nothing was changed: it was interrupted.\n")
    assert local_home.all_files() == before


@pytest.mark.parametrize("text", [None, "{}\n"], ids=["new", "old"])
def test_configuration_that_cannot_be_restored_is_reported_with_its_backup(
    local_home: Home,
    text: str | None,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Another program changed it meanwhile; that change stays."""
    cursor = sample_of("cursor")
    file = local_home.path / cursor.path
    if text is not None:
        local_home.write_config(cursor, text)
    fail_at_the_key(monkeypatch, InstallError("not shown"))
    roll_back = Replacement.roll_back

    def late_roll_back(replacement: Replacement) -> None:
        if replacement._path == file:
            file.write_bytes(b"theirs")
        roll_back(replacement)

    monkeypatch.setattr(Replacement, "roll_back", late_roll_back)
    assert install("cursor", sandbox=False) == 1
    old_content = (
        "there was no such file before" if text is None else f"what it held is in {file}.bak"
    )
    assert capsys.readouterr().err.endswith(
        f"trax-mcp: The key was not written, but {file} was changed and could not be put back"
        f" (another program has written to it); {old_content}.\n"
    )
    backup = {} if text is None else {f"{cursor.path}.bak": text.encode()}
    assert local_home.all_files() == {cursor.path: b"theirs", **backup}
