"""The one place that routes and the dispatcher ask: what of a request, and of its answer, may go
on."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from app.answering.written import AnswerStream
from app.moderation.classifier import STAGE, Classifier
from app.moderation.classifiers import Classifiers
from app.moderation.guard import UNCHECKED, AnswerGuard
from app.moderation.policies import CompiledPolicy, Policies
from app.moderation.sources import CheckedSources
from app.moderation.windows import windows
from app.request.attempt import AttemptRecord
from app.request.decision import DEGRADED
from app.request.scope import RequestScope
from app.settings.live.moderation import LocalClassifierArgs
from deployments.contracts.errors import ContentFiltered, StageError, Unavailable
from deployments.contracts.generation import Message
from deployments.contracts.search import ScoredChunk
from deployments.moderation.personal_data import CATEGORY as PERSONAL_DATA
from deployments.redaction.placeholders import Numbering


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a policy says of a text, for whoever asks for nothing else.

    Attributes:
        flagged: Whether anything was found.
        scores: By category: 1.0 for what is found or not, the classifier's own for what it judges.
    """

    flagged: bool
    scores: dict[str, float]


class Moderator:
    """Applies policies.

    Args:
        policies: Which policy holds for whom.
        classifiers: Judge texts for policies that name one.
    """

    def __init__(self, policies: Policies, classifiers: Classifiers) -> None:
        self.policies = policies
        self._classifiers = classifiers

    async def check_texts(
        self, texts: Sequence[str], scope: RequestScope, releases: Iterable[str | None]
    ) -> list[str]:
        """Returns the texts of a request as they may go on, in their order.

        Args:
            texts: All that the client has written.
            scope: The request.
            releases: Who may answer; each has its policy.

        Raises:
            ContentFiltered: a policy does not let them through; the message names categories.
            Unavailable: the classifier of a policy gives no verdict, and nothing may pass without.
        """
        kept = list(texts)
        for policy in self._distinct(scope, releases):
            if not policy.input.settings.is_empty:
                kept = await self._check_input(kept, policy, scope)
        return kept

    async def check_messages(
        self,
        messages: Sequence[Message],
        scope: RequestScope,
        releases: Iterable[str | None],
        *,
        others: Sequence[str] = (),
    ) -> tuple[Message, ...]:
        """Returns the turns of a conversation as they may go on; see `check_request`."""
        return (await self.check_request(messages, others, scope, releases))[0]

    async def check_request(
        self,
        messages: Sequence[Message],
        others: Sequence[str],
        scope: RequestScope,
        releases: Iterable[str | None],
    ) -> tuple[tuple[Message, ...], list[str]]:
        """Returns the turns of a conversation, and what else the client has written, as they may go
        on; raises as `check_texts`.

        Args:
            messages: The turns.
            others: What else the client has written, such as values of a filter.
            scope: The request.
            releases: As for `check_texts`.
        """
        texts = [message.content for message in messages]
        calls = [call.arguments for message in messages for call in message.calls]
        kept = iter(await self.check_texts([*texts, *calls, *others], scope, releases))
        checked = [replace(message, content=next(kept)) for message in messages]
        with_calls = tuple(
            replace(
                message, calls=tuple(replace(call, arguments=next(kept)) for call in message.calls)
            )
            for message in checked
        )
        return with_calls, list(kept)

    def guard(
        self,
        answer: AnswerStream,
        scope: RequestScope,
        release: str | None,
        record: AttemptRecord,
        *,
        whole: bool,
    ) -> AnswerStream:
        """Returns an answer that has begun as it may go out: its text, its calls and its sources.

        Args:
            answer: What the release has written, or writes.
            scope: The request.
            release: Who answers.
            record: What the attempt leaves behind.
            whole: Whether the client gets all of it at once.
        """
        tell_unchecked(scope, record)
        policy = self.policies.of(tenant=scope.principal.tenant, release=release)
        if policy is None or policy.output_settings.is_empty:
            return answer
        settings = policy.output_settings
        classifier = None
        if settings.classifier is not None:
            classifier = self._classifier(settings.classifier)
        names = Numbering()
        sources = CheckedSources(answer.sources, policy.output, names)
        known = [message.content for message in scope.notes.messages]
        guard = AnswerGuard(
            policy,
            classifier,
            sources,
            record,
            scope.notes,
            numbering=names,
            known_texts=known,
            whole=whole,
        )
        return AnswerStream(guard.events(answer.events), sources)

    def found(
        self,
        hits: Sequence[ScoredChunk],
        scope: RequestScope,
        release: str | None,
        record: AttemptRecord,
    ) -> list[ScoredChunk]:
        """Returns what a search found as it may be shown, as the sources of an answer are."""
        tell_unchecked(scope, record)
        policy = self.policies.of(tenant=scope.principal.tenant, release=release)
        if policy is None or policy.output_settings.is_empty:
            return list(hits)
        sources = CheckedSources(hits, policy.output, Numbering())
        shown = list(sources)
        sources.note_findings(policy, scope.notes, record)
        return shown

    async def judge(self, text: str, scope: RequestScope, release: str | None) -> Verdict:
        """Returns what the input policy says of a text; nothing where there is no policy. Raises as
        `check_texts`, but for what is found."""
        policy = self.policies.of(tenant=scope.principal.tenant, release=release)
        if policy is None:
            return Verdict(False, {})
        settings = policy.input.settings
        scores = dict.fromkeys((*settings.blocklist, *settings.patterns), 0.0)
        checked = policy.input.of_whole([text])
        scores |= dict.fromkeys(checked.categories, 1.0)
        if checked.is_redacted:
            scores[PERSONAL_DATA] = 1.0
        found = {name for name, score in scores.items() if score > 0}
        if settings.classifier is not None:
            for name, score in (await self._scores(settings.classifier, [text])).items():
                scores[name] = max(score, scores.get(name, 0.0))
                found.add(name)
        return Verdict(bool(found), scores)

    def _distinct(
        self, scope: RequestScope, releases: Iterable[str | None]
    ) -> list[CompiledPolicy]:
        tenant = scope.principal.tenant
        found = [self.policies.of(tenant=tenant, release=release) for release in releases]
        return list({one.name: one for one in found if one is not None}.values())

    async def _check_input(
        self, texts: list[str], policy: CompiledPolicy, scope: RequestScope
    ) -> list[str]:
        settings, decided = policy.input.settings, scope.notes.moderation
        checked = policy.input.of_whole(texts)
        found = set(checked.categories)
        if checked.is_redacted:
            decided.append(policy.decision("input", "redact", {PERSONAL_DATA}))
        if settings.classifier is not None and not (found and settings.action == "block"):
            try:
                found |= set(await self._scores(settings.classifier, checked.texts))
            except StageError as error:
                decided.append(policy.decision("input", settings.on_error, {UNCHECKED}))
                if settings.on_error == "block":
                    raise Unavailable(
                        "The moderation of the request gives no verdict; try again in a moment.",
                        STAGE,
                        error.retry_after_s or 1.0,
                    ) from error
        if found:
            decided.append(policy.decision("input", settings.action, found))
            if settings.action == "block":
                raise _refusal(found)
        return checked.texts

    async def _scores(self, classifier: str, texts: Sequence[str]) -> dict[str, float]:
        """Returns the highest score of each category that counts."""
        asked = list(dict.fromkeys(window for text in texts for window in windows(text)))
        highest: dict[str, float] = {}
        for scores in await self._classifier(classifier).judge(asked):
            for name, score in scores.items():
                highest[name] = max(score, highest.get(name, 0.0))
        return highest

    async def warm(self) -> None:
        """Has local classifiers learn their examples, before requests come that need them."""
        for name, args in self.policies.local_classifiers().items():
            self._classifiers.local(name, args, self.policies.examples(name)).warm()

    def _classifier(self, name: str) -> Classifier:
        args = self.policies.classifier(name)
        if isinstance(args, LocalClassifierArgs):
            return self._classifiers.local(name, args, self.policies.examples(name))
        return self._classifiers.of(name, args)


def tell_unchecked(scope: RequestScope, record: AttemptRecord) -> None:
    """Says in what an attempt leaves behind that its request was let through unchecked."""
    if any(one.place == "input" and one.action == "allow" for one in scope.notes.moderation):
        record.lacks(DEGRADED)


def _refusal(categories: Iterable[str]) -> ContentFiltered:
    """Returns the error of a request, with categories and nothing of its text."""
    names = sorted(categories)
    return ContentFiltered(
        f"A content policy does not let this request through ({', '.join(names)}).",
        errors=tuple(
            {"field": "", "message": f"is in the category {name}", "type": "content_filter"}
            for name in names
        ),
    )
