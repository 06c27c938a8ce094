"""Clients in Python."""

import sys
from pathlib import Path

from tests.generated.conftest import DESCRIPTION, IN_ANSWER, QUESTION, URL, Generate, Run

MYPY = (sys.executable, "-m", "mypy", "--ignore-missing-imports", "--no-error-summary")
OF_OPENAPI_PYTHON_CLIENT = f"""
from written import Client
from written.api.answers import query
from written.models import QueryRequest, QueryResponse

answer = query.sync(client=Client(base_url={URL!r}), body=QueryRequest(query={QUESTION!r}))
assert isinstance(answer, QueryResponse), answer
print(answer.answer)
"""
OF_OPENAPI_GENERATOR = f"""
import openapi_client

with openapi_client.ApiClient(openapi_client.Configuration(host={URL!r})) as client:
    wish = openapi_client.QueryRequest(query={QUESTION!r})
    print(openapi_client.AnswersApi(client).query(wish).answer)
"""


def test_openapi_python_client(run: Run, tmp_path: Path) -> None:
    command = Path(sys.executable).with_name("openapi-python-client")
    told = run(
        *(str(command), "generate", "--path", str(DESCRIPTION)),
        *("--output-path", "written", "--meta", "none"),
    )
    assert "Unable to" not in told, "nothing of the description is passed over"
    run(*MYPY, "written")
    assert IN_ANSWER in run(sys.executable, "-c", OF_OPENAPI_PYTHON_CLIENT)


def test_openapi_generator(run: Run, openapi_generator: Generate) -> None:
    folder = openapi_generator("python")
    run(*MYPY, "openapi_client", cwd=folder)
    assert IN_ANSWER in run(sys.executable, "-c", OF_OPENAPI_GENERATOR, cwd=folder)
