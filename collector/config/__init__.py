"""From YAML files to a validated configuration that remembers where each value came from."""

from collector.config.binding import Config, Declared, bind
from collector.config.catalog import Catalog, CatalogError
from collector.config.errors import ConfigError, ConfigErrors, ConfigWarning
from collector.config.nodes import Node, Origin
from collector.config.own_telemetry import LogsConfig, LogsSamplingConfig, MetricsConfig, TelemetryConfig, TracesConfig
from collector.config.service import PipelineConfig, PipelineId, ServiceConfig
from collector.config.sources import Document, load, plugin_files

__all__ = [
    "Catalog",
    "CatalogError",
    "Config",
    "ConfigError",
    "ConfigErrors",
    "ConfigWarning",
    "Declared",
    "Document",
    "LogsConfig",
    "LogsSamplingConfig",
    "MetricsConfig",
    "Node",
    "Origin",
    "PipelineConfig",
    "PipelineId",
    "ServiceConfig",
    "TelemetryConfig",
    "TracesConfig",
    "bind",
    "load",
    "plugin_files",
]
