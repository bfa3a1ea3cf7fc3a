"""The converters: functions that conditions call, by the names of `pkg/ottl/ottlfuncs` of the OpenTelemetry Collector."""

from collector.ottl.converters import checks, collections, hashes, numbers, texts, times
from collector.ottl.converters.declaration import Converter, Parameter

__all__ = ["CONVERTERS", "Converter", "Parameter"]

CONVERTERS = {
    name: Converter(name, function)
    for module in (checks, collections, hashes, numbers, texts, times)
    for name, function in module.CONVERTERS.items()
}
