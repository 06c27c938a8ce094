"""What a journal remembers."""

from pathlib import Path

from deployments.budgets.contract import Amount
from deployments.budgets.journal import Journal, read_journal


def test_it_has_the_last_word_of_each_portion(tmp_path: Path) -> None:
    path = tmp_path / "portions" / "one"
    journal = Journal(path)
    for tokens in (5, 10**15, 7):
        journal.note("a-1", Amount(10**18, tokens))
        journal.note("a-2", Amount(1, tokens + 1))
    assert read_journal(path) == {"a-1": Amount(10**18, 7), "a-2": Amount(1, 8)}
    journal.drop("a-1")
    journal.note("a-3", Amount(3, 3))
    journal.note("a-4", Amount(4, 4))
    assert set(read_journal(path)) == {"a-2", "a-3", "a-4"}
    journal.close(is_told=False)
    assert set(read_journal(path)) == {"a-2", "a-3", "a-4"}


def test_there_may_be_none(tmp_path: Path) -> None:
    assert read_journal(tmp_path / "none") == {}
    Journal(tmp_path / "one").close(is_told=True)
    assert read_journal(tmp_path / "one") == {}
