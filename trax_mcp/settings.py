"""The settings from the environment, as a frozen value. All `TRAX_` variables are named here.

A wrong or unknown setting prevents the start with one sentence that names it, because a misspelt
safety switch must not be ignored.
"""

import difflib
import ipaddress
import json
import os
import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any, Final, Literal, Self, get_args
from urllib.parse import SplitResult, urlsplit

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

KEY_PREFIX: Final = "sk_live_"
"""Every TRaX key begins with it."""
VARIABLE_PREFIX: Final = "TRAX_"
KEYS_SCREEN: Final = "TRaX's Developer / API Keys screen"
"""Where people make keys."""
DEFAULT_BASE_URL: Final = "https://api-dev.traxstreaming.live"
_NEVER_EMPTY: Final = frozenset({"TRAX_MCP_TOKEN", "TRAX_MCP_TOKEN_FILE"})
_Way = Literal["form", "panel", "page", "preview", "confirm_alone"]
_ADDRESS: Final = re.compile(r"https?://[\w.:\[\]-]+(/[\w.~/-]*)?", re.ASCII | re.IGNORECASE)


class CannotStart(Exception):
    """The server cannot start. The message is one sentence and holds no value."""


def how_to_add(extra: str) -> str:
    """How to install an extra that is missing."""
    return f"In the folder of trax-mcp, run .venv/bin/python -m pip install '.[{extra}]'."


