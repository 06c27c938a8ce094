"""Live settings of moderation: what may not be asked and not be answered, by named policies."""

from collections.abc import Iterator, Mapping
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Discriminator, Field, Tag, model_validator

from deployments.access.records import TENANT_PATTERN
from deployments.moderation.folding import Folding, folded_words
from deployments.moderation.patterns import check_pattern
from deployments.moderation.shipped_terms import ShippedList, shipped_terms
from deployments.settings import Settings

Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._/-]{0,63}$")]
"""Of a list, a pattern or a classifier; clients are told it as the category of what was found."""
Tenant = Annotated[str, Field(pattern=TENANT_PATTERN)]
_FOLDING = Folding()


def _is_a_term(term: str) -> str:
    if not folded_words(term, _FOLDING):
        raise ValueError("a term needs a letter or a digit")
    return term


def _is_a_pattern(pattern: str) -> str:
    check_pattern(pattern)
    return pattern


Term = Annotated[str, Field(min_length=1, max_length=200), AfterValidator(_is_a_term)]
Pattern = Annotated[str, Field(min_length=1, max_length=1000), AfterValidator(_is_a_pattern)]


class TermList(Settings):
    """Words and phrases. They are found as whole words, whatever their case, their typesetting and
    what stands between them: `bad word` is found in `BAD--word`, and not in `bad words`."""

    terms: tuple[Term, ...] = Field(default=(), max_length=20_000)
    """The terms."""

    shipped: ShippedList | None = None
    """A list that comes with the service, beside the terms: `english` has obscenities and slurs of
    English that have no other meaning."""

    look_alikes: bool = False
    """Whether letters of Cyrillic and Greek count as those of ASCII that they look like. Off,
    because it finds words of other languages."""

    @model_validator(mode="after")
    def _has_terms(self) -> Self:
        if not self.terms and self.shipped is None:
            raise ValueError("a list needs `terms`, or the name of a `shipped` list")
        return self

    @property
    def all_terms(self) -> tuple[str, ...]:
        """All terms, those that come with the service included."""
        return self.terms if self.shipped is None else (*self.terms, *shipped_terms(self.shipped))


class ClassifierArgs(Settings):
    """A server that judges texts."""

    engine: Literal["openai"] = "openai"
    """Any server that has `/v1/moderations`."""

    base_url: str = Field(pattern=r"^https?://\S{1,500}$")
    """Up to and with the version, such as `http://127.0.0.1:8000/v1`."""

    model: str = Field(default="omni-moderation-latest", min_length=1, max_length=256)
    """What the server calls the model."""

    api_key_env: str | None = Field(default=None, min_length=1, max_length=128)
    """Name of the environment variable that holds the key; None sends none."""

    timeout_s: float = Field(default=1.0, gt=0, le=30)
    """Time that a verdict has."""

    max_sentences: int = Field(default=64, ge=1, le=1024)
    """Texts of one call at most; a longer answer takes several."""

    thresholds: dict[str, Annotated[float, Field(ge=0.0, le=1.0)]] = {}
    """Categories that count, and the score from which they do. Without any, those count that the
    server itself has flagged."""


class LocalClassifierArgs(Settings):
    """A classifier of the service's own, which learns from labelled examples. It stands on the
    embedder of a retrieval application, so that the gateway loads no model."""

    engine: Literal["local"]
    """Says that it is one."""

    retrieval: str = Field(min_length=1, max_length=256)
    """Name of the application whose embedder embeds examples and texts."""

    examples: str = Field(min_length=1, max_length=4096)
    """Path of a JSONL file on every node of the gateway: `text` and `category`, which is null for a
    harmless text. It is read when settings are taken."""

    timeout_s: float = Field(default=1.0, gt=0, le=30)
    """Time that a verdict has."""

    max_sentences: int = Field(default=64, ge=1, le=1024)
    """Texts of one call at most; a longer answer takes several."""

    threshold: float = Field(default=0.5, ge=0.0, le=1.0)
    """Score from which a category counts, where `thresholds` names none."""

    thresholds: dict[str, Annotated[float, Field(ge=0.0, le=1.0)]] = {}
    """Categories that count, and the score from which they do; others do not, then."""


