"""Every metric of the service. The dashboard and docs/metrics.md are tested against it."""

from deployments.telemetry.metric import Metric, preferred

_LATENCY_MS = preferred(0.4, 63_000.0)
_TOKEN_MS = preferred(1.0, 2_500.0)
_SIZES = (1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0)
_STAGE = ("stage", "release")
_MODEL = ("release", "model")

REQUESTS = Metric(
    "ragserve_requests",
    "counter",
    "Requests that have ended. kind: request, item (a question of a batch) or shadow (repeated on "
    "a release that is only tried). outcome: ok, refused, failed or aborted. error: code of the "
    "problem.",
    ("kind", "method", "route", "outcome", "error", "release"),
)
REQUEST_MS = Metric(
    "ragserve_request_ms",
    "histogram",
    "Time from admission to the end of the answer, of requests that ended ok.",
    ("kind", "route", "release"),
    _LATENCY_MS,
)
STAGE_MS = Metric(
    "ragserve_stage_ms",
    "histogram",
    "Time of a stage, the way there and back included, where it did not fail.",
    _STAGE,
    _LATENCY_MS,
)
STAGE_QUEUE_MS = Metric(
    "ragserve_stage_queue_ms",
    "histogram",
    "What of a stage's time a request waited for the model.",
    _STAGE,
    _LATENCY_MS,
)
STAGE_ERRORS = Metric(
    "ragserve_stage_errors",
    "counter",
    "Stages that failed a request, also where the answer went on without them.",
    (*_STAGE, "error"),
)
TTFT_MS = Metric(
    "ragserve_ttft_ms",
    "histogram",
    "Time from admission to the first token, of answers written by a language model.",
    _MODEL,
    _LATENCY_MS,
)
TPOT_MS = Metric(
    "ragserve_tpot_ms", "histogram", "Time per token after the first one.", _MODEL, _TOKEN_MS
)
TOKENS = Metric(
    "ragserve_tokens",
    "counter",
    "Tokens. type: prompt, cached (those of the prompt that were not computed again), completion, "
    "embedding or rerank; model: of the generator, empty for the last two.",
    ("type", *_MODEL),
)
COST_USD = Metric("ragserve_cost_usd", "counter", "What tokens cost, in US dollars.", _MODEL)
ANSWERS = Metric(
    "ragserve_answers",
    "counter",
    "Answers. grounded: yes, or no where the documents supported none. finish_reason: stop, length "
    "where it was cut, or content_filter where a moderation policy ended it.",
    (*_MODEL, "grounded", "finish_reason"),
)
DEGRADED = Metric(
    "ragserve_degraded",
    "counter",
    "Answers that had to do without something. missing: reranker, condense, queries, "
    "passage, filter, generator (another one of the list answered), canary (stable answered in "
    "its place) or moderation (left out, or let through unchecked).",
    ("missing", "release"),
)
MODERATION = Metric(
    "ragserve_moderation",
    "counter",
    "Decisions of moderation policies. place: input, output or sources. action: block, flag, "
    "redact, omit (left out of the answer) or allow (let through unchecked, since the classifier "
    "did not answer). category: name of a list, of a pattern or of a classifier's category; "
    "unchecked where the classifier did not answer.",
    ("policy", "place", "action", "category"),
)
CACHE_REQUESTS = Metric(
    "ragserve_cache_requests",
    "counter",
    "Requests to releases that have a response cache. outcome: hit, miss, or bypass where nothing "
    "was looked for; level: answer or generation; match, of a hit: exact, or verified for a "
    "question in other words.",
    ("release", "level", "outcome", "match"),
)
CACHE_BYTES = Metric(
    "ragserve_cache_bytes",
    "counter",
    "Bytes of answers that the response cache has read for hits, or written. way: read or written.",
    ("way",),
)
CACHE_AWAY = Metric(
    "ragserve_cache_away",
    "gauge",
    "1 while the store of the response cache is away, and everything is a miss; 0 else.",
)
CACHE_FAILED = Metric(
    "ragserve_cache_failed_calls",
    "counter",
    "Calls of the store of the response cache that failed.",
)
ROUTED = Metric(
    "ragserve_routed",
    "counter",
    "Requests to the model auto, by what it became. how: rule, fastest, cheapest, explored (to see "
    "how fast it is now) or default.",
    ("model", "how"),
)

