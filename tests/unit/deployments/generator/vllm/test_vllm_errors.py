"""No error of vLLM leaves the engine as it is."""

import warnings

import pytest

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # of its own, when it is imported
    pytest.importorskip("vllm.exceptions", reason="vLLM is not installed: its errors are not here")
    import vllm.exceptions
    import vllm.v1.engine.exceptions

from deployments.contracts.errors import InvalidRequest, RagError
from deployments.generator.vllm.errors import translated
from tests.library_errors import bare, exceptions_of, name_of


@pytest.mark.parametrize(
    "kind", exceptions_of(vllm.exceptions, vllm.v1.engine.exceptions), ids=name_of
)
def test_every_error_of_vllm_is_mapped(kind: type[Exception]) -> None:
    with pytest.raises(RagError) as caught, translated():
        raise bare(kind)
    is_callers_fault = issubclass(kind, vllm.exceptions.VLLMClientError | ValueError)
    assert isinstance(caught.value, InvalidRequest) is is_callers_fault
