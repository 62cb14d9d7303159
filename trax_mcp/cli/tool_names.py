"""Checks that the tools that settings name exist."""

from collections.abc import Collection, Iterable

from trax_mcp.settings import CannotStart, Settings


def check_names(settings: Settings) -> None:
    """Check that all named tools exist.

    Raises:
        CannotStart: TRAX_GUARD_ALSO or TRAX_TOOLS has an unknown name.
    """
    if not (settings.guard_also or settings.tools):
        return
    from trax_mcp.server.offer import CHANGING, TAGS, TOOLS  # noqa: PLC0415  only where one is named

    _check("TRAX_GUARD_ALSO", settings.guard_also, CHANGING)
    _check("TRAX_TOOLS", settings.tools, TOOLS.keys() | TAGS)


def _check(setting: str, names: Iterable[str], allowed: Collection[str]) -> None:
    for name in names:
        if name not in allowed:
            known = ", ".join(sorted(allowed))
            raise CannotStart(f"{setting} must hold names of these, comma separated: {known}.")
