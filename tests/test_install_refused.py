"""`trax-mcp install`, where it cannot be done: one sentence says why, and nothing is changed."""

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
    ("text", "told"),
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
    ids=["comma", "cut", "nan", "list", "servers", "entry", "env", "url"],
)
async def test_what_cannot_be_added_to_stays_as_it_is(
    home: Home, sample: Sample, text: str, told: str
) -> None:
    """One sentence says what is wrong and where; no key is taken, and nothing is made."""
    file = home.has(sample, text.replace("@", sample.servers))
    before = home.state()
    done = await home.install(sample.client, typed=f"{KEY}\n")
    told = told.replace("@", sample.servers)
    hint = "--print shows what to add by hand"
    assert done == Outcome(1, "", f"trax-mcp: Nothing was changed: {file} {told}; {hint}.\n")
    assert home.state() == before


@pytest.mark.parametrize("client", ["claude-desktop", "claude-code"])
@pytest.mark.parametrize("text", ['{\n  // mine\n  "mcpServers": {}}', '{"mcpServers": {},}'])
async def test_comments_are_no_json_to_a_client_that_knows_none(
    home: Home, client: str, text: str
) -> None:
    """It could not read its own configuration: that is to be told, not to be covered up."""
    home.has(sample_of(client), text)
    before = home.state()
    done = await home.install(client, "--sandbox")
    assert (done.code, "is not JSON (line" in done.err) == (1, True)
    assert home.state() == before


async def test_what_is_no_text_is_refused(home: Home) -> None:
    """Such as what an editor saved as UTF-16."""
    file = home.has(SAMPLES[0])
    file.write_bytes(SAMPLES[0].text.encode("utf-16"))
    done = await home.install("claude-desktop", typed=f"{KEY}\n")
    assert (done.code, f"{file} is not text in UTF-8." in done.err) == (1, True)
    assert not home.key_file.exists()


@each_client
async def test_what_is_read_only_stays_so(home: Home, sample: Sample) -> None:
    """A file, or the folder that would get one, even if we could write there all the same."""
    file = home.has(sample)
    for locked, unlocked in ((file, 0o600), (file.parent, 0o700)):
        locked.chmod(unlocked & 0o555)
        before = home.state()
        done = await home.install(sample.client, typed=f"{KEY}\n")
        assert done == Outcome(1, "", f"trax-mcp: Nothing was changed: {locked} is read-only.\n")
        assert home.state() == before
        locked.chmod(unlocked)


async def test_a_read_only_place_for_the_key_changes_no_configuration(home: Home) -> None:
    """All of it or nothing."""
    home.has(sample_of("cursor"))
    home.key_file.parent.mkdir(parents=True)
    home.key_file.parent.chmod(0o555)
    before = home.state()
    done = await home.install("cursor", typed=f"{KEY}\n")
    told = f"trax-mcp: Nothing was changed: {home.key_file.parent} is read-only.\n"
    assert done == Outcome(1, "", told)
    assert home.state() == before


@each_client
@pytest.mark.parametrize("what", ["configuration", "key"])
async def test_a_folder_in_place_of_a_file_is_told(home: Home, sample: Sample, what: str) -> None:
    """Nothing is made beside it either."""
    folder = home.path / sample.place if what == "configuration" else home.key_file
    folder.mkdir(parents=True)
    before = home.state()
    done = await home.install(sample.client, typed=f"{KEY}\n")
    told = f"trax-mcp: Nothing was changed: {folder} is a folder, not a file.\n"
    assert done == Outcome(1, "", told)
    assert home.state() == before


async def test_a_file_in_place_of_a_folder_is_told(home: Home) -> None:
    """The same, one step up."""
    (home.path / ".cursor").write_text("")
    done = await home.install("cursor", "--sandbox")
    told = f"{home.path / '.cursor'} is not a folder"
    assert done == Outcome(1, "", f"trax-mcp: Nothing was changed: {told}.\n")


