"""A copy of the working tree to try a break in, with an interpreter that imports the copy."""

import contextlib
import os
import shutil
import subprocess
import sys
import sysconfig
import venv
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from proof.breaks.tables import Break

_PYTEST: Final = ("-m", "pytest", "-x", "-q", "--no-header", "-p", "no:cacheprovider")


class Checkout:
    """A copy of the files that git knows, at `root`."""

    def __init__(self, source: Path, root: Path) -> None:
        self.root = root
        for name in _listed_files(source):
            target = root / name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source / name, target)
        environment = root / ".venv"
        venv.create(environment, with_pip=False, symlinks=True)
        self._python = environment / "bin" / "python"
        self._use_installed_packages(environment)

    @contextlib.contextmanager
    def broken(self, it: Break) -> Iterator[None]:
        """Apply a break for as long as the context lasts."""
        path = self.root / it.file
        intact = path.read_text(encoding="utf-8")
        _write(path, intact.replace(it.old, it.new))
        try:
            yield
        finally:
            _write(path, intact)

    def run_tests(
        self, tests: Sequence[str], *, seconds: float, more: Sequence[str] = ()
    ) -> tuple[int, str]:
        """Run files or tests, and return pytest's exit code and output.

        Raises:
            subprocess.TimeoutExpired: The tests did not end within `seconds`.
        """
        command = [str(self._python), *_PYTEST, *more, *tests]
        done = subprocess.run(
            command,
            cwd=self.root,
            env={**os.environ, "PYTHONPATH": "", "NO_COLOR": "1"},
            capture_output=True,
            text=True,
            timeout=seconds,
            check=False,
            start_new_session=True,
        )
        return done.returncode, done.stdout + done.stderr

    def _use_installed_packages(self, environment: Path) -> None:
        """Import the copy first, then what is installed where this program runs.

        A path from a .pth file is not searched for further .pth files, so that an editable install
        does not bring back the original.
        """
        installed = sysconfig.get_paths()["purelib"]
        version = f"python{sys.version_info.major}.{sys.version_info.minor}"
        site_packages = environment / "lib" / version / "site-packages"
        (site_packages / "checkout.pth").write_text(f"{self.root}\n{installed}\n", encoding="utf-8")
        for script in Path(sys.executable).parent.glob("trax-mcp"):
            text = script.read_text(encoding="utf-8")
            _, _, body = text.partition("\n")
            copy = environment / "bin" / script.name
            copy.write_text(f"#!{self._python}\n{body}", encoding="utf-8")
            copy.chmod(0o755)


def _listed_files(source: Path) -> list[str]:
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=source, capture_output=True, text=True, check=True).stdout
    return [it for it in listed.split("\0") if it and (source / it).is_file()]


def _write(path: Path, text: str) -> None:
    """Write a module and remove its bytecode: a change within a second keeps the old one valid."""
    path.write_text(text, encoding="utf-8")
    for cached in (path.parent / "__pycache__").glob(f"{path.stem}.*"):
        cached.unlink(missing_ok=True)
