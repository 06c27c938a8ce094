"""What is known of a request, filled in on its way: for its access line, its trace, its usage."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from app.request.attempt import AttemptRecord
from app.request.caching import CacheNote, CacheWish
from app.request.decision import Decision
from app.settings.live.prices import PriceTable
from deployments.canary.evidence import Arm
from deployments.contracts.generation import Generation, GenerationEvent, Message, Started
from deployments.contracts.tenants import DEFAULT_TENANT

TraceWish = Literal["", "keep", "none"]
_NO_PRICES = PriceTable(use_list_prices=False)


@dataclass(slots=True)
class RequestNotes:
    """Fields are empty where a request did not get that far.

    Attributes:
        key_id: Names the caller's API key without telling it.
        usage_key: The same, as usage is counted: one name for all keys that nobody registered.
        tenant: Whose documents the request reaches.
        user: The user that the request names.
        session: The session that it names.
        messages: What was asked: a conversation, or one message of the user.
        release: Who answers, or was to.
        arm: The arm of a rollout that the request is in.
        rollout: The id of that rollout.
        tried: The release whose answers are evidence for that arm: where another one answers, what
            is said of its answer is none. Empty in a shadow stage.
        sticky_key: What the caller keeps between requests.
        attempt: What the work left behind.
        written: The answer.
        begun: The same of one that was broken off: its tokens, without its text.
        error: Code of the problem that the client was told, also inside a stream.
        tags: What the client wants its trace to be found by.
        ignored: Fields of the body that nothing here knows.
        routed: The model that `auto` became, and how it was chosen; None where it was not asked.
        trace_wish: What the client wants of its trace: that it is kept, or that there is none.
        prices: What tokens cost when it began.
        moderation: What policies have decided of it.
        cache_wish: What the client wants of the response cache.
        cache_min_similarity: How near a question in other words must be at least, beside what the
            release asks for.
        conversation: Id of the kept conversation that the request goes on with.
        rated: The release whose answer was rated, and how; None where nothing was.
    """

    key_id: str = ""
    usage_key: str = ""
    tenant: str = DEFAULT_TENANT
    user: str = ""
    session: str = ""
    messages: tuple[Message, ...] = ()
    release: str = ""
    arm: Arm | None = None
    rollout: str = ""
    tried: str = ""
    sticky_key: str = ""
    attempt: AttemptRecord | None = None
    written: Generation | None = None
    begun: Generation | None = None
    error: str = ""
    tags: Mapping[str, str] = field(default_factory=dict)
    ignored: tuple[str, ...] = ()
    routed: tuple[str, str] | None = None
    trace_wish: TraceWish = ""
    prices: PriceTable = _NO_PRICES
    moderation: list[Decision] = field(default_factory=list)
    cache_wish: CacheWish = ""
    cache_min_similarity: float = 0.0
    conversation: str = ""
    rated: tuple[str, str] | None = None

    @property
    def cache(self) -> CacheNote | None:
        """What became of the answer in the response cache; None where nobody looked."""
        return None if self.attempt is None else self.attempt.cache

    @property
    def is_cache_hit(self) -> bool:
        """Whether the answer was written for another request: nothing was used for it, and it says
        nothing of how its release does."""
        return self.attempt is not None and self.attempt.is_given_again

    @property
    def is_evidence(self) -> bool:
        """Whether what is said of the answer says something of an arm of a rollout."""
        is_its_own = bool(self.tried) and self.release == self.tried
        return self.arm is not None and is_its_own and not self.is_cache_hit

    def assign(
        self, release: str, arm: Arm | None, rollout: str, *, tried: str = "", sticky_key: str = ""
    ) -> None:
        """Notes who answers, and what it is evidence for."""
        self.release, self.arm, self.rollout = release, arm, rollout
        self.tried, self.sticky_key = tried, sticky_key

    def hear(self, events: Sequence[GenerationEvent]) -> None:
        """Notes how far an answer has come that is streamed."""
        for event in events:
            if isinstance(event, Generation):
                self.written = event
            elif isinstance(event, Started):
                self.begun = Generation(
                    text="",
                    citations=(),
                    grounded=True,
                    finish_reason="stop",
                    prompt_tokens=event.prompt_tokens,
                    completion_tokens=0,
                    model=event.model,
                    cached_tokens=event.cached_tokens,
                )
            elif self.begun is not None:
                tokens = self.begun.completion_tokens + event.completion_tokens
                self.begun = replace(self.begun, completion_tokens=tokens)

    def generations(self) -> Sequence[Generation]:
        """Returns all that generators wrote for this request, also what was broken off: the answer
        last, unless it was written for another one."""
        on_the_way: tuple[Generation, ...] = ()
        if self.attempt is not None:
            on_the_way = (*self.attempt.model_steps.values(), *self.attempt.rounds)
        answer = None if self.is_cache_hit else self.written or self.begun
        return on_the_way if answer is None else (*on_the_way, answer)

    def cost_usd(self) -> float | None:
        """Returns what all of that cost, in US dollars; None where nobody knows the price of some
        of it."""
        written = self.generations()
        return 0.0 if self.is_cache_hit and not written else self.prices.cost_usd(written)

    def identify(
        self, *, session: str | None, user: str | None, tags: Mapping[str, str] | None = None
    ) -> None:
        """Notes who the request says it is from, and what its trace is to be found by."""
        self.session, self.user, self.tags = session or "", user or "", tags or {}

    def of_caller(self) -> "RequestNotes":
        """Returns notes of another request by the same caller."""
        return RequestNotes(
            key_id=self.key_id,
            usage_key=self.usage_key,
            tenant=self.tenant,
            user=self.user,
            session=self.session,
            tags=self.tags,
            trace_wish=self.trace_wish,
            cache_wish=self.cache_wish,
            cache_min_similarity=self.cache_min_similarity,
            conversation=self.conversation,
        )

    def server_timing(self, total_ms: float) -> str:
        """Returns the stages' times and the whole, as the header `Server-Timing` has them. A
        streamed answer has those that were known when it began."""
        times = self.attempt.times if self.attempt is not None else {}
        entries = [f"{stage};dur={spent.total_ms:.1f}" for stage, spent in times.items()]
        return ", ".join([*entries, f"total;dur={total_ms:.1f}"])
