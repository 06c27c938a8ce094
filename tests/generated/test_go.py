"""A client in Go."""

import shutil
from pathlib import Path

import pytest

from tests.generated.conftest import IN_ANSWER, QUESTION, URL, Generate, Run

DEBIANS_LIBRARIES = Path("/usr/share/gocode/src/gopkg.in/validator.v2")
CALL = f"""
package main

import (
	"context"
	"fmt"
	"os"

	openapi "openapi"
)

func main() {{
	settings := openapi.NewConfiguration()
	settings.Servers = openapi.ServerConfigurations{{{{URL: "{URL}"}}}}
	wish := openapi.NewQueryRequest("{QUESTION}")
	query := openapi.NewAPIClient(settings).AnswersAPI.Query(context.Background())
	answer, _, err := query.QueryRequest(*wish).Execute()
	if err != nil {{
		fmt.Println(err)
		os.Exit(1)
	}}
	fmt.Println(answer.Answer)
}}
"""


@pytest.mark.skipif(shutil.which("go") is None, reason="Go is not installed")
@pytest.mark.skipif(
    not DEBIANS_LIBRARIES.is_dir(), reason="the package golang-gopkg-validator.v2-dev is missing"
)
def test_openapi_generator(run: Run, openapi_generator: Generate, tmp_path: Path) -> None:
    """With the libraries of the system, so that nothing is fetched."""
    source = tmp_path / "src"
    source.mkdir()
    openapi_generator("go").rename(source / "openapi")
    for test in (source / "openapi").glob("**/*_test.go"):
        test.unlink()
    (source / "call").mkdir()
    (source / "call/main.go").write_text(CALL)
    env = {
        "GO111MODULE": "off",
        "GOPATH": f"{tmp_path}:/usr/share/gocode",
        "GOCACHE": str(tmp_path / "cache"),
        "GOFLAGS": "",
    }
    run("go", "vet", "openapi", env=env)
    run("go", "build", "-o", "asked", "call", env=env)
    assert IN_ANSWER in run("./asked", env=env)
