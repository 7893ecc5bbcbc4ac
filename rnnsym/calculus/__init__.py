"""The chain rule over named equations, every application recorded."""
