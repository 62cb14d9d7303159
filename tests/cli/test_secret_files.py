"""`TRAX_MCP_TOKEN_FILE` and `TRAX_STORE_URL_FILE`: what stops the start of `trax-mcp http`."""

from __future__ import annotations

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
TOO_LONG: Final = "{} names a file of more than 4096 bytes."
NO_FILE: Final = "{} names something that is not a file."
NO_TEXT: Final = "{} names a file that isn't text in UTF-8."
ONE_OR_TWO: Final = "{} must hold one token or two, each on a line of its own."
ONE_LINE: Final = "{} must hold one line: the address."
NO_ENGINE: Final = (
    "{} holds a wrong address: it must be an address such as redis://host:6379/0,"
    " rediss://host:6379/0 or unix:///path."
)
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
    """Missing, a folder, as Docker makes one for a file that is not there, or a pipe."""
    assert refusal(name, tmp_path / "missing") == (
        "{} names a file that cannot be read: No such file or directory."
    )
    assert refusal(name, tmp_path) == NO_FILE
    if os.name == "posix":  # opening it would wait for somebody who writes
        os.mkfifo(tmp_path / "pipe", 0o600)
        assert refusal(name, tmp_path / "pipe") == NO_FILE


@both
@pytest.mark.skipif(os.name != "posix", reason="Windows has no such permissions")
@pytest.mark.parametrize("mode", [0o660, 0o604, 0o602, 0o610])
def test_a_file_that_others_can_open_stops_the_start(tmp_path: Path, name: str, mode: int) -> None:
    """The sentence says what to run."""
    assert refusal(name, private(tmp_path, SECRET, mode)) == OPEN_TO_OTHERS


@pytest.mark.skipif(os.name != "posix" or os.geteuid() != 0, reason="only root gives files away")
@pytest.mark.parametrize(
    ("owner", "user", "mode", "said"),
    [
        (12345, 0, 0o600, OF_ANOTHER),
        (12345, 12345, 0o640, OPEN_TO_OTHERS),
        (0, 0, 0o440, ""),
        (0, 12345, 0o440, ""),
        (0, 12345, 0o444, OPEN_TO_OTHERS),
        (0, 12345, 0o460, OPEN_TO_OTHERS),
    ],
)
def test_a_group_may_read_a_file_of_the_system_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, owner: int, user: int, mode: int, said: str
) -> None:
    """So systemd and Kubernetes hand secrets to the user of a server, who may be root.

    Another user could change their own file at any time.
    """
    file = private(tmp_path, SECRET, mode)
    os.chown(file, owner, -1)
    monkeypatch.setattr(os, "geteuid", lambda: user)
    if said:
        assert refusal(TOKENS, file) == said
    else:
        assert told(**{TOKENS: str(file)})[0] == 0
