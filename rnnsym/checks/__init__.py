"""Checks of derivations and kernels by routes that share nothing with them."""
