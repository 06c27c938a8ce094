"""Service level objectives, and whether a run met them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from benchmarks.load.driver import Sample
from benchmarks.load.summary import summarise

OVERALL = "all"


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class EndpointObjective(_Model):
    """What one endpoint promises."""

    p95_ms: float = Field(gt=0)
    """95 of 100 answers come within this time; also what makes an answer count as goodput."""

    error_ratio: float = Field(ge=0, le=1)
    """Failed requests, as a share of all, at most."""


class Slo(_Model):
    """What the service promises."""

    endpoints: dict[str, EndpointObjective] = Field(min_length=1)
    """By path. A run that never asked one of them has not shown that its objectives hold."""

    goodput_per_s: float | None = Field(default=None, gt=0)
    """Answers per second over all endpoints that came within their `p95_ms`, at least. It must fit
    the load: no service answers more than it is asked. None judges none."""

    refused_are_errors: bool = False
    """Whether a refusal (429 or 503 with `Retry-After`) counts as an error. Refusing early is how
    the service stays fast when it is full, so it does not unless somebody promises otherwise."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One objective and what was measured; `measured` is None where there was nothing to measure,
    which is not met."""

    endpoint: str
    objective: Literal["p95_ms", "error_ratio", "goodput_per_s"]
    limit: float
    measured: float | None

    @property
    def met(self) -> bool:
        """Whether the measured value is on the right side of the limit, or on it."""
        if self.measured is None:
            return False
        if self.objective == "goodput_per_s":
            return self.measured >= self.limit
        return self.measured <= self.limit


def read_slo(path: Path) -> Slo:
    """Returns the objectives of a YAML file.

    Raises:
        ValueError: it cannot be read or is against the schema; the message is for the user.
    """
    try:
        return Slo.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        raise ValueError(f"{path}: {place}: {first['msg']}") from error
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise ValueError(f"{path} cannot be read: {error}") from error


def judge(slo: Slo, samples: Mapping[str, Sequence[Sample]], *, duration_s: float) -> list[Finding]:
    """Returns a finding per objective: the endpoints in the order of the file, goodput last.

    Args:
        slo: The objectives.
        samples: By path, of a window that began at 0.
        duration_s: Length of the window.
    """
    findings = []
    goodput_per_s = 0.0
    for path, objective in slo.endpoints.items():
        seen = samples.get(path, ())
        figures = summarise(seen, duration_s=duration_s, slo_ms=objective.p95_ms)
        goodput_per_s += figures["goodput_per_s"]
        findings.append(Finding(path, "p95_ms", objective.p95_ms, figures["p95_ms"]))
        findings.append(
            Finding(path, "error_ratio", objective.error_ratio, _error_ratio(slo, figures))
        )
    if slo.goodput_per_s is not None:
        measured = round(goodput_per_s, 2) if any(chain(*samples.values())) else None
        findings.append(Finding(OVERALL, "goodput_per_s", slo.goodput_per_s, measured))
    return findings


def _error_ratio(slo: Slo, figures: Mapping[str, Any]) -> float | None:
    if not figures["count"]:
        return None
    errors = figures["failed"] + (figures["refused"] if slo.refused_are_errors else 0)
    ratio: float = errors / figures["count"]
    return ratio
