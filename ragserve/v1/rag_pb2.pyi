from google.protobuf import struct_pb2 as _struct_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class SearchRequest(_message.Message):
    __slots__ = ("query", "queries", "mode", "top_k", "top_n", "rerank", "filter", "session_id", "user", "timeout_s")
    QUERY_FIELD_NUMBER: _ClassVar[int]
    QUERIES_FIELD_NUMBER: _ClassVar[int]
    MODE_FIELD_NUMBER: _ClassVar[int]
    TOP_K_FIELD_NUMBER: _ClassVar[int]
    TOP_N_FIELD_NUMBER: _ClassVar[int]
    RERANK_FIELD_NUMBER: _ClassVar[int]
    FILTER_FIELD_NUMBER: _ClassVar[int]
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    USER_FIELD_NUMBER: _ClassVar[int]
    TIMEOUT_S_FIELD_NUMBER: _ClassVar[int]
    query: str
    queries: _containers.RepeatedScalarFieldContainer[str]
    mode: str
    top_k: int
    top_n: int
    rerank: bool
    filter: _struct_pb2.Struct
    session_id: str
    user: str
    timeout_s: float
    def __init__(self, query: _Optional[str] = ..., queries: _Optional[_Iterable[str]] = ..., mode: _Optional[str] = ..., top_k: _Optional[int] = ..., top_n: _Optional[int] = ..., rerank: _Optional[bool] = ..., filter: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ..., session_id: _Optional[str] = ..., user: _Optional[str] = ..., timeout_s: _Optional[float] = ...) -> None: ...

class QueryRequest(_message.Message):
    __slots__ = ("query", "queries", "mode", "top_k", "top_n", "rerank", "filter", "session_id", "user", "timeout_s", "conversation_id", "store", "max_tokens", "min_tokens", "temperature", "top_p", "min_p", "presence_penalty", "frequency_penalty", "repetition_penalty", "seed", "stop", "ignore_eos", "logit_bias", "structured_outputs", "cache")
    class LogitBiasEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: int
        value: float
        def __init__(self, key: _Optional[int] = ..., value: _Optional[float] = ...) -> None: ...
    QUERY_FIELD_NUMBER: _ClassVar[int]
    QUERIES_FIELD_NUMBER: _ClassVar[int]
    MODE_FIELD_NUMBER: _ClassVar[int]
    TOP_K_FIELD_NUMBER: _ClassVar[int]
    TOP_N_FIELD_NUMBER: _ClassVar[int]
    RERANK_FIELD_NUMBER: _ClassVar[int]
    FILTER_FIELD_NUMBER: _ClassVar[int]
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    USER_FIELD_NUMBER: _ClassVar[int]
    TIMEOUT_S_FIELD_NUMBER: _ClassVar[int]
    CONVERSATION_ID_FIELD_NUMBER: _ClassVar[int]
    STORE_FIELD_NUMBER: _ClassVar[int]
    MAX_TOKENS_FIELD_NUMBER: _ClassVar[int]
    MIN_TOKENS_FIELD_NUMBER: _ClassVar[int]
    TEMPERATURE_FIELD_NUMBER: _ClassVar[int]
    TOP_P_FIELD_NUMBER: _ClassVar[int]
    MIN_P_FIELD_NUMBER: _ClassVar[int]
    PRESENCE_PENALTY_FIELD_NUMBER: _ClassVar[int]
    FREQUENCY_PENALTY_FIELD_NUMBER: _ClassVar[int]
    REPETITION_PENALTY_FIELD_NUMBER: _ClassVar[int]
    SEED_FIELD_NUMBER: _ClassVar[int]
    STOP_FIELD_NUMBER: _ClassVar[int]
    IGNORE_EOS_FIELD_NUMBER: _ClassVar[int]
    LOGIT_BIAS_FIELD_NUMBER: _ClassVar[int]
    STRUCTURED_OUTPUTS_FIELD_NUMBER: _ClassVar[int]
    CACHE_FIELD_NUMBER: _ClassVar[int]
    query: str
    queries: _containers.RepeatedScalarFieldContainer[str]
    mode: str
    top_k: int
    top_n: int
    rerank: bool
    filter: _struct_pb2.Struct
    session_id: str
    user: str
    timeout_s: float
    conversation_id: str
    store: bool
    max_tokens: int
    min_tokens: int
    temperature: float
    top_p: float
    min_p: float
    presence_penalty: float
    frequency_penalty: float
    repetition_penalty: float
    seed: int
    stop: _containers.RepeatedScalarFieldContainer[str]
    ignore_eos: bool
    logit_bias: _containers.ScalarMap[int, float]
    structured_outputs: StructuredOutputs
    cache: CacheOptions
    def __init__(self, query: _Optional[str] = ..., queries: _Optional[_Iterable[str]] = ..., mode: _Optional[str] = ..., top_k: _Optional[int] = ..., top_n: _Optional[int] = ..., rerank: _Optional[bool] = ..., filter: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ..., session_id: _Optional[str] = ..., user: _Optional[str] = ..., timeout_s: _Optional[float] = ..., conversation_id: _Optional[str] = ..., store: _Optional[bool] = ..., max_tokens: _Optional[int] = ..., min_tokens: _Optional[int] = ..., temperature: _Optional[float] = ..., top_p: _Optional[float] = ..., min_p: _Optional[float] = ..., presence_penalty: _Optional[float] = ..., frequency_penalty: _Optional[float] = ..., repetition_penalty: _Optional[float] = ..., seed: _Optional[int] = ..., stop: _Optional[_Iterable[str]] = ..., ignore_eos: _Optional[bool] = ..., logit_bias: _Optional[_Mapping[int, float]] = ..., structured_outputs: _Optional[_Union[StructuredOutputs, _Mapping]] = ..., cache: _Optional[_Union[CacheOptions, _Mapping]] = ...) -> None: ...

