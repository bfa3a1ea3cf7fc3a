"""The validity check, held against decoding with OTLP's own messages."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.data import Batch, Signal
from collector.data.checking import check
from collector.data.messages import REQUESTS, DecodeError
from collector.testing.samples import sample_batch
from collector.testing.strategies import requests

any_signal = st.sampled_from(Signal)


def is_valid(signal, payload):
    try:
        REQUESTS[signal].FromString(payload)
    except DecodeError:
        return False
    return True


def passes(signal, payload):
    try:
        check(signal, payload)
    except DecodeError:
        return False
    return True


@given(any_signal.flatmap(lambda signal: st.tuples(st.just(signal), requests(signal))))
def test_what_is_valid_is_counted(case):
    signal, payload = case
    assert Batch(signal, payload).count == check(signal, payload)


@given(any_signal.flatmap(lambda signal: st.tuples(st.just(signal), requests(signal))), st.data())
def test_what_is_broken_is_found_wherever_decoding_finds_it(case, data):
    signal, payload = case
    at = data.draw(st.integers(0, len(payload)))
    damaged = payload[:at] + data.draw(st.binary(max_size=2)) + payload[at + data.draw(st.integers(0, 2)) :]
    assert is_valid(signal, damaged) == passes(signal, damaged)


@pytest.mark.parametrize("signal", Signal)
def test_every_single_damage_is_found_wherever_decoding_finds_it(signal):
    """Bytes that end a text early, that make it no UTF-8, that begin a group or a field that cannot be."""
    payload = sample_batch(signal).payload
    found = 0
    for at in range(len(payload)):
        for byte in (0x00, 0x07, 0x0B, 0x7F, 0xFF):
            damaged = payload[:at] + bytes([byte]) + payload[at + 1 :]
            valid = is_valid(signal, damaged)
            found += not valid
            assert valid == passes(signal, damaged)
    assert found


@pytest.mark.parametrize("signal", Signal)
def test_a_truncated_request_is_found(signal):
    payload = sample_batch(signal).payload
    for size in range(len(payload)):
        assert is_valid(signal, payload[:size]) == passes(signal, payload[:size])
