"""Settings of the gateway, cold and live, and the check of a whole Serve config file.

Every knob lives in one layer, chosen by what changing it costs: `args` restart their application,
`user_config` is applied in place, `deployments:` holds Serve's own names, and the environment holds
secrets only.
"""

import sys
from pathlib import Path
from typing import Annotated, Any, Self

import yaml
from pydantic import BaseModel, Field, model_validator

from deployments.embedder.config import EmbedderArgs
from deployments.errors import ConfigError
from deployments.generator.config import GeneratorArgs
from deployments.indexer.config import IndexerArgs
from deployments.reranker.config import RerankerArgs
from deployments.retriever.config import StoreArgs
from deployments.settings import Settings, parse_settings

Weight = Annotated[float, Field(ge=0.0, le=1.0)]


class GatewayArgs(Settings):
    """Cold settings of the ingress. A change restarts the gateway, and only the gateway."""

    request_timeout_s: float = Field(default=30.0, gt=0, le=3600)
    """Time a request has from door to answer. Every stage gets what is left of it."""

    ingest_timeout_s: float = Field(default=600.0, gt=0, le=7200)
    """The same for writes of documents, which embed thousands of chunks."""

    max_body_bytes: int = Field(default=4 * 2**20, ge=1024)
    """Bytes of a JSON body at most; over it the answer is 413."""

    max_upload_bytes: int = Field(default=48 * 2**20, ge=1024)
    """The same for bodies of `/v1/documents`. The replicas accept messages up to 64 MiB."""

    max_concurrent_requests: int = Field(default=256, ge=1)
    """Requests one ingress replica works on at most. Over it the answer is 503 at once. Keep it
    below the deployment's `max_ongoing_requests`, whose own refusal has no problem body."""

    target_wait_s: float = Field(default=0.6, gt=0)
    """Time a request may wait for its stages, their work excluded. Where most wait longer, the
    replica admits fewer requests, down to 16, and refuses the others at once; where they do not, it
    admits more again."""

    concurrent_stage_calls: int = Field(default=4, ge=1)
    """Calls on their way to one deployment at once; requests that come meanwhile travel together in
    the next one. Two for each replica of the deployment keep it busy; a call that is full leaves at
    once."""


class Release(Settings):
    """A version vector: which applications answer, and with which parameters."""

    retrieval: str
    """Name of the retrieval application."""

    generator: str
    """Name of the generator application."""

    top_k: int = Field(default=30, ge=1, le=1000)
    """Chunks taken from the index."""

    top_n: int = Field(default=5, ge=1, le=100)
    """Chunks kept after reranking: the context of the answer."""

    rerank: bool = True
    """Whether the reranker orders what the retriever found."""

    rerank_timeout_s: float = Field(default=10.0, gt=0)
    """Time the reranker has at most; after it the answer goes on in the retriever's order and says
    `degraded`."""

    min_relevance_score: float = 0.45
    """Reranked chunks below it are no support for an answer. On the scale of the reranker: 0.45
    parts the questions of one subject from those of another with late interaction over
    all-MiniLM-L6-v2."""


class GatewayLive(Settings):
    """Live settings, the ingress's `user_config`: changed in place, no process restarts."""

    releases: dict[str, Release] = Field(min_length=1)
    """Releases by name."""

    traffic: dict[str, Weight] = Field(min_length=1)
    """Weight per release; shares of the sum. A release without one gets no traffic and can still be
    deployed."""

    @model_validator(mode="after")
    def _traffic_names_releases(self) -> Self:
        unknown = sorted(set(self.traffic) - set(self.releases))
        if unknown:
            raise ValueError(f"traffic names releases that do not exist: {', '.join(unknown)}")
        if sum(self.traffic.values()) <= 0:
            raise ValueError("at least one release needs a weight above zero")
        return self


