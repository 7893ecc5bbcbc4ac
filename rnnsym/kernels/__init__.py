"""Kernels: equations in the order of computation, written out as NumPy."""
