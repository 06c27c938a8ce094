"""What the page of the client library shows runs, against the application."""

import pytest

from tests.unit.documentation.examples import ROOT, Example, examples

SHOWN = [example for example in examples("python") if example.page == "docs/client-library.md"]


@pytest.fixture(autouse=True)
def _beside_the_readme(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    monkeypatch.chdir(ROOT)
    monkeypatch.setenv("RAGSERVE_URL", url)


@pytest.mark.parametrize("example", SHOWN, ids=str)
def test_examples_run(example: Example, url: str, capsys: pytest.CaptureFixture[str]) -> None:
    program = example.body.replace("http://127.0.0.1:8000", url)
    exec(compile(program, str(example), "exec"), {"__name__": "__main__"})
    assert capsys.readouterr().out


def test_every_part_of_the_page_has_one() -> None:
    assert len(SHOWN) == 6
