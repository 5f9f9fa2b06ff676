"""The annotation by which simulated clusters and machines misbehave."""

from datetime import timedelta

import pytest

from capelin.api.behavior import (
    BEHAVIOR_ANNOTATION,
    MAX_BEHAVIOR,
    BehaviorError,
    ClusterBehavior,
    ExtraPod,
    MachineBehavior,
    declared_behavior,
)


def declared(text: str) -> MachineBehavior:
    return declared_behavior(MachineBehavior, {BEHAVIOR_ANNOTATION: text})


@pytest.mark.parametrize("annotations", [None, {}, {"other": "{}"}, {BEHAVIOR_ANNOTATION: "{}"}])
def test_nothing_is_declared_unless_something_is(annotations: dict[str, str] | None) -> None:
    assert declared_behavior(MachineBehavior, annotations) == MachineBehavior()


def test_everything_a_machine_can_be_told() -> None:
    got = declared(
        '{"neverBoot": true, "bootDelay": "1m30s", "failBootstrap": "disk full", "dieAfter": "200ms", "loseNode": true,'
        ' "pods": [{"name": "web", "namespace": "shop", "labels": {"app": "web"}}]}'
    )

    assert got == MachineBehavior(
        never_boot=True,
        boot_delay=timedelta(seconds=90),
        fail_bootstrap="disk full",
        die_after=timedelta(milliseconds=200),
        lose_node=True,
        pods=(ExtraPod(name="web", namespace="shop", labels={"app": "web"}),),
    )


def test_a_cluster_is_told_how_its_api_answers() -> None:
    got = declared_behavior(ClusterBehavior, {BEHAVIOR_ANNOTATION: '{"api": {"latency": "50ms", "unreachable": true}}'})

    assert (got.api.latency, got.api.unreachable) == (timedelta(milliseconds=50), True)


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("{", "$: Invalid JSON"),
        ("[]", "$: Input should be an object"),
        ('{"bootDelay": 5}', "$.bootDelay: found 5, allowed is a duration"),
        ('{"dieAfter": "soon"}', "$.dieAfter: found 'soon', allowed is a duration"),
        ('{"neverBoot": "yes"}', "$.neverBoot: Input should be a valid boolean"),
        ('{"neverboot": true}', "$.neverboot: no such field"),
        ('{"never_boot": true}', "$.never_boot: no such field"),
        ('{"pods": [{"name": "a"}, {"name": "B"}]}', "$.pods[1].name: "),
        ('{"pods": [{}]}', "$.pods[0].name: Field required"),
    ],
)
def test_what_cannot_be_understood_is_named_by_its_place(text: str, place: str) -> None:
    with pytest.raises(BehaviorError) as error:
        declared(text)

    assert str(error.value).startswith(f"{BEHAVIOR_ANNOTATION}: {place}")


def test_every_mistake_is_named_at_once() -> None:
    with pytest.raises(BehaviorError, match=r"\$\.bootDelay.*; \$\.other"):
        declared('{"bootDelay": "x", "other": 1}')


def test_a_huge_annotation_is_not_even_parsed() -> None:
    with pytest.raises(BehaviorError, match="allowed are"):
        declared("[" * (MAX_BEHAVIOR + 1))
