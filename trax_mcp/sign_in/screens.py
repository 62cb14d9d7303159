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
from trax_mcp.consent.ways import WaysToAsk
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
_HEADING: Final = "Sign in to TRaX"
_LIST_HEADING: Final = "Your sign-ins on this server"


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
_MESSAGE: Final = """<h2>{title}</h2><p role="alert">{text}</p>{link}"""
_LINK: Final = """<p><a class="button" href="{address}">Go back to {host}</a></p>"""
_PROBLEM: Final = """<p class="problem" role="alert" id="problem">{text}</p>"""
_OUTCOME: Final = """<p class="outcome" role="status">{text}</p>"""
_WARNING: Final = """<div class="warnings"><h3>Warning</h3><ul><li>{text}</li></ul></div>"""
_REFRESH: Final = """<meta http-equiv="refresh" content="0; url={address}">"""
_END_ALL: Final = """<button type="submit" form="end-all">End all</button>"""

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

_LOOK: Final = (
    "It sees your studios with destinations, sources and status, the chat and your media. It"
    " changes nothing."
)
_RUN: Final = "It sees your studios as well, and runs your shows, as far as your key allows."
_RUN_IN_FULL: Final = (
    "It sees your studios with destinations, sources and status, the chat and your media, and runs"
    " your shows: it creates, changes and deletes, writes in the chat and goes live, as far as your"
    " key allows."
)
_NEEDS_YES: Final = "Whatever goes on air, ends a show or deletes something"
_NOT_ASKED: Final = (
    " doesn't need your approval on this server: its operator has switched that off."
)
_STILL: Final = " still needs your approval each time: you "
_IN_PREVIEWS: Final = "answer a preview in the conversation."
_IN_CLIENT: Final = "are asked in the client, or answer a preview."
_NO_PREVIEWS: Final = (
    "are asked in the client. One that can't ask you can only end a show, after a preview."
)
_PASSKEY: Final = (
    " needs a passkey at the server itself, and is refused here. Only ending a show works, with"
    " your approval."
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
            status, title = HTTPStatus.SERVICE_UNAVAILABLE, "This does not work now"
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
        question=f"{name[0].upper()}{name[1:]} wants to use your TRaX studios",
        origin=_origin(asked),
        origin_class="checked" if asked.client_host else "unchecked",
        return_to=_return_to(asked),
        warning=_warning(asked),
        carried=sealed,
        key_field=_key_field(
            site,
            "The client never gets it: this server keeps it sealed, and sends it to TRaX alone.",
            problem=problem,
        ),
        name=name,
        choices=_joined(_choice(site, it, asked.offered, chosen) for it in asked.offered),
    )
    title = f"Connect {name} to TRaX"
    return _screen(site, title=f"Error: {problem}" if problem else title, content=content)


def connect_screen(site: Site, asked: PendingSignIn, sealed: str, reach: str) -> Html:
    """Says what the key reaches, and asks for the last yes."""
    name = client_name(asked)
    text = _LOOK if asked.access is Scope.READ else f"{_RUN_IN_FULL} {_needs_yes(site)}"
    content = _fill(
        _CONNECT,
        name=name,
        reach=reach,
        access=f"{_title(asked.access)}. {text}",
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
        outcome=outcome,
        address=address,
        name=client_name(asked),
        list_address=site.list_address,
    )
    head = _fill(_REFRESH, address=address)
    return _screen(site, title=outcome, content=content, head=head)


def list_key_screen(site: Site, *, problem: str = "", outcome: str = "") -> Html:
    """Asks for the key whose sign-ins are to be shown. An `outcome` is no mistake of the person."""
    promise = "It is sent nowhere, and not kept."
    notice = _fill(_PROBLEM, text=problem) if problem else _outcome(outcome)
    content = _fill(_LIST_KEY, notice=notice, key_field=_key_field(site, promise, problem=problem))
    title = f"Error: {problem}" if problem else "Who is signed in with your key?"
    return _screen(site, title=title, content=content, heading=_LIST_HEADING)


def list_screen(site: Site, sign_ins: Sequence[SignIn], sealed: str, *, outcome: str) -> Html:
    """Who is signed in, each with a button that ends it."""
    title = "Signed in with your key" if sign_ins else "No client is signed in with your key"
    content = _fill(
        _LIST,
        title=title,
        outcome=_outcome(outcome),
        sign_ins=_joined(_list_item(it, sealed) for it in sign_ins),
        end_all=Html(_END_ALL) if len(sign_ins) > 1 else _NOTHING,
        carried=sealed,
    )
    return _screen(site, title=title, content=content, heading=_LIST_HEADING)


