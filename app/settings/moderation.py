"""Live settings of moderation: what may not be asked and not be answered, by named policies."""

from collections.abc import Iterator
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from deployments.access.records import TENANT_PATTERN
from deployments.moderation.folding import Folding, folded_words
from deployments.moderation.patterns import check_pattern
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

    terms: tuple[Term, ...] = Field(min_length=1, max_length=20_000)
    """The terms."""

    look_alikes: bool = False
    """Whether letters of Cyrillic and Greek count as those of ASCII that they look like. Off,
    because it finds words of other languages."""


class ClassifierArgs(Settings):
    """A model that judges texts."""

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

    classifiers: dict[Name, ClassifierArgs] = {}
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
