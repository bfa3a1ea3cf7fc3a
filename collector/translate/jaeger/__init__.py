"""Jaeger's spans, of Thrift and of protobuf (`api_v2`), to OTLP and back.

The rules are those of the OpenTelemetry Collector; `docs/jaeger.md` has them as a table, with what a way there and back
loses and where this translation keeps more.
"""
