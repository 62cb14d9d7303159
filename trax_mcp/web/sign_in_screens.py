"""The screens of signing in, as HTML. Pure.

Names of clients and studios are other people's texts: they are quoted, shortened and escaped.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil
from typing import Final
from urllib.parse import urlsplit

from trax_mcp.api.error_texts import KEYS_SCREEN
from trax_mcp.api.models import Page, Studio
from trax_mcp.api.text_safety import quote, spell_out
from trax_mcp.consent.rules import Mode
from trax_mcp.setting_types import KEY_PREFIX
from trax_mcp.sign_in.grants import Access, AuthorizationRequest
from trax_mcp.sign_in.pending import AcceptedKey, Ending, PendingSignIn
from trax_mcp.sign_in.redirect_uris import is_loopback_uri, redirect_host
from trax_mcp.studio.naming import listed, quoted
from trax_mcp.web.markup import NOTHING, Html, fill, joined, template

_SHOWN_STUDIOS: Final = 5
_LONGEST_NAME: Final = 60
_LONGEST_HOST: Final = 253

_FRAME: Final = template("sign_in.html")
_KEY: Final = template("sign_in_key.html")
_KEY_FIELD: Final = template("sign_in_key_field.html")
_CONNECT: Final = template("sign_in_connect.html")
_RETURN: Final = template("sign_in_return.html")
_CHOICE: Final = """
        <label class="choice">
          <input type="radio" name="access" value="{value}" required {checked}>
          <span><strong>{title}.</strong> {text}</span>
        </label>"""
_MESSAGE: Final = """<h2>{title}</h2><p role="alert">{text}</p>{link}"""
_PROBLEM: Final = """<p class="problem" role="alert" id="problem">{text}</p>"""
_WARNING: Final = """<div class="warnings"><h3>Warning</h3><ul><li>{text}</li></ul></div>"""
_REFRESH: Final = """<meta http-equiv="refresh" content="0; url={address}">"""

NO_KEY: Final = f"Type your TRaX key. It begins with {KEY_PREFIX} and holds no blanks."
WRONG_KEY: Final = (
    "TRaX does not know this key. Nothing is connected. Copy it once more, whole, or make another"
    f" on {KEYS_SCREEN}."
)
MISSING_SCOPE: Final = (
    "TRaX knows this key, but it may not list studios. Nothing is connected. Use a key with the"
    " scope studios:read."
)
NO_ANSWER: Final = (
    "TRaX could not check the key just now. Nothing is connected. Try again in a moment."
)
CANCELLED: Final = "Cancelled. Nothing is connected."

_SEES: Final = "your studios with their destinations and sources, the stream status, the chat"
_LOOK: Final = f"It sees {_SEES} and your media. It changes nothing."
_RUN: Final = (
    f"It sees {_SEES} and your media, and runs your shows: it creates, changes and deletes, writes"
    " in the chat and goes live, as far as your key allows. Whatever goes on air, ends a show or"
    " deletes something"
)
_YES: Final[Mapping[Mode, str]] = {
    Mode.AUTO: " still needs your yes each time: you are asked in the client, or answer a preview.",
    Mode.PREVIEW: " still needs your yes each time: you answer a preview in the conversation.",
    Mode.HUMAN: (
        " still needs your yes each time, in a form or a panel of the client. A client without them"
        " can only end a show, after a preview."
    ),
    Mode.FLAG: " needs no yes of yours on this server: its operator has switched that off.",
}
_PASSKEY: Final = (
    " needs a passkey at the server itself, and is refused here. Only ending a show works, with"
    " your yes."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """The facts about this server that the screens show."""

    public_url: str
    mode: Mode = Mode.AUTO
    """How a person is asked before a show goes on air."""
    needs_passkey: bool = False
    sandbox_key: str | None = None
    """The key of the embedded sandbox, if the server is on it."""

    @property
    def list_address(self) -> str:
        """The address of the page that ends sign-ins."""
        return f"{self.public_url}/sign-in/sessions"

    @property
    def place(self) -> str:
        """Where a person is."""
        host = urlsplit(self.public_url).netloc
        tried = " It plays with made-up studios." if self.sandbox_key else ""
        return f"You are at {host}.{tried}"


def screen(site: Site, *, title: str, content: Html, head: Html = NOTHING) -> Html:
    """One page."""
    return fill(
        _FRAME, title=title, heading="Sign in to TRaX", place=site.place, content=content, head=head
    )


def message_screen(site: Site, title: str, text: str, link: Html) -> Html:
    """A page that says why a person cannot go on."""
    content = fill(_MESSAGE, title=title, text=text, link=link)
    return screen(site, title=title, content=content)


def key_screen(
    site: Site, request_id: str, pending: PendingSignIn, *, problem: str = "", chosen: str = ""
) -> Html:
    """Asks for the key, and for what the client may do."""
    request, name = pending.request, client_name(pending.request)
    content = fill(
        _KEY,
        problem=alert(problem),
        question=f"{name[0].upper()}{name[1:]} wants to use your TRaX studios",
        origin=_origin(request),
        return_to=_return_to(request),
        warning=_warning(request),
        request=request_id,
        token=pending.form_token,
        key_field=key_field(
            site,
            "The client never gets it: this server keeps it sealed, and sends it to TRaX alone.",
            problem=problem,
        ),
        name=name,
        choices=joined(_choice(site, it, request.offered, chosen) for it in request.offered),
    )
    title = f"Connect {name} to TRaX"
    return screen(site, title=f"Error: {problem}" if problem else title, content=content)


def connect_screen(
    site: Site, request_id: str, pending: PendingSignIn, accepted: AcceptedKey
) -> Html:
    """Says what the key reaches, and asks for the last yes."""
    request, name = pending.request, client_name(pending.request)
    content = fill(
        _CONNECT,
        name=name,
        accepted=accepted.id,
        reach=accepted.reach,
        access=f"{_title(accepted.access)}. {_access_text(site, accepted.access)}",
        return_to=_return_to(request),
        warning=_warning(request),
        request=request_id,
        token=pending.form_token,
        list_address=site.list_address,
    )
    return screen(site, title=f"Connect {name}?", content=content)


def return_screen(site: Site, request: AuthorizationRequest, ending: Ending) -> Html:
    """Takes the browser back to the client.

    Not a redirect: browsers apply `form-action` to each redirect after a form, also to those that
    the client makes, and an app that opens leaves the last page where it is.
    """
    content = fill(
        _RETURN,
        outcome=ending.outcome,
        address=ending.address,
        name=client_name(request),
        list_address=site.list_address,
    )
    head = fill(_REFRESH, address=ending.address)
    return screen(site, title=ending.outcome, content=content, head=head)


def too_many_text(seconds: int) -> str:
    """Says when a key can be tried again."""
    minutes = ceil(seconds / 60)
    return (
        "Too many wrong keys came from your network. Nothing is connected. Try again in"
        f" {minutes} minute{'s' if minutes > 1 else ''}."
    )


def key_field(site: Site, promise: str, *, problem: str) -> Html:
    """The field for the key, which is never filled in here. `promise` says where the key goes."""
    hint = f"It begins with {KEY_PREFIX}. You make one on {KEYS_SCREEN}. {promise}"
    if site.sandbox_key:
        hint = f"This server is on the sandbox. Its key is {site.sandbox_key}"
    return fill(
        _KEY_FIELD,
        hint=hint,
        described_by="problem about" if problem else "about",
        invalid=Html('aria-invalid="true"') if problem else NOTHING,
    )


def alert(problem: str) -> Html:
    """A problem, which a screen reader reads first."""
    return fill(_PROBLEM, text=problem) if problem else NOTHING


def client_name(request: AuthorizationRequest) -> str:
    """The client's name in quotes: a claim of its own."""
    return quoted_name(request.client.name)