class RetrievalArgs(Settings):
    """One version of the retrieval side: model, splitting and collection belong together."""

    embedder: EmbedderArgs = EmbedderArgs()
    reranker: RerankerArgs = RerankerArgs()
    store: StoreArgs
    max_chunk_tokens: int = IndexerArgs.model_fields["max_chunk_tokens"].default
    overlap_tokens: int = IndexerArgs.model_fields["overlap_tokens"].default
    max_document_chunks: int = IndexerArgs.model_fields["max_document_chunks"].default

    def indexer(self) -> IndexerArgs:
        """Returns the indexer's settings; its tokenizer is the embedder's."""
        return IndexerArgs(
            model=self.embedder.model,
            max_chunk_tokens=self.max_chunk_tokens,
            overlap_tokens=self.overlap_tokens,
            max_document_chunks=self.max_document_chunks,
        )


ARGS_OF_BUILDER: dict[str, type[BaseModel]] = {
    "app.builder:build_gateway": GatewayArgs,
    "app.builder:build_retrieval": RetrievalArgs,
    "app.builder:build_generator": GeneratorArgs,
}


def check_serve_config(path: str | Path) -> dict[str, Any]:
    """Returns the content of a Serve config file after checking every part of it that is ours.

    Raises:
        ConfigError: names the file, the place in it and what is wrong there.
    """
    try:
        content = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read ({error.strerror}).") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: is not UTF-8 text.") from error
    except yaml.YAMLError as error:
        raise ConfigError(f"{path}: is not YAML: {error}") from error
    if not isinstance(content, dict) or not content.get("applications"):
        raise ConfigError(f"{path}: has no `applications`.")
    applications = _mappings(path, "applications", content["applications"])
    for application in applications:
        _check_application(path, application)
    names = {application.get("name") for application in applications}
    for application in applications:
        _check_release_targets(path, application, names)
    return content


def _check_application(path: str | Path, application: dict[str, Any]) -> None:
    name = application.get("name", "?")
    model = ARGS_OF_BUILDER.get(application.get("import_path", ""))
    if model is None:
        return
    args = parse_settings(model, application.get("args") or {}, place=f"{path}: {name}.args")
    for deployment in _mappings(path, f"{name}.deployments", application.get("deployments")):
        place = f"{name}.{deployment.get('name')}"
        if deployment.get("name") == "Ingress" and model is GatewayArgs:
            live = deployment.get("user_config")
            parse_settings(GatewayLive, live, place=f"{path}: {place}.user_config")
        if deployment.get("name") == "Retriever" and isinstance(args, RetrievalArgs):
            _check_embedded_store(path, place, args.store, deployment)


def _check_embedded_store(
    path: str | Path, place: str, store: StoreArgs, deployment: dict[str, Any]
) -> None:
    scaling = deployment.get("autoscaling_config") or {}
    asked = (scaling.get("max_replicas"), deployment.get("num_replicas"))  # a number, or "auto"
    more = [replicas for replicas in asked if replicas not in (None, 1)]
    if store.path is not None and more:
        raise ConfigError(
            f"{path}: {place}: an embedded store (`store.path`) can be opened by one replica, and "
            f"the file asks for {more[0]}. Set one replica, or give a server's `store.url`."
        )


def _check_release_targets(
    path: str | Path, application: dict[str, Any], names: set[str | None]
) -> None:
    for deployment in application.get("deployments") or []:
        releases = (deployment.get("user_config") or {}).get("releases") or {}
        for release, vector in releases.items():
            for kind in ("retrieval", "generator"):
                if vector.get(kind) not in names:
                    raise ConfigError(
                        f"{path}: release '{release}' names the {kind} application "
                        f"'{vector.get(kind)}', which the file does not have."
                    )


def _mappings(path: str | Path, place: str, value: Any) -> list[dict[str, Any]]:
    found = value or []
    if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
        raise ConfigError(f"{path}: {place}: must be a list of mappings.")
    return found


def main(paths: list[str]) -> int:
    """Checks config files and prints what is wrong; the exit code of `python -m app.config`."""
    failures = 0
    for path in paths:
        try:
            check_serve_config(path)
        except ConfigError as error:
            failures += 1
            sys.stderr.write(f"{error}\n")
        else:
            sys.stdout.write(f"{path}: ok\n")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