def too_many_keys(error: TooManyAttempts) -> FormProblem:
    """Says when a key can be tried again."""
    minutes = ceil(error.retry_after / 60)
    text = (
        "Too many wrong keys came from your network. Nothing is connected. Try again in"
        f" {minutes} minute{'s' if minutes > 1 else ''}."
    )
    headers = {"Retry-After": str(error.retry_after)}
    return FormProblem(HTTPStatus.TOO_MANY_REQUESTS, text, headers)


def client_name(asked: PendingSignIn) -> str:
    """The client's name in quotes: a claim of its own."""
    return quoted_name(asked.client_name)


def quoted_name(name: str) -> str:
    """A client's name in quotes, not longer than a button can show."""
    return quote(name, longest=_SHOWN_CLIENT_NAME) if name else "a client without a name"


def reach_text(page: Page[Studio]) -> str:
    """How many studios a key reaches, and how the first are called."""
    count = len(page.data or ())
    if not count:
        return "TRaX has accepted this key. It reaches no studio yet."
    names = listed([quoted(it.name) for it in page.items[:_SHOWN_STUDIOS]])
    if page.next_cursor is not None:
        return f"This key reaches more than {count} studios, among them {names}."
    if count > _SHOWN_STUDIOS:
        return f"This key reaches {count} studios, among them {names}."
    return f"This key reaches {count} studio{'s' if count > 1 else ''}: {names}."


def _screen(
    site: Site, *, title: str, content: Html, heading: str = _HEADING, head: Html = _NOTHING
) -> Html:
    sandbox = "It plays with made-up studios." if site.sandbox_key else ""
    return _fill(
        _FRAME,
        title=title,
        heading=heading,
        host=site.host,
        sandbox=sandbox,
        content=content,
        head=head,
    )


def _key_field(site: Site, promise: str, *, problem: str) -> Html:
    """The field for the key, which is never filled in here. `promise` says where the key goes."""
    hint = f"It begins with {KEY_PREFIX}. You make one on {KEYS_SCREEN}. {promise}"
    if site.sandbox_key:
        hint = f"This server is on the sandbox. Its key is {site.sandbox_key}"
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


def _needs_yes(site: Site) -> str:
    return f"{_NEEDS_YES}{_PASSKEY if site.ask.needs_passkey else _how_to_approve(site.ask)}"


def _how_to_approve(ask: WaysToAsk) -> str:
    if ask.confirm_alone:
        return _NOT_ASKED
    if not ask.shows_previews:
        return f"{_STILL}{_NO_PREVIEWS}"
    return f"{_STILL}{_IN_CLIENT if ask.asks_people else _IN_PREVIEWS}"


def _choice(site: Site, access: Scope, offered: Sequence[Scope], chosen: str) -> Html:
    text = _LOOK if access is Scope.READ else f"{_RUN} {_needs_yes(site)}"
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
        return "Nobody has checked what it is."
    if asked.client_host is None:
        return f"It calls itself {client_name(asked)}. Nobody has checked that."
    return f"It comes from {_host_text(asked.client_host)}. That was checked."


def _return_to(asked: PendingSignIn) -> str:
    """Where the browser goes at the end."""
    where = _host_text(redirect_host(asked.redirect_uri))
    if is_loopback_uri(asked.redirect_uri):
        return "Your browser then goes back to a program on this device."
    if where.endswith(":"):
        return f"Your browser then opens the app on this device for links that begin with {where}"
    return f"Your browser then goes to {where}."


def _warning(asked: PendingSignIn) -> Html:
    """Warns if the place that gets the answer was not checked."""
    where, checked = _host_text(redirect_host(asked.redirect_uri)), asked.client_host
    if is_loopback_uri(asked.redirect_uri) or where.endswith(":"):
        text = (
            "Any program on this device can claim this name. Go on only if you have just begun this"
            " yourself."
        )
    elif checked is None:
        text = f"Anybody can claim this name. Go on only if you know {where}."
    elif where != checked:
        text = (
            f"Your browser will be sent to {where}, which is not {_host_text(checked)}. Go on only"
            " if you know both."
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
        does=f"It may {it.access.label}.",
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
