"""Other formats of traces as OTLP and back. Pure functions over bytes: no sockets, no configuration, no counting."""
