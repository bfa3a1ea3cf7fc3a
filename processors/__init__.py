"""Built-in processors: one module or package each; importing this package registers nothing."""