class StructuredOutputs(_message.Message):
    __slots__ = ("json", "regex", "choice")
    JSON_FIELD_NUMBER: _ClassVar[int]
    REGEX_FIELD_NUMBER: _ClassVar[int]
    CHOICE_FIELD_NUMBER: _ClassVar[int]
    json: _struct_pb2.Struct
    regex: str
    choice: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, json: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ..., regex: _Optional[str] = ..., choice: _Optional[_Iterable[str]] = ...) -> None: ...

class CacheOptions(_message.Message):
    __slots__ = ("use", "min_similarity")
    USE_FIELD_NUMBER: _ClassVar[int]
    MIN_SIMILARITY_FIELD_NUMBER: _ClassVar[int]
    use: bool
    min_similarity: float
    def __init__(self, use: _Optional[bool] = ..., min_similarity: _Optional[float] = ...) -> None: ...

class SignalScores(_message.Message):
    __slots__ = ("dense", "lexical", "rerank")
    DENSE_FIELD_NUMBER: _ClassVar[int]
    LEXICAL_FIELD_NUMBER: _ClassVar[int]
    RERANK_FIELD_NUMBER: _ClassVar[int]
    dense: float
    lexical: float
    rerank: float
    def __init__(self, dense: _Optional[float] = ..., lexical: _Optional[float] = ..., rerank: _Optional[float] = ...) -> None: ...

class Source(_message.Message):
    __slots__ = ("index", "document_id", "chunk_id", "path", "title", "heading", "page", "score", "signals", "text", "metadata")
    INDEX_FIELD_NUMBER: _ClassVar[int]
    DOCUMENT_ID_FIELD_NUMBER: _ClassVar[int]
    CHUNK_ID_FIELD_NUMBER: _ClassVar[int]
    PATH_FIELD_NUMBER: _ClassVar[int]
    TITLE_FIELD_NUMBER: _ClassVar[int]
    HEADING_FIELD_NUMBER: _ClassVar[int]
    PAGE_FIELD_NUMBER: _ClassVar[int]
    SCORE_FIELD_NUMBER: _ClassVar[int]
    SIGNALS_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    METADATA_FIELD_NUMBER: _ClassVar[int]
    index: int
    document_id: str
    chunk_id: str
    path: str
    title: str
    heading: str
    page: int
    score: float
    signals: SignalScores
    text: str
    metadata: _struct_pb2.Struct
    def __init__(self, index: _Optional[int] = ..., document_id: _Optional[str] = ..., chunk_id: _Optional[str] = ..., path: _Optional[str] = ..., title: _Optional[str] = ..., heading: _Optional[str] = ..., page: _Optional[int] = ..., score: _Optional[float] = ..., signals: _Optional[_Union[SignalScores, _Mapping]] = ..., text: _Optional[str] = ..., metadata: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ...) -> None: ...

