"""The tasks of a deployment: what each one's program is started with."""

from collections.abc import Iterator
from typing import Any, NamedTuple

from tests.cloud.evaluation import Stack


class Task(NamedTuple):
    """The container of our image, and the stack that describes it."""

    kind: str
    stack: Stack
    container: dict[str, Any]

    @property
    def environment(self) -> dict[str, str]:
        """Its variables that are no secrets."""
        return {entry["Name"]: entry["Value"] for entry in self.container["Environment"]}

    @property
    def secrets(self) -> dict[str, str]:
        """Where its other variables come from."""
        return {entry["Name"]: entry["ValueFrom"] for entry in self.container["Secrets"]}

    @property
    def command(self) -> list[str]:
        command: list[str] = self.container["Command"]
        return command


def tasks(deployment: Stack) -> Iterator[Task]:
    """All of them."""
    for stack in deployment.all_stacks():
        if stack.file == "task.yaml":
            container = stack.made["Task"]["Properties"]["ContainerDefinitions"][0]
            yield Task(stack.parameters["Kind"], stack, container)
