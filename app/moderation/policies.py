"""Policies as they are applied: automata built, patterns compiled, each with its version."""

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from pathlib import Path

from app.request.decision import Action, Decision, Place
from app.settings.live.gateway import GatewayLive
from app.settings.live.moderation import (
    Check,
    ClassifierArgs,
    LocalClassifierArgs,
    Moderation,
    OutputCheck,
    TermList,
)
from deployments.contracts.errors import ConfigError
from deployments.moderation.blocklist import Blocklist, BlocklistStream
from deployments.moderation.findings import StreamCheck
from deployments.moderation.labelled_examples import LabelledExamples, read_examples
from deployments.moderation.patterns import Patterns, PatternsStream
from deployments.moderation.personal_data import CATEGORY as PERSONAL_DATA
from deployments.moderation.personal_data import PersonalDataStream
from deployments.redaction.placeholders import Numbering
from deployments.redaction.redactor import Redactor

_SEMANTICS = 1
"""Raised with every change of the code that finds something else by the same settings."""
_VERSION_DIGITS = 16


class CheckedTexts:
    """What a check makes of texts as a whole.

    Attributes:
        texts: As they may go on, in their order.
        categories: What was found and cannot be replaced.
        is_redacted: Whether anything was replaced.
    """

    def __init__(self, texts: list[str], categories: set[str], *, is_redacted: bool) -> None:
        self.texts = texts
        self.categories = categories
        self.is_redacted = is_redacted


class TextCheck:
    """One side of a policy, without its classifier: what can be decided here.

    Args:
        settings: What is looked for.
        lists: The lists that it may name.
    """

    def __init__(self, settings: Check, lists: Mapping[str, TermList]) -> None:
        self.settings = settings
        self._lists = _automata(
            tuple(
                (name, lists[name].all_terms, lists[name].look_alikes)
                for name in settings.blocklist
            )
        )
        self._patterns = Patterns(settings.patterns) if settings.patterns else None
        self._redactor = Redactor()

    def of_whole(self, texts: list[str], numbering: Numbering | None = None) -> CheckedTexts:
        """Returns what becomes of whole texts; equal values get one placeholder in all of them."""
        found: set[str] = set()
        for text in texts:
            found |= self.terms_in(text)
            if self._patterns is not None:
                found |= {one.category for one in self._patterns.find(text)}
        if self.settings.personal_data == "off":
            return CheckedTexts(texts, found, is_redacted=False)
        if self.settings.personal_data == "block":
            if any(map(self._redactor.find, texts)):
                found.add(PERSONAL_DATA)
            return CheckedTexts(texts, found, is_redacted=False)
        names = Numbering() if numbering is None else numbering
        kept = [self._redactor.redact(text, names) for text in texts]
        return CheckedTexts(kept, found, is_redacted=kept != texts)

    def terms_in(self, text: str) -> set[str]:
        """Returns the categories of the terms in a text."""
        return {category for one in self._lists for category in one.categories(text)}

    def streams(self, numbering: Numbering) -> list[StreamCheck]:
        """Returns what a text in pieces must pass, made anew for each text."""
        stops = self.settings.action == "block"
        checks: list[StreamCheck] = [BlocklistStream(one, stops=stops) for one in self._lists]
        if self._patterns is not None:
            checks.append(PatternsStream(self._patterns))
        if self.settings.personal_data != "off":
            names = numbering if self.settings.personal_data == "redact" else None
            checks.append(PersonalDataStream(self._redactor, names))
        return checks


class CompiledPolicy:
    """A policy that can be applied.

    Args:
        name: Its name.
        settings: What policies there are.
        examples: What local classifiers learn from, by their names.
    """

    def __init__(
        self, name: str, settings: Moderation, examples: Mapping[str, LabelledExamples]
    ) -> None:
        policy = settings.policies[name]
        self.name = name
        self.version = policy_version(name, settings, examples)
        self.input = TextCheck(policy.input, settings.blocklists)
        self.output = TextCheck(policy.output, settings.blocklists)
        self.output_settings: OutputCheck = policy.output

    def decision(self, place: Place, action: Action, categories: Iterable[str]) -> Decision:
        """Returns the note of what it has decided."""
        return Decision(self.name, self.version, place, action, tuple(sorted(set(categories))))


