"""The secret of the operator that seals what replicas share: what stops the start."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pytest

from tests.support.product.commands import run_command
from trax_mcp.private_files import store_secret
from trax_mcp.settings import CannotStart, read_settings

if TYPE_CHECKING:
    from pathlib import Path

SECRET: Final = "never-shown-" * 3
NONE: Final = "TRAX_STORE_URL needs TRAX_STORE_SECRET_FILE, the same file for all replicas."
TOO_LITTLE: Final = "TRAX_STORE_SECRET_FILE must hold one line of at least 32 characters."
OPEN: Final = "TRAX_STORE_SECRET_FILE names a file that others can open. Run chmod 600 on it."


def secret_in(folder: Path, content: str, mode: int = 0o600) -> str:
    file = folder / "secret"
    file.write_text(content, encoding="utf-8")
    file.chmod(mode)
    return store_secret(read_settings({"TRAX_STORE_SECRET_FILE": str(file)}))


def test_it_is_the_line_of_a_private_file(tmp_path: Path) -> None:
    assert secret_in(tmp_path, f"{SECRET}\n") == SECRET


@pytest.mark.parametrize(
    ("content", "mode", "sentence"),
    [
        (SECRET[:31], 0o600, TOO_LITTLE),
        ("", 0o600, TOO_LITTLE),
        (f"{SECRET}\n{SECRET}", 0o600, TOO_LITTLE),
        (SECRET, 0o604, OPEN),
    ],
)
def test_another_file_stops_the_start(
    tmp_path: Path, content: str, mode: int, sentence: str
) -> None:
    with pytest.raises(CannotStart, match=sentence) as caught:
        secret_in(tmp_path, content, mode)
    assert "never-shown" not in str(caught.value)


def test_there_must_be_one() -> None:
    with pytest.raises(CannotStart, match=NONE):
        store_secret(read_settings({}))


def test_doctor_says_that_there_must_be_one() -> None:
    done = run_command("doctor", settings={"TRAX_STORE_URL": "redis://127.0.0.1"})
    assert done.code == 1
    assert NONE in " ".join(done.out.split())
