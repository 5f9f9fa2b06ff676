"""Counters."""

from capelin.apiserver.metrics import SERIES, Call, RequestMetrics


def test_strangers_cannot_fill_the_memory_with_names_they_choose() -> None:
    metrics = RequestMetrics()

    for number in range(2 * SERIES):
        metrics.count(Call("get", "", "", "", 404, f"agent-{number}"))

    assert len(metrics.calls) == SERIES + 1
    assert metrics.calls[Call("other", "", "", "", 404, "other")] == SERIES


def test_labels_are_escaped() -> None:
    metrics = RequestMetrics()
    metrics.count(Call("get", "", "", "", 200, 'a"b\\c\nd'))

    text = metrics.render(revision=7, objects={"secrets": 2})

    assert 'agent="a\\"b\\\\c\\nd"} 1' in text
    assert "capelin_apiserver_storage_revision 7" in text
