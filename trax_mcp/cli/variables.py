"""The variables that doctor checks: those of the environment, or of a client's entry.

After `trax-mcp install`, the client's entry has the key and the user's shell does not.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from trax_mcp.cli.clients import Client
from trax_mcp.cli.doctor_checks import StartCheck
from trax_mcp.cli.entries import ConfigState, ConfiguredClient
from trax_mcp.cli.setting_checks import caller_of, check_names
from trax_mcp.settings import VARIABLE_PREFIX, CannotStart, Settings, read_settings

_ACCESS_SETTINGS: Final = ("TRAX_API_KEY", "TRAX_API_KEY_FILE", "TRAX_BASE_URL", "TRAX_SANDBOX")
"""The settings that choose the TRaX and the key."""
_PLACEHOLDER: Final = "${"
_SANDBOX: Final = "--sandbox"


@dataclass(frozen=True, slots=True)
class Variables:
    """Variables, and the client that sets them; None is the environment."""

    values: Mapping[str, str] = field(repr=False)
    client: Client | None = None

    @property
    def source(self) -> str:
        """The source of the variables, as text."""
        return "the environment" if self.client is None else f"what {self.client.title} gives"

    @property
    def names(self) -> list[str]:
        """The names of the settings that are set."""
        stripped = ((name, value.strip()) for name, value in self.values.items())
        return sorted(
            name for name, value in stripped if name.startswith(VARIABLE_PREFIX) and value
        )


def choose_variables(
    environment: Mapping[str, str], configured: Iterable[ConfiguredClient]
) -> Variables:
    """The environment; without access settings in it, those of the first client that can start.

    A client with a key comes before one on the sandbox. Key and address always have one source, so
    that a key is never sent to the address of another source.
    """
    if any(environment.get(name, "").strip() for name in _ACCESS_SETTINGS):
        return Variables(environment)
    global_entries = [it for it in configured if it.project is None]
    entries = [
        (it.client, values) for it in global_entries if (values := entry_variables(it)) is not None
    ]
    starts = [check_start(values) for _, values in entries]
    for wanted in (StartCheck(), StartCheck(sandbox=True)):
        if wanted in starts:
            client, values = entries[starts.index(wanted)]
            return Variables({**environment, **values}, client)
    return Variables(environment)


def entry_variables(configured: ConfiguredClient) -> Mapping[str, str] | None:
    """The variables of an entry that starts this installation.

    None if there is no such entry, or if it has placeholders that the client fills in.
    """
    if configured.state is not ConfigState.HERE:
        return None
    variables, arguments = configured.environment, configured.entry.get("args")
    if any(_PLACEHOLDER in it for it in variables.values()):
        return None
    sandbox = isinstance(arguments, list) and _SANDBOX in arguments
    return {**variables, "TRAX_SANDBOX": "1"} if sandbox else variables


def check_start(variables: Mapping[str, str]) -> StartCheck:
    """Check how a server starts with only these variables."""
    try:
        settings = start_with(variables)
        if settings.sandbox:
            return StartCheck(sandbox=True)
        return StartCheck(key=caller_of(settings).key is not None)
    except CannotStart as error:
        return StartCheck(problem=str(error))


def check_start_among(variables: Mapping[str, str], environment: Mapping[str, str]) -> StartCheck:
    """The same, and also with this environment, which a client may pass on.

    A problem of the environment itself is not repeated here.
    """
    start, inherited = check_start(variables), check_start({**environment, **variables}).problem
    if start.problem or inherited == check_start(environment).problem:
        return start
    return replace(start, inherited_problem=inherited)


def start_with(variables: Mapping[str, str]) -> Settings:
    """Read and check the settings, as a server does at its start.

    Raises:
        CannotStart: one is wrong.
    """
    settings = read_settings(variables)
    check_names(settings)
    return settings
