"""The rules for Client ID Metadata Documents, and for the addresses where they are. Pure.

Source: draft-ietf-oauth-client-id-metadata-document-02.
"""

import json
import re
from dataclasses import dataclass
from typing import Final, NoReturn

from pydantic import BaseModel, ConfigDict, Field, StrictStr, ValidationError

from trax_mcp.sign_in.client_names import clean_name
from trax_mcp.sign_in.grants import OAuthClient
from trax_mcp.sign_in.redirect_uris import may_register

MAX_BYTES: Final = 5 * 1024
"""Of a document. Source: section 8.7."""
_MAX_ID: Final = 500
_MAX_REDIRECT_URIS: Final = 100
HTTPS_PORT: Final = 443
_FIRST_UNRESERVED_PORT: Final = 1024
_LABEL: Final = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_ADDRESS: Final = re.compile(
    rf"https://(?P<host>(?:{_LABEL}\.)+[a-z][a-z0-9-]{{0,61}}[a-z0-9])(?::(?P<port>[1-9][0-9]{{0,4}}))?"
    r"(?P<path>/(?:[A-Za-z0-9\-._~!$&'()*+,;=:@/]|%[0-9A-Fa-f]{2})*)"
)
"""The last label begins with a letter, so that no spelling of an IP address is a host."""
_DOT_SEGMENT: Final = re.compile(r"/(?:\.|%2e){1,2}(?:/|$)", re.IGNORECASE)
_MAX_HOST: Final = 253
ONLY_ITS_MAKER: Final = "Nothing was allowed. Only the maker of the client can mend this."


class ClientRefused(Exception):
    """A client cannot be signed in to. Its text is for the person, and quotes no document."""


@dataclass(frozen=True, slots=True)
class DocumentAddress:
    """Where the document of a client lies."""

    host: str
    port: int
    path: str


class _Document(BaseModel):
    """The fields that matter here. Others are ignored."""

    model_config = ConfigDict(extra="ignore", strict=True)

    client_id: StrictStr
    redirect_uris: list[StrictStr] = Field(min_length=1, max_length=_MAX_REDIRECT_URIS)
    client_name: StrictStr = ""
    grant_types: list[StrictStr] = ["authorization_code"]
    response_types: list[StrictStr] = ["code"]
    token_endpoint_auth_method: StrictStr = "none"  # noqa: S105  it is none
    token_endpoint_auth_methods_supported: list[StrictStr] = []
    client_secret: object = None


def read_client_id(client_id: str) -> DocumentAddress:
    """Where the document of a client lies. Source: section 3.

    Stricter than the draft: no query, with which a client could make the server send any text to
    any host; a host name in small letters, so that one client has one id; and no port below 1024
    but 443.

    Raises:
        ClientRefused: the id is no address of a document.
    """
    parts = _ADDRESS.fullmatch(client_id) if len(client_id) <= _MAX_ID else None
    if parts is None or _DOT_SEGMENT.search(parts["path"]) or len(parts["host"]) > _MAX_HOST:
        _refuse(
            "The id of this client is not an address that its description can be read from: "
            "https://, a public host name in small letters, and a path."
        )
    port = int(parts["port"] or HTTPS_PORT)
    if port != HTTPS_PORT and not _FIRST_UNRESERVED_PORT <= port <= 65535:  # noqa: PLR2004
        _refuse("The id of this client names a port that this server does not read from.")
    return DocumentAddress(parts["host"], port, parts["path"])


def read_document(body: bytes, client_id: str) -> OAuthClient:
    """The client that a document describes.

    Redirect addresses that no client may have are left out, since some clients list one among
    good ones.

    Raises:
        ClientRefused: it does not describe this client, or one that this server cannot serve.
    """
    host = read_client_id(client_id).host
    document = _parse(body, host)
    if document.client_id != client_id:
        _refuse(f"The description of this client at {host} is that of another client.")
    if document.client_secret is not None:
        _refuse(f"The description of this client at {host} holds a secret.")
    if not _may_be_public(document):
        _refuse(
            f"The description of this client at {host} says that it proves itself with a key or a "
            "secret, which this server does not check."
        )
    if "authorization_code" not in document.grant_types or "code" not in document.response_types:
        _refuse(f"The description of this client at {host} leaves out signing in by code.")
    safe = (it for it in document.redirect_uris if not may_register(it))
    redirect_uris = tuple(dict.fromkeys(safe))
    if not redirect_uris:
        _refuse(f"The description of this client at {host} names no safe address to return to.")
    name = clean_name(document.client_name) or host
    return OAuthClient(id=client_id, name=name, redirect_uris=redirect_uris, host=host)


def _may_be_public(document: _Document) -> bool:
    """Whether the client may come without proof of who it is.

    Section 8.2 forbids to take a client as public that demands to be checked. One that offers
    both (`token_endpoint_auth_methods_supported` of OpenID Connect RP Metadata Choices) may be.
    """
    method = document.token_endpoint_auth_method
    if method == "none":
        return True
    is_shared_secret = method.startswith("client_secret")  # forbidden by section 4.1
    return "none" in document.token_endpoint_auth_methods_supported and not is_shared_secret


def _parse(body: bytes, host: str) -> _Document:
    try:
        value = json.loads(
            body.decode(), object_pairs_hook=_object, parse_constant=_refuse_constant
        )
        return _Document.model_validate(value)
    except (ValueError, RecursionError, ValidationError):
        _refuse(f"The description of this client at {host} is not valid.")


def _object(pairs: list[tuple[str, object]]) -> dict[str, object]:
    """A JSON object, without members that are null: they mean the same as none.

    Of two members with one name, readers differ on which one counts.
    """
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError
    return {name: value for name, value in members.items() if value is not None}


def _refuse_constant(_name: str) -> NoReturn:
    raise ValueError


def _refuse(why: str) -> NoReturn:
    raise ClientRefused(f"{why} {ONLY_ITS_MAKER}") from None
