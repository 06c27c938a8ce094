"""The questions about near copies are fair: each has one answer, and it stands in one document."""

from app.cli.evaluate.matching import holds_any
from benchmarks.quality.datasets import CorpusDocument
from benchmarks.quality.near_copies import make_near_copies
from benchmarks.quality.near_copies_study import FOUND, study_near_copies
from benchmarks.quality.subject import Answered, Asked, Searched

DOCUMENTS, QUESTIONS = make_near_copies(seed=3)
BY_ID = {document.id: document for document in DOCUMENTS}


def test_the_same_seed_makes_the_same_set() -> None:
    assert make_near_copies(seed=3) == (DOCUMENTS, QUESTIONS)
    assert make_near_copies(seed=4)[1] != QUESTIONS
    assert len(QUESTIONS) == 200


def test_every_answer_stands_in_its_document_and_no_wrong_one_does() -> None:
    for asked in QUESTIONS:
        text = BY_ID[asked.document].text
        assert holds_any(text.replace("|", " "), [asked.gold])
        assert not any(wrong in text for wrong in asked.wrong)


class Perfect:
    """Finds and says what is asked for; where `says` is given, that."""

    def __init__(self, says: str | None = None) -> None:
        self._says = says

    async def search(self, asked: Asked) -> Searched:
        return Searched((f"set/{self._document(asked.text).id}",), 1.0)

    async def answer(self, question: str) -> Answered:
        text = self._document(question).text if self._says is None else self._says
        return Answered(text.replace("|", " "), bool(text), (), None, {})

    def _document(self, question: str) -> CorpusDocument:
        return next(BY_ID[one.document] for one in QUESTIONS if one.text == question)


async def test_what_is_right_and_what_is_wrong() -> None:
    right = (await study_near_copies(Perfect(), "set", QUESTIONS, at_once=4))["shares"]  # type: ignore[arg-type]
    assert {right["all"][name] for name in (*FOUND, "right")} == {1.0}
    assert right["all"]["wrong"] == right["all"]["refused"] == 0.0
    dated = [one for one in QUESTIONS if one.kind == "date"]
    says = " ".join({one.gold for one in dated})
    wrong = await study_near_copies(Perfect(says), "set", dated, at_once=4)  # type: ignore[arg-type]
    assert (wrong["shares"]["date"]["right"], wrong["shares"]["date"]["wrong"]) == (0.0, 1.0)
    refused = await study_near_copies(Perfect(""), "set", dated, at_once=4)  # type: ignore[arg-type]
    assert (refused["shares"]["all"]["right"], refused["shares"]["all"]["refused"]) == (0.0, 1.0)
