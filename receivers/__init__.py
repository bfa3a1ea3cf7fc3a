"""Built-in receivers: one module or package each; importing this package registers nothing."""
