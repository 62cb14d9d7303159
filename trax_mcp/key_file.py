"""The file with the user's TRaX key and the deployment that the key is for.

`install` writes it, in two lines: the key, and the base URL. A file that TRAX_API_KEY_FILE names
may hold the key alone. No message contains a key.
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from trax_mcp.private_files import Missing, key_path, read_private, shorten
from trax_mcp.settings import CannotStart, Settings, read_settings

NONE: Final = Path("none")
"""The value of TRAX_API_KEY_FILE that means: no key file, also not that of `install`."""
_VARIABLE: Final = "TRAX_API_KEY_FILE"
_IN_NAMED_FILE: Final = f"that {_VARIABLE} names"


@dataclass(frozen=True, slots=True)
class StoredKey:
    """A key and the base URL that it is for; None if the file does not say."""

    path: Path
    key: str = field(repr=False)
    base_url: str | None


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
                f"The key in {shorten(key_path())} isn't used, since nothing there says where it"
                " belongs. Run trax-mcp install again."
            )
    else:
        stored = read_key(settings.api_key_file, _VARIABLE)
    wanted = settings.base_url.rstrip("/") if "base_url" in settings.model_fields_set else None
    if stored is not None and stored.base_url is not None and wanted not in {None, stored.base_url}:
        where = f"in {shorten(stored.path)}" if settings.api_key_file is None else _IN_NAMED_FILE
        raise CannotStart(
            f"The key {where} is for another address than TRAX_BASE_URL, so it isn't sent."
            " Correct that, or run trax-mcp install."
        )
    return stored


def read_key(path: Path, name: str = "") -> StoredKey | None:
    """Read a key file; None if there is none. `name` is the setting that names it.

    Others may read it: `doctor` warns of that.

    Raises:
        CannotStart: it cannot be read, or holds no key or address.
    """
    named = f"{name} names" if name else f"Your key file, {shorten(path)}, is"
    try:
        key, *rest = read_private(path, named, policy=None).strip().split("\n")
    except Missing:
        if name:
            raise
        return None
    if not key:
        raise CannotStart(f"{named} an empty file.")
    if not rest or not rest[0].startswith("http"):
        return StoredKey(path, "\n".join((key, *rest)), None)
    try:
        address = read_settings({"TRAX_BASE_URL": rest[0]}).base_url
    except CannotStart:
        raise CannotStart(f"{named} a file whose second line isn't an address of TRaX.") from None
    return StoredKey(path, key.strip(), address.rstrip("/"))
