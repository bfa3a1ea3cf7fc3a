"""Zipkin's formats: version 1 (JSON, Thrift) and 2 (JSON, protobuf) to OTLP, and OTLP to version 2.

The rules are those of the OpenTelemetry Collector; `docs/zipkin.md` has them as a table, with what a way there and back
loses and where this translation keeps more.
"""
