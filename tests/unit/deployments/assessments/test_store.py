"""What people say of answers: once each, of their own tenant's answers alone, and counted where the
answers are."""

from collections.abc import Mapping
from dataclasses import replace

import pytest

from deployments.activity import GivenAnswer
from deployments.assessments.contract import AssessmentQuery, Feedback, Judgement, KeptAssessment
from deployments.assessments.store import AssessmentStore
from deployments.contracts.erasure import ErasureScope, user_mark
from deployments.contracts.errors import Conflict, NotFound
from deployments.control.store import ControlStore
from deployments.ledger.store import Ledger
from tests.unit.deployments.assessments.conftest import Answers

AT_S = 900.0
ZOE, BEN = user_mark("acme", "zoe"), user_mark("acme", "ben")


def given(request_id: str = "r1", **fields: object) -> GivenAnswer:
    usual = GivenAnswer("acme", request_id, AT_S, "a", "f1", trace_id="ab" * 16, user_mark=ZOE)
    return replace(usual, **fields)  # type: ignore[arg-type]


def said(score: float = 0.0, request_id: str = "r1", **fields: object) -> Feedback:
    usual = Feedback("acme", request_id, score, user_mark=ZOE, at_s=1000.0)
    return replace(usual, **fields)  # type: ignore[arg-type]


def rated(ledger: Ledger) -> Mapping[int, tuple[int, int]]:
    """Returns answers that were rated, and the sum of their ratings, by minute."""
    kept = ledger.unrecorded(before=10**6, quiet_since_s=1e12, limit=99)
    counts = {one.minute.minute: one.minute.counts for one in kept}
    return {at: (one.rated, one.rating_thousandths) for at, one in counts.items()}


def test_a_rating_is_kept_with_where_its_answer_is(
    store: AssessmentStore, answers: Answers
) -> None:
    answers.tell(given(conversation="conv_1"))
    kept = store.rate(said(0.0, thumb="down", comment="no\0t so", correction="so", user="zoe"))
    assert kept == KeptAssessment(
        id=kept.id,
        name="feedback",
        source="human",
        source_id="zoe",
        tenant="acme",
        request_id="r1",
        score=0.0,
        thumb="down",
        comment="not so",
        correction="so",
        release="a",
        trace_id="ab" * 16,
        answered_s=AT_S,
        changed_s=1000.0,
        version=1,
    )
    assert kept.id.startswith("fb_")
    (listed,) = store.page(AssessmentQuery("acme")).assessments
    assert listed == kept


@pytest.mark.parametrize(
    "feedback",
    [said(request_id="r2"), said(tenant="beta")],
    ids=["unknown", "of another tenant"],
)
def test_what_the_tenant_was_not_given_cannot_be_rated(
    store: AssessmentStore, answers: Answers, feedback: Feedback
) -> None:
    answers.tell(given())
    with pytest.raises(NotFound, match="that could be rated"):
        store.rate(feedback)
    assert store.page(AssessmentQuery(None)).assessments == []


def test_equal_ids_of_two_tenants_are_two_answers(store: AssessmentStore, answers: Answers) -> None:
    answers.tell(given(), given(tenant="beta", release="b"))
    assert store.rate(said(1.0)).release == "a"
    assert store.rate(said(0.0, tenant="beta")).release == "b"
    assert [one.score for one in store.page(AssessmentQuery("acme")).assessments] == [1.0]


def test_the_same_user_says_something_else_in_its_place(
    store: AssessmentStore, answers: Answers, ledger: Ledger
) -> None:
    answers.tell(given())
    first = store.rate(said(0.0, comment="no"))
    again = store.rate(said(1.0, at_s=1010.0))
    assert (again.id, again.version, again.score, again.comment) == (first.id, 2, 1.0, "")
    assert len(store.page(AssessmentQuery("acme")).assessments) == 1
    assert rated(ledger) == {15: (1, 1000)}


def test_who_names_nobody_is_whoever_asked(store: AssessmentStore, answers: Answers) -> None:
    answers.tell(given())
    assert store.rate(said(0.0, user_mark="")).id == store.rate(said(1.0)).id


def test_several_users_count_as_one_answer_by_their_mean(
    store: AssessmentStore, answers: Answers, ledger: Ledger, url: str
) -> None:
    answers.tell(given(rollout="ro", arm="canary", bucket=7))
    store.rate(said(1.0))
    store.rate(said(0.5, user_mark=BEN, at_s=1005.0))
    assert rated(ledger) == {15: (1, 750)}
    (score,) = store.scores(tenant="acme", since_s=0.0)
    assert (score.count, score.mean) == (1, 0.75)
    control = ControlStore(url)
    (evidence,) = control.ratings("ro", since_s=0.0)
    control.close()
    assert (evidence.arm, evidence.bucket, evidence.at_s, evidence.score) == (
        *("canary", 7),
        *(1000.0, 0.75),
    )


