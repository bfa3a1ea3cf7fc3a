"""A small run of the script that sends a million spans through a sampler."""

from bench.sampling import check


async def test_no_trace_is_split_and_memory_stays_below_its_cap():
    counted = await check(traces=5_000, mib=4)
    assert counted.startswith("40,000 spans in 5,000 traces")
    assert all(word in counted for word in ("late", "early", "decided", "max_buffered_mib"))
