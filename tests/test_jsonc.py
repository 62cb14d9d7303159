"""A document is changed in place: whatever it looks like, only what is meant is different."""

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
    """A value as somebody might have typed it."""

    def inner(it: object) -> str:
        return draw(spaces) + draw(typed(it, spaces=spaces, comma=comma)) + draw(spaces)

    def last(parts: list[str]) -> str:
        return ",".join(parts) + (
            "," + draw(spaces) if parts and comma and draw(st.booleans()) else ""
        )

    match value:
        case dict():
            members = [
                f"{draw(spaces)}{json.dumps(name)}{draw(spaces)}:{inner(it)}"
                for name, it in value.items()
            ]
            return "{" + last(members) + draw(spaces) + "}"
        case list():
            return "[" + last([inner(it) for it in value]) + draw(spaces) + "]"
        case _:
            return json.dumps(value)


def plain(text: str, *, comments: bool) -> dict[str, object]:
    """What a document holds, read back member by member."""
    document = Document.read(text, comments=comments)
    return {name: document.get(name) for name in json.loads(document._plain)}


def kept(old: str, new: str) -> bool:
    """Whether all that was typed is still there, in the same order; a line may begin anywhere."""
    characters = iter("".join(new.split()))
    return all(it in characters for it in "".join(old.split()))


@settings(deadline=None)
@given(
    data=st.data(),
    old=st.dictionaries(NAMES, VALUES, max_size=4),
    value=VALUES,
    comments=st.booleans(),
)
def test_what_is_added_is_there_and_the_rest_is_as_it_was(
    *, data: st.DataObject, old: dict[str, object], value: object, comments: bool
) -> None:
    """Whatever spaces, line ends, comments and commas there are, and whatever strings look like."""
    spaces = SPACES if comments else BLANKS
    text = data.draw(spaces) + data.draw(typed(old, spaces=spaces, comma=comments))
    new = Document.read(text, comments=comments).put("new", "trax", value=value)
    assert plain(new.text, comments=comments) == {**old, "new": {"trax": value}}
    assert kept(text, new.text)
    assert new.put("new", "trax", value=value) is new


@settings(deadline=None)
@given(data=st.data(), old=st.dictionaries(NAMES, VALUES, min_size=1, max_size=4), value=VALUES)
def test_what_is_replaced_is_all_that_differs(
    *, data: st.DataObject, old: dict[str, object], value: object
) -> None:
    """The text before and after it stays, to the letter."""
    name = data.draw(st.sampled_from(sorted(old)))
    text = data.draw(typed(old, spaces=SPACES, comma=True))
    document = Document.read(text, comments=True)
    new = document.put(name, value=value)
    assert plain(new.text, comments=True) == {**old, name: value}
    member = document._find([name])
    assert member is not None
    assert new.text.startswith(text[: member.value])
    assert new.text.endswith(text[member.end :])


@pytest.mark.parametrize("text", ["", " \r\n", "\ufeff", "// nothing yet", "/* nothing */\n"])
def test_an_empty_file_is_an_empty_object(text: str) -> None:
    """As clients leave it that have made one and put nothing in."""
    new = Document.read(text, comments=True).put("a", value=1).text
    assert new.startswith(text)
    assert plain(new, comments=True) == {"a": 1}


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
def test_what_is_broken_is_not_read_even_where_much_is_allowed(text: str) -> None:
    """A guess about what was meant would lose something."""
    with pytest.raises(InvalidJson, match="is not JSON"):
        Document.read(text, comments=True)


def test_of_two_of_the_same_name_the_last_counts() -> None:
    """As it does for those who read it."""
    text = '{"a": {"b": 1}, "a": {"b": 2}}'
    new = Document.read(text, comments=False).put("a", "b", value=3)
    assert new.text == '{"a": {"b": 1}, "a": {"b": 3}}'


def test_one_line_stays_one_line() -> None:
    """Who has it so wants it so."""
    new = Document.read('{ "a": {"b": 1} }', comments=False).put("a", "c", value=[2])
    assert new.text == '{ "a": {"b": 1, "c": [2]} }'


def test_a_line_may_end_as_it_did_long_ago() -> None:
    """With a carriage return alone: what comes after a comment is not a part of it."""
    text = '{\r\t"a": 1 // one\r}\r'
    new = Document.read(text, comments=True).put("b", value=[2])
    assert new.text == '{\r\t"a": 1, // one\r\t"b": [\r\t\t2\r\t]\r}\r'
    assert plain(new.text, comments=True) == {"a": 1, "b": [2]}


def test_what_does_not_read_back_is_not_changed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever we did not think of: nobody is to find a configuration without what was added."""
    unchanged = lambda document, *_: document  # noqa: E731  no more than that
    monkeypatch.setattr(Document, "_insert_into", unchanged)
    with pytest.raises(InvalidJson, match="cannot be changed in place"):
        Document.read("{}", comments=False).put("a", value=1)
