"""Telemetry as OTLP bytes: batches, their views, and edits on them. Imports no other part of Spanmill."""

from collector.data.attributes import (
    AttributeValue,
    attribute_lists,
    delete_attribute,
    find_attribute,
    get_attribute,
    set_attribute,
    set_value,
    value_of,
)
from collector.data.batch import NO_CLIENT, Batch, Client, merge
from collector.data.opened import OpenBatch, OpenResource, OpenScope
from collector.data.signal import ALL_SIGNALS, Signal

__all__ = [
    "ALL_SIGNALS",
    "NO_CLIENT",
    "AttributeValue",
    "Batch",
    "Client",
    "OpenBatch",
    "OpenResource",
    "OpenScope",
    "Signal",
    "attribute_lists",
    "delete_attribute",
    "find_attribute",
    "get_attribute",
    "merge",
    "set_attribute",
    "set_value",
    "value_of",
]
