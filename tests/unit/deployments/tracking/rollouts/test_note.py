"""The note tells a release manager what happened, and why."""

from dataclasses import replace

from deployments.canary.verdict import Verdict
from deployments.rollouts import Look, Rollout
from deployments.tracking.rollouts.note import note_of
from tests.rollout_course import make_rollout

Shown = tuple[Rollout, list[Look]]


def _note(shown: Shown, *, upto: int | None = None, max_characters: int = 7500) -> str:
    rollout, looks = shown
    looks = looks[:upto]
    changes = [look for look in looks if look.decision.action != "hold"]
    measured = looks[-1] if looks[-1].decision.verdicts else None
    return note_of(rollout, looks[-1], measured, changes, max_characters=max_characters)


def test_it_begins_with_the_outcome_and_why(promoted: Shown, rolled_back: Shown) -> None:
    note = _note(promoted)
    assert note.startswith("**b over a: promoted** by policy after 22 min 30 s.")
    assert "> every guardrail is passed" in note
    note = _note(rolled_back)
    assert note.startswith("**b over a: rolled back** by policy after")
    assert "in stage 1 of 3 (5 %)" in note
    assert "> time of the whole answer" in note


def test_a_rollout_under_way_says_what_it_waits_for(promoted: Shown) -> None:
    note = _note(promoted, upto=2)
    assert note.startswith("**b over a: under way** after 1 min 0 s, in stage 1 of 3 (5 %).")
    assert "of 300 s" in note


def test_the_table_has_a_row_per_metric(rolled_back: Shown) -> None:
    rows = [line for line in _note(rolled_back).splitlines() if line.startswith("| ")]
    (total,) = (row for row in rows if "(total_ms)" in row)
    assert "**fail**" in total
    assert " ms |" in total
    assert "+10.0 % |" in total
    (failed,) = (row for row in rows if "(error)" in row)
    assert "+1.00 pp |" in failed
    (tokens,) = (row for row in rows if "(completion" in row)
    assert tokens.startswith("| *")


def test_decisions_come_with_their_times(promoted: Shown) -> None:
    lines = _note(promoted).splitlines()
    decisions = lines[lines.index("#### Decisions") + 1 :]
    assert len(decisions) == 4
    assert decisions[0].endswith("UTC started by zoë")
    assert [line.split("**")[1] for line in decisions[1:]] == ["went on", "went on", "promoted"]
    assert all(line.startswith("- 2026-09-21 14:") for line in decisions)


def test_words_of_people_are_no_markup(rolled_back: Shown) -> None:
    rollout, looks = rolled_back
    alarm = Verdict("alarm", "fail", "a | b\n# c <img src=x>")
    decision = replace(looks[-1].decision, by="[x](http://y)", reason="*a*\n|b|", verdicts=(alarm,))
    last = replace(looks[-1], decision=decision)
    note = note_of(replace(rollout, canary="_b_"), last, last, [last], max_characters=7500)
    assert "\\<img src=x\\>" in note
    assert "\\[x\\]" in note
    assert "\n# c" not in note
    assert "\\_b\\_ over a" in note


def test_the_oldest_decisions_go_where_there_is_no_room(promoted: Shown) -> None:
    rollout, looks = promoted
    many = [replace(looks[-1], id=number) for number in range(500)]
    note = note_of(rollout, looks[-1], looks[-1], many, max_characters=7500)
    assert 7000 < len(note) <= 7500
    assert note.count("**promoted**") > 20
    short = _note(promoted, max_characters=300)
    assert len(short) <= 300


def test_before_the_first_figures_there_is_no_table() -> None:
    from deployments.canary.rollout import Decision

    rollout = make_rollout()
    look = Look(1, rollout.id, Decision("hold", "hold", "x", 0, rollout.created_s), rollout.state)
    assert "|---" not in note_of(rollout, look, None, [], max_characters=7500)
