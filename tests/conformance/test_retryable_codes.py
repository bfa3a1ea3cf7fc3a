"""After which codes to send again, as the OTLP specification has it."""

import pytest
from google.protobuf.duration_pb2 import Duration
from google.rpc.error_details_pb2 import RetryInfo
from google.rpc.status_pb2 import Status

from collector.api import RetryableError, StatusCode
from collector.net.answers import error_of_grpc, error_of_http
from collector.testing.cases import needs_cases, table

pytestmark = [pytest.mark.conformance, needs_cases]


@pytest.fixture(scope="module")
def cases():
    return table("otlp/retryable_codes.json")


def test_grpc_codes(cases):
    """Each code is final or not as the table says; RESOURCE_EXHAUSTED depends on a RetryInfo."""
    status = Status()
    status.details.add().Pack(RetryInfo(retry_delay=Duration(seconds=1)))
    told = {
        name: isinstance(error_of_grpc(StatusCode[name], "", status.SerializeToString()), RetryableError)
        for name in cases["grpc"]
    }
    untold = {name: isinstance(error_of_grpc(StatusCode[name], ""), RetryableError) for name in cases["grpc"]}
    conditional = {name for name, retryable in cases["grpc"].items() if isinstance(retryable, str)}

    assert {"RESOURCE_EXHAUSTED"} == conditional
    assert {name: name in conditional or retryable for name, retryable in cases["grpc"].items()} == told
    assert {name: name not in conditional and retryable for name, retryable in cases["grpc"].items()} == untold


def test_http_statuses(cases):
    """Those of the table are tried again, and of the others only the two that the specification adds for gateways."""
    retried = {status for status in range(400, 600) if isinstance(error_of_http(status, ""), RetryableError)}

    assert {*cases["http_retryable"], 502, 504} == retried
