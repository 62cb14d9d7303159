"""What people say, and which studio is found first, over three sets of names."""

from __future__ import annotations

from typing import Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.hypothesis_profiles import examples
from trax_mcp.studio.names import rank_studios

Expected = dict[str, tuple[str | None, bool]]
"""What is said -> the name of the first match, and whether it is the likely one."""

SHOW, REHEARSAL = "Friday Night Show", "Friday Night Show (rehearsal)"
COFFEE, LAUNCH = "Morning Coffee", "Product Launch Rehearsal"

FEW: Final = (SHOW, REHEARSAL, COFFEE, LAUNCH)
SAID_OF_FEW: Final[Expected] = {
    "Friday Night Show": (SHOW, True),
    "friday show": (SHOW, True),
    "the friday show": (SHOW, True),
    "fridy nite show": (SHOW, True),
    "show friday": (SHOW, True),
    "my friday stream": (SHOW, True),
    "friday": (SHOW, True),
    "Friday's show": (SHOW, True),
    "fri": (SHOW, True),
    "frdiay night": (SHOW, True),
    "fridaynight": (SHOW, True),
    "take the friday show off air": (SHOW, True),
    "night": (SHOW, True),
    "the friday rehearsal": (REHEARSAL, True),
    "rehersal friday night": (REHEARSAL, True),
    "rehearsal": (LAUNCH, False),
    "coffee": (COFFEE, True),
    "the cofee show": (COFFEE, True),
    "kofee": (COFFEE, True),
    "mornign coffee": (COFFEE, True),
    "our morning programme": (COFFEE, True),
    "product launch": (LAUNCH, True),
    "the product lunch": (LAUNCH, True),
    "night owl": (SHOW, False),
    "my show": (SHOW, False),
    "the studio": (SHOW, False),
    "tuesday show": (None, False),
    "no such": (None, False),
    "id_2": (COFFEE, True),
    "studio `id_1`": (REHEARSAL, True),
    "id 3": (LAUNCH, True),
    "id_9": (None, False),
}

MANY: Final = (
    *("Sunday Service", "Sunday Service (Spanish)", "Sunday School", "Wednesday Night Live"),
    *("Wednesday Bible Study", "Youth Night", "Youth Night Live", "Game Night", "Gamers Talk"),
    *("Podcast", "Podcast Bonus", "Live Lounge", "Show 1", "Show 2", "Show 12", "Team A"),
    *("Team B", "Test", "Test", "Sports Desk", "Weekend Sports", "Thursday Talk", "The Show"),
)
SAID_OF_MANY: Final[Expected] = {
    "sunday service": ("Sunday Service", True),
    "the sunday servise": ("Sunday Service", True),
    "spanish service": ("Sunday Service (Spanish)", True),
    "the spanish one": ("Sunday Service (Spanish)", True),
    "sunday": ("Sunday School", False),
    "sundy school": ("Sunday School", True),
    "wednesday": ("Wednesday Night Live", False),
    "wednesday night": ("Wednesday Night Live", True),
    "bibel study": ("Wednesday Bible Study", True),
    "youth": ("Youth Night", True),
    "youth live": ("Youth Night Live", True),
    "night": ("Game Night", False),
    "game": ("Game Night", False),
    "gamenight": ("Game Night", True),
    "the podcast": ("Podcast", True),
    "pod cast": ("Podcast", True),
    "podcast bonus": ("Podcast Bonus", True),
    "lounge": ("Live Lounge", True),
    "live": ("Live Lounge", False),
    "show 1": ("Show 1", True),
    "show 02": ("Show 2", True),
    "12": ("Show 12", True),
    "show 3": (None, False),
    "team a": ("Team A", True),
    "team": ("Team A", False),
    "test": ("Test", False),
    "the test stream": ("Test", False),
    "sport": ("Sports Desk", False),
    "wekend sport": ("Weekend Sports", True),
    "tuesday talk": ("Thursday Talk", False),
    "thursday": ("Thursday Talk", True),
    "the show": ("The Show", True),
}

SCRIPTS: Final = (
    *("Café del Mar", "Cafe Central", "Стрим по пятницам", "金曜ナイトショー", "朝のニュース"),
    *("Émission du vendredi", "Fußball heute", "Şehir Radyosu", "صباح الخير", "हिन्दी समाचार"),
    *("🎮 Game Night", "Smørrebrød Live", "밤의 토크쇼", "Ещё один стрим"),
)
SAID_IN_SCRIPTS: Final[Expected] = {
    "cafe del mar": ("Café del Mar", True),
    "café central": ("Cafe Central", True),
    "CAFE\u0301": ("Café del Mar", False),
    "по пятницам": ("Стрим по пятницам", True),
    "пятницам стрим": ("Стрим по пятницам", True),
    "еще один": ("Ещё один стрим", True),
    "金曜": ("金曜ナイトショー", True),
    "ニュース": ("朝のニュース", True),
    "emission vendredi": ("Émission du vendredi", True),
    "l\u2019émission du vendredi": ("Émission du vendredi", True),
    "FUSSBALL": ("Fußball heute", True),
    "fusball": ("Fußball heute", True),
    "sehir": ("Şehir Radyosu", True),
    "صباح": ("صباح الخير", True),
    "समाचार": ("हिन्दी समाचार", True),
    "game night": ("🎮 Game Night", True),
    "🎮": ("🎮 Game Night", True),
    "\uff27\uff41\uff4d\uff45": ("🎮 Game Night", True),
    "smorrebrod": ("Smørrebrød Live", True),
    "토크쇼": ("밤의 토크쇼", True),
    "🎉": (None, False),
}

TABLES: Final = ((FEW, SAID_OF_FEW), (MANY, SAID_OF_MANY), (SCRIPTS, SAID_IN_SCRIPTS))


