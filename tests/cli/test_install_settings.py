"""The settings that `install` takes over from its environment and from `--set`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

import pytest

from tests.support.home_folder import KEY
from tests.support.product.reference import SETTINGS

if TYPE_CHECKING:
    from tests.support.home_folder import Home

TAKEN_OVER: Final = {
    "TRAX_BASE_URL": "http://127.0.0.1:8766",
    "TRAX_ASK": "page",
    "TRAX_READ_ONLY": "1",
    "TRAX_TOOLS": "chat",
    "TRAX_MEDIA_DIRS": "/",
    "TRAX_GUARD_ALSO": "send_chat_message",
    "TRAX_CONFIRM": "human",
}
OTHERS: Final = {
    "TRAX_MCP_TOKEN": "x",
    "TRAX_LOG_LEVEL": "DEBUG",
    "TRAX_AUDIT_LOG": "/log",
}
FROM_ENVIRONMENT: Final = "These settings are taken over from your environment: {}."
BY_SET: Final = "These are set by --set: {}."
WITHOUT_PERSON: Final = (
    "TRAX_CONFIRM=flag, with which nobody is asked, is not taken over. If you want it: --set"
    " TRAX_CONFIRM=flag."
)
NO_SECRET: Final = (
    "--set takes no secret: others could read it in the list of processes, and in the client's"
    " configuration."
)
UNKNOWN: Final = (
    "TRAX_READONLY is not a setting of this version of trax-mcp. Did you mean TRAX_READ_ONLY?"
)
NO_SETTING: Final = "--set takes NAME=VALUE, and NAME is a setting that begins with TRAX_."


def printed(home: Home, *assignments: str, **settings: str) -> tuple[dict[str, str], list[str]]:
    """The settings of the printed entry besides the key, and what is said about them first."""
    options = [it for assignment in assignments for it in ("--set", assignment)]
    done = home.install("cursor", "--print", *options, settings=settings)
    assert done.code == 0, done.err
    env = json.loads(done.out)["mcpServers"]["trax"]["env"]
    assert env.items() >= home.key_file_settings.items()
    notes = done.err.partition("This goes into\n")[0].splitlines()
    return {name: it for name, it in env.items() if name not in home.key_file_settings}, notes


def refused(home: Home, *assignments: str, **settings: str) -> str:
    """The words in place of an entry."""
    options = [it for assignment in assignments for it in ("--set", assignment)]
    done = home.install("cursor", "--print", *options, settings=settings)
    assert (done.code, done.out) == (1, "")
    return done.err.removeprefix("trax-mcp: ").removesuffix("\n")


def test_seven_settings_are_taken_over_from_the_environment(home: Home) -> None:
    """No secret, and none that `install` writes itself. The address is shown."""
    names = ", ".join(["TRAX_BASE_URL=http://127.0.0.1:8766", *list(TAKEN_OVER)[1:]])
    expected = (TAKEN_OVER, [FROM_ENVIRONMENT.format(names)])
    assert printed(home, **OTHERS, **TAKEN_OVER) == expected


def test_an_assignment_replaces_the_environment(home: Home) -> None:
    """Even a wrong value there. An empty value switches a setting off."""
    assignments = ["TRAX_ASK=page", "TRAX_TOOLS=", "TRAX_AUDIT_LOG=/a=b"]
    assert printed(home, *assignments, TRAX_ASK="telephone", TRAX_TOOLS="chat") == (
        {"TRAX_ASK": "page", "TRAX_TOOLS": "", "TRAX_AUDIT_LOG": "/a=b"},
        [BY_SET.format("TRAX_ASK, TRAX_TOOLS, TRAX_AUDIT_LOG")],
    )


def test_a_mode_that_asks_nobody_is_only_taken_from_an_assignment(home: Home) -> None:
    """And the person is told how."""
    assert printed(home, TRAX_CONFIRM="FLAG") == ({}, [WITHOUT_PERSON])
    chosen = printed(home, "TRAX_CONFIRM=flag", TRAX_CONFIRM="flag")
    assert chosen == ({"TRAX_CONFIRM": "flag"}, [BY_SET.format("TRAX_CONFIRM")])


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
            "TRAX_API_KEY_FILE is no setting for --set: install writes it itself.",
        ),
        ("TRAX_SANDBOX=1", "TRAX_SANDBOX is no setting for --set: install writes it itself."),
        ("TRAX_READ_ONLY=maybe", "TRAX_READ_ONLY must be 1 or 0."),
        ("TRAX_READONLY=${READ_ONLY}", UNKNOWN),
    ],
)
def test_a_wrong_assignment_is_refused(home: Home, assignment: str, problem: str) -> None:
    """With the setting's own sentence, and without its value."""
    assert refused(home, assignment) == problem


def test_a_placeholder_is_taken_and_hides_no_mistake_beside_it(home: Home) -> None:
    """Only the client can fill it in."""
    address = "TRAX_BASE_URL=${ADDRESS}"
    taken = ({"TRAX_BASE_URL": "${ADDRESS}"}, [BY_SET.format(address)])
    assert printed(home, address) == taken
    assert refused(home, address, "TRAX_READONLY=1") == UNKNOWN


def test_an_unknown_tool_is_refused_in_the_environment_too(home: Home) -> None:
    """The sentence says where the value comes from."""
    said = refused(home, TRAX_TOOLS="chats")
    assert said.startswith("in your environment, TRAX_TOOLS must hold names")


@pytest.mark.parametrize(
    "name", [it for it in SETTINGS if {"KEY", "TOKEN", "SECRET"} & {*it.split("_")}]
)
def test_no_setting_that_is_called_a_secret_can_be_set(home: Home, name: str) -> None:
    """Its file neither."""
    said = refused(home, f"{name}=x")
    assert said.partition(" no ")[0] in {"--set takes", f"{name} is"}
