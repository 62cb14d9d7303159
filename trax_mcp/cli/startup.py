"""What a command needs before it can start: TRaX, the caller, names of tools, and files."""

from collections.abc import Collection, Iterable
from pathlib import Path
from typing import Final, NamedTuple

from platformdirs import user_data_path

from trax_mcp.api.caller import Caller
from trax_mcp.api.client import Client
from trax_mcp.cli.key_file import NONE, chosen_key, key_path, shorten
from trax_mcp.consent.ways import WaysToAsk
from trax_mcp.settings import CannotStart, Settings, is_loopback
from trax_mcp.web.passkey import Passkey

_SANDBOX_URL: Final = "http://localhost"


class Access(NamedTuple):
    """The operator as caller, and the settings with the deployment that their key is for.

    `file` is the file of the key, None if it stands in the environment or there is none.
    """

    settings: Settings
    caller: Caller
    file: Path | None = None


def access_of(settings: Settings) -> Access:
    """Who calls which TRaX, over stdio; on the sandbox, the owner of its full key.

    Raises:
        CannotStart: the key cannot be read, is malformed, or is for another deployment.
    """
    if settings.sandbox:
        from trax_mcp.sandbox import SANDBOX_KEY  # noqa: PLC0415  only where there is a sandbox

        return Access(settings, Caller(SANDBOX_KEY))
    stored, name = chosen_key(settings), "TRAX_API_KEY"
    key = None if settings.api_key is None else settings.api_key.get_secret_value().strip()
    if stored is not None:
        key = stored.key
        name = (
            "TRAX_API_KEY_FILE"
            if settings.api_key_file
            else f"Your key file, {shorten(stored.path)}"
        )
        if stored.base_url is not None:
            settings = settings.model_copy(update={"base_url": stored.base_url})
    try:
        return Access(settings, Caller(key), stored.path if stored else None)
    except ValueError as error:
        raise CannotStart(f"{name}: {error}") from None


def client_for(settings: Settings) -> Client:
    """Create a client of the deployment or of the embedded sandbox. The caller must close it."""
    if not settings.sandbox:
        return Client(base_url=settings.base_url, timeout_seconds=settings.timeout_seconds)
    import httpx  # noqa: PLC0415  imported late, so that the server starts faster

    from trax_mcp.sandbox import Sandbox  # noqa: PLC0415  only where there is one

    return Client(
        base_url=_SANDBOX_URL,
        timeout_seconds=settings.timeout_seconds,
        transport=httpx.ASGITransport(Sandbox(base_url=_SANDBOX_URL).app),
    )


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


def http_warnings(settings: Settings, *, host: str) -> Iterable[str]:
    """Warnings about settings that `trax-mcp http` does not use, and about risks of the address."""
    sign_in, no_key = settings.sign_in, "over HTTP each caller sends their own key as X-API-Key"
    only_sign_in = "only TRAX_SIGN_IN needs it"
    for field, is_unused, why in (
        ("api_key", True, no_key),
        ("api_key_file", settings.api_key_file != NONE, no_key),
        ("media_dirs", True, "over HTTP no caller reads files of this computer"),
        ("public_url", not sign_in, only_sign_in),
        ("sign_in_file", not sign_in, only_sign_in),
        ("sign_in_secret_file", not sign_in, only_sign_in),
        ("sign_in_registration", not sign_in, only_sign_in),
        ("trusted_proxies", not sign_in, only_sign_in),
        ("metrics_host", settings.metrics_port is None, "only TRAX_METRICS_PORT needs it"),
    ):
        if is_unused and getattr(settings, field):
            yield f"TRAX_{field.upper()} is not used: {why}."
    if sign_in and str(settings.public_url).startswith("https:") and not settings.trusted_proxies:
        yield (
            "All people count as one for the limits of signing in, until TRAX_TRUSTED_PROXIES names"
            " the proxy in front."
        )
    if is_loopback(host) or settings.sandbox:
        return
    yield (
        f"{host} can be reached from other computers, and keys travel in clear text. Put a proxy"
        " in front that has https and ends slow connections: docs/http.md has two."
    )
    if not (settings.mcp_token or settings.mcp_token_file or sign_in):
        yield "Anybody who reaches it can try keys of their own here: TRAX_MCP_TOKEN prevents that."
    if not settings.allowed_hosts and not sign_in:
        yield "Callers must name it as localhost until TRAX_ALLOWED_HOSTS has its own name."


def passkey_path(settings: Settings) -> Path:
    """The file with the public half of the passkey."""
    return settings.passkey_file or key_path().with_name("passkey.json")


def passkey_warning(settings: Settings) -> str:
    """What a passkey means over HTTP, where no page asks for it."""
    return (
        f"A passkey is enrolled ({shorten(passkey_path(settings))}), so over HTTP every act that"
        " needs approval is refused, except going offline. Move that file away, or set HOME to"
        " another folder, to ask callers in their clients."
    )


def sign_in_path(settings: Settings) -> Path:
    """The file that keeps who is signed in."""
    return settings.sign_in_file or user_data_path("trax-mcp", appauthor=False) / "sign-in.sqlite"


def sign_in_secret_path(settings: Settings) -> Path:
    """The file with the secret of this server."""
    return settings.sign_in_secret_file or key_path().with_name("sign-in.secret")


def enrolled_passkey(settings: Settings) -> Passkey | None:
    """The passkey that each yes needs. None if none was enrolled.

    Raises:
        CannotStart: its file is named and missing, or it cannot be read, or no person is asked.
    """
    path = passkey_path(settings)
    if settings.passkey_file is None and not _is_there(path):
        return None
    if not WaysToAsk.of(settings.ask).asks_people:
        raise CannotStart("TRAX_ASK is set so that no person is asked, but a passkey is enrolled.")
    named = f"Your passkey file, {shorten(path)}, is"
    return Passkey.read(path, "TRAX_PASSKEY_FILE names" if settings.passkey_file else named)


def _is_there(passkey: Path) -> bool:
    """Whether the file is there. Unlike `Path.exists`, it never says no where it cannot look."""
    try:
        passkey.stat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError as error:
        raise CannotStart(
            f"Whether a passkey is enrolled cannot be seen in {shorten(passkey)}: {error.strerror}."
            " Let the user of the server open that folder, or set HOME to another."
        ) from None
    return True


def _check(setting: str, names: Iterable[str], allowed: Collection[str]) -> None:
    for name in names:
        if name not in allowed:
            known = ", ".join(sorted(allowed))
            raise CannotStart(f"{setting} must hold names of these, comma separated: {known}.")
