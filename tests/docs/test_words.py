"""Pages and answers keep to the words of `words.toml`: one for each thing, and natural English."""

from __future__ import annotations

import pytest

from tests.docs.words import LIST, RULES, Rule, files, found_in


@pytest.mark.parametrize("file", sorted({*files()} - {*LIST["left"]}))
def test_no_habit_is_left_in_a_file(file: str) -> None:
    """`python -m tests.docs.words FILE` says what to write instead."""
    assert [(rule.use, place) for rule, place in found_in(file)] == []


def test_a_file_that_is_clean_is_not_listed() -> None:
    """It stays so."""
    assert [it for it in LIST["left"] if not any(found_in(it))] == []


@pytest.mark.parametrize("rule", RULES, ids=lambda it: it.use)
def test_a_rule_finds_what_is_wrong_and_leaves_what_is_right(rule: Rule) -> None:
    """The examples in the list."""
    assert [it for it in rule.wrong if not rule.pattern.search(it)] == []
    assert [it for it in rule.right if rule.pattern.search(it)] == []
