"""JSON with comments is edited in place: everything else in the text stays as it is."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trax_mcp.cli.jsonc import Document, InvalidJson

NAMES = st.sampled_from(["servers", "trax", "a", "//", "/*", ",}", '"', "\\"])
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | NAMES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=12,
)
SPACES = st.sampled_from(
    ["", " ", "\n", "\r", "\r\n  ", "\t", "/* , } */", "// ]},\n", "//\r", "/*\n*/ "]
)
BLANKS = st.sampled_from(["", " ", "\n", "\r", "\r\n  ", "\t"])


@st.composite
def typed(draw: st.DrawFn, value: object, *, spaces: st.SearchStrategy[str], comma: bool) -> str:
    """A value as JSON text with random spaces, comments and trailing commas."""

    def inner(it: object) -> str:
        return draw(spaces) + draw(typed(it, spaces=spaces, comma=comma)) + draw(spaces)

    def join(parts: list[str]) -> str:
        return ",".join(parts) + (
            "," + draw(spaces) if parts and comma and draw(st.booleans()) else ""
        )

    match value:
        case dict():
            items = [
                f"{draw(spaces)}{json.dumps(name)}{draw(spaces)}:{inner(it)}"
                for name, it in value.items()
            ]
            return "{" + join(items) + draw(spaces) + "}"
        case list():
            return "[" + join([inner(it) for it in value]) + draw(spaces) + "]"
        case _:
            return json.dumps(value)


def members(text: str, *, comments: bool) -> dict[str, object]:
    """The members of a document, read one by one."""
    document = Document.read(text, comments=comments)
    return {name: document.get(name) for name in json.loads(document._plain)}


def is_kept(old: str, new: str) -> bool:
    """Whether all characters but spaces are still there, in the same order."""
    characters = iter("".join(new.split()))
    return all(it in characters for it in "".join(old.split()))


@settings(deadline=None)
@given(
    data=st.data(),
    old=st.dictionaries(NAMES, VALUES, max_size=4),
    value=VALUES,
    comments=st.booleans(),
)
def test_put_adds_a_member_and_keeps_the_rest(
    *, data: st.DataObject, old: dict[str, object], value: object, comments: bool
) -> None:
    """With any spaces, line ends, comments, trailing commas and strings."""
    spaces = SPACES if comments else BLANKS
    text = data.draw(spaces) + data.draw(typed(old, spaces=spaces, comma=comments))
    new = Document.read(text, comments=comments).put("new", "trax", value=value)
    assert members(new.text, comments=comments) == {**old, "new": {"trax": value}}
    assert is_kept(text, new.text)
    assert new.put("new", "trax", value=value) is new


@settings(deadline=None)
@given(data=st.data(), old=st.dictionaries(NAMES, VALUES, min_size=1, max_size=4), value=VALUES)
def test_put_replaces_a_value_and_nothing_else(
    *, data: st.DataObject, old: dict[str, object], value: object
) -> None:
    """The text before and after the value stays."""
    name = data.draw(st.sampled_from(sorted(old)))
    text = data.draw(typed(old, spaces=SPACES, comma=True))
    document = Document.read(text, comments=True)
    new = document.put(name, value=value)
    assert members(new.text, comments=True) == {**old, name: value}
    member = document._find([name])
    assert member is not None
    assert new.text.startswith(text[: member.value])
    assert new.text.endswith(text[member.end :])


@pytest.mark.parametrize("text", ["", " \r\n", "\ufeff", "// nothing yet", "/* nothing */\n"])
def test_empty_file_is_an_empty_object(text: str) -> None:
    """Some clients create an empty file. Comments stay."""
    new = Document.read(text, comments=True).put("a", value=1).text
    assert new.startswith(text)
    assert members(new, comments=True) == {"a": 1}


@pytest.mark.parametrize(
    "text",
    [
        "{,}",
        "[,]",
        '{"a": 1,,}',
        '{"a" 1}',
        '{"a": "b}',
        '{"a": 1} /*',
        "'a'",
        '{"a": 1}}',
        "[" * 99999,
    ],
)
def test_invalid_json_is_refused_even_with_comments_allowed(text: str) -> None:
    """A guess could lose content."""
    with pytest.raises(InvalidJson, match="is not JSON"):
        Document.read(text, comments=True)


def test_last_of_two_members_with_the_same_name_counts() -> None:
    """As in JSON parsers."""
    text = '{"a": {"b": 1}, "a": {"b": 2}}'
    new = Document.read(text, comments=False).put("a", "b", value=3)
    assert new.text == '{"a": {"b": 1}, "a": {"b": 3}}'


def test_document_on_one_line_stays_on_one_line() -> None:
    """The added member has no line break."""
    new = Document.read('{ "a": {"b": 1} }', comments=False).put("a", "c", value=[2])
    assert new.text == '{ "a": {"b": 1, "c": [2]} }'


def test_carriage_return_alone_ends_a_line() -> None:
    """And so it ends a comment."""
    text = '{\r\t"a": 1 // one\r}\r'
    new = Document.read(text, comments=True).put("b", value=[2])
    assert new.text == '{\r\t"a": 1, // one\r\t"b": [\r\t\t2\r\t]\r}\r'
    assert members(new.text, comments=True) == {"a": 1, "b": [2]}


def test_edit_that_does_not_read_back_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """`put` checks its own result."""
    unchanged = lambda document, *_: document  # noqa: E731  a one-line stub
    monkeypatch.setattr(Document, "_insert_into", unchanged)
    with pytest.raises(InvalidJson, match="cannot be changed in place"):
        Document.read("{}", comments=False).put("a", value=1)
