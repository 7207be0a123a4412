"""Our assignor in Faust's protocol: what members send, and what they are given."""

from types import SimpleNamespace
from typing import Any

from faust.types import TP as FaustTP

from streams.jobs.hashtags import hashtags
from streams.settings import Settings
from streams.transport.app import StreamsApp
from streams.transport.assignor import Assignor

INPUT, PARTIALS, OTHER = "twitter_input", "tally-hashtag_counts-repartition", "other"
PARTITIONS = {INPUT: 3, PARTIALS: 3, OTHER: 2}
TOPICS = set(PARTITIONS)
CLUSTER: Any = SimpleNamespace(partitions_for_topic=lambda topic: set(range(PARTITIONS[topic])))


def member(name: str, standbys: int = 1) -> Assignor:
    """The assignor of one worker's application."""
    port = 6000 + len(name)
    app = StreamsApp(Settings(standbys=standbys, web_port=port))
    hashtags(app, app.settings)
    assignor = app.assignor
    assert isinstance(assignor, Assignor), "the application asks for ours"
    return assignor


def rebalance(members: dict[str, Assignor]) -> None:
    """One round: all join, the first one leads, and each learns what it was given."""
    leader = next(iter(members.values()))
    metadata = {name: one.metadata(TOPICS) for name, one in members.items()}
    for name, given in leader.assign(CLUSTER, metadata).items():
        members[name].on_assignment(given)  # type: ignore[arg-type]


def of(tps: set[FaustTP], topic: str) -> set[int]:
    return {tp.partition for tp in tps if tp.topic == topic}


def test_standbys_take_over_in_the_protocol_of_faust() -> None:
    members = {"a": member("a"), "bb": member("bb"), "ccc": member("ccc")}
    rebalance(members)
    for topic, n in PARTITIONS.items():
        actives = [p for m in members.values() for p in of(m.assigned_actives(), topic)]
        standbys = [p for m in members.values() for p in of(m.assigned_standbys(), topic)]
        assert sorted(actives) == sorted(standbys) == list(range(n))
    for one in members.values():
        assert of(one.assigned_actives(), INPUT) == of(one.assigned_actives(), PARTIALS)
    failed = of(members.pop("a").assigned_actives(), PARTIALS)
    had = {name: one.assigned_standbys() for name, one in members.items()}
    before = {name: one.assigned_actives() for name, one in members.items()}
    rebalance(members)
    for name, one in members.items():
        new = one.assigned_actives() - before[name]
        assert of(new, PARTIALS) == failed & of(had[name], PARTIALS)


def test_without_standbys_there_are_none() -> None:
    members = {"a": member("a", 0), "bb": member("bb", 0)}
    rebalance(members)
    assert not any(one.assigned_standbys() for one in members.values())
    assert [len(one.assigned_actives()) for one in members.values()] != [8, 0]
