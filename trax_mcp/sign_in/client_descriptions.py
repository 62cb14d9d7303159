"""How clients describe themselves: in a document on the web, or when they register. Pure.

Sources: draft-ietf-oauth-client-id-metadata-document-02 and RFC 7591.
"""

import hmac
import json
import re
import unicodedata
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final, NoReturn
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from trax_mcp.api.text_safety import escape_invisible, truncate
from trax_mcp.sign_in.redirect_uris import DOT_SEGMENT, RULE, is_safe, matches

MAX_DOCUMENT_BYTES: Final = 5 * 1024
"""Source: section 8.7 of the draft."""
ONLY_ITS_MAKER: Final = "Nothing was allowed. Only the maker of the app can fix this."
_MAX_DOCUMENT_ID: Final = 500
_MAX_REGISTERED_ID: Final = 4096
"""It is a part of addresses."""
_MAX_REDIRECT_URIS: Final = 100
_MAX_NAME: Final = 60
_READ_OF_NAME: Final = 2000
_REGISTERED: Final = "registered-"
_NOT_KNOWN: Final = (
    "This server doesn't know the app that sent you here. Nothing was allowed. Remove this server"
    " from the app, and add it again."
)
_DOCUMENT_ID: Final = re.compile(r"https://[a-z0-9.-]+(?::[0-9]+)?/[A-Za-z0-9\-._~/]*")
_LOOK_ALIKES: Final = ("CYRILLIC ", "GREEK ", "ARMENIAN ", "CHEROKEE ", "COPTIC ", "LISU ")
"""Scripts with letters that look like Latin ones."""

Mac = Callable[[str], str]
"""The MAC of a description, with the server's secret."""


class ClientRefused(Exception):
    """A client cannot be signed in to. Its text is for the person, and quotes no document."""


class OAuthError(Exception):
    """An error for a client. Sources: RFC 6749, 5.2, and RFC 7591, 3.2.2."""

    def __init__(
        self, error: str, description: str, status: HTTPStatus = HTTPStatus.BAD_REQUEST
    ) -> None:
        super().__init__(description)
        self.error = error
        self.status = status


@dataclass(frozen=True, slots=True, kw_only=True)
class OAuthClient:
    """An MCP client. Its name is a claim, as `_clean_name` leaves it.

    `host` is that of its document, which is verified; a registered client has none.
    """

    id: str
    name: str
    redirect_uris: Sequence[str]
    host: str | None = None

    def redirect_uri(self, sent: str | None) -> str | None:
        """The address that a request names, exactly as it came, or the client's only one.

        None: it is not one of the client's.
        """
        if sent is None:
            return self.redirect_uris[0] if len(self.redirect_uris) == 1 else None
        return sent if any(matches(sent, it) for it in self.redirect_uris) else None


class _Description(BaseModel):
    """The fields that matter here. Others are ignored, and null means the same as none."""

    model_config = ConfigDict(extra="ignore", strict=True)

    redirect_uris: list[str] = Field(min_length=1, max_length=_MAX_REDIRECT_URIS)
    client_name: str = ""
    grant_types: list[str] = ["authorization_code"]
    response_types: list[str] = ["code"]
    token_endpoint_auth_method: str = "none"  # noqa: S105  it is none

    @model_validator(mode="before")
    @classmethod
    def _without_null(cls, data: object) -> object:
        if not isinstance(data, dict):
            return data
        return {name: value for name, value in data.items() if value is not None}

    @property
    def signs_in_by_code(self) -> bool:
        return "authorization_code" in self.grant_types and "code" in self.response_types


class _Document(_Description):
    client_id: str
    token_endpoint_auth_methods_supported: list[str] = []
    client_secret: object = None

    @property
    def may_be_public(self) -> bool:
        """Whether the client may come without proof of who it is.

        Section 8.2 forbids to take a client as public that demands to be checked. One that offers
        both (`token_endpoint_auth_methods_supported` of OpenID Connect RP Metadata Choices) may be.
        """
        method = self.token_endpoint_auth_method
        is_shared_secret = method.startswith("client_secret")  # forbidden by section 4.1
        offers_none = "none" in self.token_endpoint_auth_methods_supported
        return method == "none" or (offers_none and not is_shared_secret)


DOCUMENT_HOSTS: Final = (
    "claude.ai/oauth",  # github.com/anthropics/claude-code/issues/84263, claude-ai-mcp/issues/650
    "chatgpt.com/oauth",  # Codex too: developers.openai.com/plugins/build/auth
    "vscode.dev/oauth",  # github.com/microsoft/vscode/issues/298300
    "insiders.vscode.dev/oauth",  # as the next four: speakeasy-api/gram, aivendors/registry.go
    "github.com/copilot/cli/client-metadata.json",
    "api.factory.ai/mcp/oauth-client",
    "toolhive.dev/oauth",
    "www.mcpjam.com/.well-known/oauth",
    "zed.dev/oauth",  # github.com/zed-industries/zed, crates/context_server/src/oauth.rs
    "opencode.ai/oauth",  # github.com/anomalyco/opencode/pull/47737
    "goose-docs.ai/oauth",  # github.com/aaif-goose/goose/pull/8550
)
"""Where clients have their documents, and no other person can put a text. Read in December 2026.

A client that has a document does not register where documents are read, so one that is missing here
cannot be signed in to.
"""

KNOWN_CLIENTS: Final[Mapping[str, OAuthClient]] = {
    it.id: it
    for it in (
        OAuthClient(
            id="https://claude.ai/oauth/mcp-oauth-client-metadata",
            name="Claude",
            redirect_uris=("https://claude.ai/api/mcp/auth_callback",),
            host="claude.ai",
        ),
        OAuthClient(
            id="https://claude.ai/oauth/claude-code-client-metadata",
            name="Claude Code",
            redirect_uris=("http://localhost/callback", "http://127.0.0.1/callback"),
            host="claude.ai",
        ),
    )
}
"""The descriptions of some clients, for when their documents cannot be read.

claude.ai turns away many hosters: their addresses get a test for browsers instead of the document,
and their users could not connect Claude at all. Read in August 2026. Source: section 7.2.
"""


