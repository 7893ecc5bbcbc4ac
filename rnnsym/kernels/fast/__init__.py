"""Fast kernels: passes over a program in index notation, then a layout in memory, then a NumPy module."""
