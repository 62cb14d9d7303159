"""The locks: they fit what `pyproject.toml` declares, and the image installs nothing else.

`make image` installs from them, and pip then refuses whatever lacks its hash.
"""

from __future__ import annotations

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from release.declared import (
    BUILD_REQUIREMENTS,
    DECLARED,
    PROJECT,
    REQUIREMENTS,
    instructions,
    locked,
)

EXTRAS = ("replicas", "telemetry")
"""What the image has; a passkey is for a computer of one's own."""


def test_locks_hold_all_that_is_declared_within_its_ranges() -> None:
    """Of the dependencies, of the image's extras, and of what builds the package."""
    extras = PROJECT["optional-dependencies"]
    declared = {
        REQUIREMENTS: [*PROJECT["dependencies"], *(it for name in EXTRAS for it in extras[name])],
        BUILD_REQUIREMENTS: DECLARED["build-system"]["requires"],
    }
    for lock, texts in declared.items():
        versions = locked(lock)
        for it in map(Requirement, texts):
            version = versions.get(canonicalize_name(it.name))
            assert version, f"{it} is not locked: run make lock"
            assert it.specifier.contains(version, prereleases=True), f"{it}: run make lock"


def test_image_downloads_only_what_a_lock_names() -> None:
    """Each command that installs either takes the hashes of a lock, or reaches no index."""
    commands = [
        command
        for it in instructions()
        if it.name == "RUN"
        for command in it.text.split(" && ")
        if " install " in command or " wheel " in command
    ]
    assert commands
    for it in commands:
        assert "--require-hashes --requirement deploy/" in it or "--no-deps --no-" in it, it
