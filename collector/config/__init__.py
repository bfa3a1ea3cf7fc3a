"""From YAML files to a validated configuration that remembers where each value came from."""
