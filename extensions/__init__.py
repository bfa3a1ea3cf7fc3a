"""Built-in extensions: one module or package each; importing this package registers nothing."""
