"""What people say, and which studio that is."""

from __future__ import annotations

from typing import Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.hypothesis_profiles import examples
from trax_mcp.studio.names import ALL_LISTED, Fit, likely_match, match_names

NAMES: Final = (
    *("Friday Night Show", "Friday Night Show (rehearsal)", "Morning Coffee", "Sunday Service"),
    *("Sunday School", "Live Lounge", "Show 1", "Show 12", "Team A", "Team B", "Test", "Test"),
    *("The Show", "Café del Mar", "Стрим по пятницам", "金曜ナイトショー", "🎮 Game Night"),
)
LIKELY: Final = {
    "Friday Night Show": "Friday Night Show; FRIDAY NIGHT SHOW ; the friday show; show friday",
    "Friday Night Show (rehearsal)": "the friday rehearsal; friday night (Rehearsal); `id_1`",
    "Morning Coffee": "coffee; the coffee show; id_2; the studio id_2, please",
    "Sunday Service": "our sunday service",
    "Live Lounge": "the live lounge",
    "Show 1": "show 1",
    "Show 12": "Show 12; 12",
    "Team A": "team a",
    "The Show": "the show",
    "Café del Mar": "cafe del mar; CAFE\u0301",
    "Стрим по пятницам": "пятницам; стрим по пятницам",
    "金曜ナイトショー": "金曜ナイトショー",
    "🎮 Game Night": "game night; \uff27\uff41\uff4d\uff45",
}
"""What is said, by the name of the likely one."""
UNLIKELY: Final = {
    "Sunday Service; Sunday School": "sunday",
    "Team A; Team B": "team",
    "Test; Test": "test; the test stream",
    "Friday Night Show; Friday Night Show (rehearsal)": "fri",
    "金曜ナイトショー": "金曜",
    "🎮 Game Night": "🎮",
    "": "live; the one on air; my show; tuesday; fridy nite show; show 3; 🎉; ",
}
"""What is said, by the names that it fits. None is likely."""


def found(names: tuple[str, ...], said: str) -> tuple[list[int], int, int | None]:
    """The indexes of the studios that are listed, how many of them fit, and the likely one."""
    matches = match_names([(f"id_{number}", name) for number, name in enumerate(names)], said)
    likely = likely_match(matches)
    fitting = [it for it in matches if it.fit]
    assert matches[: len(fitting)] == fitting
    return [it.index for it in matches], len(fitting), likely.index if likely else None


@pytest.mark.parametrize(
    ("name", "said"), [(name, said) for name, all_ in LIKELY.items() for said in all_.split("; ")]
)
def test_an_id_a_whole_name_or_the_one_with_all_words_is_likely(name: str, said: str) -> None:
    """It comes first, and all others after it. Words such as "the" and "show" do not count."""
    listed, _, likely = found(NAMES, said)
    assert likely is not None
    assert (NAMES[likely], listed[0]) == (name, likely)
    assert sorted(listed) == [*range(len(NAMES))]


@pytest.mark.parametrize(
    ("names", "said"), [(names, it) for names, all_ in UNLIKELY.items() for it in all_.split("; ")]
)
def test_those_that_fit_come_first_and_none_of_several_is_likely(names: str, said: str) -> None:
    listed, fitting, likely = found(NAMES, said)
    assert "; ".join(NAMES[it] for it in listed[:fitting]) == names
    assert likely is None
    assert sorted(listed) == [*range(len(NAMES))]


@pytest.mark.parametrize(
    ("names", "said"),
    [
        (("Friday", "FRIDAY "), "friday"),
        (("id_1", "Friday"), "id_1"),
        (("Friday Show", "Friday Stream"), "the friday show"),
        (("Night Show Friday", "Friday Night Show"), "night friday"),
    ],
)
def test_none_of_two_that_are_meant_alike_is_likely(names: tuple[str, ...], said: str) -> None:
    """As anyone can name a studio like the id of another one."""
    assert found(names, said)[1:] == (2, None)


def test_of_more_than_20_studios_those_are_listed_that_are_alike() -> None:
    """A typo, a word of another order, the beginning of a name."""
    others = tuple(f"{it} Hour" for it in range(100, 122))
    names = (*others, "Friday Night Show", "Weekend Sports", "Thursday Talk")
    assert len(others) > ALL_LISTED
    for said, listed in {
        "fridy nite": ["Friday Night Show"],
        "the wekend sport": ["Weekend Sports"],
        "tuesday talk": ["Thursday Talk"],
        "thurs": ["Thursday Talk"],
        "live": [],
        "coffee": [],
    }.items():
        assert [names[it] for it in found(names, said)[0]] == listed


def test_very_long_texts_are_compared_by_their_beginning() -> None:
    words = " ".join(f"w{number}x" for number in range(10_000))
    assert found((words, "x" * 100_000), words) == ([0, 1], 1, 0)


@pytest.mark.fuzz
@settings(max_examples=examples(100))
@given(st.lists(st.text(max_size=30), max_size=30), st.text(max_size=40))
def test_any_text_can_be_searched_for(names: list[str], said: str) -> None:
    """A likely studio is the first, and no other one has its name."""
    listed, _, likely = found(tuple(names), said)
    assert len(set(listed)) == len(listed)
    if likely is not None:
        matches = match_names([(f"id_{number}", it) for number, it in enumerate(names)], said)
        assert matches[0].fit >= Fit.WORDS
        assert listed[0] == likely
        assert names.count(names[likely]) == 1 or str(likely) in said