async def test_a_link_to_itself_is_told(home: Home) -> None:
    """It can be neither read nor followed."""
    file = home.path / ".cursor/mcp.json"
    file.parent.mkdir()
    file.symlink_to(file)
    done = await home.install("cursor", "--sandbox")
    assert (done.code, f"{file} cannot be read" in done.err) == (1, True)
    assert file.is_symlink()


def test_a_client_that_writes_at_the_same_moment_wins(
    home: Home, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """What it wrote after we had read is not replaced by what we made of the older one."""
    for name, value in home.settings().items():
        monkeypatch.setenv(name, value)
    cursor = sample_of("cursor")
    file = home.has(cursor, "{}")
    enter = Replacement.__enter__

    def enter_late(replacement: Replacement) -> Replacement:
        home.has(cursor)
        return enter(replacement)

    monkeypatch.setattr(Replacement, "__enter__", enter_late)
    assert install("cursor", sandbox=True) == 1
    assert capsys.readouterr().err == (
        f"trax-mcp: Nothing was changed: {file} was changed by another program meanwhile."
        " Try again.\n"
    )
    assert home.all_files() == {cursor.place: cursor.text.encode()}


@pytest.fixture
def here(home: Home, monkeypatch: pytest.MonkeyPatch) -> Home:
    """A home folder that is that of this process, where a key is given."""
    for name, value in home.settings().items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(key_file, "_piped", lambda: KEY)
    return home


def stopped_at_the_key(monkeypatch: pytest.MonkeyPatch, error: BaseException) -> None:
    """Let this happen where the key was to take its place: all else has by then."""
    commit = Replacement.commit

    def stopped(replacement: Replacement) -> None:
        if replacement._path.name == "key":
            raise error
        commit(replacement)

    monkeypatch.setattr(Replacement, "commit", stopped)


@pytest.mark.parametrize("text", [None, "{}\n"], ids=["new", "old"])
def test_a_key_that_cannot_be_put_down_leaves_the_configuration_as_it_was(
    here: Home,
    text: str | None,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """It had been changed already; no backup and no folder stays of it either."""
    if text is not None:
        here.has(sample_of("vscode"), text).chmod(0o640)
    before, modes = here.all_files(), {it: mode for it, (_, _, mode) in here.state().items()}
    stopped_at_the_key(monkeypatch, InstallError("the key cannot be replaced"))
    assert install("vscode", sandbox=False) == 1
    told = "trax-mcp: Nothing was changed: the key cannot be replaced.\n"
    assert capsys.readouterr().err.endswith(told)
    assert here.all_files() == before
    assert {it: mode for it, (_, _, mode) in here.state().items()} == modes


def test_an_interrupt_between_the_two_leaves_the_configuration_as_it_was(
    here: Home, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Ctrl-C comes when it comes."""
    here.has(sample_of("cursor"))
    before = here.all_files()
    stopped_at_the_key(monkeypatch, KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt):
        install("cursor", sandbox=False)
    assert capsys.readouterr().err.endswith("Nothing was changed: it was interrupted.\n")
    assert here.all_files() == before


@pytest.mark.parametrize("text", [None, "{}\n"], ids=["new", "old"])
def test_what_cannot_be_put_back_is_told_with_its_backup(
    here: Home,
    text: str | None,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Another program has written there in that moment, and its word stays."""
    cursor = sample_of("cursor")
    file = here.path / cursor.place
    if text is not None:
        here.has(cursor, text)
    stopped_at_the_key(monkeypatch, InstallError("never said"))
    in_place = Replacement.take_back

    def late(replacement: Replacement) -> None:
        if replacement._path == file:
            file.write_bytes(b"theirs")
        in_place(replacement)

    monkeypatch.setattr(Replacement, "take_back", late)
    assert install("cursor", sandbox=False) == 1
    kept = "there was no such file before" if text is None else f"what it held is in {file}.bak"
    assert capsys.readouterr().err.endswith(
        f"trax-mcp: The key was not written, but {file} was changed and could not be put back"
        f" (another program has written to it); {kept}.\n"
    )
    backup = {} if text is None else {f"{cursor.place}.bak": text.encode()}
    assert here.all_files() == {cursor.place: b"theirs", **backup}
