"""What an answer to a question about documentation is."""

import pytest

from benchmarks.documentation_study.judging import judge, summarise
from benchmarks.documentation_study.questions import (
    OWN,
    Question,
    known_names,
    of_half,
    read_questions,
)
from benchmarks.documentation_study.wholeness import Blocks
from benchmarks.quality.subject import Answered

PORT = Question(
    id="q",
    half="dev",
    type="numeric",
    text="Which port?",
    must=(("8443",), ("relay", "server")),
    must_not=("8080",),
)
NOWHERE = Question(id="n", half="held", type="not-answerable", text="Who?", answerable=False)
SOURCE = """\
# Relay

Start it:

```bash
relay start
```

| name | value |
|---|---|
| port | 8443 |
| host | any |

1. Open the lid.
2. Turn the key.
"""


def answered(text: str, *, grounded: bool = True) -> Answered:
    return Answered(text, grounded, (), None, {})


@pytest.mark.parametrize(
    ("text", "verdict"),
    [
        ("The relay listens on `8443`. [1]", "right"),
        ("It is 8443. [1]", "half"),
        ("The relay listens on 84431. [1]", "half"),
        ("It is 9000. [1]", "wrong"),
        ("The relay listens on 8443, or 8080. [1]", "wrong"),
        (f"The relay listens on 8443. {'And on. ' * 100}[1]", "half"),
        ("The relay listens on 8443, as follows: [1]", "half"),
    ],
)
def test_verdict_goes_by_what_an_answer_holds(text: str, verdict: str) -> None:
    assert judge(PORT, answered(text), Blocks([SOURCE])).verdict == verdict


def test_refusal_is_right_where_nothing_is_said() -> None:
    blocks = Blocks([SOURCE])
    assert judge(NOWHERE, answered("No.", grounded=False), blocks).verdict == "right"
    assert judge(NOWHERE, answered("It was me. [1]"), blocks).verdict == "wrong"
    assert judge(PORT, answered("No.", grounded=False), blocks).verdict == "refused"


@pytest.mark.parametrize(
    ("text", "verdict"),
    [
        ("No. It is not open. [1]", "right"),
        ("It is not open. [1]", "half"),
        ("Yes. It is not open. [1]", "wrong"),
    ],
)
def test_yes_or_no_has_to_be_said(text: str, verdict: str) -> None:
    question = Question(
        id="y", half="dev", type="yes-no", text="Is it open?", must=(("not open",),), head="no"
    )
    assert judge(question, answered(text), Blocks([])).verdict == verdict


@pytest.mark.parametrize(
    ("answer", "torn"),
    [
        ("Start it:\n\n```bash\nrelay start\n```\n\n[1]", []),
        ("Start it:\n\n```bash\nrelay\n```\n\n[1]", ["code"]),
        ("| name | value |\n|---|---|\n| host | any |\n\n[1]", []),
        ("| name | value |\n|---|---|\n| host | none |\n\n[1]", ["table"]),
        ("1. Open the lid.\n2. Turn the key.\n\n[1]", []),
        ("1. Turn the key.\n\n[1]", ["list"]),
        ("| name | value [1]", []),
        ("It is so. !!! note It is. ```bash [1]", ["raw"]),
        ("## Relay\n\nIt is so. [1]", ["raw"]),
        ("Start it: [1]", ["introduction"]),
    ],
)
def test_what_is_shown_has_to_be_whole(answer: str, torn: list[str]) -> None:
    assert Blocks([SOURCE]).torn_in(answer) == torn


def test_figures_are_by_type() -> None:
    blocks = Blocks([])
    found = summarise(
        [
            judge(PORT, answered("The relay: 8443 it is. [1]"), blocks),
            judge(NOWHERE, answered("It was me. [1]"), blocks),
        ]
    )
    assert found["right_share"] == 0.5
    assert found["by_type"]["not-answerable"]["wrong"] == 1


def test_all_questions_can_be_read() -> None:
    questions = [question for name in known_names() for question in read_questions(name)]
    assert len(questions) == 150
    assert len({question.id for question in questions}) == 150
    assert len(of_half(questions, "dev")) == 75
    assert OWN in known_names()