class Citation(_message.Message):
    __slots__ = ("start", "end", "source")
    START_FIELD_NUMBER: _ClassVar[int]
    END_FIELD_NUMBER: _ClassVar[int]
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    start: int
    end: int
    source: int
    def __init__(self, start: _Optional[int] = ..., end: _Optional[int] = ..., source: _Optional[int] = ...) -> None: ...

class Usage(_message.Message):
    __slots__ = ("prompt_tokens", "completion_tokens", "total_tokens", "embedding_tokens", "rerank_tokens", "cached_tokens", "cost_usd")
    PROMPT_TOKENS_FIELD_NUMBER: _ClassVar[int]
    COMPLETION_TOKENS_FIELD_NUMBER: _ClassVar[int]
    TOTAL_TOKENS_FIELD_NUMBER: _ClassVar[int]
    EMBEDDING_TOKENS_FIELD_NUMBER: _ClassVar[int]
    RERANK_TOKENS_FIELD_NUMBER: _ClassVar[int]
    CACHED_TOKENS_FIELD_NUMBER: _ClassVar[int]
    COST_USD_FIELD_NUMBER: _ClassVar[int]
    prompt_tokens: int
    completion_tokens: int
    total_tokens: int
    embedding_tokens: int
    rerank_tokens: int
    cached_tokens: int
    cost_usd: float
    def __init__(self, prompt_tokens: _Optional[int] = ..., completion_tokens: _Optional[int] = ..., total_tokens: _Optional[int] = ..., embedding_tokens: _Optional[int] = ..., rerank_tokens: _Optional[int] = ..., cached_tokens: _Optional[int] = ..., cost_usd: _Optional[float] = ...) -> None: ...

class StageTiming(_message.Message):
    __slots__ = ("total_ms", "queue_ms", "inference_ms", "replica_ms")
    TOTAL_MS_FIELD_NUMBER: _ClassVar[int]
    QUEUE_MS_FIELD_NUMBER: _ClassVar[int]
    INFERENCE_MS_FIELD_NUMBER: _ClassVar[int]
    REPLICA_MS_FIELD_NUMBER: _ClassVar[int]
    total_ms: float
    queue_ms: float
    inference_ms: float
    replica_ms: float
    def __init__(self, total_ms: _Optional[float] = ..., queue_ms: _Optional[float] = ..., inference_ms: _Optional[float] = ..., replica_ms: _Optional[float] = ...) -> None: ...

class Timings(_message.Message):
    __slots__ = ("total_ms", "stages")
    class StagesEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: StageTiming
        def __init__(self, key: _Optional[str] = ..., value: _Optional[_Union[StageTiming, _Mapping]] = ...) -> None: ...
    TOTAL_MS_FIELD_NUMBER: _ClassVar[int]
    STAGES_FIELD_NUMBER: _ClassVar[int]
    total_ms: float
    stages: _containers.MessageMap[str, StageTiming]
    def __init__(self, total_ms: _Optional[float] = ..., stages: _Optional[_Mapping[str, StageTiming]] = ...) -> None: ...

class Blocked(_message.Message):
    __slots__ = ("categories",)
    CATEGORIES_FIELD_NUMBER: _ClassVar[int]
    categories: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, categories: _Optional[_Iterable[str]] = ...) -> None: ...

