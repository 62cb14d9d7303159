"""The settings that `install` takes over from its environment and from `--set`."""

from __future__ import annotations

from typing import Final

import pytest

from tests.support.home_folder import KEY
from trax_mcp.cli.install.entry_settings import EntrySettings, choose_entry_settings
from trax_mcp.cli.install.file_replacement import InstallError
from trax_mcp.settings import VARIABLE_PREFIX, Settings

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
    "TRAX_API_KEY": KEY,
    "TRAX_API_KEY_FILE": "",
    "TRAX_SANDBOX": "1",
    "TRAX_MCP_TOKEN": "x",
    "TRAX_LOG_LEVEL": "DEBUG",
    "TRAX_AUDIT_LOG": "/log",
    "HOME": "/home/ann",
}
FROM_ENVIRONMENT: Final = "These settings are taken over from your environment: {}."
BY_SET: Final = "These are set by --set: {}."
WITHOUT_PERSON: Final = (
    "TRAX_CONFIRM=flag, with which nobody is asked, is not taken over. If you want it: --set"
    " TRAX_CONFIRM=flag."
)
NO_SECRET: Final = (
    "--set takes no secret: others could read it in the list of processes, and in the client's"
    " configuration"
)
UNKNOWN: Final = (
    "TRAX_READONLY is not a setting of this version of trax-mcp. Did you mean TRAX_READ_ONLY?"
)
NO_SETTING: Final = "--set takes NAME=VALUE, and NAME is a setting that begins with TRAX_"


def test_seven_settings_are_taken_over_from_the_environment() -> None:
    """No secret, and none that `install` writes itself. The address is shown."""
    names = ", ".join(["TRAX_BASE_URL=http://127.0.0.1:8766", *list(TAKEN_OVER)[1:]])
    assert choose_entry_settings({**OTHERS, **TAKEN_OVER}, [], sandbox=False) == EntrySettings(
        TAKEN_OVER, [FROM_ENVIRONMENT.format(names)]
    )


def test_the_address_is_not_taken_over_for_the_sandbox() -> None:
    """It has none."""
    given = {"TRAX_BASE_URL": "http://127.0.0.1:8766", "TRAX_ASK": " page "}
    assert choose_entry_settings(given, [], sandbox=True) == EntrySettings(
        {"TRAX_ASK": "page"}, [FROM_ENVIRONMENT.format("TRAX_ASK")]
    )


def test_an_assignment_replaces_the_environment() -> None:
    """Even a wrong value there. An empty value switches a setting off."""
    assignments = ["TRAX_ASK=page", "TRAX_TOOLS=", "TRAX_AUDIT_LOG=/a=b"]
    given = {"TRAX_ASK": "telephone", "TRAX_TOOLS": "chat"}
    assert choose_entry_settings(given, assignments, sandbox=False) == EntrySettings(
        {"TRAX_ASK": "page", "TRAX_TOOLS": "", "TRAX_AUDIT_LOG": "/a=b"},
        [BY_SET.format("TRAX_ASK, TRAX_TOOLS, TRAX_AUDIT_LOG")],
    )


@pytest.mark.parametrize("value", ["flag", "FLAG"])
def test_a_mode_that_asks_nobody_is_only_taken_from_an_assignment(value: str) -> None:
    """And the person is told how."""
    given = {"TRAX_CONFIRM": value}
    assert choose_entry_settings(given, [], sandbox=False) == EntrySettings({}, [WITHOUT_PERSON])
    chosen = choose_entry_settings(given, ["TRAX_CONFIRM=flag"], sandbox=False)
    assert chosen == EntrySettings({"TRAX_CONFIRM": "flag"}, [BY_SET.format("TRAX_CONFIRM")])


@pytest.mark.parametrize(
    ("assignment", "problem"),
    [
        ("TRAX_ASK", NO_SETTING),
        (KEY, NO_SETTING),
        ("=1", NO_SETTING),
        ("PATH=/bin", NO_SETTING),
        (f"TRAX_API_KEY={KEY}", NO_SECRET),
        ("TRAX_API_KEY=", NO_SECRET),
        ("TRAX_MCP_TOKEN=x", NO_SECRET),
        (f"TRAX_AUDIT_LOG={KEY}", NO_SECRET),
        (f"TRAX_{KEY}=1", NO_SECRET),
        (
            "TRAX_API_KEY_FILE=/key",
            "TRAX_API_KEY_FILE is no setting for --set: install writes it itself",
        ),
        ("TRAX_SANDBOX=1", "TRAX_SANDBOX is no setting for --set: install writes it itself"),
        ("TRAX_READ_ONLY=maybe", "TRAX_READ_ONLY must be 1 or 0."),
        (
            "TRAX_READONLY=1",
            UNKNOWN,
        ),
        ("TRAX_READONLY=${READ_ONLY}", UNKNOWN),
    ],
)
def test_a_wrong_assignment_is_refused(assignment: str, problem: str) -> None:
    """With the setting's own sentence, and without its value."""
    with pytest.raises(InstallError) as refused:
        choose_entry_settings({}, [assignment], sandbox=False)
    assert str(refused.value) == problem
    assert KEY not in str(refused.value)


def test_a_placeholder_is_taken_and_hides_no_mistake_beside_it() -> None:
    """Only the client can fill it in."""
    address = "TRAX_BASE_URL=${ADDRESS}"
    assert choose_entry_settings({}, [address], sandbox=False) == EntrySettings(
        {"TRAX_BASE_URL": "${ADDRESS}"}, [BY_SET.format(address)]
    )
    with pytest.raises(InstallError) as refused:
        choose_entry_settings({}, [address, "TRAX_READONLY=1"], sandbox=False)
    assert str(refused.value) == UNKNOWN


def test_an_unknown_tool_is_refused_in_the_environment_too() -> None:
    """The sentence says where the value comes from."""
    with pytest.raises(InstallError, match=r"^in your environment, TRAX_TOOLS must hold names"):
        choose_entry_settings({"TRAX_TOOLS": "chats"}, [], sandbox=False)


@pytest.mark.parametrize(
    "name",
    [it for it in Settings.model_fields if {"key", "token", "secret"} & {*it.split("_")}],
)
def test_no_setting_that_is_called_a_secret_can_be_set(name: str) -> None:
    """Its file neither."""
    with pytest.raises(InstallError) as refused:
        choose_entry_settings({}, [f"{VARIABLE_PREFIX}{name.upper()}=x"], sandbox=False)
    assert str(refused.value).partition(" no ")[0] in {"--set takes", f"TRAX_{name.upper()} is"}
