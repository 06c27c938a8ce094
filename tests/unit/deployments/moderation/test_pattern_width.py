"""The width of a pattern, against what Python's own parser says of patterns that both know."""

import warnings

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deployments.moderation.pattern_width import MAX_WIDTH, pattern_width
from deployments.moderation.patterns import check_pattern

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)
    import sre_parse

ATOMS = st.sampled_from(
    ["a", ".", r"\d", r"\.", "[a-z]", r"[^]\]x]", r"\b", r"\x41", "é", r"[\w-]"]
)
QUANTIFIERS = st.sampled_from(["", "", "?", "{2}", "{1,3}", "{0,2}?", "??"])


def _patterns() -> st.SearchStrategy[str]:
    def wider(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
        joined = st.lists(inner, min_size=1, max_size=3).map("".join)
        either = st.lists(joined, min_size=1, max_size=3).map("|".join)
        return st.builds(
            "{}{}){}".format, st.sampled_from(["(", "(?:", "(?P<n>"]), either, QUANTIFIERS
        )

    atoms = st.builds("{}{}".format, ATOMS.filter(lambda atom: atom != r"\b"), QUANTIFIERS)
    return st.recursive(atoms | st.just(r"\b"), wider, max_leaves=6)


@settings(max_examples=400)
@given(_patterns())
def test_it_is_the_width_that_python_finds(pattern: str) -> None:
    if pattern.count("(?P<n>") > 1:
        return
    assert pattern_width(pattern) == sre_parse.parse(pattern).getwidth()[1]


@pytest.mark.parametrize(
    ("pattern", "width"),
    [
        (r"\pL{1,3}\p{Greek}", 4),
        (r"[[:alpha:]]{2}x", 3),
        (r"\Qa+b*\E", 4),
        (r"(?i)ab|(?s:c.e)", 3),
        (r"\x{1F600}\101", 2),
        ("", 0),
    ],
)
def test_it_reads_what_only_re2_knows(pattern: str, width: int) -> None:
    check_pattern(pattern)
    assert pattern_width(pattern) == width


@pytest.mark.parametrize("pattern", ["a+", "a*", "(ab){2,}", "x|y+?"])
def test_what_has_no_bound_is_refused(pattern: str) -> None:
    with pytest.raises(ValueError, match="has no bound: write how often at most"):
        check_pattern(pattern)


@pytest.mark.parametrize("pattern", ["^a", "a$", r"\Aa", r"a\z"])
def test_the_ends_of_a_text_are_not_known(pattern: str) -> None:
    with pytest.raises(ValueError, match="which a stream does not know"):
        check_pattern(pattern)


@pytest.mark.parametrize("pattern", ["(a", r"(a)\1", "(?=a)", "a{2000}"])
def test_what_re2_refuses_is_refused_with_its_reason(pattern: str) -> None:
    with pytest.raises(ValueError, match="RE2 does not take it"):
        check_pattern(pattern)


def test_what_is_too_wide_is_refused() -> None:
    with pytest.raises(ValueError, match=f"at most {MAX_WIDTH}"):
        check_pattern("a{800}b{201}")
