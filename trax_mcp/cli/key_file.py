"""The file with the user's TRaX key and the deployment that the key is for.

`install` writes it, in two lines: the key, and the base URL. A file that TRAX_API_KEY_FILE names
may hold the key alone. No message contains a key.
"""

import platform
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from platformdirs import user_config_path

from trax_mcp.settings import CannotStart, Settings, read_settings

NONE: Final = Path("none")
"""The value of TRAX_API_KEY_FILE that means: no key file, also not that of `install`."""
_VARIABLE: Final = "TRAX_API_KEY_FILE"
_IN_NAMED_FILE: Final = f"that {_VARIABLE} names"
_MAX_BYTES: Final = 4096


@dataclass(frozen=True, slots=True)
class StoredKey:
    """A key and the base URL that it is for; None if the file does not say."""

    path: Path
    key: str = field(repr=False)
    base_url: str | None


def apps_folder() -> Path:
    """The system's folder for the settings of applications."""
    if platform.system() == "Darwin":  # clients there ignore XDG_CONFIG_HOME; platformdirs does not
        return Path.home() / "Library/Application Support"
    return user_config_path(roaming=True)


def key_path() -> Path:
    """The path of the file that `install` writes."""
    return apps_folder() / "trax-mcp/key"


def shorten(path: Path) -> str:
    """A path with `~` in place of the home folder."""
    home = Path.home()
    return str(Path("~") / path.relative_to(home)) if path.is_relative_to(home) else str(path)


def chosen_key(settings: Settings) -> StoredKey | None:
    """The key of the file that the settings name, or else of the file that `install` wrote.

    Raises:
        CannotStart: the file cannot be read, or its key is for another deployment.
    """
    if settings.api_key is not None or settings.api_key_file == NONE:
        return None
    if settings.api_key_file is None:
        stored = read_key(key_path())
        if stored is not None and stored.base_url is None:
            raise CannotStart(
                f"The key in {shorten(key_path())} is not used, since nothing there says where it"
                " belongs. Run trax-mcp install again."
            )
    else:
        stored = read_key(settings.api_key_file, _VARIABLE)
        if stored is None:
            raise CannotStart(f"{_VARIABLE} names a file that cannot be read as a key.")
    wanted = settings.base_url.rstrip("/") if "base_url" in settings.model_fields_set else None
    if stored is not None and stored.base_url is not None and wanted not in {None, stored.base_url}:
        where = f"in {shorten(stored.path)}" if settings.api_key_file is None else _IN_NAMED_FILE
        raise CannotStart(
            f"The key {where} is for another address than TRAX_BASE_URL, so it is not sent."
            " Correct that, or run trax-mcp install."
        )
    return stored


def read_key(path: Path, name: str = "") -> StoredKey | None:
    """Read a key file; None if there is none. `name` is what a message calls it.

    Raises:
        CannotStart: it cannot be read, or holds no key or address.
    """
    name = f"{name} names" if name else f"Your key file, {shorten(path)}, is"
    try:
        with path.open("rb") as file:
            key, *rest = file.read(_MAX_BYTES).decode("ascii").strip().split("\n") or [""]
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError):
        raise CannotStart(f"{name} a file that cannot be read as a key.") from None
    if not key:
        raise CannotStart(f"{name} an empty file.")
    if not rest or not rest[0].startswith("http"):
        return StoredKey(path, "\n".join((key, *rest)), None)
    try:
        address = read_settings({"TRAX_BASE_URL": rest[0]}).base_url
    except CannotStart:
        raise CannotStart(f"{name} a file whose second line is no address of TRaX.") from None
    return StoredKey(path, key.strip(), address.rstrip("/"))