class QueryResponse(_message.Message):
    __slots__ = ("id", "request_id", "answer", "grounded", "answerability", "citations", "sources", "release", "model", "prompt", "finish_reason", "blocked", "conversation_id", "degraded", "usage", "timings")
    ID_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    ANSWER_FIELD_NUMBER: _ClassVar[int]
    GROUNDED_FIELD_NUMBER: _ClassVar[int]
    ANSWERABILITY_FIELD_NUMBER: _ClassVar[int]
    CITATIONS_FIELD_NUMBER: _ClassVar[int]
    SOURCES_FIELD_NUMBER: _ClassVar[int]
    RELEASE_FIELD_NUMBER: _ClassVar[int]
    MODEL_FIELD_NUMBER: _ClassVar[int]
    PROMPT_FIELD_NUMBER: _ClassVar[int]
    FINISH_REASON_FIELD_NUMBER: _ClassVar[int]
    BLOCKED_FIELD_NUMBER: _ClassVar[int]
    CONVERSATION_ID_FIELD_NUMBER: _ClassVar[int]
    DEGRADED_FIELD_NUMBER: _ClassVar[int]
    USAGE_FIELD_NUMBER: _ClassVar[int]
    TIMINGS_FIELD_NUMBER: _ClassVar[int]
    id: str
    request_id: str
    answer: str
    grounded: bool
    answerability: float
    citations: _containers.RepeatedCompositeFieldContainer[Citation]
    sources: _containers.RepeatedCompositeFieldContainer[Source]
    release: str
    model: str
    prompt: str
    finish_reason: str
    blocked: Blocked
    conversation_id: str
    degraded: _containers.RepeatedScalarFieldContainer[str]
    usage: Usage
    timings: Timings
    def __init__(self, id: _Optional[str] = ..., request_id: _Optional[str] = ..., answer: _Optional[str] = ..., grounded: _Optional[bool] = ..., answerability: _Optional[float] = ..., citations: _Optional[_Iterable[_Union[Citation, _Mapping]]] = ..., sources: _Optional[_Iterable[_Union[Source, _Mapping]]] = ..., release: _Optional[str] = ..., model: _Optional[str] = ..., prompt: _Optional[str] = ..., finish_reason: _Optional[str] = ..., blocked: _Optional[_Union[Blocked, _Mapping]] = ..., conversation_id: _Optional[str] = ..., degraded: _Optional[_Iterable[str]] = ..., usage: _Optional[_Union[Usage, _Mapping]] = ..., timings: _Optional[_Union[Timings, _Mapping]] = ...) -> None: ...

class SearchResponse(_message.Message):
    __slots__ = ("id", "request_id", "results", "release", "degraded", "timings")
    ID_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    RESULTS_FIELD_NUMBER: _ClassVar[int]
    RELEASE_FIELD_NUMBER: _ClassVar[int]
    DEGRADED_FIELD_NUMBER: _ClassVar[int]
    TIMINGS_FIELD_NUMBER: _ClassVar[int]
    id: str
    request_id: str
    results: _containers.RepeatedCompositeFieldContainer[Source]
    release: str
    degraded: _containers.RepeatedScalarFieldContainer[str]
    timings: Timings
    def __init__(self, id: _Optional[str] = ..., request_id: _Optional[str] = ..., results: _Optional[_Iterable[_Union[Source, _Mapping]]] = ..., release: _Optional[str] = ..., degraded: _Optional[_Iterable[str]] = ..., timings: _Optional[_Union[Timings, _Mapping]] = ...) -> None: ...

class SourcesEvent(_message.Message):
    __slots__ = ("id", "request_id", "release", "model", "sources", "conversation_id")
    ID_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    RELEASE_FIELD_NUMBER: _ClassVar[int]
    MODEL_FIELD_NUMBER: _ClassVar[int]
    SOURCES_FIELD_NUMBER: _ClassVar[int]
    CONVERSATION_ID_FIELD_NUMBER: _ClassVar[int]
    id: str
    request_id: str
    release: str
    model: str
    sources: _containers.RepeatedCompositeFieldContainer[Source]
    conversation_id: str
    def __init__(self, id: _Optional[str] = ..., request_id: _Optional[str] = ..., release: _Optional[str] = ..., model: _Optional[str] = ..., sources: _Optional[_Iterable[_Union[Source, _Mapping]]] = ..., conversation_id: _Optional[str] = ...) -> None: ...

class DeltaEvent(_message.Message):
    __slots__ = ("text",)
    TEXT_FIELD_NUMBER: _ClassVar[int]
    text: str
    def __init__(self, text: _Optional[str] = ...) -> None: ...

