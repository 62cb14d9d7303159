"""What people say, and which studio is found first, over three sets of names."""

from __future__ import annotations

from typing import Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.hypothesis_profiles import examples
from trax_mcp.studio.names import rank_studios

Expected = dict[str, str]
"""What is said, by the name of the first match. With `?`, it is not the likely one."""

FEW: Final = (
    *("Friday Night Show", "Friday Night Show (rehearsal)", "Morning Coffee"),
    "Product Launch Rehearsal",
)
SAID_OF_FEW: Final[Expected] = {
    "Friday Night Show": (
        "Friday Night Show; friday show; the friday show; fridy nite show; show friday; my friday "
        "stream; friday; Friday's show; fri; frdiay night; fridaynight; take the friday show off "
        "air; night"
    ),
    "Friday Night Show (rehearsal)": "the friday rehearsal; rehersal friday night; studio `id_1`",
    "Morning Coffee": "coffee; the cofee show; kofee; mornign coffee; our morning programme; id_2",
    "Product Launch Rehearsal": "product launch; the product lunch; id 3",
    "Product Launch Rehearsal?": "rehearsal",
    "Friday Night Show?": "night owl; my show; the studio",
    "?": "tuesday show; no such; id_9",
}
MANY: Final = (
    *("Sunday Service", "Sunday Service (Spanish)", "Sunday School", "Wednesday Night Live"),
    *("Wednesday Bible Study", "Youth Night", "Youth Night Live", "Game Night", "Gamers Talk"),
    *("Podcast", "Podcast Bonus", "Live Lounge", "Show 1", "Show 2", "Show 12", "Team A"),
    *("Team B", "Test", "Test", "Sports Desk", "Weekend Sports", "Thursday Talk", "The Show"),
)
SAID_OF_MANY: Final[Expected] = {
    "Sunday Service": "sunday service; the sunday servise",
    "Sunday Service (Spanish)": "spanish service; the spanish one",
    "Sunday School": "sundy school",
    "Wednesday Night Live": "wednesday night",
    "Wednesday Bible Study": "bibel study",
    "Youth Night": "youth",
    "Youth Night Live": "youth live",
    "Game Night": "gamenight",
    "Podcast": "the podcast; pod cast",
    "Podcast Bonus": "podcast bonus",
    "Live Lounge": "lounge",
    "Show 1": "show 1",
    "Show 2": "show 02",
    "Show 12": "12",
    "Team A": "team a",
    "Weekend Sports": "wekend sport",
    "Thursday Talk": "thursday",
    "The Show": "the show",
    "Sunday School?": "sunday",
    "Wednesday Night Live?": "wednesday",
    "Game Night?": "night; game",
    "Live Lounge?": "live",
    "?": "show 3",
    "Team A?": "team",
    "Test?": "test; the test stream",
    "Sports Desk?": "sport",
    "Thursday Talk?": "tuesday talk",
}
SCRIPTS: Final = (
    *("Café del Mar", "Cafe Central", "Стрим по пятницам", "金曜ナイトショー", "朝のニュース"),
    *("Émission du vendredi", "Fußball heute", "Şehir Radyosu", "صباح الخير", "हिन्दी समाचार"),
    *("🎮 Game Night", "Smørrebrød Live", "밤의 토크쇼", "Ещё один стрим"),
)
SAID_IN_SCRIPTS: Final[Expected] = {
    "Café del Mar": "cafe del mar",
    "Cafe Central": "café central",
    "Стрим по пятницам": "по пятницам; пятницам стрим",
    "Ещё один стрим": "еще один",
    "金曜ナイトショー": "金曜",
    "朝のニュース": "ニュース",
    "Émission du vendredi": "emission vendredi; l\u2019émission du vendredi",
    "Fußball heute": "FUSSBALL; fusball",
    "Şehir Radyosu": "sehir",
    "صباح الخير": "صباح",
    "हिन्दी समाचार": "समाचार",
    "🎮 Game Night": "game night; 🎮; \uff27\uff41\uff4d\uff45",
    "Smørrebrød Live": "smorrebrod",
    "밤의 토크쇼": "토크쇼",
    "Café del Mar?": "CAFE\u0301",
    "?": "🎉",
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
    came_first: dict[str, list[str]] = {}
    for said in (it for saids in table.values() for it in saids.split("; ")):
        matches, likely = found(names, said)
        assert likely in (None, *matches[:1])
        first = names[matches[0]] if matches else ""
        came_first.setdefault(first + "?" * (likely is None), []).append(said)
    assert {first: "; ".join(saids) for first, saids in came_first.items()} == table


def test_filler_words_alone_do_not_make_a_match_unless_nothing_else_is_said() -> None:
    assert found((*FEW, "Monday Show", "Show 1"), "friday show")[0] == [0, 1]
    assert found((*FEW, "Monday Show", "Show 1"), "show 3")[0] == []
    assert found(FEW, "show")[0] == [0, 1, 2, 3]


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


def test_a_studio_that_is_named_live_is_likely_only_if_no_other_is_on_air() -> None:
    """The word may mean its name, or any studio on air."""
    for on_air, likely in (({0}, 0), ({0, 1}, None), ({1}, None), (set[int](), None)):
        live = {index: index in on_air for index in range(2)}
        assert found(("Live", "Friday Night Show"), "live", live=live)[1] == likely


def test_no_studio_is_the_only_one_on_air_if_another_may_be() -> None:
    for said in ("live", "live rehearsal"):
        assert found(FEW, said, live={0: False, 1: True, 2: False})[1] is None


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
    names = ("Friday Show", "Friday Stream", "Friday Night Show")
    assert found(names, "the friday stream")[1] == 1
    assert found(names, "our friday show")[1] == 0


def test_the_only_studio_is_likely_if_no_name_is_said() -> None:
    assert found(("Morning Coffee",), "my studio") == ([0], 0)
    assert found(("Morning Coffee",), "the friday show") == ([], None)
    assert found((), "my studio") == ([], None)


def test_a_search_for_very_long_texts_ends() -> None:
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
