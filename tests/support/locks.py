"""The files in `deploy/` that name by its hash whatever the image installs."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from tests import ROOT

if TYPE_CHECKING:
    from pathlib import Path

REQUIREMENTS: Final = ROOT / "deploy/requirements.lock"
"""What runs in the image."""

BUILD_REQUIREMENTS: Final = ROOT / "deploy/build-requirements.lock"
"""What builds the package that is installed there."""


def locked(lock: Path) -> dict[str, Version]:
    """The version of each distribution in a lock. Each must have a hash, and be nothing else."""
    text = lock.read_text(encoding="utf-8")
    lines = text.replace("\\\n", "").splitlines()
    found: dict[str, Version] = {}
    for line in (it for it in lines if not it.startswith("#")):
        pinned, *hashes = re.split(r"\s+--hash=", line)
        requirement = Requirement(pinned)
        (specifier,) = requirement.specifier
        assert (specifier.operator, requirement.url, requirement.marker) == ("==", None, None)
        assert hashes
        assert all(re.fullmatch(r"sha256:[0-9a-f]{64}", it.strip()) for it in hashes)
        found[canonicalize_name(requirement.name)] = Version(specifier.version)
    return found
