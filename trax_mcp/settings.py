"""The settings from the environment, as a frozen value. All `TRAX_` variables are named here.

A wrong or unknown setting prevents the start with one sentence that names it, because a misspelt
safety switch must not be ignored.
"""

import difflib
import ipaddress
import os
import re
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
    model_validator,
)

VARIABLE_PREFIX = "TRAX_"
KEY_PREFIX = "sk_live_"
"""Every TRaX key begins with it."""
DEFAULT_BASE_URL = "https://api-dev.traxstreaming.live"
_LARGEST_KEY_FILE_BYTES = 4096
_LONGEST_SECONDS = 600
_NEVER_EMPTY = frozenset({"TRAX_MCP_TOKEN"})
_ADDRESS = re.compile(r"https?://[\w.:\[\]-]+(/[\w.~/-]*)?", re.ASCII | re.IGNORECASE)
_HOST = re.compile(r"[\w.-]+(:\d+)?|\[[0-9a-f:]+\](:\d+)?", re.ASCII)
_STORE = re.compile(r"(rediss?|unix)://\S+")
_ORIGIN = re.compile(r"[a-z][a-z0-9+.-]*://[^/?#@\s]+", re.IGNORECASE)


class CannotStart(Exception):
    """The server cannot start. The message is one sentence and holds no value."""