def quoted_name(name: str) -> str:
    """A client's name in quotes, not longer than a button can show."""
    return quote(name, longest=_LONGEST_NAME) if name else "a client without a name"


def _title(access: Access) -> str:
    return access.label.capitalize()


def _access_text(site: Site, access: Access) -> str:
    if access is Access.READ:
        return _LOOK
    return f"{_RUN}{_PASSKEY if site.needs_passkey else _YES[site.mode]}"


def _choice(site: Site, access: Access, offered: Sequence[Access], chosen: str) -> Html:
    return fill(
        _CHOICE,
        value=access.value,
        checked="checked" if chosen == access.value or len(offered) == 1 else "",
        title=_title(access),
        text=_access_text(site, access),
    )


def _origin(request: AuthorizationRequest) -> str:
    """Who vouches for the client's name."""
    if not request.client.name:
        return "Nobody has checked what it is."
    if request.client.host is None:
        return f"It calls itself {client_name(request)}. Nobody has checked that."
    return f"It comes from {host_text(request.client.host)}. That was checked."


def _return_to(request: AuthorizationRequest) -> str:
    """Where the browser goes at the end."""
    where = host_text(redirect_host(request.redirect_uri))
    if is_loopback_uri(request.redirect_uri):
        return "Your browser then goes back to a program on this device."
    if where.endswith(":"):
        return f"Your browser then opens the app on this device for links that begin with {where}"
    return f"Your browser then goes to {where}."


def _warning(request: AuthorizationRequest) -> Html:
    """Warns if the place that gets the answer was not checked."""
    where, checked = host_text(redirect_host(request.redirect_uri)), request.client.host
    if is_loopback_uri(request.redirect_uri) or where.endswith(":"):
        text = (
            "Any program on this device can claim this name. Go on only if you have just begun this"
            " yourself."
        )
    elif checked is None:
        text = f"Anybody can claim this name. Go on only if you know {where}."
    elif where != checked:
        text = (
            f"Your browser will be sent to {where}, which is not {host_text(checked)}. Go on only"
            " if you know both."
        )
    else:
        return NOTHING
    return fill(_WARNING, text=text)


def reach_text(page: Page[Studio]) -> str:
    """How many studios a key reaches, and how the first are called."""
    count = len(page.data)
    if not count:
        return "TRaX has accepted this key. It reaches no studio yet."
    names = listed([quoted(it.name) for it in page.data[:_SHOWN_STUDIOS]])
    if page.next_cursor is not None:
        return f"This key reaches more than {count} studios, among them {names}."
    if count > _SHOWN_STUDIOS:
        return f"This key reaches {count} studios, among them {names}."
    return f"This key reaches {count} studio{'s' if count > 1 else ''}: {names}."


def host_text(text: str) -> str:
    """A host, in ASCII: letters of other scripts look like Latin ones."""
    return spell_out(text, longest=_LONGEST_HOST, ascii_only=True)
