"""Fills HTML templates. What is not markup itself becomes text."""

from collections.abc import Iterable
from html import escape
from importlib.resources import files
from typing import Final


class Html(str):
    """Markup, made of templates of ours."""

    __slots__ = ()


NOTHING: Final = Html()


def fill(template: str, **parts: str) -> Html:
    """Put parts into a template (`{name}` for each). Parts that are not `Html` are escaped."""
    safe = {name: it if isinstance(it, Html) else escape(it) for name, it in parts.items()}
    return Html(template.format_map(safe))


def joined(parts: Iterable[Html]) -> Html:
    """Parts, one after the other."""
    return Html("".join(parts))


def template(name: str) -> str:
    """One of our templates."""
    return files("trax_mcp.web").joinpath("static", name).read_text(encoding="utf-8")
