"""Checks of settings that need other packages: the names of tools, and the caller's key."""

from collections.abc import Collection, Iterable

from trax_mcp.api.caller import Caller
from trax_mcp.server.tool_filter import CHANGING, TAGS, TOOLS
from trax_mcp.settings import CannotStart, Settings


def check_names(settings: Settings) -> None:
    """Check that all named tools exist.

    Raises:
        CannotStart: TRAX_GUARD_ALSO or TRAX_TOOLS has an unknown name.
    """
    _check("TRAX_GUARD_ALSO", settings.guard_also, CHANGING)
    _check("TRAX_TOOLS", settings.tools, TOOLS | TAGS)


def caller_of(settings: Settings) -> Caller:
    """The operator as caller; on the sandbox, the owner of its full key.

    Raises:
        CannotStart: the key cannot be read or is malformed.
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
            known = ", ".join(sorted(allowed))
            raise CannotStart(f"{setting} must hold names of these, comma separated: {known}.")