def test_nobody_outvotes_all_others_with_invented_names(
    store: AssessmentStore, answers: Answers
) -> None:
    answers.tell(given())
    for number in range(50):
        store.rate(said(0.0, user_mark=str(number)))
    with pytest.raises(Conflict, match="50 users"):
        store.rate(said(0.0, user_mark="one more"))
    assert store.rate(said(1.0, user_mark="7")).version == 2


def test_an_id_that_a_client_gives_again_is_the_later_answer(
    store: AssessmentStore, answers: Answers, ledger: Ledger
) -> None:
    answers.tell(given())
    store.rate(said(1.0))
    answers.tell(given(at_s=990.0, release="b"))
    kept = store.rate(said(0.0, at_s=1001.0))
    assert (kept.release, kept.answered_s) == ("b", 990.0)
    assert rated(ledger) == {15: (0, 0), 16: (1, 0)}


def test_a_rating_comes_after_the_figures_of_its_minute_are_forgotten(
    store: AssessmentStore, answers: Answers, ledger: Ledger
) -> None:
    answers.tell(given())
    ledger.mark_recorded(ledger.unrecorded(before=10**6, quiet_since_s=1e12, limit=9))
    ledger.forget(samples_s=0, recorded_s=5000.0, unrecorded_s=0, reporters_s=0, answers_s=AT_S - 1)
    store.rate(said(1.0, at_s=10_000.0))
    assert rated(ledger) == {}
    assert [one.count for one in store.scores(tenant=None, since_s=0.0)] == [1]


def test_old_answers_cannot_be_rated(
    store: AssessmentStore, answers: Answers, ledger: Ledger
) -> None:
    answers.tell(given("old"), given("new", at_s=2000.0))
    ledger.forget(samples_s=0, recorded_s=0, unrecorded_s=0, reporters_s=0, answers_s=1500.0)
    with pytest.raises(NotFound):
        store.rate(said(request_id="old"))
    store.rate(said(request_id="new"))


def test_the_least_liked_come_first_page_by_page(store: AssessmentStore, answers: Answers) -> None:
    scores = [0.5, 0.0, 1.0, 0.0, 0.25]
    answers.tell(*[given(f"r{number}") for number in range(5)])
    for number, score in enumerate(scores):
        store.rate(said(score, f"r{number}", at_s=1000.0 + number))
    query = AssessmentQuery("acme", limit=2)
    names, page = [], store.page(query)
    while True:
        names += [one.request_id for one in page.assessments]
        if not page.has_more:
            break
        page = store.page(replace(query, after=page.assessments[-1].id))
    assert names == ["r3", "r1", "r4", "r0", "r2"]
    (worst,) = store.page(replace(query, max_score=0.3, since_s=1004.0)).assessments
    assert worst.request_id == "r4"
    assert store.page(replace(query, release="b")).assessments == []
    with pytest.raises(NotFound):
        store.page(replace(query, tenant="beta", after=worst.id))


def test_scores_of_releases_have_intervals(store: AssessmentStore, answers: Answers) -> None:
    answers.tell(*[given(f"r{number}", release="ab"[number % 2]) for number in range(40)])
    for number in range(40):
        liked = number % 2 == 0 or number % 8 == 1
        thumb = "up" if liked else "down"
        store.rate(said(float(liked), f"r{number}", thumb=thumb))
    answers.tell(given("direct", release=""))
    store.rate(said(1.0, "direct"))
    first, second = store.scores(tenant="acme", since_s=0.0)
    assert (first.release, first.count, first.mean) == ("a", 20, 1.0)
    assert (first.thumbs_up, first.thumbs_down) == (20, 0)
    assert 0.8 < first.low < 0.9
    assert first.high == 1.0
    assert (second.release, second.mean, second.thumbs_down) == ("b", 0.25, 15)
    assert second.low < 0.25 < second.high
    assert store.scores(tenant="beta", since_s=0.0) == []
    assert store.scores(tenant=None, since_s=5000.0) == []