def is_loopback(host: str) -> bool:
    """Whether a host is certainly this machine. No name is resolved."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _read_switch(value: object) -> object:
    switches = {"1": True, "true": True, "on": True, "0": False, "false": False, "off": False}
    if isinstance(value, str):
        if value.lower() not in switches:
            raise ValueError("must be 1 or 0")
        return switches[value.lower()]
    return value


def _read_list(value: object) -> object:
    if isinstance(value, str):
        return tuple(item for item in (part.strip() for part in value.split(",")) if item)
    return value


def _read_base_url(value: object) -> object:
    scheme, host = _split_address(str(value))
    if scheme == "http" and not is_loopback(host):
        raise ValueError("must begin with https:// (http only on loopback): keys travel over it")
    return value


def _split_address(address: str) -> tuple[str, str]:
    with suppress(ValueError):  # an impossible port, or no address between the brackets
        url = urlsplit(address)
        valid = _ADDRESS.fullmatch(address) and not url.path.rstrip("/").endswith("/v1")
        if valid and url.hostname and url.port != 0:
            return url.scheme, url.hostname
    raise ValueError("must be an address such as https://host, without user, /v1 or query")


def _read_level(value: object) -> object:
    return value.upper() if isinstance(value, str) else value


def _read_seconds(value: object) -> float:
    with suppress(ValueError):  # not a number
        seconds = float(str(value))
        if 0 < seconds <= _LONGEST_SECONDS:
            return seconds
    raise ValueError(f"must be a number of seconds above 0 and at most {_LONGEST_SECONDS}")


def _read_drain(value: object) -> float:
    with suppress(ValueError):  # not a number
        seconds = float(str(value))
        if 0 <= seconds <= _LONGEST_SECONDS:
            return seconds
    raise ValueError(f"must be a number of seconds from 0 to {_LONGEST_SECONDS}")


def _read_folders(value: object) -> object:
    if not isinstance(value, str):
        return value
    with suppress(OSError, RuntimeError):  # an unreadable folder, or the home of an unknown user
        folders = tuple(Path(it).expanduser() for it in value.split(os.pathsep) if it.strip())
        if all(folder.is_absolute() and folder.is_dir() for folder in folders):
            return folders
    raise ValueError(f"must hold whole paths of folders that exist, separated by `{os.pathsep}`")


def _check_hosts(hosts: tuple[str, ...]) -> tuple[str, ...]:
    if not all(_HOST.fullmatch(host) for host in hosts):
        raise ValueError("must hold host names such as mcp.example.com, without scheme or path")
    return tuple(host.lower() for host in hosts)


def _check_origins(origins: tuple[str, ...]) -> tuple[str, ...]:
    if not all(_ORIGIN.fullmatch(origin) for origin in origins):
        raise ValueError("must hold origins such as https://host, without path or slash at the end")
    return origins


def _check_store(url: SecretStr) -> SecretStr:
    if not _STORE.match(url.get_secret_value()):
        raise ValueError("must begin with redis://, rediss:// or unix://")
    return url


def _check_token(token: SecretStr) -> SecretStr:
    if not token.get_secret_value():  # an unset secret must not switch off authentication
        raise ValueError("is set and empty: give a token, or do not set it")
    if not token.get_secret_value().isascii():
        raise ValueError("must be ASCII: HTTP headers carry nothing else")
    if token.get_secret_value().startswith(KEY_PREFIX):
        raise ValueError(f"must not begin with {KEY_PREFIX}: it is this server's own, no TRaX key")
    return token


_BaseUrl = Annotated[str, BeforeValidator(_read_base_url)]
_Level = Annotated[Literal["DEBUG", "INFO", "WARNING", "ERROR"], BeforeValidator(_read_level)]
_Confirm = Annotated[
    Literal["auto", "human", "preview", "flag"],
    BeforeValidator(lambda value: value.lower() if isinstance(value, str) else value),
]
_Switch = Annotated[bool, BeforeValidator(_read_switch)]
_Names = Annotated[tuple[str, ...], BeforeValidator(_read_list)]
_Channels = Annotated[tuple[Literal["form", "panel", "page"], ...], BeforeValidator(_read_list)]
_Folders = Annotated[tuple[Path, ...], BeforeValidator(_read_folders)]
_Hosts = Annotated[_Names, AfterValidator(_check_hosts)]
_Origins = Annotated[_Names, AfterValidator(_check_origins)]
_Seconds = Annotated[float, BeforeValidator(_read_seconds)]
_Drain = Annotated[float, BeforeValidator(_read_drain)]
_Store = Annotated[SecretStr, AfterValidator(_check_store)]
_Token = Annotated[SecretStr, AfterValidator(_check_token)]


class Settings(BaseModel):
    """Everything that the environment can set. Empty means unset, except for the token.

    The descriptions, in Markdown, are those of `docs/settings.md`.
    """

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        hide_input_in_errors=True,
        alias_generator=lambda field: VARIABLE_PREFIX + field.upper(),
    )

    api_key: SecretStr | None = Field(
        None, description="Your key, on stdio. Over HTTP each caller sends their own."
    )
    api_key_file: Path | None = Field(
        None,
        repr=False,
        description="A file that holds your key, alone, in place of `TRAX_API_KEY`.",
    )
    base_url: _BaseUrl = Field(
        DEFAULT_BASE_URL, description="Where TRaX is: https, except on loopback."
    )
    sandbox: _Switch = Field(default=False, description="`1` is the same as `--sandbox`.")
    confirm: _Confirm = Field(
        "auto", description="How a yes is given: `auto`, `human`, `preview` or `flag`."
    )
    ask: _Channels = Field(
        ("form", "panel", "page"),
        description="The ways in which you may be asked, comma separated. Their order is fixed.",
    )
    passkey_file: Path | None = Field(
        None,
        description="The public half of your passkey. Without it: beside the key file. If there is "
        "one, each yes needs the passkey, except to a stop.",
    )
    guard_also: _Names = Field(
        (),
        description="Further tools that always need a yes, comma separated, such as "
        "`send_chat_message`.",
    )
    read_only: _Switch = Field(
        default=False,
        description="`1`: only tools that read are listed and run. `go_offline` is not there "
        "either.",
    )
    tools: _Names = Field(
        (),
        description="The tools to list and run, by name or by tag (`studios`, `stream`, `chat`, "
        "...), comma separated. Without it: all.",
    )
    audit_log: Path | None = Field(
        None,
        description="A file that gets a line for each decision about a guarded call. Without it, "
        "they go to the log.",
    )
    timeout_seconds: _Seconds = Field(
        10, description="The longest time for one request to TRaX: above 0, up to 600."
    )
    chat_poll_seconds: _Seconds = Field(
        2,
        description="The shortest time between two looks at one studio's chat or stream status for "
        "one key: above 0, up to 600. While nothing happens, it is up to five times as "
        "long.",
    )
    media_dirs: _Folders = Field(
        (),
        description="Folders that `upload_media` may read from, by their whole paths, separated as "
        "in `PATH`. Without them, over HTTP and on Windows, there is no such tool.",
    )
    log_level: _Level = Field(
        "INFO", description="`DEBUG`, `INFO`, `WARNING` or `ERROR`. The log goes to stderr."
    )
    allowed_hosts: _Hosts = Field(
        (),
        description="Names by which `trax-mcp http` may be called, comma separated, besides those "
        "of loopback.",
    )
    allowed_origins: _Origins = Field(
        (), description="Web origins that may call it, comma separated, besides those of loopback."
    )
    mcp_token: _Token | None = Field(
        None, description="If set, HTTP callers must send it as `Authorization: Bearer`."
    )
    store_url: _Store | None = Field(
        None,
        description="A Valkey or Redis that several processes of `trax-mcp http` share: "
        "`redis://`, `rediss://` or `unix://`. It needs the extra `replicas`. Without it, each "
        "remembers by itself.",
    )
    drain_seconds: _Drain = Field(
        0,
        description="For how many seconds `trax-mcp http` serves on after SIGTERM, at most 600. "
        "Meanwhile `GET /readyz` answers 503, so that a proxy sends new requests elsewhere and "
        "calls finish.",
    )

    @model_validator(mode="after")
    def _one_key(self) -> Self:
        if self.api_key is not None and self.api_key_file is not None:
            raise ValueError("TRAX_API_KEY and TRAX_API_KEY_FILE are both set: keep one")
        return self

    def key(self) -> str | None:
        """The operator's TRaX key, from the variable or the file. None if neither is set.

        Raises:
            CannotStart: the file cannot be read or holds no key.
        """
        if self.api_key is not None:
            return self.api_key.get_secret_value().strip()
        return None if self.api_key_file is None else _read_key_file(self.api_key_file)


def read_settings(environment: Mapping[str, str]) -> Settings:
    """Read all `TRAX_` variables.

    Raises:
        CannotStart: one is wrong or unknown.
    """
    variables = {
        ascii(name)[1:-1]: value.strip()  # names can hold any bytes, and messages print them
        for name, value in environment.items()
        if name.startswith(VARIABLE_PREFIX) and (value.strip() or name in _NEVER_EMPTY)
    }
    try:
        return Settings.model_validate(variables)
    except ValidationError as error:
        raise CannotStart(_describe(error)) from None


def _describe(error: ValidationError) -> str:
    problem = error.errors(include_url=False, include_input=False)[0]
    if not problem["loc"]:
        return f"{problem['ctx']['error']}."
    name = str(problem["loc"][0])
    match problem["type"]:
        case "extra_forbidden":
            return f"{name} is not a setting of this version of trax-mcp.{_suggest(name)}"
        case "literal_error":
            return f"{name} must be {problem['ctx']['expected']}."
        case "value_error":
            return f"{name} {problem['ctx']['error']}."
        case _:  # variables can hold any bytes
            return f"{name} must be text in UTF-8."


def _suggest(name: str) -> str:
    known = {field.upper(): VARIABLE_PREFIX + field.upper() for field in Settings.model_fields}
    close = difflib.get_close_matches(name.removeprefix(VARIABLE_PREFIX).upper(), known, n=1)
    return f" Did you mean {known[close[0]]}?" if close else ""


def _read_key_file(path: Path) -> str:
    try:
        with path.open("rb") as file:
            key = file.read(_LARGEST_KEY_FILE_BYTES).decode("ascii").strip()
    except (OSError, UnicodeDecodeError):
        raise CannotStart("TRAX_API_KEY_FILE names a file that cannot be read as a key.") from None
    if not key:
        raise CannotStart("TRAX_API_KEY_FILE names an empty file.")
    return key