def check_document_id(client_id: str, hosts: Collection[str]) -> None:
    """Check that a client's document lies below one of `hosts`. Stricter than section 3.

    There is no query, nothing encoded and no `..`, so that no reader finds it elsewhere.

    Raises:
        ClientRefused: the id is no address of a document, or its host is not one of them.
    """
    if (
        len(client_id) > _MAX_DOCUMENT_ID
        or not _DOCUMENT_ID.fullmatch(client_id)
        or DOT_SEGMENT.search(client_id)
    ):
        _refuse(
            "The app's client id isn't the address of a description: https://, a host name in"
            " small letters, and a path."
        )
    if not any(f"{client_id}/".startswith(f"https://{it.rstrip('/')}/") for it in hosts):
        raise ClientRefused(
            f"This server doesn't accept apps from {host_of(client_id)}. Nothing was allowed. Its"
            " operator can add that host to TRAX_CLIENT_DOCUMENT_HOSTS."
        )


def host_of(client_id: str) -> str:
    """The host of a client's document."""
    return str(urlsplit(client_id).hostname)


def read_document(body: bytes, client_id: str) -> OAuthClient:
    """The client that a document describes.

    Redirect addresses that no client may have are left out, since some clients list one among
    good ones.

    Raises:
        ClientRefused: it does not describe this client, or one that this server cannot serve.
    """
    host = host_of(client_id)
    subject = f"The app's description at {host}"
    try:
        document = _Document.model_validate_json(body)
    except ValidationError:
        _refuse(f"{subject} isn't valid.")
    if document.client_id != client_id:
        _refuse(f"{subject} is about another app.")
    if document.client_secret is not None:
        _refuse(f"{subject} contains a secret.")
    if not document.may_be_public:
        _refuse(
            f"{subject} says that it proves itself with a key or a secret, which this server"
            " doesn't check."
        )
    if not document.signs_in_by_code:
        _refuse(f"{subject} leaves out signing in by code.")
    safe = filter(is_safe, document.redirect_uris)
    redirect_uris = tuple(dict.fromkeys(safe))
    if not redirect_uris:
        _refuse(f"{subject} has no safe address to return to.")
    name = _clean_name(document.client_name) or host
    return OAuthClient(id=client_id, name=name, redirect_uris=redirect_uris, host=host)


def registered_client(body: bytes, *, nonce: str, mac: Mac) -> OAuthClient:
    """The client that registers with this body. Its id is its description: nothing is kept.

    The `nonce` tells it from others that describe themselves alike, and `mac` proves that it was
    registered here. Whatever it asks for, it is a public client, without a secret. Source: RFC
    7591, section 2.

    Raises:
        OAuthError: it is no client that this server can serve.
    """
    try:
        described = _Description.model_validate_json(body)
    except ValidationError:
        raise OAuthError(
            "invalid_client_metadata", "The description isn't valid, or has no redirect_uris."
        ) from None
    is_public = described.token_endpoint_auth_method == "none"  # noqa: S105  it is none
    if not is_public and not described.token_endpoint_auth_method.startswith("client_secret_"):
        raise OAuthError("invalid_client_metadata", "This server doesn't check this kind of proof.")
    if not described.signs_in_by_code:
        raise OAuthError("invalid_client_metadata", "People sign in only by code here.")
    if not all(map(is_safe, described.redirect_uris)):
        raise OAuthError("invalid_redirect_uri", RULE)
    name = _clean_name(described.client_name)
    content = json.dumps([nonce, name, *described.redirect_uris], separators=(",", ":"))
    description = _REGISTERED + urlsafe_b64encode(content.encode()).decode().rstrip("=")
    client_id = f"{description}.{mac(description)}"
    if len(client_id) > _MAX_REGISTERED_ID:
        raise OAuthError("invalid_client_metadata", "The description is too long.")
    return OAuthClient(id=client_id, name=name, redirect_uris=described.redirect_uris)


def read_registered_id(client_id: str, *, mac: Mac) -> OAuthClient:
    """The client that has registered with this id.

    Raises:
        ClientRefused: no client has registered so at this server.
    """
    description, _, proof = client_id.rpartition(".")
    if not hmac.compare_digest(proof.encode(), mac(description).encode()):
        raise ClientRefused(_NOT_KNOWN)
    content = urlsafe_b64decode(description.removeprefix(_REGISTERED) + "==")
    _nonce, name, *redirect_uris = json.loads(content)
    return OAuthClient(id=client_id, name=name, redirect_uris=redirect_uris)


def _clean_name(name: str) -> str:
    """Return `name` on one line, cut, with a mark for each character that hides or imitates.

    Those are invisible ones, and letters among Latin ones that look like them: a client may try to
    look like another. A name all in another script is kept.
    """
    name = truncate(" ".join(name[:_READ_OF_NAME].split()), longest=_MAX_NAME)
    is_latin = any(it.isascii() and it.isalpha() for it in name)
    return "".join("\ufffd" if _is_unfit(it, is_latin=is_latin) else it for it in name)


def _is_unfit(character: str, *, is_latin: bool) -> bool:
    if escape_invisible(character) != character:
        return True
    return is_latin and unicodedata.name(character, "").startswith(_LOOK_ALIKES)


def _refuse(why: str) -> NoReturn:
    raise ClientRefused(f"{why} {ONLY_ITS_MAKER}") from None