def test_what_has_no_trace_waits_for_none(store: AssessmentStore, answers: Answers) -> None:
    answers.tell(given(), given("r2", trace_id=""))
    kept = store.rate(said())
    store.rate(said(request_id="r2"))
    assert store.unrecorded(now_s=1000.0, limit=9) == [kept]
    assert store.unrecorded(now_s=999.0, limit=9) == []
    store.postpone(kept, due_s=1010.0)
    assert store.unrecorded(now_s=1009.0, limit=9) == []
    (waiting,) = store.unrecorded(now_s=1010.0, limit=9)
    assert waiting == replace(kept, tries=1)
    assert store.mark_recorded(kept)
    assert store.unrecorded(now_s=1e9, limit=9) == []


def test_what_is_said_while_it_is_written_is_written_again(
    store: AssessmentStore, answers: Answers
) -> None:
    answers.tell(given())
    kept = store.rate(said(0.0))
    again = store.rate(said(1.0))
    assert store.mark_recorded(kept)
    store.postpone(kept, due_s=1e6)
    assert store.unrecorded(now_s=1000.0, limit=9) == [again]
    store.remove([again])
    assert not store.mark_recorded(again)


def test_a_user_takes_what_they_said_and_what_was_said_of_their_answers(
    store: AssessmentStore, answers: Answers, url: str
) -> None:
    answers.tell(
        given("own", rollout="ro", arm="canary"),
        given("others", user_mark=BEN, rollout="ro", arm="canary"),
        given("away", tenant="beta"),
    )
    store.rate(said(0.0, "own", user_mark=BEN))
    store.rate(said(0.0, "others"))
    store.rate(said(1.0, "others", user_mark=BEN))
    store.rate(said(0.0, "away", tenant="beta"))
    found = store.of_scope(ErasureScope("acme", user="zoe"), limit=9)
    assert {(one.request_id, one.score) for one in found} == {("own", 0.0), ("others", 0.0)}
    assert store.remove(found) == 2
    assert store.forget_answers(ErasureScope("acme", user="zoe")) == 1
    assert [one.score for one in store.page(AssessmentQuery("acme")).assessments] == [1.0]
    control = ControlStore(url)
    assert [one.score for one in control.ratings("ro", since_s=0.0)] == [1.0]
    control.close()
    with pytest.raises(NotFound):
        store.rate(said(0.0, "own"))
    assert len(store.page(AssessmentQuery("beta")).assessments) == 1


def test_a_conversation_and_a_tenant_take_theirs(store: AssessmentStore, answers: Answers) -> None:
    answers.tell(given("r1", conversation="c1"), given("r2", conversation="c2"))
    store.rate(said(request_id="r1"))
    store.rate(said(request_id="r2"))
    scope = ErasureScope("acme", conversation="c1")
    (found,) = store.of_scope(scope, limit=9)
    assert found.request_id == "r1"
    assert store.forget_answers(scope) == 1
    assert len(store.of_tenant("acme", limit=9)) == 2
    assert len(store.of_tenant("acme", limit=1)) == 1
    assert store.of_tenant("beta", limit=9) == []
    assert store.forget_answers("acme") == 1


def test_what_was_said_long_ago_is_forgotten(store: AssessmentStore, answers: Answers) -> None:
    answers.tell(given("r1", rollout="ro", arm="canary"), given("r2"))
    store.rate(said(request_id="r1", at_s=1000.0))
    store.rate(said(request_id="r2", at_s=3000.0))
    assert store.forget(before_s=2000.0) == 2
    assert [one.request_id for one in store.page(AssessmentQuery(None)).assessments] == ["r2"]


def judged(id: str = "ev_1", **fields: object) -> Judgement:
    usual = Judgement(
        *(id, "groundedness", 0.75, "code", "minilm", "acme", "r1", "a", "f1"),
        *("ab" * 16, AT_S, 1000.0),
        user_mark=ZOE,
    )
    return replace(usual, **fields)  # type: ignore[arg-type]


def test_what_judges_say_is_kept_once(store: AssessmentStore) -> None:
    both = [judged(), judged("ev_2", name="relevance", score=0.5)]
    store.keep(both)
    store.keep([*both, judged("ev_3")])
    assert store.page(AssessmentQuery("acme")).assessments == []
    (kept,) = store.page(AssessmentQuery("acme", name="groundedness")).assessments
    assert (kept.id, kept.source, kept.source_id, kept.score) == ("ev_1", "code", "minilm", 0.75)
    assert [one.id for one in store.unrecorded(now_s=1000.0, limit=9)] == ["ev_1", "ev_2"]
    scores = {one.name: one.mean for one in store.scores(tenant="acme", since_s=0.0)}
    assert scores == {"groundedness": 0.75, "relevance": 0.5}
    assert len(store.of_scope(ErasureScope("acme", user="zoe"), limit=9)) == 2
    store.keep([])
