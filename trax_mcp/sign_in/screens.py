"""The screens of signing in, as HTML, with headers that tell browsers what a page may do.

Names of clients and studios are other people's texts: they are quoted, shortened and escaped.
"""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from datetime import datetime
from html import escape
from http import HTTPStatus
from importlib.resources import files
from math import ceil
from typing import Final

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from trax_mcp.api.models import Page, Studio
from trax_mcp.api.text_safety import quote, spell_out
from trax_mcp.settings import KEY_PREFIX, KEYS_SCREEN
from trax_mcp.sign_in import SignInUnavailable
from trax_mcp.sign_in.attempts import TooManyAttempts
from trax_mcp.sign_in.forms import FormProblem, PageProblem, PendingSignIn
from trax_mcp.sign_in.redirect_uris import is_loopback_uri, redirect_host
from trax_mcp.sign_in.sign_ins import Scope, SignIn
from trax_mcp.sign_in.site import Site
from trax_mcp.studio.naming import listed, quoted

PageHandler = Callable[[Request], Awaitable[Response]]


class Html(str):
    """Markup, made of templates of ours."""

    __slots__ = ()


_NOTHING: Final = Html()


def _template(name: str) -> str:
    return files("trax_mcp.sign_in").joinpath("static", name).read_text(encoding="utf-8")


PAGE_HEADERS: Final = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'self';"
        " frame-ancestors 'none'"
    ),
    "X-Frame-Options": "DENY",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",  # with `no-referrer`, browsers send `Origin: null`
    "Cache-Control": "no-store",
    "Cross-Origin-Resource-Policy": "same-origin",
}
"""No opener policy: clients open a page in a window, and wait for that window to come back."""
_SHOWN_STUDIOS: Final = 5
_SHOWN_CLIENT_NAME: Final = 60
_LONGEST_HOST: Final = 253

_FRAME: Final = _template("sign_in.html")
_KEY: Final = _template("sign_in_key.html")
_KEY_FIELD: Final = _template("sign_in_key_field.html")
_CONNECT: Final = _template("sign_in_connect.html")
_RETURN: Final = _template("sign_in_return.html")
_LIST_KEY: Final = _template("sign_in_list_key.html")
_LIST: Final = _template("sign_in_list.html")
_LIST_ITEM: Final = _template("sign_in_list_item.html")
_CHOICE: Final = """
        <label class="choice">
          <input type="radio" name="access" value="{value}" required {checked}>
          <span><strong>{title}.</strong> {text}</span>
        </label>"""
_MESSAGE: Final = """<p role="alert">{text}</p>{link}"""
_LINK: Final = """<p><a class="button" href="{address}">Go back to {host}</a></p>"""
_PROBLEM: Final = """<p class="problem" role="alert" id="problem">{text}</p>"""
_OUTCOME: Final = """<p class="outcome" role="status">{text}</p>"""
_WARNING: Final = """<div class="warnings"><h2>Warning</h2><p>{text}</p></div>"""
_REFRESH: Final = """<meta http-equiv="refresh" content="0; url={address}">"""
_PRACTICE: Final = "<p>Practice studios: nothing is real.</p>"
_END_ALL: Final = """<button type="submit" form="end-all">End all</button>"""

NO_KEY: Final = f"Type your TRaX key. It begins with {KEY_PREFIX} and has no spaces."
WRONG_KEY: Final = (
    "TRaX doesn't know this key, so nothing is connected. Copy the whole key again, or create a"
    f" new one on {KEYS_SCREEN}."
)
MISSING_SCOPE: Final = (
    "This key can't list your studios, so nothing is connected. Use a key with the scope"
    " studios:read."
)
NO_ANSWER: Final = (
    "TRaX couldn't check the key just now, so nothing is connected. Try again in a moment."
)
CANCELLED: Final = "Cancelled: nothing is connected"

_LOOK: Final = (
    "It can see your studios, destinations, sources, status, chat and media. It can't change"
    " anything."
)
_RUN: Final = "It can also run your shows, as far as your key allows."
_RUN_IN_FULL: Final = (
    "It can see your studios, destinations, sources, status, chat and media. It can also create,"
    " change and delete, write in chat and go live, as far as your key allows."
)
_NOT_ASKED: Final = (
    "It can go live, end a show and delete without asking you: the operator of this server has"
    " turned approval off."
)
_ALWAYS_ASK: Final = "Going live, ending a show and deleting always ask you first, "
_IN_PREVIEWS: Final = "in the conversation."
_IN_CLIENT: Final = "in the app or in the conversation."
_NO_PREVIEWS: Final = (
    "in the app. An app that can't ask you can only end a show, after showing a preview."
)
_PASSKEY: Final = (
    "Going live and deleting need a passkey at the server itself, so they're refused here. Ending a"
    " show works, and asks you first."
)


