"""One folder per stage of the graph, and the libraries that they share.

Deployments, each with its Ray shell in `deployment.py`:
    embedder    texts to vectors
    retriever   finds chunks, and keeps them in Chroma
    reranker    judges how well chunks fit a question
    indexer     files and texts to indexed chunks
    generator   writes the answer, with one of several engines
    control     the rollout controller: moves weights between releases
    tracking    the tracker: usage, figures, drift, and what MLflow shows of them
    batches     the keeper of batches: their files, lines, leases and results

Libraries:
    contracts   what crosses process borders: frozen values, stages, errors
    serving     what every shell stands on: calls, streams, Ray's errors as ours
    words       what counts as a word, and what of a text is a name
    batching    the micro-batcher, without Ray and without models
    encoding    models that encode texts
    canary      sequential tests and the course of a rollout
    ledger      usage and figures in the database
    assessments what people and judges say of answers, in the same database
    redaction   finds what must not be kept of a text
    tracing     spans on their way out of a process
    telemetry   metrics
"""