def is_loopback(host: str) -> bool:
    """Whether a host is certainly this machine. No name is resolved."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _split_address(address: str) -> SplitResult | None:
    """The parts of an address of the web, or None if it has a user, a query or is no address."""
    with suppress(ValueError):  # an impossible port, or no address between the brackets
        parts = urlsplit(address)
        if _ADDRESS.fullmatch(address) and parts.hostname and parts.port != 0:
            return parts
    return None


def _is_readable_on_the_way(parts: SplitResult) -> bool:
    return parts.scheme == "http" and not is_loopback(str(parts.hostname))


def _check_base_url(address: str) -> str:
    parts = _split_address(address)
    if parts is None or parts.path.rstrip("/").endswith("/v1"):
        raise ValueError("must be an address such as https://host, without user, /v1 or query")
    if _is_readable_on_the_way(parts):
        raise ValueError("must begin with https:// (http only on loopback): keys travel over it")
    return address


def _check_public_url(address: str) -> str:
    parts = _split_address(address.removesuffix("/"))
    if parts is None or parts.path:
        raise ValueError(
            "must be an address such as https://trax.example.com, without user, path or query"
        )
    if _is_readable_on_the_way(parts):
        raise ValueError("must begin with https:// (http only on loopback): keys are typed there")
    # Clients compare it as a string, so there is one spelling.
    name = f"[{parts.hostname}]" if ":" in str(parts.hostname) else parts.hostname
    is_usual = parts.port in {None, {"http": 80, "https": 443}[parts.scheme]}
    return f"{parts.scheme}://{name}" if is_usual else f"{parts.scheme}://{name}:{parts.port}"


def _each(pattern: str, rule: str) -> AfterValidator:
    """Check that each item matches a pattern."""

    def check(items: tuple[str, ...]) -> tuple[str, ...]:
        if not all(re.fullmatch(pattern, it, re.ASCII) for it in items):
            raise ValueError(rule)
        return items

    return AfterValidator(check)


def _check_proxies(proxies: tuple[str, ...]) -> tuple[str, ...]:
    with suppress(ValueError):  # no address, or one with bits outside of its network
        if all(ipaddress.ip_network(proxy).prefixlen for proxy in proxies):
            return proxies
    raise ValueError("must hold addresses or networks such as 10.0.0.2 or 10.0.0.0/8, not all")


def _read_folders(text: str) -> tuple[Path, ...]:
    with suppress(OSError, RuntimeError):  # an unreadable folder, or the home of an unknown user
        folders = tuple(Path(it).expanduser() for it in text.split(os.pathsep) if it.strip())
        if all(folder.is_absolute() and folder.is_dir() for folder in folders):
            return folders
    raise ValueError(
        "must hold the full paths of folders that exist, such as /home/ann/Videos, separated by"
        f" `{os.pathsep}`"
    )


def check_store(url: SecretStr) -> SecretStr:
    """Check the address of an engine. A ValueError says what it must be."""
    if not re.match(r"(rediss?|unix)://\S+", url.get_secret_value()):
        raise ValueError(
            "must be an address such as redis://host:6379/0, rediss://host:6379/0 or unix:///path"
        )
    return url


def _check_listening_address(host: str) -> str:
    with suppress(ValueError):
        if host == "localhost" or ipaddress.ip_address(host):
            return host
    raise ValueError("must be an address of this machine such as 127.0.0.1 or 0.0.0.0")


def check_token(token: SecretStr) -> SecretStr:
    """Check a token of this server. A ValueError says what it must be."""
    if not token.get_secret_value():  # an unset secret must not switch off authentication
        raise ValueError("is set and empty: give a token, or don't set it")
    if not token.get_secret_value().isascii():
        raise ValueError("must be ASCII: HTTP headers carry nothing else")
    if token.get_secret_value().startswith(KEY_PREFIX):
        raise ValueError(f"must not begin with {KEY_PREFIX}: it is this server's own, no TRaX key")
    return token


def _check_named(path: str) -> str:
    if not path:  # as above
        raise ValueError("is set and empty: name a file, or don't set it")
    return path


def _check_ways(ways: list[str]) -> list[str]:
    if not ways:
        raise ValueError("is an empty list: name form, panel, page or preview, or don't set it")
    if not {*ways} <= {*get_args(_Way)}:
        raise ValueError(
            "must hold form, panel, page and preview, or some of them, comma separated;"
            " or confirm_alone"
        )
    if len({*ways}) < len(ways):
        raise ValueError("has the same word twice")
    if "confirm_alone" in ways and len(ways) > 1:
        raise ValueError("must hold nothing else with confirm_alone: then nobody is asked")
    if "preview" in ways[:-1]:
        raise ValueError(
            "must have preview last: each client shows one, so nothing after it counts"
        )
    return ways


def _all_in(known: Callable[[Mapping[str, Any]], set[str]]) -> AfterValidator:
    """Check that each name is one of these, which are found in the schemas of all tools."""

    def check(names: tuple[str, ...]) -> tuple[str, ...]:
        # Read only where a setting has names, and as data: to import the tools takes time.
        schemas = files(__package__).joinpath("server/schemas.json").read_bytes()
        allowed = known(json.loads(schemas))
        if not {*names} <= allowed:
            listed = ", ".join(sorted(allowed))
            raise ValueError(f"must hold names of these, comma separated: {listed}")
        return names

    return AfterValidator(check)


_Items = BeforeValidator(lambda text: [it for part in text.split(",") if (it := part.strip())])

BaseUrl = Annotated[str, AfterValidator(_check_base_url)]
PublicUrl = Annotated[str, AfterValidator(_check_public_url)]
Level = Annotated[Literal["DEBUG", "INFO", "WARNING", "ERROR"], BeforeValidator(str.upper)]
LogFormat = Annotated[Literal["text", "json"], BeforeValidator(str.lower)]
Seconds = Annotated[float, Field(gt=0, le=600)]
Names = Annotated[tuple[str, ...], _Items]
ChangingTools = Annotated[
    Names, _all_in(lambda tools: {name for name, it in tools.items() if it["changes"]})
]
ToolsAndTags = Annotated[
    Names, _all_in(lambda tools: {*tools, *(it["tag"] for it in tools.values())})
]
Hosts = Annotated[
    Names,
    BeforeValidator(str.lower),
    _each(
        r"[\w.-]+(:\d+)?|\[[0-9a-f:]+\](:\d+)?",
        "must hold host names such as mcp.example.com, without scheme or path",
    ),
]
DocumentHosts = Annotated[
    Names,
    _each(
        r"[a-z0-9.-]+(:[0-9]+)?(/[A-Za-z0-9._~/-]*)?",
        "must hold hosts such as client.example.com or client.example.com/oauth, without scheme",
    ),
]
# Validators before the type run from the last to the first.
Ways = Annotated[tuple[_Way, ...], BeforeValidator(_check_ways), _Items, BeforeValidator(str.lower)]
Origins = Annotated[
    Names,
    _each(
        r"[a-zA-Z][\w+.-]*://[\w.:\[\]-]+",
        "must hold origins such as https://host, without path or slash at the end",
    ),
]
Proxies = Annotated[Names, AfterValidator(_check_proxies)]
Folders = Annotated[tuple[Path, ...], BeforeValidator(_read_folders)]
ListeningAddress = Annotated[str, AfterValidator(_check_listening_address)]
StoreUrl = Annotated[SecretStr, AfterValidator(check_store)]
Token = Annotated[SecretStr, AfterValidator(check_token)]
TokenFile = Annotated[Path, BeforeValidator(_check_named)]


class Settings(BaseModel):
    """Everything that the environment can set. Empty means unset, except for the token.

    What stands under a field, in Markdown, is its row of `docs/settings.md`.
    """

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        hide_input_in_errors=True,
        alias_generator=lambda field: VARIABLE_PREFIX + field.upper(),
    )

    api_key: SecretStr | None = None
    """Your key, on stdio. Over HTTP each caller sends their own."""
    api_key_file: Path | None = Field(None, repr=False)
    """A file that holds your key, and perhaps in a second line the address that it is for.
    Without it, on stdio: the file that `install` writes. `none`: no file."""
    base_url: BaseUrl = DEFAULT_BASE_URL
    """Where TRaX is: https, except on loopback."""
    sandbox: bool = False
    """`1` is the same as `--sandbox`."""
    ask: Ways = ("form", "panel", "page", "preview")
    """How you are asked, comma separated: the first that your client draws is taken. Without
    `preview`, nothing rests on the assistant's word. `confirm_alone`: nobody asks you."""
    passkey_file: Path | None = None
    """The public half of your passkey. Without it: beside the key file. If there is one, each
    approval needs the passkey, except of a stop."""
    guard_also: ChangingTools = ()
    """Further tools that always need approval, comma separated, such as `send_chat_message`."""
    read_only: bool = False
    """`1`: only tools that read are listed and run. `go_offline` is not there either."""
    tools: ToolsAndTags = ()
    """The tools to list and run, by name or by tag (`studios`, `stream`, `chat`, ...), comma
    separated. Without it: all."""
    audit_log: Path | None = None
    """A file that gets a line for each decision about a guarded call. Without it, they go to
    the log."""
    timeout_seconds: Seconds = 10
    """The longest time for one request to TRaX: above 0, up to 600."""
    chat_poll_seconds: Seconds = 2
    """The shortest time between two looks at one studio's chat or stream status for one key:
    above 0, up to 600. While nothing happens, it is up to five times as long."""
    media_dirs: Folders = ()
    """Folders that `upload_media` may read from, by their whole paths, separated as in `PATH`.
    Without them and over HTTP, there is no such tool."""
    log_level: Level = "INFO"
    """`DEBUG`, `INFO`, `WARNING` or `ERROR`. The log goes to stderr."""
    log_format: LogFormat = "text"
    """`text`, or `json`: each line is an object, and each call of a tool has one."""
    allowed_hosts: Hosts = ()
    """Names by which `trax-mcp http` may be called, comma separated, besides those of
    loopback."""
    allowed_origins: Origins = ()
    """Web origins that may call it, comma separated, besides those of loopback."""
    mcp_token: Token | None = None
    """If set, HTTP callers must send it as `Authorization: Bearer`."""
    mcp_token_file: TokenFile | None = Field(None, repr=False)
    """A file that holds that token, or two, each on a line of its own: either counts. Only you
    may be able to open it."""
    store_url: StoreUrl | None = None
    """A Valkey or Redis that several processes of `trax-mcp http` share: `redis://`,
    `rediss://` or `unix://`. It needs the extra `replicas`. Without it, each remembers by
    itself."""
    store_url_file: Path | None = Field(None, repr=False)
    """A file that holds that address instead. Only you may be able to open it."""
    store_secret_file: Path | None = Field(None, repr=False)
    """A file that holds the secret that seals what is kept there: one line of at least 32
    characters, the same for all processes. Only you may be able to open it. `TRAX_STORE_URL` needs
    it."""
    drain_seconds: float = Field(0, ge=0, le=600)
    """For how many seconds `trax-mcp http` serves on after SIGTERM, at most 600, if calls run so
    long. Meanwhile `GET /readyz` answers 503, so that a proxy sends new requests elsewhere."""
    metrics_port: int | None = Field(None, ge=0, le=65535)
    """The port at which Prometheus finds the metrics of `trax-mcp http`; 0 is any free one. It
    needs the extra `telemetry`. Without it, there are none."""
    metrics_host: ListeningAddress | None = None
    """The address of that port, such as `0.0.0.0` in a container. Without it: this computer
    alone can read them."""

    sign_in: bool = False
    """`1` is the same as `--sign-in`: people give their key on a page of `trax-mcp http`, and
    their client gets a token."""
    public_url: PublicUrl | None = None
    """Where people and clients reach this server, such as `https://trax.example.com`; the same
    as `--public-url`. Signing in needs it."""
    sign_in_file: Path | None = None
    """The file that keeps who is signed in. Only you may be able to open it. Without it: in
    your folder for data."""
    sign_in_secret_file: Path | None = Field(None, repr=False)
    """The secret without which that file opens nothing; the first start makes it. Keep it apart
    from the file. Without it: beside the key file."""
    sign_in_registration: bool = True
    """`0`: only clients with a metadata document can be signed in to. Without it, others register
    themselves."""
    client_document_hosts: DocumentHosts = ()
    """Hosts that such documents are read from, comma separated, besides those of known clients. A
    host whose pages others can write needs a path, such as `client.example.com/oauth`."""
    trusted_proxies: Proxies = ()
    """Addresses or networks of the proxies in front of `trax-mcp http`, comma separated. The
    address of a caller is taken from their `X-Forwarded-For`."""

    @model_validator(mode="after")
    def _one_place(self) -> Self:
        for field in ("api_key", "mcp_token", "store_url"):
            name = VARIABLE_PREFIX + field.upper()
            if getattr(self, field) is not None and getattr(self, f"{field}_file") is not None:
                raise ValueError(f"{name} and {name}_FILE are both set: keep one")
        return self

    @model_validator(mode="after")
    def _sign_in_fits(self) -> Self:
        if not self.sign_in:
            return self
        if self.public_url is None:
            raise ValueError(
                "TRAX_SIGN_IN needs TRAX_PUBLIC_URL or --public-url: where people reach this server"
            )
        for name in ("mcp_token", "mcp_token_file"):
            if getattr(self, name) is not None:
                raise ValueError(
                    f"TRAX_SIGN_IN and {VARIABLE_PREFIX + name.upper()} are both set: keep one,"
                    " since both use the header Authorization"
                )
        if self.sign_in_file is not None and self.sign_in_file == self.sign_in_secret_file:
            raise ValueError("TRAX_SIGN_IN_FILE and TRAX_SIGN_IN_SECRET_FILE must be two files")
        return self


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
            return f"{name} isn't a setting of this version of trax-mcp.{_suggest(name)}"
        case "value_error":
            return f"{name} {problem['ctx']['error']}."
        case "bool_parsing":
            return f"{name} must be 1 or 0."
        case "string_unicode":  # variables can hold any bytes
            return f"{name} must be text in UTF-8."
        case _:  # no message of pydantic's own holds a value
            return f"{name} {problem['msg'].replace('Input should be', 'must be')}."


def _suggest(name: str) -> str:
    known = {field.upper(): VARIABLE_PREFIX + field.upper() for field in Settings.model_fields}
    close = difflib.get_close_matches(name.removeprefix(VARIABLE_PREFIX).upper(), known, n=1)
    return f" Did you mean {known[close[0]]}?" if close else ""
