"""Clients in TypeScript, and what Spectral says of the description."""

import os
from pathlib import Path

from tests.generated.conftest import DESCRIPTION, IN_ANSWER, Generate, Run


def test_spectral_finds_no_errors(run: Run, node: Path) -> None:
    run("npx", "spectral", "lint", str(DESCRIPTION), "--ruleset", "spectral.yaml", cwd=node)


def test_openapi_typescript(run: Run, node: Path) -> None:
    schema = node / "schema.d.ts"
    # Else what has a default must be sent: the tool takes requests for answers.
    run(
        *("npx", "openapi-typescript", str(DESCRIPTION), "-o", str(schema)),
        "--default-non-nullable=false",
        cwd=node,
    )
    try:
        run("npx", "tsc", "--project", "tsconfig.json", cwd=node)
        assert IN_ANSWER in run("node", "out/call.js", cwd=node)
    finally:
        schema.unlink()


def test_openapi_generator(run: Run, node: Path, openapi_generator: Generate) -> None:
    folder = openapi_generator("typescript-fetch")
    (folder / "call.ts").write_text((node / "call_fetch.ts").read_text())
    os.symlink(node / "node_modules", folder / "node_modules")
    run(
        *("npx", "tsc", "--outDir", "out", "--strict", "--skipLibCheck"),
        *("--module", "commonjs", "--target", "es2022", "--lib", "es2022,dom", "call.ts"),
        cwd=folder,
    )
    assert IN_ANSWER in run("node", "out/call.js", cwd=folder)
