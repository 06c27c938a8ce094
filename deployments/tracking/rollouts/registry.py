"""Releases as versions of one registered model, and who holds the titles.

`champion` is the release that answers everybody, `challenger` the one that is tried. Everything can
be done again: what is there already stays.
"""

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from deployments.canary.rollout import Phase
from deployments.rollouts import Rollout
from deployments.tracking.rollouts.figures import digest

if TYPE_CHECKING:
    from mlflow import MlflowClient

CHAMPION = "champion"
CHALLENGER = "challenger"
_DIGEST_TAG = "ragserve.release_digest"
_VECTOR_CHARACTERS = 4_000


class ReleaseRegistry:
    """Keeps versions and aliases. All methods raise MlflowException.

    Args:
        client: Of the MLflow server.
        model: Name of the registered model.
    """

    def __init__(self, client: "MlflowClient", model: str) -> None:
        self._client = client
        self._model = model

    def begin(self, rollout: Rollout, run_id: str, source: str) -> None:
        """Makes both releases versions, the canary's the challenger, and stable's the champion if
        there is none.

        Args:
            rollout: The rollout.
            run_id: Its run.
            source: Where that run keeps what the releases are made of.
        """
        self._create_model()
        stable, canary = (
            self._version(name, rollout.vectors.get(name, {}), run_id=run_id, source=source)
            for name in (rollout.stable, rollout.canary)
        )
        aliases = self._aliases()
        if CHAMPION not in aliases:
            self._client.set_registered_model_alias(self._model, CHAMPION, stable)
        if aliases.get(CHALLENGER) != canary:
            self._client.set_registered_model_alias(self._model, CHALLENGER, canary)

    def end(self, rollout: Rollout, phase: Phase) -> None:
        """Takes the title of challenger from the canary, and makes it the champion if it was
        promoted."""
        vector = rollout.vectors.get(rollout.canary, {})
        canary = self._find(_release_digest(rollout.canary, vector))
        if canary is None:
            return
        aliases = self._aliases()
        if phase == "promoted" and aliases.get(CHAMPION) != canary:
            self._client.set_registered_model_alias(self._model, CHAMPION, canary)
        if aliases.get(CHALLENGER) == canary:
            self._client.delete_registered_model_alias(self._model, CHALLENGER)

    def _create_model(self) -> None:
        from mlflow.exceptions import MlflowException

        try:
            self._client.create_registered_model(
                self._model, description="Releases: a version for every vector that was rolled out."
            )
        except MlflowException as error:
            if error.error_code != "RESOURCE_ALREADY_EXISTS":
                raise

    def _version(self, release: str, vector: Mapping[str, Any], *, run_id: str, source: str) -> str:
        """Returns the version of a release, an existing one where its vector is the same."""
        release_digest = _release_digest(release, vector)
        known = self._find(release_digest)
        if known is not None:
            return known
        created = self._client.create_model_version(
            self._model,
            source,
            run_id=run_id,
            tags={
                _DIGEST_TAG: release_digest,
                "ragserve.release": release,
                "ragserve.vector_digest": digest(vector),
                "ragserve.vector": json.dumps(vector, sort_keys=True)[:_VECTOR_CHARACTERS],
            },
            description=release,
            await_creation_for=0,
        )
        return str(created.version)

    def _find(self, release_digest: str) -> str | None:
        """Returns the first version of a digest: two may have been made at the same moment."""
        found = self._client.search_model_versions(f"tags.`{_DIGEST_TAG}` = '{release_digest}'")
        versions = [int(one.version) for one in found if one.name == self._model]
        return str(min(versions)) if versions else None

    def _aliases(self) -> dict[str, str]:
        model = self._client.get_registered_model(self._model)
        return {alias: str(version) for alias, version in model.aliases.items()}


def _release_digest(release: str, vector: Mapping[str, Any]) -> str:
    return digest({"release": release, "vector": vector})
