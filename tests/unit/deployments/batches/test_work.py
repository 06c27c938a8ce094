"""Who works on which line, and that each has one result, whatever dies in between."""

from collections.abc import Sequence

import pytest

from deployments.batches.contract import Line, LineKey, LineResult, PutOff, Work, WorkReport
from deployments.batches.work import WorkStore
from deployments.contracts.errors import Conflict, NotFound
from tests.unit.deployments.batches.conftest import OpenStore, begin


def results_of(
    lines: Sequence[Line], *, said: str = "yes", failed: bool = False
) -> list[LineResult]:
    return [LineResult(line.key, f'{{"{line.custom_id}": "{said}"}}', failed) for line in lines]


def ask(
    store: WorkStore, wants: int, *, runner: str = "one", now_s: float = 1.0, **told: object
) -> Work:
    return store.exchange(WorkReport(runner, wants=wants, **told), now_s=now_s)  # type: ignore[arg-type]


def keys(lines: Sequence[Line]) -> list[LineKey]:
    return [line.key for line in lines]


def output(store: WorkStore, file_id: str | None) -> str:
    assert file_id is not None
    piece = store.read(file_id, 0, owner=None)
    text = piece.content.decode()
    while piece.next_place is not None:
        piece = store.read(file_id, piece.next_place, owner=None)
        text += piece.content.decode()
    return text


def test_lines_are_given_in_order_and_results_stand_in_it(work: WorkStore) -> None:
    batch_id = begin(work, 3)
    lines = ask(work, 5).lines
    assert [line.custom_id for line in lines] == ["line-1", "line-2", "line-3"]
    assert lines[0].body == '{"query":"What is 0?"}'
    done = results_of([lines[2], lines[0]])
    ask(work, 0, results=done, held=[lines[1].key])
    assert work.batch(batch_id, owner=None).completed == 2
    ask(work, 0, results=results_of([lines[1]], said="no", failed=True))
    batch = work.batch(batch_id, owner=None)
    assert (batch.status, batch.completed, batch.failed) == ("completed", 2, 1)
    assert output(work, batch.output_file_id) == '{"line-1": "yes"}\n{"line-3": "yes"}\n'
    assert output(work, batch.error_file_id) == '{"line-2": "no"}\n'
    file = work.file(batch.output_file_id or "", owner="")
    assert file.size_bytes == len(output(work, batch.output_file_id))


def test_no_line_is_given_to_two(work: WorkStore) -> None:
    begin(work, 4)
    first = ask(work, 2, runner="one").lines
    second = ask(work, 4, runner="two").lines
    assert len(first) == len(second) == 2
    assert not set(keys(first)) & set(keys(second))
    assert ask(work, 4, runner="three").lines == ()


def test_a_line_goes_to_another_when_its_lease_is_over_and_is_kept_once(work: WorkStore) -> None:
    batch_id = begin(work, 1)
    [killed] = ask(work, 1, runner="killed", now_s=0.0).lines
    assert ask(work, 1, runner="other", now_s=14.0).lines == ()
    [again] = ask(work, 1, runner="other", now_s=16.0).lines
    assert again.key.attempt == killed.key.attempt + 1
    # It was not dead: its result comes late, and is not taken.
    late = ask(work, 0, runner="killed", now_s=17.0, results=results_of([killed], said="late"))
    assert work.batch(batch_id, owner=None).status == "in_progress"
    assert late.lines == ()
    ask(work, 0, runner="other", now_s=18.0, results=results_of([again], said="in time"))
    batch = work.batch(batch_id, owner=None)
    assert (batch.status, batch.completed) == ("completed", 1)
    assert "in time" in output(work, batch.output_file_id)


def test_a_result_that_is_told_twice_counts_once(work: WorkStore) -> None:
    batch_id = begin(work, 2)
    lines = ask(work, 1).lines
    for _ in range(2):
        ask(work, 0, results=results_of(lines))
    assert work.batch(batch_id, owner=None).completed == 1


