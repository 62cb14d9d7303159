"""The settings that a server would start with: those of the environment, or of a client's entry.

After `trax-mcp install` the key is known to the client and not to the shell in which somebody asks
what is wrong: then what the client gives its server counts. Nothing here sends, prints or changes
anything.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from trax_mcp.cli.checks import StartCheck
from trax_mcp.cli.choices import caller_of, check_names
from trax_mcp.cli.clients import Client
from trax_mcp.cli.entries import ConfigState, ConfiguredClient
from trax_mcp.settings import PREFIX, CannotStart, Settings, read_settings

_WHOM: Final = ("TRAX_API_KEY", "TRAX_API_KEY_FILE", "TRAX_BASE_URL", "TRAX_SANDBOX")
"""The settings that say whom to ask, and as whom."""
_PLACEHOLDER: Final = "${"
_SANDBOX: Final = "--sandbox"


@dataclass(frozen=True, slots=True)
class Variables:
    """Variables, and the client that gives them to its server; None is the environment."""

    values: Mapping[str, str] = field(repr=False)
    client: Client | None = None

    @property
    def by(self) -> str:
        """Who gives them, in words."""
        return "the environment" if self.client is None else f"what {self.client.title} gives"

    @property
    def names(self) -> list[str]:
        """The settings among them that are set."""
        stripped = ((name, value.strip()) for name, value in self.values.items())
        return sorted(name for name, value in stripped if name.startswith(PREFIX) and value)


def choose_variables(
    environment: Mapping[str, str], configured: Iterable[ConfiguredClient]
) -> Variables:
    """The environment; if it does not say whom to ask, the first client that would get through.

    One that has a key comes before one on the sandbox. A key goes nowhere but to the address that
    stands beside it: the two come from one hand.
    """
    if any(environment.get(name, "").strip() for name in _WHOM):
        return Variables(environment)
    everywhere = [it for it in configured if it.project is None]
    entries = [(it.client, own) for it in everywhere if (own := entry_variables(it)) is not None]
    starts = [check_start(own) for _, own in entries]
    for wanted in (StartCheck(), StartCheck(sandbox=True)):
        if wanted in starts:
            client, own = entries[starts.index(wanted)]
            return Variables({**environment, **own}, client)
    return Variables(environment)


def entry_variables(configured: ConfiguredClient) -> Mapping[str, str] | None:
    """What an entry that starts this installation gives its server.

    None where that cannot be told: there is no such entry, or its client fills something in.
    """
    if configured.standing is not ConfigState.HERE:
        return None
    variables, arguments = configured.environment, configured.entry.get("args")
    if any(_PLACEHOLDER in it for it in variables.values()):
        return None
    sandbox = isinstance(arguments, list) and _SANDBOX in arguments
    return {**variables, "TRAX_SANDBOX": "1"} if sandbox else variables


def check_start(variables: Mapping[str, str]) -> StartCheck:
    """How a server would start with these variables and no others."""
    try:
        settings = start_with(variables)
        if settings.sandbox:
            return StartCheck(sandbox=True)
        return StartCheck(key=caller_of(settings).key is not None)
    except CannotStart as error:
        return StartCheck(problem=str(error))


def check_start_among(variables: Mapping[str, str], environment: Mapping[str, str]) -> StartCheck:
    """The same, and why it would not if its client hands on this environment.

    Not what stops every start here: that is told once, of the environment.
    """
    start, handed_on = check_start(variables), check_start({**environment, **variables}).problem
    if start.problem or handed_on == check_start(environment).problem:
        return start
    return replace(start, handed_on=handed_on)


def start_with(variables: Mapping[str, str]) -> Settings:
    """The settings, as every start of a server reads them.

    Raises:
        CannotStart: one is wrong.
    """
    settings = read_settings(variables)
    check_names(settings)
    return settings
