"""`traceparent`, in and out."""

import pytest

from app.request.trace_context import trace_of

CLIENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


def test_a_request_joins_the_trace_of_its_client() -> None:
    trace = trace_of(CLIENT)
    assert trace.trace_hex == "0af7651916cd43dd8448eb211c80319c"
    assert trace.client_span_id == 0xB7AD6B7169203331
    assert trace.span_id not in (0, trace.client_span_id)


def test_what_goes_on_names_the_requests_own_span() -> None:
    trace = trace_of(CLIENT)
    further = trace_of(trace.traceparent())
    assert (further.trace_id, further.client_span_id) == (trace.trace_id, trace.span_id)


def test_what_shall_not_be_kept_says_so() -> None:
    assert trace_of(CLIENT).traceparent(sampled=False).endswith("-00")


@pytest.mark.parametrize(
    "bad",
    [
        "",
        "nonsense",
        CLIENT.upper(),
        CLIENT + "-more",
        CLIENT.replace("00-", "ff-", 1),
        "00-" + "0" * 32 + "-b7ad6b7169203331-01",
        "00-0af7651916cd43dd8448eb211c80319c-" + "0" * 16 + "-01",
        CLIENT + "\n" + CLIENT,
    ],
)
def test_what_the_standard_forbids_begins_a_new_trace(bad: str) -> None:
    trace = trace_of(bad)
    assert trace.client_span_id == 0
    assert trace.trace_id not in (0, 0x0AF7651916CD43DD8448EB211C80319C)


def test_a_later_version_is_read_as_far_as_it_is_known() -> None:
    assert trace_of(CLIENT.replace("00-", "01-", 1) + "-more").client_span_id != 0