SPANS = Metric(
    "ragserve_spans",
    "counter",
    "Spans of traces. event: ended, exported, spooled (to disk, while the server is away), "
    "replayed (sent from there) or adopted (from the spool of a process that is gone).",
    ("event",),
)
SPANS_DROPPED = Metric("ragserve_spans_dropped", "counter", "Spans that are lost.", ("reason",))
SPANS_WAITING = Metric("ragserve_spans_waiting", "gauge", "Spans that wait for encoding.")
SPOOL_BYTES = Metric("ragserve_spool_bytes", "gauge", "Room that the spools of spans take on disk.")
ACTIVITY_DROPPED = Metric(
    "ragserve_activity_dropped",
    "counter",
    "Activity that is lost. what: requests whose usage the tracker refused for good, minutes of "
    "figures that it refused or that nobody took for too long, or answers whose ids were lost so, "
    "and which nobody can rate.",
    ("what",),
)
OPEN_REQUESTS = Metric("ragserve_open_requests", "gauge", "Requests that are worked on.")
ADMISSION_LIMIT = Metric(
    "ragserve_admission_limit", "gauge", "Requests that may be worked on; over it they are refused."
)

LIMITS_AWAY = Metric(
    "ragserve_limits_away",
    "gauge",
    "1 while the store of limits is away, and the replica limits by itself at its part.",
)
LIMITS_FAILED = Metric(
    "ragserve_limits_failed_calls", "counter", "Calls of the store of limits that failed."
)
LIMITED = Metric(
    "ragserve_limited",
    "counter",
    "Requests that were refused. of: key or tenant. what: requests, tokens, concurrency or budget.",
    ("of", "what"),
)
LIMITED_PLACES = Metric(
    "ragserve_limited_places", "gauge", "Places that requests under way hold, of keys and tenants."
)
BUDGET_EVENTS = Metric(
    "ragserve_budget_events",
    "counter",
    "What happened to budgets. event: underestimated (more was spent than had been reserved), "
    "settled_late (after the reservation was released), released (of a replica that is gone), "
    "lost (never told), warned (let pass over a budget that only warns), or the share that was "
    "reached, such as key:80.",
    ("event",),
)

FEEDBACK = Metric(
    "ragserve_feedback",
    "counter",
    "Ratings of answers, those that take the place of earlier ones as well. rating: up, down, or "
    "score (a number).",
    ("release", "rating"),
)

EVALUATIONS = Metric(
    "ragserve_evaluations",
    "counter",
    "Answers that were drawn for online evaluation. outcome: judged, dropped (too many waited, or "
    "it has waited for too long) or failed (the judge had no answer).",
    ("release", "outcome"),
)

DRIFT_COMPARISONS = Metric(
    "ragserve_drift_comparisons",
    "counter",
    "Whole days whose questions were compared with those of the week before. verdict: drift, none "
    "or not_enough (too few questions to tell).",
    ("release", "verdict"),
)

BREAKERS = Metric(
    "ragserve_breaker",
    "gauge",
    "1 for the state of the circuit breaker of a stage in the application target. state: closed "
    "(calls pass), open (it failed and is left alone) or half_open (one call finds out whether it "
    "is back).",
    ("target", "stage", "state"),
)

BATCH_SIZE = Metric("ragserve_batch_size", "histogram", "Entries of a batch.", ("stage",), _SIZES)
BATCH_QUEUE_MS = Metric(
    "ragserve_batch_queue_ms", "histogram", "Longest wait in a batch.", ("stage",), _LATENCY_MS
)
BATCH_INFERENCE_MS = Metric(
    "ragserve_batch_inference_ms", "histogram", "Model time of a batch.", ("stage",), _LATENCY_MS
)
BATCH_TOKENS = Metric(
    "ragserve_batch_tokens",
    "counter",
    "Tokens that were asked for; of the retriever, searches.",
    ("stage",),
)
BATCH_PADDING = Metric(
    "ragserve_batch_padding_tokens",
    "counter",
    "Tokens that were computed only as padding.",
    ("stage",),
)

EVERY_METRIC = tuple(value for value in tuple(globals().values()) if isinstance(value, Metric))
"""All of them, in the order above."""
