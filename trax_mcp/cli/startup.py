"""What a server warns of at its start, and the passkey that it finds."""

from collections.abc import Iterable
from pathlib import Path

from trax_mcp.consent.ways import WaysToAsk
from trax_mcp.key_file import NONE
from trax_mcp.private_files import passkey_path, shorten
from trax_mcp.settings import CannotStart, Settings, is_loopback
from trax_mcp.web.passkey import Passkey


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
        ("client_document_hosts", not sign_in, only_sign_in),
        ("trusted_proxies", not sign_in, only_sign_in),
        ("metrics_host", settings.metrics_port is None, "only TRAX_METRICS_PORT needs it"),
    ):
        if is_unused and field in settings.model_fields_set:
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


def passkey_warning(settings: Settings) -> str:
    """What a passkey means over HTTP, where no page asks for it."""
    return (
        f"A passkey is enrolled ({shorten(passkey_path(settings))}), so over HTTP every act that"
        " needs approval is refused, except going offline. Move that file away, or set HOME to"
        " another folder, to ask callers in their clients."
    )


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
