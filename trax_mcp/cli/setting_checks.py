"""Checks of settings that need other packages: names of tools, the caller's key, the passkey."""

from collections.abc import Collection, Iterable
from pathlib import Path
from typing import Final

from platformdirs import user_data_path

from trax_mcp.api.caller import Caller
from trax_mcp.cli.install.key_file import key_file
from trax_mcp.server.offer import CHANGING, TAGS, TOOLS
from trax_mcp.settings import CannotStart, Settings, is_loopback
from trax_mcp.web.passkey import Passkey

_INSTALL: Final = "In the folder of trax-mcp, run .venv/bin/python -m pip install '.[{}]'."
REPLICAS_EXTRA: Final = _INSTALL.format("replicas")
SIGN_IN_EXTRA: Final = _INSTALL.format("sign-in")


def check_names(settings: Settings) -> None:
    """Check that all named tools exist.

    Raises:
        CannotStart: TRAX_GUARD_ALSO or TRAX_TOOLS has an unknown name.
    """
    _check("TRAX_GUARD_ALSO", settings.guard_also, CHANGING)
    _check("TRAX_TOOLS", settings.tools, TOOLS.keys() | TAGS)


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


def http_warnings(settings: Settings, *, host: str) -> Iterable[str]:
    """Warnings about settings that `trax-mcp http` does not use, and about risks of the address."""
    for name, value in (
        ("TRAX_API_KEY", settings.api_key),
        ("TRAX_API_KEY_FILE", settings.api_key_file),
    ):
        if value is not None:
            yield f"{name} is not used: over HTTP each caller sends their own key as X-API-Key."
    if settings.media_dirs:
        yield "TRAX_MEDIA_DIRS is not used: over HTTP no caller reads files of this computer."
    yield from _sign_in_warnings(settings)
    if is_loopback(host) or settings.sandbox:
        return
    yield (
        f"{host} can be reached from other computers, and keys travel in clear text. Put a proxy"
        " in front that has https and ends slow connections: docs/http.md has two."
    )
    if settings.mcp_token is None and not settings.sign_in:
        yield "Anybody who reaches it can try keys of their own here: TRAX_MCP_TOKEN prevents that."
    if not settings.allowed_hosts and not settings.sign_in:
        yield "Callers must name it as localhost until TRAX_ALLOWED_HOSTS has its own name."


def _sign_in_warnings(settings: Settings) -> Iterable[str]:
    if not settings.sign_in:
        for name, is_set in (
            ("TRAX_PUBLIC_URL", settings.public_url is not None),
            ("TRAX_SIGN_IN_FILE", settings.sign_in_file is not None),
            ("TRAX_SIGN_IN_SECRET_FILE", settings.sign_in_secret_file is not None),
            ("TRAX_SIGN_IN_REGISTRATION", settings.sign_in_registration),
            ("TRAX_TRUSTED_PROXIES", bool(settings.trusted_proxies)),
        ):
            if is_set:
                yield f"{name} is not used: only TRAX_SIGN_IN needs it."
        return
    if str(settings.public_url).startswith("https:") and not settings.trusted_proxies:
        yield (
            "All people count as one for the limits of signing in, until TRAX_TRUSTED_PROXIES names"
            " the proxy in front."
        )


def _check(setting: str, names: Iterable[str], allowed: Collection[str]) -> None:
    for name in names:
        if name not in allowed:
            known = ", ".join(sorted(allowed))
            raise CannotStart(f"{setting} must hold names of these, comma separated: {known}.")


def passkey_path(settings: Settings) -> Path:
    """The file with the public half of the passkey."""
    return settings.passkey_file or key_file().with_name("passkey.json")


def sign_in_path(settings: Settings) -> Path:
    """The file that keeps who is signed in."""
    return settings.sign_in_file or user_data_path("trax-mcp", appauthor=False) / "sign-in.sqlite"


def sign_in_secret_path(settings: Settings) -> Path:
    """The file with the secret of this server."""
    return settings.sign_in_secret_file or key_file().with_name("sign-in.secret")


def enrolled_passkey(settings: Settings) -> Passkey | None:
    """The passkey that each yes needs. None if none was enrolled.

    Raises:
        CannotStart: its file is named and missing, or it cannot be read, or no person is asked.
    """
    path = passkey_path(settings)
    if settings.passkey_file is None and not path.exists():
        return None
    if settings.confirm in {"preview", "flag"}:
        raise CannotStart(
            f"TRAX_CONFIRM={settings.confirm} needs no person, but a passkey is enrolled."
        )
    return Passkey.read(path)