class StreamQueryResponse(_message.Message):
    __slots__ = ("sources", "delta", "citation", "done")
    SOURCES_FIELD_NUMBER: _ClassVar[int]
    DELTA_FIELD_NUMBER: _ClassVar[int]
    CITATION_FIELD_NUMBER: _ClassVar[int]
    DONE_FIELD_NUMBER: _ClassVar[int]
    sources: SourcesEvent
    delta: DeltaEvent
    citation: Citation
    done: QueryResponse
    def __init__(self, sources: _Optional[_Union[SourcesEvent, _Mapping]] = ..., delta: _Optional[_Union[DeltaEvent, _Mapping]] = ..., citation: _Optional[_Union[Citation, _Mapping]] = ..., done: _Optional[_Union[QueryResponse, _Mapping]] = ...) -> None: ...

class Acl(_message.Message):
    __slots__ = ("groups",)
    GROUPS_FIELD_NUMBER: _ClassVar[int]
    groups: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, groups: _Optional[_Iterable[str]] = ...) -> None: ...

class DocumentPart(_message.Message):
    __slots__ = ("text", "page")
    TEXT_FIELD_NUMBER: _ClassVar[int]
    PAGE_FIELD_NUMBER: _ClassVar[int]
    text: str
    page: int
    def __init__(self, text: _Optional[str] = ..., page: _Optional[int] = ...) -> None: ...

class Document(_message.Message):
    __slots__ = ("id", "path", "title", "text", "parts", "markup", "metadata", "acl")
    ID_FIELD_NUMBER: _ClassVar[int]
    PATH_FIELD_NUMBER: _ClassVar[int]
    TITLE_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    PARTS_FIELD_NUMBER: _ClassVar[int]
    MARKUP_FIELD_NUMBER: _ClassVar[int]
    METADATA_FIELD_NUMBER: _ClassVar[int]
    ACL_FIELD_NUMBER: _ClassVar[int]
    id: str
    path: str
    title: str
    text: str
    parts: _containers.RepeatedCompositeFieldContainer[DocumentPart]
    markup: str
    metadata: _struct_pb2.Struct
    acl: Acl
    def __init__(self, id: _Optional[str] = ..., path: _Optional[str] = ..., title: _Optional[str] = ..., text: _Optional[str] = ..., parts: _Optional[_Iterable[_Union[DocumentPart, _Mapping]]] = ..., markup: _Optional[str] = ..., metadata: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ..., acl: _Optional[_Union[Acl, _Mapping]] = ...) -> None: ...

class File(_message.Message):
    __slots__ = ("name", "content")
    NAME_FIELD_NUMBER: _ClassVar[int]
    CONTENT_FIELD_NUMBER: _ClassVar[int]
    name: str
    content: bytes
    def __init__(self, name: _Optional[str] = ..., content: _Optional[bytes] = ...) -> None: ...

class PutDocumentsRequest(_message.Message):
    __slots__ = ("documents", "files", "metadata", "acl")
    DOCUMENTS_FIELD_NUMBER: _ClassVar[int]
    FILES_FIELD_NUMBER: _ClassVar[int]
    METADATA_FIELD_NUMBER: _ClassVar[int]
    ACL_FIELD_NUMBER: _ClassVar[int]
    documents: _containers.RepeatedCompositeFieldContainer[Document]
    files: _containers.RepeatedCompositeFieldContainer[File]
    metadata: _struct_pb2.Struct
    acl: Acl
    def __init__(self, documents: _Optional[_Iterable[_Union[Document, _Mapping]]] = ..., files: _Optional[_Iterable[_Union[File, _Mapping]]] = ..., metadata: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ..., acl: _Optional[_Union[Acl, _Mapping]] = ...) -> None: ...

class Outcome(_message.Message):
    __slots__ = ("path", "status", "document_id", "chunk_count", "message", "warnings")
    PATH_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    DOCUMENT_ID_FIELD_NUMBER: _ClassVar[int]
    CHUNK_COUNT_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    WARNINGS_FIELD_NUMBER: _ClassVar[int]
    path: str
    status: str
    document_id: str
    chunk_count: int
    message: str
    warnings: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, path: _Optional[str] = ..., status: _Optional[str] = ..., document_id: _Optional[str] = ..., chunk_count: _Optional[int] = ..., message: _Optional[str] = ..., warnings: _Optional[_Iterable[str]] = ...) -> None: ...