def policy_version(
    name: str, settings: Moderation, examples: Mapping[str, LabelledExamples] | None = None
) -> str:
    """Returns the hash of all that a policy says, its lists, classifiers and their examples
    included: 16 hexadecimal digits. Equal versions decide equally."""
    policy = settings.policies[name]
    lists = {one for check in policy.checks() for one in check.blocklist}
    classifiers = {check.classifier for check in policy.checks() if check.classifier}
    said = [
        _SEMANTICS,
        policy.model_dump(mode="json"),
        # The terms themselves: another version of the service may bring others.
        {
            one: [settings.blocklists[one].look_alikes, *settings.blocklists[one].all_terms]
            for one in sorted(lists)
        },
        {one: settings.classifiers[one].model_dump(mode="json") for one in sorted(classifiers)},
        {one: kept.digest for one, kept in sorted((examples or {}).items()) if one in classifiers},
    ]
    digest = hashlib.sha256(json.dumps(said, sort_keys=True).encode())
    return digest.hexdigest()[:_VERSION_DIGITS]


class Policies:
    """The policies in force; each is compiled once for each set of settings.

    Args:
        settings: Returns the live settings.
    """

    def __init__(self, settings: Callable[[], GatewayLive]) -> None:
        self._settings = settings
        self._seen: Moderation | None = None
        self._compiled: dict[str, CompiledPolicy] = {}
        self._examples: dict[str, LabelledExamples] = {}

    def of(self, *, tenant: str, release: str | None) -> CompiledPolicy | None:
        """Returns the policy of a tenant, else of a release, else the default; None where there is
        none. `release` is None for a generator that is asked under its own name."""
        live = self._settings()
        moderation = live.moderation
        found = live.releases.get(release) if release else None
        of_release = None if found is None else found.moderation
        name = moderation.tenants.get(tenant) or of_release or moderation.default
        return None if name is None else self._policy(name, moderation)

    def version(self, *, tenant: str, release: str | None) -> str:
        """Returns the version of the policy that holds, empty where none does: what is kept of
        answers under one version was never checked by another."""
        policy = self.of(tenant=tenant, release=release)
        return "" if policy is None else policy.version

    def classifier(self, name: str) -> ClassifierArgs | LocalClassifierArgs:
        """Returns the settings of a classifier that a policy in force names."""
        return self._settings().moderation.classifiers[name]

    def examples(self, name: str) -> LabelledExamples:
        """Returns what a local classifier learns from, as it was read with the settings."""
        return self._examples[name]

    def local_classifiers(self) -> dict[str, LocalClassifierArgs]:
        """Returns the local classifiers of the policies that were prepared."""
        known = {} if self._seen is None else self._seen.classifiers
        return {name: one for name, one in known.items() if isinstance(one, LocalClassifierArgs)}

    def prepare(self, moderation: Moderation) -> None:
        """Compiles the policies of settings that are about to hold, before requests come.

        Raises:
            ConfigError: the examples of a classifier cannot be used.
        """
        examples = _read_examples(moderation)
        compiled = {
            name: CompiledPolicy(name, moderation, examples) for name in moderation.policies
        }
        self._seen, self._compiled, self._examples = moderation, compiled, examples

    def _policy(self, name: str, moderation: Moderation) -> CompiledPolicy:
        if moderation is not self._seen:
            self._examples = _read_examples(moderation)
            self._seen, self._compiled = moderation, {}
        found = self._compiled.get(name)
        if found is None:
            found = self._compiled[name] = CompiledPolicy(name, moderation, self._examples)
        return found


def _read_examples(moderation: Moderation) -> dict[str, LabelledExamples]:
    found = {}
    for name, one in moderation.classifiers.items():
        if isinstance(one, LocalClassifierArgs):
            found[name] = read_examples(Path(one.examples))
            if unknown := sorted(set(one.thresholds) - set(found[name].categories)):
                raise ConfigError(
                    f"moderation.classifiers.{name}: no example has the category {unknown[0]}."
                )
    return found


@lru_cache(maxsize=64)
def _automata(lists: tuple[tuple[str, tuple[str, ...], bool], ...]) -> tuple[Blocklist, ...]:
    """Returns the automata of lists, one for each way to fold; those that were built stay when
    other settings change."""
    built = []
    for look_alikes in (False, True):
        chosen = {name: terms for name, terms, alike in lists if alike == look_alikes}
        if chosen:
            built.append(Blocklist(chosen, look_alikes=look_alikes))
    return tuple(built)
