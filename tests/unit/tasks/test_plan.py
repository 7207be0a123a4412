"""The plan that is committed before records are archived."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.errors import SettingError, TaskStoppedError
from streams.tasks.plan import METADATA_LENGTH, Plan, check_rules

NUMBERS = st.integers(0, 2**62)


@given(NUMBERS, NUMBERS, NUMBERS, st.dictionaries(st.text(), st.text()))
def test_a_plan_comes_back(to: int, records: int, archived: int, rules: dict[str, str]) -> None:
    plan = Plan(to, records, archived, rules)
    assert Plan.decode(plan.encode()) == plan


def test_no_metadata_is_no_plan() -> None:
    assert Plan.decode("") is None


@pytest.mark.parametrize(
    "metadata", ["x", "[]", "{}", '{"v":1}', '{"v":1,"to":1,"records":1,"archived":1,"rules":1}']
)
def test_what_others_committed_is_refused(metadata: str) -> None:
    with pytest.raises(TaskStoppedError, match="another program"):
        Plan.decode(metadata)


def test_rules_have_to_fit_into_a_brokers_metadata() -> None:
    check_rules({"a": "b" * 3_900}, "X")
    with pytest.raises(SettingError, match="X: what it says is too long"):
        check_rules({"a": "b" * METADATA_LENGTH}, "X")
