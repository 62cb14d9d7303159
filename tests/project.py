"""The project's own declarations, as tests ask for them."""

from __future__ import annotations

import tomllib
from typing import Any, Final

from tests import ROOT

DECLARED: Final[dict[str, Any]] = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
"""`pyproject.toml`."""

PROJECT: Final[dict[str, Any]] = DECLARED["project"]


def needed_to_build() -> set[str]:
    """The files and folders that a wheel is made from."""
    wheel = DECLARED["tool"]["hatch"]["build"]["targets"]["wheel"]
    return {
        "pyproject.toml",
        PROJECT["readme"],
        *PROJECT["license-files"],
        *wheel["packages"],
        *wheel["force-include"],
    }