def page(
    content: Html, status: HTTPStatus = HTTPStatus.OK, headers: Mapping[str, str] | None = None
) -> Response:
    """A screen as a response."""
    return HTMLResponse(content, status, {**PAGE_HEADERS, **(headers or {})})


def for_people(site: Site, path: str, handle: PageHandler, method: str) -> Route:
    """A route of a page, where a PageProblem becomes a screen."""

    async def run(request: Request) -> Response:
        try:
            return await handle(request)
        except SignInUnavailable as error:
            status, title = HTTPStatus.SERVICE_UNAVAILABLE, "Temporarily unavailable"
            problem = PageProblem(status, title, str(error))
        except PageProblem as it:
            problem = it
        return page(_problem_screen(site, problem), problem.status)

    return Route(path, run, methods=[method])


def _problem_screen(site: Site, problem: PageProblem) -> Html:
    to = problem.back_to
    link = _fill(_LINK, address=to, host=redirect_host(to)) if to else _NOTHING
    content = _fill(_MESSAGE, title=problem.title, text=str(problem), link=link)
    return _screen(site, title=problem.title, content=content)


def key_screen(
    site: Site, asked: PendingSignIn, sealed: str, *, problem: str = "", chosen: str = ""
) -> Html:
    """Asks for the key, and for what the client may do."""
    name = client_name(asked)
    content = _fill(
        _KEY,
        problem=_fill(_PROBLEM, text=problem) if problem else _NOTHING,
        origin=_origin(asked),
        origin_class="checked" if asked.client_host else "unchecked",
        return_to=_return_to(asked),
        warning=_warning(asked),
        carried=sealed,
        key_field=_key_field(
            site,
            "The app never gets it: this server keeps it sealed, and sends it only to TRaX.",
            problem=problem,
        ),
        name=name,
        choices=_joined(_choice(site, it, asked.offered, chosen) for it in asked.offered),
    )
    heading = f"Connect {name} to your TRaX account"
    title = f"Error: {problem}" if problem else heading
    return _screen(site, title=title, heading=heading, content=content)


def connect_screen(site: Site, asked: PendingSignIn, sealed: str, reach: str) -> Html:
    """Says what the key reaches, and asks for the last approval."""
    name = client_name(asked)
    text = _LOOK if asked.access is Scope.READ else f"{_RUN_IN_FULL} {_approval(site)}"
    content = _fill(
        _CONNECT,
        name=name,
        reach=reach,
        access=_title(asked.access),
        text=text,
        return_to=_return_to(asked),
        warning=_warning(asked),
        carried=sealed,
        list_address=site.list_address,
    )
    return _screen(site, title=f"Connect {name}?", content=content)


def return_screen(site: Site, asked: PendingSignIn, address: str, outcome: str) -> Html:
    """Takes the browser back to the client.

    Not a redirect: browsers apply `form-action` to each redirect after a form, also to those that
    the client makes, and an app that opens leaves the last page where it is.
    """
    content = _fill(
        _RETURN,
        address=address,
        name=client_name(asked),
        list_address=site.list_address,
    )
    head = _fill(_REFRESH, address=address)
    return _screen(site, title=outcome, content=content, head=head)


def list_key_screen(site: Site, *, problem: str = "", outcome: str = "") -> Html:
    """Asks for the key whose sign-ins are to be shown. An `outcome` is no mistake of the person."""
    promise = "It isn't sent to TRaX, and isn't kept."
    notice = _fill(_PROBLEM, text=problem) if problem else _outcome(outcome)
    content = _fill(_LIST_KEY, notice=notice, key_field=_key_field(site, promise, problem=problem))
    heading = "Who is signed in with your key?"
    title = f"Error: {problem}" if problem else heading
    return _screen(site, title=title, heading=heading, content=content)


def list_screen(site: Site, sign_ins: Sequence[SignIn], sealed: str, *, outcome: str) -> Html:
    """Who is signed in, each with a button that ends it."""
    title = "Signed in with your key" if sign_ins else "No app is signed in with your key"
    content = _fill(
        _LIST,
        outcome=_outcome(outcome),
        sign_ins=_joined(_list_item(it, sealed) for it in sign_ins),
        end_all=Html(_END_ALL) if len(sign_ins) > 1 else _NOTHING,
        carried=sealed,
    )
    return _screen(site, title=title, content=content)


def too_many_keys(error: TooManyAttempts) -> FormProblem:
    """Says when a key can be tried again."""
    minutes = ceil(error.retry_after / 60)
    text = (
        "Too many wrong keys came from your network, so nothing is connected. Try again in"
        f" {minutes} minute{'s' if minutes > 1 else ''}."
    )
    headers = {"Retry-After": str(error.retry_after)}
    return FormProblem(HTTPStatus.TOO_MANY_REQUESTS, text, headers)


def client_name(asked: PendingSignIn) -> str:
    """The client's name in quotes: a claim of its own."""
    return quoted_name(asked.client_name)


