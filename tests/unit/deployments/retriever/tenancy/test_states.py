"""The state of each tenant's documents as one digest."""

import random

from deployments.retriever.tenancy.states import NO_DOCUMENTS, TenantStates


def test_a_state_is_that_of_its_documents_in_whatever_order_they_came() -> None:
    changes = [(f"acme/d{place}", None, f"w{place}") for place in range(20)]
    first, second = TenantStates(), TenantStates()
    for change in changes:
        first.change(*change)
    random.Random(3).shuffle(changes)
    for change in changes:
        second.change(*change)
    assert first.digests() == second.digests()


def test_every_change_of_a_tenant_is_another_state_of_it_alone() -> None:
    states = TenantStates()
    states.change("other/d", None, "w0")
    other = states.digests()["other"]
    seen = {NO_DOCUMENTS}
    for former, mark in [(None, "w1"), ("w1", "w2"), ("w2", "w3")]:
        states.change("acme/d", former, mark)
        assert states.digests()["acme"] not in seen
        seen.add(states.digests()["acme"])
    states.change("acme/d", "w3", None)
    assert states.digests() == {"acme": NO_DOCUMENTS, "other": other}


def test_marks_of_two_documents_are_not_confused() -> None:
    first, second = TenantStates(), TenantStates()
    for states, marks in [(first, ("w1", "w2")), (second, ("w2", "w1"))]:
        states.change("d1", None, marks[0])
        states.change("d2", None, marks[1])
    assert first.digests() != second.digests()


def test_nothing_is_said_of_a_tenant_with_a_document_that_may_change_under_its_mark() -> None:
    states = TenantStates()
    states.change("d1", None, "w1")
    states.change("d2", None, "")
    assert states.digests() == {"default": ""}
    states.change("d2", "", "w2")
    assert states.digests()["default"]
    states.change("d2", "w2", "")
    states.change("d2", "", None)
    assert states.digests()["default"] not in ("", NO_DOCUMENTS)
