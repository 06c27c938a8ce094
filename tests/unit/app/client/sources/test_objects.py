"""An object store as a folder, read by the library that users have, from a small server that speaks
as S3 does."""

import hashlib
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit
from xml.sax.saxutils import escape

import pytest

from app.client.sources.objects import ObjectSource
from app.client.sources.source import SourceFailed

pytest.importorskip("obstore")
_PAGE = 2


class Bucket:
    """Objects by their keys, given out a page at a time."""

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}
        self.fetched: list[str] = []
        self.refuses = False
        self.url = ""

    def listed(self, prefix: str, after: str) -> str:
        keys = sorted(key for key in self.objects if key.startswith(prefix) and key > after)
        page = keys[:_PAGE]
        entries = "".join(
            f"<Contents><Key>{escape(key)}</Key><Size>{len(self.objects[key])}</Size>"
            f"<ETag>&quot;{hashlib.md5(self.objects[key]).hexdigest()}&quot;</ETag>"
            "<LastModified>2026-01-01T00:00:00.000Z</LastModified></Contents>"
            for key in page
        )
        more = len(keys) > _PAGE
        rest = f"<NextContinuationToken>{escape(page[-1])}</NextContinuationToken>" if more else ""
        return (
            '<?xml version="1.0"?><ListBucketResult>'
            f"<IsTruncated>{str(more).lower()}</IsTruncated>{rest}{entries}</ListBucketResult>"
        )


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[Bucket]:
    there = Bucket()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            key = unquote(parts.path).removeprefix("/docs").lstrip("/")
            asked = {name: values[0] for name, values in parse_qs(parts.query).items()}
            assert "AKIDEXAMPLE" in self.headers["authorization"]
            status, content, tag = 200, b"", ""
            if there.refuses:
                status, content = 403, b"<Error><Code>AccessDenied</Code></Error>"
            elif "list-type" in asked:
                after = asked.get("continuation-token", "")
                content = there.listed(asked.get("prefix", ""), after).encode()
            elif key in there.objects:
                there.fetched.append(key)
                content = there.objects[key]
                tag = hashlib.md5(content).hexdigest()
            else:
                status = 404
            self.send_response(status)
            self.send_header("content-length", str(len(content)))
            self.send_header("last-modified", "Thu, 01 Jan 2026 00:00:00 GMT")
            self.send_header("etag", f'"{tag}"')
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    for name, value in {
        "AWS_ENDPOINT": f"http://127.0.0.1:{server.server_port}",
        "AWS_ACCESS_KEY_ID": "AKIDEXAMPLE",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_REGION": "eu-central-1",
    }.items():
        monkeypatch.setenv(name, value)
    yield there
    server.shutdown()
    thread.join()
    server.server_close()


def files(source: ObjectSource) -> dict[str, str]:
    return {
        str(path.relative_to(source.folder)): path.read_text()
        for path in sorted(source.folder.rglob("*.md"))
    }


def test_only_what_has_changed_is_fetched(bucket: Bucket, tmp_path: Path) -> None:
    bucket.objects = {"h/a.md": b"a", "h/sub/b.md": b"b", "h/c d.md": b"c", "other/x.md": b"x"}
    source = ObjectSource("s3://docs/h", tmp_path / "sync" / "h")
    assert source.refresh()
    assert files(source) == {"a.md": "a", "c d.md": "c", "sub/b.md": "b"}
    bucket.fetched.clear()
    assert not source.refresh()
    assert bucket.fetched == []
    bucket.objects["h/a.md"] = b"changed"
    del bucket.objects["h/sub/b.md"]
    assert source.refresh()
    assert bucket.fetched == ["h/a.md"]
    assert files(source) == {"a.md": "changed", "c d.md": "c"}
    # Another process finds what was fetched.
    bucket.fetched.clear()
    assert ObjectSource("s3://docs/h", tmp_path / "sync" / "h").refresh()
    assert bucket.fetched == []


def test_what_can_be_no_file_is_left_alone(bucket: Bucket, tmp_path: Path) -> None:
    bucket.objects = {"a.md": b"a", "a.md/b.md": b"b", "x/": b""}
    source = ObjectSource("s3://docs", tmp_path / "sync" / "h")
    source.refresh()
    assert files(source) == {"a.md": "a"}
    assert not source.refresh()


def test_nothing_is_written_outside_of_the_folder(bucket: Bucket, tmp_path: Path) -> None:
    bucket.objects = {"a.md": b"a", "../../out.md": b"o"}
    source = ObjectSource("s3://docs", tmp_path / "sync" / "h")
    with pytest.raises(SourceFailed, match="invalid path"):
        source.refresh()
    assert not list(tmp_path.rglob("out.md"))


def test_a_store_that_refuses_changes_nothing(bucket: Bucket, tmp_path: Path) -> None:
    bucket.objects = {"a.md": b"a"}
    source = ObjectSource("s3://docs", tmp_path / "h")
    source.refresh()
    bucket.refuses = True
    with pytest.raises(SourceFailed) as failed:
        source.refresh()
    assert "secret" not in str(failed.value)
    assert files(source) == {"a.md": "a"}
