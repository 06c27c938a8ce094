"""A config with a language model in front of its generator."""

from pathlib import Path

import pytest

from app.client.errors import CliError
from app.cluster.serve_config import ServeConfig, load_serve_config
from app.local import generator_choice
from app.local.generator_choice import GeneratorChoice, with_generator
from app.settings.check import check_content
from app.settings.live.gateway import GatewayLive

SHIPPED = Path(__file__).parents[4] / "serve_config.yaml"
OPENAI = GeneratorChoice("openai", "org/Some Model:7B", "http://127.0.0.1:9/v1")


def live_of(config: ServeConfig) -> GatewayLive:
    gateway = config.document["applications"][0]
    return GatewayLive.model_validate(gateway["deployments"][0]["user_config"])


def test_the_new_release_has_all_traffic_and_the_old_generator_behind_it() -> None:
    config = with_generator(load_serve_config(SHIPPED), OPENAI)
    live = live_of(config)
    assert live.traffic == {"openai": 1.0}
    assert live.releases["openai"].generator == ("generator-openai", "generator-extractive")
    assert live.releases["openai"].retrieval == live.releases["minilm-extractive"].retrieval
    check_content(config.document, "made")


def test_the_models_name_is_one_that_answers_can_carry() -> None:
    application = with_generator(load_serve_config(SHIPPED), OPENAI).document["applications"][-1]
    assert application["args"]["name"] == "some-model-7b"
    assert application["args"]["openai"]["model"] == "org/Some Model:7B"


def test_the_config_that_was_read_stays_as_it_is() -> None:
    config = load_serve_config(SHIPPED)
    with_generator(config, OPENAI)
    assert config == load_serve_config(SHIPPED)


def test_choosing_again_replaces_the_choice() -> None:
    once = with_generator(load_serve_config(SHIPPED), OPENAI)
    again = with_generator(once, GeneratorChoice("openai", "other", OPENAI.base_url))
    assert again.application_names == once.application_names
    assert again.document["applications"][-1]["args"]["name"] == "other"


@pytest.mark.parametrize(
    ("on_cpu", "resources"), [(True, {"num_cpus": 1}), (False, {"num_cpus": 1, "num_gpus": 1})]
)
def test_vllm_asks_for_a_gpu_where_it_needs_one(
    monkeypatch: pytest.MonkeyPatch, on_cpu: bool, resources: dict[str, int]
) -> None:
    monkeypatch.setattr(generator_choice, "runs_on_cpu", lambda: on_cpu)
    config = with_generator(load_serve_config(SHIPPED), GeneratorChoice("vllm", "/models/tiny"))
    [deployment] = config.document["applications"][-1]["deployments"]
    assert deployment["ray_actor_options"] == resources


def test_a_config_without_releases_has_nowhere_to_put_it() -> None:
    config = ServeConfig(SHIPPED, {"applications": [{"name": "other"}]})
    with pytest.raises(CliError, match="no gateway"):
        with_generator(config, OPENAI)
