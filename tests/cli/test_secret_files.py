"""`TRAX_MCP_TOKEN_FILE` and `TRAX_STORE_URL_FILE`: what stops the start of `trax-mcp http`."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Final

import pytest

from tests.support.product.commands import run_command

if TYPE_CHECKING:
    from pathlib import Path

TOKENS: Final = "TRAX_MCP_TOKEN_FILE"
STORE: Final = "TRAX_STORE_URL_FILE"
SECRET: Final = "never-shown"
OPEN_TO_OTHERS: Final = "{} names a file that others can open. Run chmod 600 on it."
OF_ANOTHER: Final = "{} names a file of another user. It must be your own."
TOO_LONG: Final = "{} must hold at most 4096 bytes."
NO_TEXT: Final = "{} must be text in UTF-8."
ONE_OR_TWO: Final = "{} must hold one token or two, each on a line of its own."
ONE_LINE: Final = "{} must hold one line: the address."
NO_ENGINE: Final = (
    "{} holds a wrong address: it must be an address such as redis://host:6379/0,"
    " rediss://host:6379/0 or unix:///path."
)
posix_only = pytest.mark.skipif(os.name != "posix", reason="Windows has no such permissions")
both = pytest.mark.parametrize("name", [TOKENS, STORE])


def private(folder: Path, content: str | bytes, mode: int = 0o600) -> Path:
    """A file with this content."""
    file = folder / "secret"
    file.write_bytes(content.encode() if isinstance(content, str) else content)
    file.chmod(mode)
    return file


def told(**settings: str) -> tuple[int, str]:
    """The exit code and what `trax-mcp http` says, which prints no secret."""
    done = run_command("http", "--port", "0", settings=settings)
    assert done.out == ""
    assert SECRET not in done.err
    return done.code, done.err


def refusal(name: str, file: Path) -> str:
    """The sentence with which the start is refused, and which repeats no path."""
    code, said = told(**{name: str(file)})
    assert code == 1
    assert str(file) not in said
    (sentence,) = said.splitlines()
    return sentence.removeprefix("trax-mcp: ").replace(name, "{}")


@pytest.mark.parametrize("content", [SECRET, f"{SECRET}\n", f"\r\n {SECRET}-2 \r\n\n{SECRET}\r\n"])
def test_a_file_holds_one_token_or_two(tmp_path: Path, content: str) -> None:
    """Blanks and empty lines do not count. There is nothing to warn about then."""
    code, said = told(**{TOKENS: str(private(tmp_path, content))})
    assert code == 0
    assert said.startswith("trax-mcp is listening on http://")


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        (TOKENS, "", ONE_OR_TWO),
        (TOKENS, " \n\t\n", ONE_OR_TWO),
        (TOKENS, f"{SECRET}\n" * 3, ONE_OR_TWO),
        (
            TOKENS,
            f"fine\n{SECRET}-\xfc",
            "{} holds a wrong token: it must be ASCII: HTTP headers carry nothing else.",
        ),
        (
            TOKENS,
            f"fine\nsk_live_{SECRET}",
            (
                "{} holds a wrong token: it must not begin with sk_live_: it is this server's own,"
                " no TRaX key."
            ),
        ),
        (STORE, "", ONE_LINE),
        (STORE, f"redis://{SECRET}\n" * 2, ONE_LINE),
        (STORE, f"http://user:{SECRET}@host", NO_ENGINE),
        *((name, f"{SECRET}\n".encode() + b"\xff", NO_TEXT) for name in (TOKENS, STORE)),
        *((name, SECRET * 1000, TOO_LONG) for name in (TOKENS, STORE)),
    ],
)
def test_a_file_with_something_else_stops_the_start(
    tmp_path: Path, name: str, content: str | bytes, sentence: str
) -> None:
    """An empty file would let everybody in."""
    assert refusal(name, private(tmp_path, content)) == sentence


@both
def test_a_file_that_cannot_be_read_stops_the_start(tmp_path: Path, name: str) -> None:
    """Missing, or a folder, as Docker makes one for a file that is not there."""
    assert refusal(name, tmp_path / "missing") == "{} cannot be read: No such file or directory."
    assert refusal(name, tmp_path) == "{} must name a file."


@both
@posix_only
def test_a_pipe_stops_the_start(tmp_path: Path, name: str) -> None:
    """At once: opening it would wait for somebody who writes."""
    os.mkfifo(tmp_path / "pipe", 0o600)
    assert refusal(name, tmp_path / "pipe") == "{} must name a file."


@both
@posix_only
@pytest.mark.parametrize("mode", [0o660, 0o604, 0o602, 0o610])
def test_a_file_that_others_can_open_stops_the_start(tmp_path: Path, name: str, mode: int) -> None:
    """The sentence says what to run."""
    file = private(tmp_path, f"redis://{SECRET}", mode)
    assert refusal(name, file) == OPEN_TO_OTHERS


@both
@pytest.mark.skipif(os.name != "posix" or os.geteuid() != 0, reason="only root gives files away")
def test_a_file_of_another_user_stops_the_start(tmp_path: Path, name: str) -> None:
    """That user could change it at any time."""
    file = private(tmp_path, f"redis://{SECRET}")
    os.chown(file, 12345, -1)
    assert refusal(name, file) == OF_ANOTHER


@both
@posix_only
def test_the_group_of_a_person_reads_no_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    file = private(tmp_path, f"redis://{SECRET}", 0o640)
    if os.geteuid() == 0:
        os.chown(file, 12345, -1)
        monkeypatch.setattr(os, "geteuid", lambda: 12345)
    assert refusal(name, file) == OPEN_TO_OTHERS


@pytest.mark.skipif(os.name != "posix" or os.geteuid() != 0, reason="root's own file")
@pytest.mark.parametrize("user", [0, 12345])
@pytest.mark.parametrize(("mode", "is_good"), [(0o440, True), (0o444, False), (0o460, False)])
def test_a_group_may_read_a_file_of_the_system(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mode: int, user: int, *, is_good: bool
) -> None:
    """So systemd and Kubernetes hand secrets to the user of a server, who may be root."""
    file = private(tmp_path, SECRET, mode)
    monkeypatch.setattr(os, "geteuid", lambda: user)
    code, said = told(**{TOKENS: str(file)})
    assert code == (0 if is_good else 1)
    assert (OPEN_TO_OTHERS.format(TOKENS) in said) is not is_good


def test_a_token_file_needs_no_warning_about_a_missing_token(tmp_path: Path) -> None:
    """Beyond loopback, where everybody could try keys without it."""
    settings = {TOKENS: str(private(tmp_path, SECRET)), "TRAX_ALLOWED_HOSTS": "mcp.example.com"}
    done = run_command("http", "--host", "0.0.0.0", "--port", "0", settings=settings)  # noqa: S104  warned about
    assert "can try keys of their own" not in done.err
    assert "keys travel in clear text" in done.err


@both
def test_doctor_reads_the_files_too(tmp_path: Path, name: str) -> None:
    """It says what would stop the start."""
    file = private(tmp_path, f"{SECRET}\n" * 3)
    done = run_command("doctor", "--json", settings={name: str(file)})
    settings = json.loads(done.out)["checks"][0]
    assert (settings["name"], settings["state"]) == ("settings", "failed")
    assert settings["detail"] == {TOKENS: ONE_OR_TWO, STORE: ONE_LINE}[name].format(name)
    assert SECRET not in done.out
