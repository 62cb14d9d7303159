"""How many files, connections included, this process may have open."""

import sys
from contextlib import suppress
from typing import Final

_ON_WINDOWS: Final = 1536
_ENOUGH: Final = 65_536


def max_open_files() -> int:
    """The number that the operating system allows now, or one that is enough."""
    if sys.platform == "win32":
        return _ON_WINDOWS
    import resource  # noqa: PLC0415  not on Windows

    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return _ENOUGH if soft == resource.RLIM_INFINITY else min(soft, _ENOUGH)


def raise_max_open_files() -> None:
    """Raise the soft limit to the hard one: the usual soft limit of 1,024 is for old programs."""
    if sys.platform == "win32":
        return
    import resource  # noqa: PLC0415  not on Windows

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY:
        return
    wanted = _ENOUGH if hard == resource.RLIM_INFINITY else min(hard, _ENOUGH)
    with suppress(ValueError, OSError):  # macOS has a lower limit beside the hard one
        resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, wanted), hard))
