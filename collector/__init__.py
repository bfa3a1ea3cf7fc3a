"""Spanmill: a telemetry collector that keeps OTLP bytes as OTLP bytes."""

__version__ = "0.1.0"
