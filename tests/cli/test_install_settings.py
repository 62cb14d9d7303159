"""The settings that `install --set` puts into an entry, and those that it refuses."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

import pytest

from tests.support.home_folder import KEY
from tests.support.product.reference import SETTINGS

if TYPE_CHECKING:
    from tests.support.home_folder import Home

NO_SECRET: Final = (
    "--set takes no secret: others could read it in the list of processes, and in the client's"
    " configuration."
)
UNKNOWN: Final = (
    "TRAX_READONLY isn't a setting of this version of trax-mcp. Did you mean TRAX_READ_ONLY?"
)
NO_FOLDER: Final = (
    "TRAX_MEDIA_DIRS must hold the full paths of folders that exist, such as /home/ann/Videos,"
    " separated by `:`."
)
NO_SETTING: Final = "--set takes NAME=VALUE, and NAME is a setting that begins with TRAX_."


def printed(home: Home, *assignments: str, **settings: str) -> dict[str, str]:
    """The settings of the printed entry."""
    options = [it for assignment in assignments for it in ("--set", assignment)]
    done = home.install("cursor", "--print", *options, settings=settings)
    assert done.code == 0, done.err
    env: dict[str, str] = json.loads(done.out)["mcpServers"]["trax"].get("env", {})
    return env


def refused(home: Home, *assignments: str) -> str:
    """The words in place of an entry."""
    options = [it for assignment in assignments for it in ("--set", assignment)]
    done = home.install("cursor", "--print", *options)
    assert (done.code, done.out) == (1, "")
    return done.err.removeprefix("trax-mcp: ").removesuffix("\n")


def test_settings_are_set_by_assignments_alone(home: Home) -> None:
    """An empty value switches a setting off. The environment of `install` counts for nothing."""
    others = {"TRAX_ASK": "telephone", "TRAX_TOOLS": "chat", "TRAX_READ_ONLY": "1"}
    assert printed(home, **others) == {}
    assignments = ["TRAX_ASK=page", "TRAX_TOOLS=", "TRAX_AUDIT_LOG=/a=b", "TRAX_READ_ONLY=1"]
    assert printed(home, *assignments, **others) == {
        "TRAX_ASK": "page",
        "TRAX_TOOLS": "",
        "TRAX_AUDIT_LOG": "/a=b",
        "TRAX_READ_ONLY": "1",
    }


@pytest.mark.parametrize(
    ("assignment", "problem"),
    [
        (KEY, NO_SETTING),
        ("=1", NO_SETTING),
        ("PATH=/bin", NO_SETTING),
        ("TRAX_API_KEY=", NO_SECRET),
        (f"TRAX_AUDIT_LOG={KEY}", NO_SECRET),
        (f"TRAX_{KEY}=1", NO_SECRET),
        (
            "TRAX_API_KEY_FILE=/key",
            "TRAX_API_KEY_FILE can't be set with --set: install puts the key into its own file.",
        ),
        ("TRAX_SANDBOX=1", "TRAX_SANDBOX can't be set with --set: the option --sandbox does it."),
        ("TRAX_READ_ONLY=maybe", "TRAX_READ_ONLY must be 1 or 0."),
        (
            "TRAX_MEDIA_DIRS=~/no-such",
            NO_FOLDER,
        ),
        ("TRAX_READONLY=${READ_ONLY}", UNKNOWN),
        ("TRAX_READ_ONLY=${READ_ONLY}", "TRAX_READ_ONLY must be 1 or 0."),
    ],
)
def test_a_wrong_assignment_is_refused(home: Home, assignment: str, problem: str) -> None:
    """With the setting's own sentence, and without its value."""
    assert refused(home, assignment) == problem


@pytest.mark.parametrize(
    "name", [it for it in sorted(SETTINGS) if {"KEY", "TOKEN", "SECRET"} & {*it.split("_")}]
)
def test_no_setting_that_is_called_a_secret_can_be_set(home: Home, name: str) -> None:
    """Its file neither."""
    said = refused(home, f"{name}=x")
    assert said.startswith(("--set takes no secret", f"{name} can't be set"))
