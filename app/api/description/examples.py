"""What one may send, by operation, and what an error says, by status. A test sends every example
through the models of its route."""

from collections.abc import Mapping
from typing import Any

_ROLLOUT = {"canary": "minilm-v2", "mode": "auto", "by": "alice"}

EXAMPLES: Mapping[str, Mapping[str, Any]] = {
    "query": {
        "a question": {"query": "What happens when a queue is full?"},
        "with a filter": {
            "query": "How do I ask for leave?",
            "top_n": 3,
            "filter": {"team": "hr"},
        },
        "as events": {"query": "What happens when a queue is full?", "stream": True},
        "in a conversation": {
            "query": "And for how long?",
            "conversation_id": "conv_3f2a9c0d5b7e41f08a6c2d9e1b3f4a5c",
        },
    },
    "create_feedback": {
        "a thumb": {"request_id": "3f2a9c", "thumb": "up"},
        "a score and what is right": {
            "request_id": "3f2a9c",
            "score": 0.25,
            "comment": "That was true of version 1.",
            "correction": "Requests over the bound are refused with 503.",
            "user": "alice",
        },
    },
    "create_conversation": {"with a title": {"title": "Leave"}},
    "ask": {"a question": {"question": "What happens when a queue is full?"}},
    "search_chunks": {
        "by meaning and words": {"query": "metrics port", "top_n": 3},
        "by words alone": {"query": "RAGSERVE_URL", "mode": "lexical"},
    },
    "query_batch": {
        "two questions": {
            "queries": [
                {"query": "How do I ask for leave?"},
                {"query": "Who repairs laptops?", "top_n": 3},
            ]
        }
    },
    "chat_completions": {
        "from the documents": {
            "model": "ragserve",
            "messages": [{"role": "user", "content": "What restarts a replica?"}],
        },
        "streamed": {
            "model": "ragserve",
            "messages": [{"role": "user", "content": "What restarts a replica?"}],
            "stream": True,
        },
    },
    "create_response": {
        "a question": {"model": "ragserve", "input": "What restarts a replica?"},
        "in some files": {
            "model": "ragserve",
            "input": "What restarts a replica?",
            "tools": [
                {
                    "type": "file_search",
                    "vector_store_ids": ["vs_default"],
                    "filters": {"type": "eq", "key": "team", "value": "platform"},
                }
            ],
            "include": ["file_search_call.results"],
        },
    },
    "search_store": {"a question": {"query": "What restarts a replica?", "max_num_results": 3}},
    "create_batch": {
        "of a file": {
            "input_file_id": "file-batch-1b2c3d4e5f60718293a4b5c6",
            "endpoint": "/v1/query",
            "completion_window": "24h",
        }
    },
    "attach_file": {"with attributes": {"file_id": "file-abc", "attributes": {"team": "hr"}}},
    "change_store_file": {"attributes": {"attributes": {"team": "hr"}}},
    "attach_files": {"two files": {"file_ids": ["file-abc", "file-def"]}},
    "completions": {
        "a text to go on with": {"model": "llama-8b", "prompt": "Once", "max_tokens": 16}
    },
    "embeddings": {
        "two texts": {"model": "ragserve", "input": ["first text", "second text"]},
        "a question": {"input": "What restarts a replica?", "input_type": "query"},
    },
    "moderations": {
        "a text": {"input": "How do I reset my password?"},
        "two texts": {"input": ["How do I reset it?", "Thanks a lot."], "model": "ragserve"},
    },
    "rerank": {
        "two texts": {
            "query": "animals",
            "documents": ["Cats sleep a lot.", "Ships sail."],
            "top_n": 1,
        }
    },
    "add_documents": {
        "a text": {
            "documents": [
                {"id": "handbook-4", "title": "Handbook", "text": "# Leave\n\nAsk early."}
            ]
        },
        "pages": {
            "documents": [
                {
                    "path": "handbook.pdf",
                    "parts": [{"text": "First page.", "page": 1}],
                    "metadata": {"team": "hr"},
                }
            ]
        },
    },
    "create_key": {
        "for a page that asks": {
            "name": "search page",
            "tenant": "acme",
            "scopes": ["query"],
            "limits": {"requests_per_min": 600},
        }
    },
    "change_key": {"a longer life": {"expires_at": "2030-01-31T00:00:00Z"}},
    "rotate_key": {"an hour for the old one": {"keeps_s": 3600}},
    "create_tenant": {
        "with a budget": {"id": "acme", "name": "Acme Inc.", "budgets": {"month_usd": 100}}
    },
    "change_tenant": {"more requests": {"limits": {"requests_per_min": 1200}}},
    "start_rollout": {"a release to try": _ROLLOUT},
    "command_rollout": {"why": {"reason": "the release notes are out", "by": "alice"}},
    "reindex": {
        "the first page": {"source": "retrieval-v1", "target": "retrieval-v2", "limit": 16}
    },
    "fit_calibration": {"a collection": {"retrieval": "retrieval-minilm", "only_if_stale": True}},
    "set_traffic": {
        "two releases": {"weights": {"minilm-v1": 0.9, "minilm-v2": 0.1}, "by": "alice"}
    },
    "find_drift": {
        "a day against a week": {"reference_s": 604800.0, "current_s": 86400.0},
    },
}
"""By operation id, then by what the example shows."""

_TOO_SMALL = {
    "field": "top_k",
    "message": "Input should be greater than or equal to 1",
    "type": "greater_than_equal",
}
DETAILS: Mapping[int, tuple[str, tuple[Mapping[str, object], ...]]] = {
    400: ("The body is not valid JSON.", ()),
    401: ("Send the operators' key: Authorization: Bearer <RAGSERVE_ADMIN_KEY>.", ()),
    403: ("The key does not open this.", ()),
    404: ("There is nothing at this path; see /docs for what there is.", ()),
    405: ("PATCH is not allowed here.", ()),
    409: ("minilm-v2 has traffic already; a rollout tries what has none.", ()),
    413: ("The body is over the bound of 4194304 bytes.", ()),
    415: ("Send the body as application/json.", ()),
    422: (
        "The request is not valid: top_k (input should be greater than or equal to 1).",
        (_TOO_SMALL,),
    ),
    429: ("The model's server refused by a limit of its own; retry later.", ()),
    500: ("The service failed in a way that nobody planned for.", ()),
    502: ("The model's server broke.", ()),
    503: ("The gateway has all it can work on; retry shortly.", ()),
    504: ("The time for this request was used up.", ()),
}
"""What a problem says, and which fields it names."""
