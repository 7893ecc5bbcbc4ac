"""Backends: ways to write out the same equations other than as a NumPy module."""
