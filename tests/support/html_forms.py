"""A page, read as a browser without JavaScript reads it: its forms, its text and its elements."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser


@dataclass
class Form:
    """A form: where it goes, its fields with their values, and the words on its buttons."""

    action: str
    fields: dict[str, str] = field(default_factory=dict)
    """Those with a value: hidden ones, and a choice that is made already."""
    passwords: list[str] = field(default_factory=list)
    """The names of password fields."""
    choices: dict[str, list[str]] = field(default_factory=dict)
    """The values of radio buttons, by name."""
    buttons: list[str] = field(default_factory=list)
    """Also of those that lie elsewhere on the page."""

    def filled(self, *, key: str, access: str = "run", **changes: str) -> dict[str, str]:
        """What a browser sends after a person has typed a key and chosen what to allow."""
        chosen = {name: access for name, values in self.choices.items() if access in values}
        return self.fields | dict.fromkeys(self.passwords, key) | chosen | changes


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.forms: list[Form] = []
        self.ids: dict[str, Form] = {}
        self.next_address: str | None = None
        self.elements: list[str] = []
        self.text: list[str] = []
        self._buttons: list[tuple[str | None, Form | None, list[str]]] = []
        self._button: list[str] | None = None
        self._form: Form | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attrs}
        self.elements.append(" ".join([tag, *sorted(found)]))
        if tag == "meta" and found.get("http-equiv") == "refresh":
            self.next_address = found["content"].partition("url=")[2]
        if tag == "form":
            self._form = Form(found.get("action", ""))
            self.forms.append(self._form)
            self.ids[found.get("id", "")] = self._form
        elif tag == "button":
            self._button = []
            self._buttons.append((found.get("form"), self._form, self._button))
        elif self._form and tag == "input":
            _add(self._form, found)

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._form = None
        if tag == "button":
            self._button = None

    def handle_data(self, data: str) -> None:
        self.text += data.split()
        if self._button is not None:
            self._button += data.split()

    def close(self) -> None:
        """Give each button to its form."""
        super().close()
        for form_id, form, words in self._buttons:
            owner = form if form_id is None else self.ids[form_id]
            if owner is not None:
                owner.buttons.append(" ".join(words))


def _add(form: Form, found: dict[str, str]) -> None:
    name, value = found.get("name", ""), found.get("value", "")
    match found.get("type", "text"):
        case "password":
            form.passwords.append(name)
        case "radio":
            form.choices.setdefault(name, []).append(value)
            if "checked" in found:
                form.fields[name] = value
        case _ if name:
            form.fields[name] = value
        case _:
            pass


def next_address(html: str) -> str | None:
    """Where a page takes the browser by itself, at once."""
    return _read(html).next_address


def forms_of(html: str) -> list[Form]:
    return _read(html).forms


def form_with(html: str, button: str) -> Form:
    """The only form that has a button whose words begin so."""
    (form,) = (it for it in forms_of(html) if any(b.startswith(button) for b in it.buttons))
    return form


def elements_of(html: str) -> list[str]:
    return _read(html).elements


def text_of(html: str) -> str:
    """The text of a page, with one space between two words."""
    return " ".join(_read(html).text)


def _read(html: str) -> _Reader:
    reader = _Reader()
    reader.feed(html)
    reader.close()
    return reader