def found(
    names: tuple[str, ...], said: str, *, live: dict[int, bool] | None = None
) -> tuple[list[int], int | None]:
    """The indexes of the studios that match, best first, and of the likely one."""
    ranking = rank_studios([(f"id_{number}", name) for number, name in enumerate(names)], said)
    live = dict.fromkeys(range(len(names)), False) if live is None else live
    likely = ranking.likely(live)
    matches = [it.index for it in ranking.on_air_first(live)]
    return matches, likely.index if likely else None


@pytest.mark.parametrize(("names", "table"), TABLES, ids=["few", "many", "scripts"])
def test_the_studio_that_a_person_means_comes_first(
    names: tuple[str, ...], table: Expected
) -> None:
    """It is the likely one unless others fit as well, or not all words are in its name."""
    came_first: Expected = {}
    for said in table:
        matches, likely = found(names, said)
        assert likely in (None, *matches[:1])
        came_first[said] = names[matches[0]] if matches else None, likely is not None
    assert came_first == table


@pytest.mark.parametrize(
    ("said", "names"),
    [
        ("friday show", ["Friday Night Show", "Friday Night Show (rehearsal)"]),
        ("show", [*FEW]),
        ("show 3", []),
    ],
)
def test_filler_words_alone_do_not_make_a_match(said: str, names: list[str]) -> None:
    """Unless nothing else is said."""
    everything = (*FEW, "Monday Show", "Show 1") if said != "show" else FEW
    matches, _ = found(everything, said)
    assert [everything[it] for it in matches] == names


@pytest.mark.parametrize(
    ("said", "on_air", "matches", "likely"),
    [
        ("live", [2], [2, 0, 1, 3], 2),
        ("the one on air", [2], [2, 0, 1, 3], 2),
        ("on-air", [1, 2], [1, 2, 0, 3], None),
        ("the live show", [], [0, 1, 2, 3], None),
        ("the friday show that is live", [0], [0, 1], 0),
        ("the friday show that is live", [1], [0, 1], None),
        ("friday show live", [0, 1], [0, 1], 0),
        ("friday show live", [2], [0, 1], 0),
        ("live rehearsal", [1], [3, 1], 1),
        ("live rehearsal", [1, 3], [3, 1], None),
        ("live tuesday show", [1], [], None),
    ],
)
def test_a_word_such_as_live_asks_for_a_studio_on_air(
    said: str, on_air: list[int], matches: list[int], likely: int | None
) -> None:
    """The only one is likely, unless the name says another one."""
    live = {index: index in on_air for index in range(len(FEW))}
    assert found(FEW, said, live=live) == (matches, likely)


@pytest.mark.parametrize(("on_air", "likely"), [([0], 0), ([0, 1], None), ([1], None), ([], None)])
def test_a_studio_that_is_named_live_is_likely_only_if_no_other_is_on_air(
    on_air: list[int], likely: int | None
) -> None:
    """The word may mean its name, or any studio on air."""
    live = {index: index in on_air for index in range(2)}
    assert found(("Live", "Friday Night Show"), "live", live=live)[1] == likely


@pytest.mark.parametrize("said", ["live", "live rehearsal"])
def test_no_studio_is_the_only_one_on_air_if_another_may_be(said: str) -> None:
    """The status of one is not known."""
    _, likely = found(FEW, said, live={0: False, 1: True, 2: False})
    assert likely is None


@pytest.mark.parametrize(
    ("names", "said"),
    [
        (("Friday", "Friday"), "friday"),
        (("Friday", "FRIDAY "), "the friday show"),
        (("Friday Night Show", "Friday Night Show", "Friday"), "friday night show"),
        (("Night Show Friday", "Friday Night Show"), "show night friday"),
        (("id_1", "Friday"), "id_1"),
        (("Friday Show", "Friday Stream"), "friday"),
        (("Friday Show", "Friday Night Stream"), "friday stream"),
        (("Friday Night", "Friday Morning"), "friday"),
        (("Morning Talk", "Moaning Talk"), "moning talk"),
    ],
)
def test_none_of_several_equal_matches_is_likely(names: tuple[str, ...], said: str) -> None:
    """Not even if one is live: nobody said so."""
    live = {0: True} | dict.fromkeys(range(1, len(names)), False)
    matches, likely = found(names, said, live=live)
    assert len(matches) > 1
    assert likely is None


def test_a_filler_word_decides_between_names_that_are_equal_without_it() -> None:
    """Whole names come before parts of names."""
    names = ("Friday Show", "Friday Stream", "Friday Night Show")
    assert found(names, "the friday stream")[1] == 1
    assert found(names, "our friday show")[1] == 0


def test_the_only_studio_is_likely_if_no_name_is_said() -> None:
    """There is nothing to choose."""
    assert found(("Morning Coffee",), "my studio") == ([0], 0)
    assert found(("Morning Coffee",), "the friday show") == ([], None)
    assert found((), "my studio") == ([], None)


def test_a_search_for_very_long_texts_ends() -> None:
    """A name is compared up to a limit."""
    words = " ".join(f"w{number}x" for number in range(10_000))
    assert found((words, "x" * 100_000), words) == ([0], 0)


@pytest.mark.fuzz
@settings(max_examples=examples(100))
@given(st.lists(st.text(max_size=30), max_size=6), st.text(max_size=40))
def test_any_text_can_be_searched_for(names: list[str], said: str) -> None:
    """A likely studio is a match, and no other one has its name."""
    matches, likely = found(tuple(names), said)
    assert len(set(matches)) == len(matches)
    if likely is not None:
        assert likely in matches
        assert names.count(names[likely]) == 1 or str(likely) in said
