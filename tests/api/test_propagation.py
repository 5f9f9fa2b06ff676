import pytest

from capelin.api.propagation import PROPAGATED_ANNOTATION, Tags, propagate


def test_what_is_wanted_is_set_and_what_others_put_there_stays() -> None:
    got = propagate(Tags({"mine": "1"}, {"note": "2"}), Tags({"zone": "a"}))

    assert got.labels == {"mine": "1", "zone": "a"}
    assert got.annotations == {"note": "2", PROPAGATED_ANNOTATION: '{"annotations": [], "labels": ["zone"]}'}


def test_what_was_passed_on_and_is_wanted_no_longer_goes() -> None:
    before = propagate(Tags({"mine": "1"}), Tags({"zone": "a", "rack": "b"}, {"team": "c"}))

    got = propagate(before, Tags({"rack": "b"}))

    assert got.labels == {"mine": "1", "rack": "b"}
    assert "team" not in got.annotations


def test_nothing_passed_on_needs_no_memory() -> None:
    before = propagate(Tags(), Tags({"zone": "a"}))

    assert propagate(Tags(), Tags()) == Tags()
    assert propagate(before, Tags()) == Tags()


def test_passing_on_twice_changes_nothing_more() -> None:
    wanted = Tags({"zone": "a"}, {"team": "c"})
    once = propagate(Tags({"mine": "1"}), wanted)

    assert propagate(once, wanted) == once


@pytest.mark.parametrize("memory", ["", "no json", "[]", '{"labels": "zone"}', '{"labels": null}'])
def test_a_memory_that_somebody_spoiled_removes_nothing(memory: str) -> None:
    got = propagate(Tags({"zone": "a"}, {PROPAGATED_ANNOTATION: memory}), Tags())

    assert got.labels == {"zone": "a"}


def test_what_was_applied_to_the_owner_is_not_said_of_its_children() -> None:
    got = propagate(Tags(), Tags(annotations={"kubectl.kubernetes.io/last-applied-configuration": "{}"}))

    assert got == Tags()
