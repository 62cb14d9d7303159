"""What of the settings only the rooms below can judge: names of tools, and who asks.

A wrong choice stops the start with one sentence, as a wrong setting does. Nothing here serves or
sends.
"""

from collections.abc import Collection, Iterable

from trax_mcp.api.caller import Caller
from trax_mcp.server.tool_filter import CHANGING, TAGS, TOOLS
from trax_mcp.settings import CannotStart, Settings


def check_names(settings: Settings) -> None:
    """Make sure that every tool that is named is there.

    Raises:
        CannotStart: TRAX_GUARD_ALSO or TRAX_TOOLS names something else.
    """
    _check("TRAX_GUARD_ALSO", settings.guard_also, CHANGING)
    _check("TRAX_TOOLS", settings.tools, TOOLS | TAGS)


def caller_of(settings: Settings) -> Caller:
    """Who asks where nobody brings a key: the operator, or on the sandbox the sandbox's own.

    Raises:
        CannotStart: the key cannot be read or cannot be a key.
    """
    if settings.sandbox:
        from trax_mcp.sandbox import SANDBOX_KEY  # noqa: PLC0415  only where there is a sandbox

        return Caller(SANDBOX_KEY)
    try:
        return Caller(settings.key())
    except ValueError as error:
        name = "TRAX_API_KEY" if settings.api_key_file is None else "TRAX_API_KEY_FILE"
        raise CannotStart(f"{name}: {error}") from None


def _check(setting: str, names: Iterable[str], allowed: Collection[str]) -> None:
    for name in names:
        if name not in allowed:
            told = ", ".join(sorted(allowed))
            raise CannotStart(f"{setting} must hold names of these, comma separated: {told}.")
