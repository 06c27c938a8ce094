"""What is a batch, and what is wrong with a file that is none."""

import json

import pytest

from deployments.batches.parsing import ParsedFile, jsonl_of_text, parse_file


def line(custom_id: object = "a", **fields: object) -> dict[str, object]:
    good = {"custom_id": custom_id, "method": "POST", "url": "/v1/query", "body": {"query": "?"}}
    return good | fields


def parsed(*lines: object, endpoint: str = "/v1/query", max_lines: int = 10) -> ParsedFile:
    content = "\n".join(one if isinstance(one, str) else json.dumps(one) for one in lines)
    return parse_file(content.encode(), endpoint, max_lines=max_lines, max_line_bytes=200)


def test_lines_are_read_and_empty_ones_passed_over() -> None:
    found = parsed(line("a"), "", line("b", body={"query": "ünï"}), "  ")
    assert [one.custom_id for one in found.lines] == ["a", "b"]
    assert json.loads(found.lines[1].body) == {"query": "ünï"}
    assert found.errors == ()


def test_the_path_is_that_of_the_first_line_where_none_is_given() -> None:
    assert parsed(line(url="/v1/search"), endpoint="").endpoint == "/v1/search"


@pytest.mark.parametrize(
    ("lines", "code", "number"),
    [
        ([line("a"), "{not json"], "invalid_json_line", 2),
        ([line("a"), "[1]"], "invalid_json_line", 2),
        ([line("a", body={"n": float("nan")})], "invalid_json_line", 1),
        ([line("a"), "", line("a")], "duplicate_custom_id", 3),
        ([line("")], "invalid_custom_id", 1),
        ([line("a\0b")], "invalid_custom_id", 1),
        (['{"custom_id": "\\ud800", "url": "/v1/query", "body": {}}'], "invalid_custom_id", 1),
        ([line(7)], "invalid_custom_id", 1),
        ([line(url="/admin/traffic")], "invalid_url", 1),
        ([line(url="/v1/search")], "mismatched_url", 1),
        ([line(method="GET")], "invalid_method", 1),
        ([line(body="text")], "missing_body", 1),
        ([line(body={"query": "x" * 300})], "line_too_long", 1),
        ([], "empty_file", None),
    ],
)
def test_a_mistake_is_named_by_its_line(lines: list[object], code: str, number: int | None) -> None:
    found = parsed(*lines)
    assert found.lines == ()
    assert [(error.code, error.line) for error in found.errors] == [(code, number)]


def test_every_mistake_is_named() -> None:
    found = parsed("x", line("a"), line("a", method="PUT"))
    assert [(error.line, error.param) for error in found.errors] == [
        (1, None),
        (3, "custom_id"),
        (3, "method"),
    ]


def test_bytes_that_are_no_text_are_a_mistake() -> None:
    found = parse_file(b"\xff\xfe{}", "", max_lines=5, max_line_bytes=99)
    assert [error.code for error in found.errors] == ["invalid_json_line"]


def test_there_may_be_only_so_many_lines() -> None:
    found = parsed(*(line(str(place)) for place in range(4)), max_lines=3)
    assert [(error.code, error.line) for error in found.errors] == [("too_many_lines", 4)]


def test_lines_of_text_become_questions() -> None:
    content = jsonl_of_text("\ufeffWhy?\r\n\n  How?  \n", "/v1/search")
    found = parse_file(content, "", max_lines=5, max_line_bytes=999)
    assert [(one.custom_id, one.url, json.loads(one.body)) for one in found.lines] == [
        ("line-1", "/v1/search", {"query": "Why?"}),
        ("line-3", "/v1/search", {"query": "How?"}),
    ]
