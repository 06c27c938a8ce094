"""Writes segments."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deployments.contracts.tenants import Acl
from deployments.retriever.disk.files import FilesWriter, flush_folder
from deployments.retriever.disk.manifest import SegmentFacts
from deployments.retriever.disk.segments.layout import BLOBS, arrays
from deployments.retriever.disk.segments.parts import Part
from deployments.retriever.index.codes import code_words


def write_segment(folder: Path, parts: Sequence[Part]) -> SegmentFacts:
    """Writes parts into one new segment, whose numbers ascend from part to part, and returns what
    it has; it is on the disk afterwards.

    Raises:
        OSError: The disk is full, or cannot be written to.
    """
    partitions, given = _joined(parts)
    rows_by_partition = given["field_partitions"][given["row_fields"]]
    order = np.argsort(given["document_hashes"], kind="stable")
    given |= {
        "partition_rows": np.argsort(rows_by_partition, kind="stable"),
        "document_rows": np.concatenate(([0], np.cumsum(given["document_counts"]))),
        "hashes": given["document_hashes"][order],
        "hash_documents": order,
    }
    for name in BLOBS:
        lengths = np.concatenate([part.records[name].lengths for part in parts])
        given[f"{name}_ends"] = np.concatenate(([0], np.cumsum(lengths)))
    counts = np.bincount(rows_by_partition, minlength=len(partitions))
    dimension = next((part.dimension for part in parts if part.dimension), 0)
    facts = SegmentFacts(
        name=folder.name,
        row_count=len(given["numbers"]),
        document_count=len(given["hashes"]),
        field_count=len(given["field_partitions"]),
        heading_count=len(given["headings_ends"]) - 1,
        dimension=dimension,
        partitions=tuple(partitions),
        partition_rows=tuple(counts.tolist()),
        files={},
    )
    folder.mkdir()
    writer = FilesWriter(folder)
    for name, (dtype, _) in arrays(facts).items():
        if name not in ("vectors", "codes"):
            writer.write(name, [given[name].astype(dtype, copy=False)])
    for name in BLOBS:
        pieces = (piece for part in parts for piece in part.records[name].pieces)
        writer.write(name, pieces)
    writer.write("vectors", (vectors for part in parts for vectors in part.vectors()))
    words = range(code_words(dimension))
    with_rows = [part for part in parts if len(part.arrays["numbers"])]
    writer.write("codes", (part.code_word(word) for word in words for part in with_rows))
    flush_folder(folder)
    return replace(facts, files=writer.marks)


def _joined(parts: Sequence[Part]) -> tuple[list[tuple[str, Acl]], dict[str, NDArray[Any]]]:
    """Returns all partitions, and the arrays of the parts behind each other."""
    partitions: dict[tuple[str, Acl], int] = {}
    columns: dict[str, list[NDArray[Any]]] = {}
    fields = headings = 0
    for part in parts:
        places = np.array(
            [partitions.setdefault(owner, len(partitions)) for owner in part.partitions],
            dtype=np.int32,
        )
        moved = {
            **part.arrays,
            "row_fields": part.arrays["row_fields"] + fields,
            "row_headings": part.arrays["row_headings"] + headings,
            "field_partitions": places[part.arrays["field_partitions"]],
        }
        for name, array in moved.items():
            columns.setdefault(name, []).append(array)
        fields += len(part.arrays["field_partitions"])
        headings += len(part.records["headings"].lengths)
    joined = {name: np.concatenate(given) for name, given in columns.items()}
    # Whoever has no row any more is not even named.
    used, joined["field_partitions"] = np.unique(joined["field_partitions"], return_inverse=True)
    owners = list(partitions)
    return [owners[place] for place in used.tolist()], joined
