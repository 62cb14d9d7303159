"""The project's declarations in `pyproject.toml`."""

from __future__ import annotations

import tomllib
from typing import Any, Final

from tests import ROOT

DECLARED: Final[dict[str, Any]] = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
"""The whole `pyproject.toml`."""

PROJECT: Final[dict[str, Any]] = DECLARED["project"]


def build_sources() -> set[str]:
    """The files and folders that a wheel is built from."""
    wheel = DECLARED["tool"]["hatch"]["build"]["targets"]["wheel"]
    return {
        "pyproject.toml",
        PROJECT["readme"],
        *PROJECT["license-files"],
        *wheel["packages"],
        *wheel["force-include"],
    }
