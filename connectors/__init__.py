"""Built-in connectors: one module or package each; importing this package registers nothing."""