class PutDocumentsResponse(_message.Message):
    __slots__ = ("outcomes", "added", "updated", "unchanged", "failed")
    OUTCOMES_FIELD_NUMBER: _ClassVar[int]
    ADDED_FIELD_NUMBER: _ClassVar[int]
    UPDATED_FIELD_NUMBER: _ClassVar[int]
    UNCHANGED_FIELD_NUMBER: _ClassVar[int]
    FAILED_FIELD_NUMBER: _ClassVar[int]
    outcomes: _containers.RepeatedCompositeFieldContainer[Outcome]
    added: int
    updated: int
    unchanged: int
    failed: int
    def __init__(self, outcomes: _Optional[_Iterable[_Union[Outcome, _Mapping]]] = ..., added: _Optional[int] = ..., updated: _Optional[int] = ..., unchanged: _Optional[int] = ..., failed: _Optional[int] = ...) -> None: ...

class ListDocumentsRequest(_message.Message):
    __slots__ = ("limit", "cursor", "timeout_s")
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    CURSOR_FIELD_NUMBER: _ClassVar[int]
    TIMEOUT_S_FIELD_NUMBER: _ClassVar[int]
    limit: int
    cursor: str
    timeout_s: float
    def __init__(self, limit: _Optional[int] = ..., cursor: _Optional[str] = ..., timeout_s: _Optional[float] = ...) -> None: ...

class DocumentInfo(_message.Message):
    __slots__ = ("id", "path", "title", "chunk_count", "created_at", "metadata", "acl")
    ID_FIELD_NUMBER: _ClassVar[int]
    PATH_FIELD_NUMBER: _ClassVar[int]
    TITLE_FIELD_NUMBER: _ClassVar[int]
    CHUNK_COUNT_FIELD_NUMBER: _ClassVar[int]
    CREATED_AT_FIELD_NUMBER: _ClassVar[int]
    METADATA_FIELD_NUMBER: _ClassVar[int]
    ACL_FIELD_NUMBER: _ClassVar[int]
    id: str
    path: str
    title: str
    chunk_count: int
    created_at: str
    metadata: _struct_pb2.Struct
    acl: Acl
    def __init__(self, id: _Optional[str] = ..., path: _Optional[str] = ..., title: _Optional[str] = ..., chunk_count: _Optional[int] = ..., created_at: _Optional[str] = ..., metadata: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ..., acl: _Optional[_Union[Acl, _Mapping]] = ...) -> None: ...

class ListDocumentsResponse(_message.Message):
    __slots__ = ("documents", "next_cursor")
    DOCUMENTS_FIELD_NUMBER: _ClassVar[int]
    NEXT_CURSOR_FIELD_NUMBER: _ClassVar[int]
    documents: _containers.RepeatedCompositeFieldContainer[DocumentInfo]
    next_cursor: str
    def __init__(self, documents: _Optional[_Iterable[_Union[DocumentInfo, _Mapping]]] = ..., next_cursor: _Optional[str] = ...) -> None: ...

class GetDocumentRequest(_message.Message):
    __slots__ = ("document_id", "timeout_s")
    DOCUMENT_ID_FIELD_NUMBER: _ClassVar[int]
    TIMEOUT_S_FIELD_NUMBER: _ClassVar[int]
    document_id: str
    timeout_s: float
    def __init__(self, document_id: _Optional[str] = ..., timeout_s: _Optional[float] = ...) -> None: ...

class GetDocumentResponse(_message.Message):
    __slots__ = ("document",)
    DOCUMENT_FIELD_NUMBER: _ClassVar[int]
    document: DocumentInfo
    def __init__(self, document: _Optional[_Union[DocumentInfo, _Mapping]] = ...) -> None: ...

class DeleteDocumentRequest(_message.Message):
    __slots__ = ("document_id",)
    DOCUMENT_ID_FIELD_NUMBER: _ClassVar[int]
    document_id: str
    def __init__(self, document_id: _Optional[str] = ...) -> None: ...

class DeleteDocumentResponse(_message.Message):
    __slots__ = ("id", "chunk_count")
    ID_FIELD_NUMBER: _ClassVar[int]
    CHUNK_COUNT_FIELD_NUMBER: _ClassVar[int]
    id: str
    chunk_count: int
    def __init__(self, id: _Optional[str] = ..., chunk_count: _Optional[int] = ...) -> None: ...
