"""The policy on a member of the W3C tracestate."""

import pytest


@pytest.mark.parametrize(
    ("state", "kept"),
    [
        ("", False),
        ("key=a", True),
        ("key=ab", False),
        ("other=a", False),
        ("other=key,key=b", True),
        ("other=1, key=b ", True),
        ("other=1,,key=b", True),
        ("other=1,key", False),  # no value
        ("OTHER=1,key=a", False),  # of one that is not by the specification nothing counts
        ("other=1,other=2,key=a", False),
    ],
)
def test_members(keeps, state, kept):
    """One span with one of the values is enough."""
    policy = {"type": "trace_state", "trace_state": {"key": "key", "values": ["a", "b", ""]}}
    assert kept == keeps(policy, [{}, {"trace_state": state}])


def test_values_that_no_member_can_have_are_left_out(keeps):
    """Key and value together have less than 256 characters."""
    policy = {"type": "trace_state", "trace_state": {"key": "key", "values": ["v" * 253]}}
    assert not keeps(policy, [{"trace_state": f"key={'v' * 253}"}])
    policy["trace_state"]["values"] = ["v" * 252]
    assert keeps(policy, [{"trace_state": f"key={'v' * 252}"}])
