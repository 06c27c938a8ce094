"""No error of the HTTP client leaves the engine as it is."""

import httpx
import pytest

from deployments.contracts.errors import StageError
from deployments.generator.openai.reply import translated
from tests.library_errors import bare, exceptions_of, name_of


@pytest.mark.parametrize("begun", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("kind", [*exceptions_of(httpx), TimeoutError], ids=name_of)
def test_every_error_of_httpx_is_mapped(kind: type[Exception], begun: bool) -> None:
    with pytest.raises(StageError) as caught, translated(begun=begun, request_id="request"):
        raise bare(kind)
    assert "secret" not in str(caught.value)