def test_leases_are_renewed_as_long_as_they_are_named(work: WorkStore) -> None:
    begin(work, 1)
    [line] = ask(work, 1, now_s=0.0).lines
    for now_s in (10.0, 20.0, 30.0):
        assert ask(work, 0, now_s=now_s, held=[line.key]).lost == ()
    assert ask(work, 1, runner="other", now_s=40.0).lines == ()


def test_lines_whose_answer_was_lost_are_free_at_once(work: WorkStore) -> None:
    begin(work, 2)
    given = ask(work, 2).lines
    again = ask(work, 2, held=[given[0].key]).lines
    assert [line.custom_id for line in again] == ["line-2"]
    assert again[0].key.attempt == 2


def test_who_lost_a_line_is_told(work: WorkStore) -> None:
    begin(work, 1)
    [line] = ask(work, 1, runner="one", now_s=0.0).lines
    ask(work, 1, runner="two", now_s=20.0)
    assert ask(work, 0, runner="one", now_s=21.0, held=[line.key]).lost == (line.key,)


def test_a_line_that_is_put_off_comes_again_later(work: WorkStore) -> None:
    begin(work, 1)
    [line] = ask(work, 1, now_s=0.0).lines
    ask(work, 0, now_s=1.0, put_off=[PutOff(line.key, 5.0)])
    assert ask(work, 1, now_s=5.9).lines == ()
    [again] = ask(work, 1, now_s=6.1).lines
    assert (again.tries, again.custom_id) == (1, line.custom_id)


def test_batches_take_turns(work: WorkStore) -> None:
    large, small = begin(work, 20), begin(work, 3)
    first = ask(work, 10, now_s=1.0).lines
    second = ask(work, 10, now_s=2.0, held=keys(first)).lines
    assert {line.key.batch_id for line in first} == {large}
    assert small in {line.key.batch_id for line in second}


def test_all_of_it_survives_a_restart(work: WorkStore, open_work: OpenStore) -> None:
    batch_id = begin(work, 3)
    lines = ask(work, 2).lines
    ask(work, 0, results=results_of(lines[:1]), held=[lines[1].key])
    work.close()
    again = open_work()
    again.upgrade()
    rest = ask(again, 5, held=[lines[1].key]).lines
    ask(again, 0, results=results_of([lines[1], *rest]))
    batch = again.batch(batch_id, owner=None)
    assert (batch.status, batch.completed) == ("completed", 3)
    assert output(again, batch.output_file_id).count("\n") == 3


def test_cancelling_waits_for_what_is_under_way_and_keeps_it(work: WorkStore) -> None:
    batch_id = begin(work, 5)
    lines = ask(work, 2).lines
    assert work.cancel(batch_id, owner=None, now_s=2.0).status == "cancelling"
    assert ask(work, 5, now_s=3.0, held=keys(lines)).lines == ()
    ask(work, 5, now_s=3.0, results=results_of(lines[:1]), held=[lines[1].key])
    ask(work, 5, now_s=3.0, results=results_of(lines[1:]))
    batch = work.batch(batch_id, owner=None)
    assert (batch.status, batch.completed, batch.total) == ("cancelled", 2, 5)
    assert output(work, batch.output_file_id).count("\n") == 2
    with pytest.raises(Conflict):
        work.cancel(batch_id, owner=None, now_s=4.0)


def test_a_batch_on_which_nobody_works_is_cancelled_at_once(work: WorkStore) -> None:
    batch = work.cancel(begin(work, 2), owner=None, now_s=1.0)
    assert (batch.status, batch.output_file_id) == ("cancelled", None)


def test_a_batch_whose_worker_died_is_cancelled_by_the_sweep(work: WorkStore) -> None:
    batch_id = begin(work, 2)
    ask(work, 1, now_s=0.0)
    assert work.cancel(batch_id, owner=None, now_s=1.0).status == "cancelling"
    assert work.sweep(now_s=2.0) == 0
    assert work.sweep(now_s=20.0) == 1
    assert work.batch(batch_id, owner=None).status == "cancelled"


