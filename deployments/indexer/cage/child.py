"""The process that reads files, one after the other, within limits that the system holds it to.

Started as `python -m deployments.indexer.cage.child DESCRIPTOR MEMORY_MIB`; it ends when its parent
closes the connection.
"""

import math
import os
import resource
import sys
from multiprocessing.connection import Connection

import psutil

from deployments.contracts.documents import ReadFailure, Upload
from deployments.indexer.cage.pace import outlive_nobody
from deployments.indexer.cage.wire import (
    EndOfFile,
    FileHeader,
    decode_header,
    encode_answer,
)
from deployments.indexer.documents import load_readers, read_documents

_MIB = 2**20
_NICENESS = 10
"""Whoever asks a question goes before whoever adds a file."""
_OPEN_FILES = 64
"""Enough for libraries that are loaded while a file is read."""


def main(descriptor: int, memory_mib: int) -> None:
    """Reads what the parent sends until it closes the connection."""
    connection = Connection(descriptor)
    process = psutil.Process()
    os.nice(_NICENESS)
    outlive_nobody()
    load_readers()
    _bound_memory(process, memory_mib)
    at_start_bytes = process.memory_info().rss
    connection.send_bytes(encode_answer(EndOfFile(0.0)))  # it has started
    while True:
        try:
            header = decode_header(connection.recv_bytes())
            content = connection.recv_bytes()
        except (EOFError, ConnectionError):  # closed, or its parent was killed
            return
        _bound_cpu(header.cpu_s)
        _read(connection, header, content, memory_mib)
        held_bytes = process.memory_info().rss - at_start_bytes
        connection.send_bytes(encode_answer(EndOfFile(held_bytes / _MIB)))


def _read(connection: Connection, header: FileHeader, content: bytes, memory_mib: int) -> None:
    """Sends each document of a file as soon as it is there."""
    try:
        upload = Upload(header.name, content, header.metadata, header.document_id)
        for item in read_documents(upload, options=header.options):
            connection.send_bytes(encode_answer(item))
    except MemoryError:
        reason = f"Reading it takes more than {memory_mib:,} MiB of memory. Split it."
        connection.send_bytes(encode_answer(ReadFailure(header.name, reason)))


def _bound_memory(process: psutil.Process, memory_mib: int) -> None:
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_NOFILE, (_OPEN_FILES, _OPEN_FILES))
    if sys.platform == "linux":
        address_space_bytes = process.memory_info().vms + memory_mib * _MIB
        resource.setrlimit(resource.RLIMIT_AS, (address_space_bytes, address_space_bytes))


def _bound_cpu(cpu_s: float) -> None:
    """Has the system end this process when it has taken so much of a processor from now on."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    taken_s = usage.ru_utime + usage.ru_stime
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    resource.setrlimit(resource.RLIMIT_CPU, (math.ceil(taken_s + cpu_s) + 1, hard))


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
