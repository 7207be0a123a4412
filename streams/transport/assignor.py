"""Hook: Faust's assignor, with our own way of giving out tasks and standbys.

Written for faust-streaming 0.15.3. What is used of its inside: `PartitionAssignor`'s
`_perform_assignment`, which this replaces, and the steps that it is made of.
`tests/unit/transport/test_assignor.py` runs it.
"""

from collections.abc import Mapping
from typing import Any

from faust.assignor.client_assignment import ClientAssignment, CopartitionedAssignment
from faust.assignor.cluster_assignment import ClusterAssignment
from faust.assignor.partition_assignor import PartitionAssignor

from streams.transport.assignment import Share, assign


class Assignor(PartitionAssignor):
    """See the module. Topics of as many partitions are given out together, as Faust does it."""

    def _perform_assignment(self, cluster: Any, member_metadata: Mapping[str, Any]) -> Any:
        clients = {m: self._get_client_metadata(data) for m, data in member_metadata.items()}
        subscriptions = {m: list(data.subscription) for m, data in member_metadata.items()}
        known = ClusterAssignment()
        for member, client in clients.items():
            known.add_client(member, subscriptions[member], client)
        self._update_member_urls(clients)
        assignments = {member: ClientAssignment(actives={}, standbys={}) for member in clients}
        group_of_topic: dict[str, int] = {}
        groups = self._get_copartitioned_groups(known.topics(), cluster, subscriptions)
        for group, (partitions, topic_sets) in enumerate(sorted(groups.items())):
            for topics in topic_sets:
                group_of_topic |= dict.fromkeys(topics, group)
                before = known.copartitioned_assignments(topics)
                for member, given in self._give_out(before, partitions, topics).items():
                    assignments[member].add_copartitioned_assignment(given)
        return self._protocol_assignments(
            assignments,
            self._get_changelog_distribution(assignments),
            self._get_external_topic_distribution(assignments),
            group_of_topic,
        )

    def _give_out(
        self, before: Mapping[str, CopartitionedAssignment], partitions: int, topics: set[str]
    ) -> dict[str, CopartitionedAssignment]:
        shares = {m: Share(set(had.actives), set(had.standbys)) for m, had in before.items()}
        return {
            member: CopartitionedAssignment(share.actives, share.standbys, topics)
            for member, share in assign(shares, partitions, self.replicas).items()
        }
