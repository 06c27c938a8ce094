"""What a generator wrote is given again for the same prompt: after retrieval, before the language
model. Another document, right, release or prompt gives another prompt, and so another key."""

from collections.abc import Callable
from contextlib import aclosing

from app.cache.entry import Entry, entry_of
from app.cache.keys import GenerationKey, digest
from app.cache.lookup import Asker, facts_of_generator, find, led, note_of
from app.cache.replay import replay
from app.cache.response_cache import ResponseCache
from app.cache.rules import is_repeatable, may_be_kept
from app.cache.single_flight import Lead
from app.request.attempt import AttemptRecord
from app.request.caching import CacheNote, DescribedGenerator
from app.settings.cold.cache import ReleaseCache
from deployments.contracts.calls import CallContext
from deployments.contracts.generation import Events, Generation, GenerationRequest

Keep = Callable[[Generation], Entry | None]


class KeptGenerations:
    """The `GenerationCache` of one request.

    Args:
        cache: Where texts are kept.
        settings: Of the release.
        asker: Whose request it is.
    """

    def __init__(self, cache: ResponseCache, settings: ReleaseCache, asker: Asker) -> None:
        self._cache = cache
        self._settings = settings
        self._asker = asker

    async def written(
        self,
        request: GenerationRequest,
        generator: DescribedGenerator,
        record: AttemptRecord,
        call: CallContext,
        fresh: Callable[[], Events],
    ) -> Events:
        """See `GenerationCache.written`."""
        key = await self._key(request, generator, call)
        if key is None:
            record.cache = CacheNote("bypass")
            async with aclosing(fresh()) as events:
                async for batch in events:
                    yield batch
            return
        async with record.timed("cache"):
            timeout_s = call.timeout_s / 2  # it must still be written where nobody else does
            found = await find(self._cache, self._asker, key, timeout_s=timeout_s)
        record.cache = note_of(found, "generation", key, self._cache.now_s())
        answer = replay(found.written) if isinstance(found, Entry) else fresh()
        if isinstance(found, Lead):
            answer = led(answer, found, self._keep(key, request, record))
        async with aclosing(answer) as events:
            async for batch in events:
                yield batch

    async def _key(
        self, request: GenerationRequest, generator: DescribedGenerator, call: CallContext
    ) -> str | None:
        """Returns the key of a prompt; None where what is written is not to be given again."""
        facts = await facts_of_generator(generator, call)
        wants_logprobs = request.sampling.top_logprobs is not None
        repeatable = self._settings.sampling == "any" or is_repeatable(request.sampling, facts)
        fingerprint = facts.get("fingerprint")
        if not fingerprint or wants_logprobs or not repeatable:
            return None
        name = f"{facts.get('model')} {fingerprint}"
        return digest(GenerationKey(self._asker.tenant, name, request))

    def _keep(self, key: str, request: GenerationRequest, record: AttemptRecord) -> Keep:
        def keep(written: Generation) -> Entry | None:
            is_from_documents = request.context is not None
            if not may_be_kept(written, record.degraded, is_from_documents=is_from_documents):
                return None
            now_s, asker = self._cache.now_s(), self._asker
            entry = entry_of(written, (), created_s=now_s, trace_id=asker.trace_id)
            self._cache.keep(
                *(asker.tenant, key, entry),
                documents=sorted({hit.chunk.document_id for hit in request.context or ()}),
                user=asker.user,
                conversation=asker.conversation,
                ttl_s=self._settings.ttl_s,
                begun_s=asker.begun_s,
            )
            return entry

        return keep