def quoted_name(name: str) -> str:
    """A client's name in quotes, not longer than a button can show."""
    return quote(name, longest=_SHOWN_CLIENT_NAME) if name else "an app without a name"


def reach_text(page: Page[Studio]) -> str:
    """How many studios a key reaches, and how the first are called."""
    count = len(page.data or ())
    if not count:
        return "TRaX accepts this key, but you have no studios yet."
    names = listed([quoted(it.name) for it in page.items[:_SHOWN_STUDIOS]])
    if page.next_cursor is not None:
        return f"This key reaches more than {count} studios, among them {names}."
    if count > _SHOWN_STUDIOS:
        return f"This key reaches {count} studios, among them {names}."
    return f"This key reaches {count} studio{'s' if count > 1 else ''}: {names}."


def _screen(
    site: Site, *, title: str, content: Html, heading: str = "", head: Html = _NOTHING
) -> Html:
    practice = Html(_PRACTICE) if site.sandbox_key else _NOTHING
    return _fill(
        _FRAME,
        title=title,
        heading=heading or title,
        host=site.host,
        practice=practice,
        content=content,
        head=head,
    )


def _key_field(site: Site, promise: str, *, problem: str) -> Html:
    """The field for the key, which is never filled in here. `promise` says where the key goes."""
    hint = f"It begins with {KEY_PREFIX}. You create one on {KEYS_SCREEN}. {promise}"
    if site.sandbox_key:
        hint = f"To practise, use this key: {site.sandbox_key}"
    return _fill(
        _KEY_FIELD,
        hint=hint,
        described_by="problem about" if problem else "about",
        invalid=Html('aria-invalid="true"') if problem else _NOTHING,
    )


def _outcome(text: str) -> Html:
    return _fill(_OUTCOME, text=text) if text else _NOTHING


def _title(access: Scope) -> str:
    return access.label.capitalize()


def _approval(site: Site) -> str:
    """How the person approves what the client does."""
    ask = site.ask
    if ask.needs_passkey:
        return _PASSKEY
    if ask.confirm_alone:
        return _NOT_ASKED
    if not ask.shows_previews:
        return f"{_ALWAYS_ASK}{_NO_PREVIEWS}"
    return f"{_ALWAYS_ASK}{_IN_CLIENT if ask.asks_people else _IN_PREVIEWS}"


def _choice(site: Site, access: Scope, offered: Sequence[Scope], chosen: str) -> Html:
    text = _LOOK if access is Scope.READ else f"{_RUN} {_approval(site)}"
    return _fill(
        _CHOICE,
        value=access.value,
        checked="checked" if chosen == access.value or len(offered) == 1 else "",
        title=_title(access),
        text=text,
    )


def _origin(asked: PendingSignIn) -> str:
    """Who vouches for the client's name."""
    if not asked.client_name:
        return "Not verified: it doesn't say who it is."
    if asked.client_host is None:
        return f"Not verified: it calls itself {client_name(asked)}."
    return f"Verified: this is {_host_text(asked.client_host)}."


def _return_to(asked: PendingSignIn) -> str:
    """Where the browser goes at the end."""
    where = _host_text(redirect_host(asked.redirect_uri))
    if is_loopback_uri(asked.redirect_uri):
        return "Afterwards you return to a program on this device."
    if where.endswith(":"):
        return f"Afterwards you return to the app on this device that opens {where} links."
    return f"Afterwards you return to {where}."


def _warning(asked: PendingSignIn) -> Html:
    """Warns if the place that gets the answer was not checked."""
    where, checked = _host_text(redirect_host(asked.redirect_uri)), asked.client_host
    if is_loopback_uri(asked.redirect_uri) or where.endswith(":"):
        text = (
            "Any program on this device can use this name. Continue only if you've just started"
            " this yourself."
        )
    elif checked is None:
        text = f"Anyone can use this name. Continue only if you know {where}."
    elif where != checked:
        text = (
            f"You'll return to {where}, which isn't {_host_text(checked)}. Continue only if you"
            " know both."
        )
    else:
        return _NOTHING
    return _fill(_WARNING, text=text)


def _list_item(it: SignIn, sealed: str) -> Html:
    return _fill(
        _LIST_ITEM,
        id=it.id,
        name=quoted_name(it.client_name),
        host=_host_text(it.redirect_host),
        access=_title(it.access),
        since=_day(it.created),
        used=_day(it.last_used),
        carried=sealed,
    )


def _day(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC"


def _host_text(text: str) -> str:
    """A host, in ASCII: letters of other scripts look like Latin ones."""
    return spell_out(text, longest=_LONGEST_HOST, ascii_only=True)


def _fill(template: str, **parts: str) -> Html:
    """Put parts into a template (`{name}` for each). Parts that are not `Html` are escaped."""
    safe = {name: it if isinstance(it, Html) else escape(it) for name, it in parts.items()}
    return Html(template.format_map(safe))


def _joined(parts: Iterable[Html]) -> Html:
    return Html("".join(parts))
