"""The settings that `install` puts into an entry: from its environment, and from `--set`."""

from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

from pydantic import SecretStr

from trax_mcp.api.caller import KEY_PATTERN
from trax_mcp.cli.install.client_configuration import KEY_FILE, SANDBOX, Configuration
from trax_mcp.cli.install.file_replacement import InstallError
from trax_mcp.cli.setting_checks import check_names
from trax_mcp.settings import VARIABLE_PREFIX, CannotStart, Settings, read_settings

BASE_URL: Final = "TRAX_BASE_URL"
_CONFIRM: Final = "TRAX_CONFIRM"
_CARRIED: Final = (
    BASE_URL,
    "TRAX_ASK",
    "TRAX_READ_ONLY",
    "TRAX_TOOLS",
    "TRAX_MEDIA_DIRS",
    "TRAX_GUARD_ALSO",
    _CONFIRM,
)
_FIELDS: Final = {VARIABLE_PREFIX + name.upper(): it for name, it in Settings.model_fields.items()}
_SECRETS: Final = frozenset(
    name
    for name, it in _FIELDS.items()
    if SecretStr.__name__ in str(it.annotation)  # it may stand inside of a union
    or "SECRET" in name
)
_PLACEHOLDER: Final = "${"


class EntrySettings(NamedTuple):
    """Settings by name, and sentences that say where they come from."""

    values: Mapping[str, str]
    notes: Sequence[str]


def choose_entry_settings(
    environment: Mapping[str, str], assignments: Sequence[str], *, sandbox: bool
) -> EntrySettings:
    """The settings for an entry. An assignment NAME=VALUE replaces what the environment has.

    TRAX_CONFIRM=flag, with which a model needs no person, is only taken from an assignment. The
    address of TRaX does not matter on the sandbox.

    Raises:
        InstallError: a setting is wrong, or an assignment names none, a secret, or one that
            `install` writes itself.
    """
    assigned = dict(map(_read_assignment, assignments))
    names = [it for it in _CARRIED if not (sandbox and it == BASE_URL)]
    carried = {it: environment[it].strip() for it in names if environment.get(it, "").strip()}
    carried = {name: value for name, value in carried.items() if name not in assigned}
    without_person = carried.get(_CONFIRM, "").lower() == "flag"
    if without_person:
        del carried[_CONFIRM]
    _check(carried, prefix="in your environment, ")
    _check(assigned, prefix="")
    notes = []
    if carried:
        notes.append(f"These settings are taken over from your environment: {_list(carried)}.")
    if assigned:
        notes.append(f"These are set by --set: {_list(assigned)}.")
    if without_person:
        notes.append(
            "TRAX_CONFIRM=flag, with which nobody is asked, is not taken over. If you want it:"
            " --set TRAX_CONFIRM=flag."
        )
    return EntrySettings({**carried, **assigned}, notes)


def settings_of(environment: Mapping[str, Any]) -> Settings | None:
    """The settings of an entry. None if only the client can fill in a placeholder among them.

    Raises:
        CannotStart: one is wrong or unknown. A value with a placeholder may be any.
    """
    values = {name: str(value) for name, value in environment.items()}
    filled_in = {name for name, value in values.items() if has_placeholder(value)}
    settings = read_settings({it: values[it] for it in values if it not in filled_in})
    check_names(settings)
    for name in filled_in - _FIELDS.keys():
        read_settings({name: values[name]})  # only an unknown setting is wrong
    return None if filled_in else settings


def has_placeholder(value: str) -> bool:
    """Whether a client replaces a part of a value before it starts a server."""
    return _PLACEHOLDER in value


def check_entry(configuration: Configuration, environment: Mapping[str, Any]) -> None:
    """Check that a server starts with the settings that an entry will have.

    Raises:
        InstallError: one that the configuration has already is wrong.
    """
    try:
        settings_of({**environment, KEY_FILE: ""})
    except CannotStart as error:
        raise InstallError(
            f"{configuration.path} has a setting with which trax-mcp does not start: {error}"
            " Correct it there, or by --set"
        ) from None


def _list(values: Mapping[str, str]) -> str:
    """The names, and the address to which the key goes."""
    return ", ".join(f"{it}={values[it]}" if it == BASE_URL else it for it in values)


def _read_assignment(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or not name.startswith(VARIABLE_PREFIX):
        raise InstallError("--set takes NAME=VALUE, and NAME is a setting that begins with TRAX_")
    if name in {KEY_FILE, SANDBOX}:
        raise InstallError(f"{name} is no setting for --set: install writes it itself")
    if name in _SECRETS or KEY_PATTERN.search(text):
        raise InstallError(
            "--set takes no secret: others could read it in the list of processes, and in the"
            " client's configuration"
        )
    return name, value.strip()


def _check(values: Mapping[str, str], *, prefix: str) -> None:
    try:
        settings_of(values)
    except CannotStart as error:
        raise InstallError(f"{prefix}{error}") from None
