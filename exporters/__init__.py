"""Built-in exporters: one module or package each; importing this package registers nothing."""
