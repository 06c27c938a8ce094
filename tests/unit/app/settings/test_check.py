"""The check of a whole Serve config: shipped files pass, and a mistake is named by its place."""

import copy
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import ValidationError

from app.settings.check import ARGS_OF_BUILDER, check_serve_config, main
from app.settings.cold.gateway import GatewayArgs
from app.settings.live.gateway import GatewayLive
from deployments.contracts.errors import ConfigError

ROOT = Path(__file__).parents[4]
SHIPPED = sorted(ROOT.glob("serve_config*.yaml"))
EMBEDDED = {"path": "/var/lib/chroma", "collection": "tests"}

Change = Callable[[dict[str, Any]], None]


def classes_of_builder(import_path: str) -> set[str]:
    """Names of the deployments that a builder binds."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of Ray's own, when it is imported
        from ray.serve import Application

        from app import builder

    def names(application: Application) -> set[str]:
        bound = application._bound_deployment
        given = [
            one for arg in bound.init_args for one in (arg if isinstance(arg, list) else [arg])
        ]
        parts = [one for one in given if isinstance(one, Application)]
        return {bound.name}.union(*(names(one) for one in parts))

    args = {"store": EMBEDDED} if import_path.endswith(":build_retrieval") else {}
    return names(getattr(builder, import_path.split(":")[1])(args))


def application(content: dict[str, Any], name: str) -> dict[str, Any]:
    found: dict[str, Any] = next(one for one in content["applications"] if one["name"] == name)
    return found


def deployment(content: dict[str, Any], name: str) -> dict[str, Any]:
    found: dict[str, Any] = next(
        one
        for part in content["applications"]
        for one in part["deployments"]
        if one["name"] == name
    )
    return found


def config() -> dict[str, Any]:
    """A small config that passes."""
    return copy.deepcopy(
        {
            "http_options": {"host": "127.0.0.1"},
            "applications": [
                {
                    "name": "gateway",
                    "import_path": "app.builder:build_gateway",
                    "args": {"request_timeout_s": 30},
                    "deployments": [
                        {
                            "name": "Ingress",
                            "user_config": {
                                "releases": {
                                    "one": {"retrieval": "retrieval", "generator": "generator"}
                                },
                                "traffic": {"one": 1.0},
                            },
                        }
                    ],
                },
                {
                    "name": "retrieval",
                    "import_path": "app.builder:build_retrieval",
                    "args": {"store": EMBEDDED},
                    "deployments": [{"name": "Retriever", "num_replicas": 1}],
                },
                {"name": "generator", "import_path": "app.builder:build_generator"},
                {"name": "foreign", "import_path": "other:app", "args": {"anything": 1}},
            ],
        }
    )


def write(folder: Path, content: object) -> Path:
    file = folder / "some_config.yaml"
    file.write_text(content if isinstance(content, str) else yaml.safe_dump(content))
    return file


def refusal(file: Path) -> str:
    with pytest.raises(ConfigError) as caught:
        check_serve_config(file)
    return str(caught.value)


def test_there_is_a_shipped_config() -> None:
    assert ROOT / "serve_config.yaml" in SHIPPED


@pytest.mark.parametrize("file", SHIPPED, ids=lambda file: file.name)
def test_a_shipped_config_passes(file: Path) -> None:
    assert check_serve_config(file)["applications"]


@pytest.mark.parametrize("file", SHIPPED, ids=lambda file: file.name)
def test_a_shipped_config_names_every_deployment_as_its_builder_does(file: Path) -> None:
    for one in check_serve_config(file)["applications"]:
        if one["import_path"] in ARGS_OF_BUILDER:
            names = {deployment["name"] for deployment in one["deployments"]}
            assert names == classes_of_builder(one["import_path"]), one["name"]


@pytest.mark.parametrize("file", SHIPPED, ids=lambda file: file.name)
def test_a_shipped_gateway_refuses_before_serve_does(file: Path) -> None:
    content = check_serve_config(file)
    args = GatewayArgs.model_validate(application(content, "gateway")["args"])
    ingress = deployment(content, "Ingress")
    assert args.max_concurrent_requests < ingress["max_ongoing_requests"]


def test_a_small_config_passes(tmp_path: Path) -> None:
    assert check_serve_config(write(tmp_path, config())) == config()


def misspell_args(content: dict[str, Any]) -> None:
    application(content, "gateway")["args"] = {"request_timeout": 3}


def misspell_nested_args(content: dict[str, Any]) -> None:
    application(content, "retrieval")["args"]["embedder"] = {"modell": "x"}


def misspell_release(content: dict[str, Any]) -> None:
    deployment(content, "Ingress")["user_config"]["releases"]["one"]["topk"] = 3


def drop_user_config(content: dict[str, Any]) -> None:
    del deployment(content, "Ingress")["user_config"]


def drop_store(content: dict[str, Any]) -> None:
    application(content, "retrieval")["args"] = None


def two_replicas(content: dict[str, Any]) -> None:
    deployment(content, "Retriever")["num_replicas"] = 2


def any_number_of_replicas(content: dict[str, Any]) -> None:
    deployment(content, "Retriever")["num_replicas"] = "auto"


def scale_out(content: dict[str, Any]) -> None:
    scaling = {"min_replicas": 1, "max_replicas": 2}
    application(content, "retrieval")["deployments"] = [
        {"name": "Retriever", "autoscaling_config": scaling}
    ]


def unknown_release(content: dict[str, Any]) -> None:
    deployment(content, "Ingress")["user_config"]["traffic"] = {"two": 1.0}


def unknown_application(content: dict[str, Any]) -> None:
    deployment(content, "Ingress")["user_config"]["releases"]["one"]["generator"] = "nobody"


def no_weight(content: dict[str, Any]) -> None:
    deployment(content, "Ingress")["user_config"]["traffic"] = {"one": 0.0}


def no_mapping(content: dict[str, Any]) -> None:
    content["applications"].append("foreign")


def mapping_of_applications(content: dict[str, Any]) -> None:
    content["applications"] = {"gateway": {}}


def no_mapping_of_deployments(content: dict[str, Any]) -> None:
    application(content, "gateway")["deployments"] = ["Ingress"]


def patience_beyond_the_request(content: dict[str, Any]) -> None:
    release = deployment(content, "Ingress")["user_config"]["releases"]["one"]
    release |= {"generator": ["generator", "generator"], "first_token_timeout_s": 30}


def a_reranker_that_may_take_all(content: dict[str, Any]) -> None:
    deployment(content, "Ingress")["user_config"]["releases"]["one"]["rerank_timeout_s"] = 31


def a_stream_shorter_than_its_beginning(content: dict[str, Any]) -> None:
    application(content, "gateway")["args"]["stream_timeout_s"] = 20


def more_than_serve_lets_in(content: dict[str, Any]) -> None:
    deployment(content, "Ingress")["max_ongoing_requests"] = 256


def more_replicas_than_limits_know(content: dict[str, Any]) -> None:
    deployment(content, "Ingress")["autoscaling_config"] = {"min_replicas": 1, "max_replicas": 3}


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (more_replicas_than_limits_know, ["3 replicas", "limits.max_replicas is 2"]),
        (patience_beyond_the_request, ["releases.one: first_token_timeout_s (30)", "(30)"]),
        (a_reranker_that_may_take_all, ["releases.one: rerank_timeout_s (31)"]),
        (a_stream_shorter_than_its_beginning, ["gateway.args", "stream_timeout_s"]),
        (more_than_serve_lets_in, ["max_concurrent_requests (256)", "max_ongoing_requests (256)"]),
        (misspell_args, ["gateway.args.request_timeout", "Extra inputs"]),
        (misspell_nested_args, ["retrieval.args.embedder.modell"]),
        (misspell_release, ["gateway.Ingress.user_config.releases.one.topk"]),
        (drop_user_config, ["gateway.Ingress.user_config"]),
        (drop_store, ["retrieval.args.store", "required"]),
        (two_replicas, ["retrieval.Retriever", "one replica", "asks for 2", "store.url"]),
        (any_number_of_replicas, ["retrieval.Retriever", "asks for auto", "store.url"]),
        (scale_out, ["retrieval.Retriever", "one replica", "asks for 2"]),
        (unknown_release, ["gateway.Ingress.user_config", "do not exist: two"]),
        (unknown_application, ["release 'one'", "generator application 'nobody'"]),
        (no_weight, ["gateway.Ingress.user_config", "above zero"]),
        (no_mapping, ["applications"]),
        (mapping_of_applications, ["applications"]),
        (no_mapping_of_deployments, ["gateway", "deployments"]),
    ],
    ids=lambda value: value.__name__ if callable(value) else "",
)
def test_a_mistake_is_named_by_file_and_place(
    tmp_path: Path, change: Change, told: list[str]
) -> None:
    content = config()
    change(content)
    file = write(tmp_path, content)
    message = refusal(file)
    assert message.startswith(f"{file}: ")
    assert [one for one in told if one not in message] == [], message


@pytest.mark.parametrize(
    "text",
    ["applications: [", "[]", "", "applications: []", "other: 1", "\t- x"],
    ids=["broken", "list", "empty", "no-applications", "other-keys", "tab"],
)
def test_what_is_no_config_is_named_by_file(tmp_path: Path, text: str) -> None:
    file = write(tmp_path, text)
    assert str(file) in refusal(file)


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    assert "No such file" in refusal(tmp_path / "none.yaml")
    assert str(tmp_path) in refusal(tmp_path)
    file = tmp_path / "latin.yaml"
    file.write_bytes("name: Größe".encode("latin-1"))
    assert str(file) in refusal(file)


def test_a_server_takes_any_number_of_retrievers(tmp_path: Path) -> None:
    content = config()
    application(content, "retrieval")["args"]["store"] = {"url": "http://127.0.0.1:8100"}
    for change in (two_replicas, any_number_of_replicas, scale_out):
        change(content)
        check_serve_config(write(tmp_path, content))


def test_the_command_checks_all_and_fails_if_one_fails(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    good = write(tmp_path, config())
    assert main([str(good)]) == 0
    assert capsys.readouterr().out == f"{good}: ok\n"
    missing = str(tmp_path / "none.yaml")
    assert main([missing, str(good)]) == 1
    captured = capsys.readouterr()
    assert captured.out == f"{good}: ok\n"
    assert captured.err.startswith(f"{missing}: ")


def test_settings_never_change() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        GatewayArgs().request_timeout_s = 3.0


def test_a_release_without_a_weight_can_still_be_deployed() -> None:
    live = GatewayLive.model_validate(
        {
            "releases": {
                "one": {"retrieval": "r", "generator": "g"},
                "next": {"retrieval": "r", "generator": "h"},
            },
            "traffic": {"one": 0.3},
        }
    )
    assert set(live.releases) == {"one", "next"}


def with_searcher(generator: dict[str, Any] | None) -> dict[str, Any]:
    content = config()
    deployment(content, "Ingress")["user_config"]["releases"]["one"]["search"] = "tool"
    if generator is not None:
        application(content, "generator")["args"] = generator
    return content


def test_a_model_that_is_to_search_must_call_functions_by_its_own_choice(tmp_path: Path) -> None:
    tiny = {"engine": "vllm", "vllm": {"model": "m"}}
    for generator in (None, tiny):
        told = refusal(write(tmp_path, with_searcher(generator)))
        assert "release 'one' has `search: tool`" in told
        assert "tool_call_parser" in told
    server = {"engine": "openai", "openai": {"model": "m", "base_url": "http://h/v1"}}
    chooses = {"engine": "vllm", "vllm": {"model": "m", "tool_call_parser": "hermes"}}
    for generator in (server, chooses):
        check_serve_config(write(tmp_path, with_searcher(generator)))


def test_a_classifier_stands_on_an_embedder_of_the_file(tmp_path: Path) -> None:
    content = config()
    known = next(
        release["retrieval"]
        for release in deployment(content, "Ingress")["user_config"]["releases"].values()
    )
    own = {"engine": "local", "retrieval": "elsewhere", "examples": "examples.jsonl"}
    moderation = {"classifiers": {"own": own}}
    deployment(content, "Ingress")["user_config"]["moderation"] = moderation
    told = refusal(write(tmp_path, content))
    assert "moderation.classifiers.own" in told
    assert "'elsewhere'" in told
    own["retrieval"] = known
    check_serve_config(write(tmp_path, content))


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "10.0.0.7", "rag.example.org", None])
def test_a_service_for_others_asks_for_keys(tmp_path: Path, host: str | None) -> None:
    content = yaml.safe_load((ROOT / "serve_config.yaml").read_text())
    content["http_options"] = {} if host is None else {"host": host}
    file = tmp_path / "serve_config.yaml"
    file.write_text(yaml.safe_dump(content))
    with pytest.raises(ConfigError, match="auth"):
        check_serve_config(file)
    application(content, "gateway")["args"]["auth"] = "required"
    file.write_text(yaml.safe_dump(content))
    check_serve_config(file)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1"])
def test_a_service_of_one_machine_may_be_open(tmp_path: Path, host: str) -> None:
    content = yaml.safe_load((ROOT / "serve_config.yaml").read_text())
    content["http_options"]["host"] = host
    file = tmp_path / "serve_config.yaml"
    file.write_text(yaml.safe_dump(content))
    check_serve_config(file)


def test_encryption_that_there_is_not_is_refused(tmp_path: Path) -> None:
    content = yaml.safe_load((ROOT / "serve_config.yaml").read_text())
    content["http_options"] |= {"ssl_certfile": None, "ssl_keyfile": None}
    file = tmp_path / "serve_config.yaml"
    file.write_text(yaml.safe_dump(content))
    check_serve_config(file)
    content["http_options"]["ssl_certfile"] = "/etc/tls/server.pem"
    file.write_text(yaml.safe_dump(content))
    with pytest.raises(ConfigError, match=r"http_options\.ssl_certfile has no effect"):
        check_serve_config(file)