def _engine_of(value: object) -> str:
    found = value.get("engine") if isinstance(value, Mapping) else getattr(value, "engine", None)
    return "local" if found == "local" else "openai"


AnyClassifier = Annotated[
    Annotated[ClassifierArgs, Tag("openai")] | Annotated[LocalClassifierArgs, Tag("local")],
    Discriminator(_engine_of),
]
"""A classifier by its engine, which is `openai` where it is not said."""


class Check(Settings):
    """What is looked for in texts, and what becomes of those in which it is found."""

    blocklist: tuple[Name, ...] = ()
    """Names of lists of terms."""

    patterns: dict[Name, Pattern] = Field(default={}, max_length=200)
    """Regular expressions in the syntax of RE2, by category. Each needs a bound on what it matches:
    `[0-9]{1,8}` in place of `[0-9]+`."""

    personal_data: Literal["off", "block", "redact"] = "off"
    """What becomes of personal data and secrets: nothing, the same as of other findings, or a
    placeholder such as `<EMAIL_1>` in their place."""

    classifier: Name | None = None
    """Name of a classifier."""

    action: Literal["block", "flag"] = "block"
    """What a finding does: it blocks the request or the answer, or is only noted in traces and
    metrics."""

    on_error: Literal["block", "allow"] = "block"
    """What an answer of the classifier that does not come does. `allow` says `moderation` under
    `degraded`."""

    @property
    def is_empty(self) -> bool:
        """Whether nothing is looked for."""
        return not (
            self.blocklist or self.patterns or self.classifier or self.personal_data != "off"
        )


class OutputCheck(Check):
    """The same of answers."""

    stream: Literal["held", "sentence", "whole"] = "held"
    """What of a stream is held back: what may still become a finding, sentences, or all of it. A
    classifier needs sentences, or all of it."""

    links: Literal["any", "sources"] = "any"
    """Which links and images an answer may have: any, or those that a source or the question
    has. Others are taken out of it."""

    @property
    def is_empty(self) -> bool:
        """Whether nothing is looked for."""
        return super().is_empty and self.links == "any"

    @model_validator(mode="after")
    def _a_classifier_has_something_to_judge(self) -> Self:
        if self.classifier is not None and self.stream == "held":
            raise ValueError("a classifier judges sentences: set `stream` to sentence or whole")
        return self


class Policy(Settings):
    """What is checked."""

    input: Check = Check()
    """Of a request, before any stage works on it."""

    output: OutputCheck = OutputCheck()
    """Of an answer."""

    def checks(self) -> Iterator[Check]:
        """Yields both."""
        yield self.input
        yield self.output


class Moderation(Settings):
    """Which policy holds for whom: that of the tenant, else that of the release, else the
    default."""

    blocklists: dict[Name, TermList] = {}
    """Lists of terms by name."""

    classifiers: dict[Name, AnyClassifier] = {}
    """Classifiers by name."""

    policies: dict[Name, Policy] = {}
    """Policies by name."""

    default: Name | None = None
    """The policy where neither tenant nor release has one, and of generators that are asked under
    their own name."""

    tenants: dict[Tenant, Name] = {}
    """The policies of tenants."""

    @model_validator(mode="after")
    def _names_what_exists(self) -> Self:
        for name in filter(None, (self.default, *self.tenants.values())):
            self.require(name)
        for policy_name, policy in self.policies.items():
            for check in policy.checks():
                if unknown := sorted(set(check.blocklist) - set(self.blocklists)):
                    raise ValueError(f"the policy {policy_name} names no list: {unknown[0]}")
                if check.classifier is not None and check.classifier not in self.classifiers:
                    raise ValueError(
                        f"the policy {policy_name} names no classifier: {check.classifier}"
                    )
        return self

    def require(self, policy: str) -> None:
        """Raises ValueError for a policy that does not exist."""
        if policy not in self.policies:
            raise ValueError(f"there is no moderation policy {policy}")
