"""A page, read as a browser without JavaScript reads it: its forms, its text and its elements."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser


@dataclass
class Form:
    """A form: where it goes, its fields with their values, and its buttons."""

    action: str
    method: str
    fields: dict[str, str] = field(default_factory=dict)
    """Those with a value: hidden ones, and a choice that is made already."""
    passwords: list[str] = field(default_factory=list)
    """The names of password fields."""
    choices: dict[str, list[str]] = field(default_factory=dict)
    """The values of radio buttons, by name."""
    buttons: list[tuple[str, str]] = field(default_factory=list)
    """Name and value of each button that sends the form."""

    def filled(self, *, key: str, access: str, **changes: str) -> dict[str, str]:
        """What a browser sends after a person has typed a key and chosen what to allow."""
        chosen = {name: access for name, values in self.choices.items() if access in values}
        return self.fields | dict.fromkeys(self.passwords, key) | chosen | changes


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.forms: list[Form] = []
        self.next_address: str | None = None
        self.elements: list[str] = []
        self.text: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Collect forms and what is in them, and where the page leads by itself."""
        found = {name: value or "" for name, value in attrs}
        self.elements.append(" ".join([tag, *sorted(found)]))
        if tag == "meta" and found.get("http-equiv") == "refresh":
            self.next_address = found["content"].partition("url=")[2]
        if tag == "form":
            method = found.get("method", "get").lower()
            self.forms.append(Form(found.get("action", ""), method))
        elif self.forms and tag in {"input", "button"}:
            _add(self.forms[-1], tag, found)

    def handle_data(self, data: str) -> None:
        """Collect the text."""
        self.text += data.split()


def _add(form: Form, tag: str, found: dict[str, str]) -> None:
    name, value = found.get("name", ""), found.get("value", "")
    kind = found.get("type", "submit" if tag == "button" else "text")
    match kind:
        case "password":
            form.passwords.append(name)
        case "radio":
            form.choices.setdefault(name, []).append(value)
            if "checked" in found:
                form.fields[name] = value
        case "submit":
            form.buttons.append((name, value))
        case _ if name:
            form.fields[name] = value
        case _:
            pass


def next_address(html: str) -> str | None:
    """Where a page takes the browser by itself, at once."""
    return _read(html).next_address


def forms_of(html: str) -> list[Form]:
    """All forms of a page, in order."""
    return _read(html).forms


def elements_of(html: str) -> list[str]:
    """All elements of a page, each with the names of its attributes, in order."""
    return _read(html).elements


def text_of(html: str) -> str:
    """The text of a page, with one space between two words."""
    return " ".join(_read(html).text)


def _read(html: str) -> _Reader:
    reader = _Reader()
    reader.feed(html)
    reader.close()
    return reader