def test_what_is_not_done_in_time_is_expired(work: WorkStore) -> None:
    batch_id = begin(work, 3, now_s=0.0)
    lines = ask(work, 1, now_s=1.0).lines
    ask(work, 0, now_s=2.0, results=results_of(lines))
    assert work.sweep(now_s=86_401.0) == 1
    batch = work.batch(batch_id, owner=None)
    assert (batch.status, batch.completed, batch.failed) == ("expired", 1, 2)
    errors = output(work, batch.error_file_id)
    assert errors.count("batch_expired") == 2
    assert '"custom_id":"line-2"' in errors


def test_others_see_nothing_of_it(work: WorkStore) -> None:
    batch_id = begin(work, 1, owner="alice")
    file_id = work.batch(batch_id, owner="alice").input_file_id
    assert work.batch(batch_id, owner=None).owner == "alice"
    assert work.batches("requests", after=None, limit=5, owner="bob") == []
    with pytest.raises(NotFound):
        work.batch(batch_id, owner="bob")
    with pytest.raises(NotFound):
        work.cancel(batch_id, owner="", now_s=1.0)
    with pytest.raises(NotFound):
        work.read(file_id, 0, owner="bob")


def test_lists_have_pages(work: WorkStore) -> None:
    ids = [begin(work, lines) for lines in (1, 2, 3)]
    newest = work.batches("requests", after=None, limit=2, owner=None)
    assert [batch.id for batch in newest] == ids[:0:-1]
    assert [one.id for one in work.batches("requests", after=ids[1], limit=2, owner=None)] == ids[
        :1
    ]
    files = work.files("batch", after=None, limit=9, owner=None)
    assert [file.filename for file in files] == ["1.jsonl", "2.jsonl", "3.jsonl"]
    rest = work.files(None, after=files[0].id, limit=9, owner=None)
    assert [file.id for file in rest] == [file.id for file in files[1:]]


def test_bounds_are_kept(open_work: OpenStore) -> None:
    store = open_work(max_open=2, max_kept_bytes=2048)
    store.upgrade()
    begin(store, 1)
    begin(store, 2)
    with pytest.raises(Conflict, match="2 batches are open"):
        begin(store, 3)
    with pytest.raises(Conflict, match="no room"):
        store.keep("large.jsonl", b"x" * 2000, owner="", now_s=0.0)


def test_a_file_may_be_sent_twice_and_is_read_in_pieces(work: WorkStore) -> None:
    content = bytes(range(256)) * 10_000
    first = work.keep("a.jsonl", content, owner="", now_s=1.0)
    assert work.keep("a.jsonl", content, owner="", now_s=2.0) == first
    assert work.keep("a.jsonl", content, owner="bob", now_s=2.0).id != first.id
    piece = work.read(first.id, 0, owner="")
    read = piece.content
    while piece.next_place is not None:
        piece = work.read(first.id, piece.next_place, owner="")
        read += piece.content
    assert read == content == work.content(first.id, owner="")
    work.delete(first.id, owner="")
    with pytest.raises(NotFound):
        work.file(first.id, owner="")


def test_old_batches_are_forgotten_and_open_ones_are_not(work: WorkStore) -> None:
    ended, running = begin(work, 1, now_s=0.0), begin(work, 2, now_s=0.0)
    lines = [line for line in ask(work, 3).lines if line.key.batch_id == ended]
    ask(work, 0, results=results_of(lines))
    unused = work.keep("unused.jsonl", b"x", owner="", now_s=0.0)
    month_s = 31 * 86_400.0
    assert work.forget(now_s=month_s / 2) == 0
    assert work.forget(now_s=month_s) == 4  # the batch, its two files, and the unused one
    with pytest.raises(NotFound):
        work.batch(ended, owner=None)
    with pytest.raises(NotFound):
        work.file(unused.id, owner=None)
    assert work.batch(running, owner=None).total == 2
    assert ask(work, 1, now_s=2.0).lines
