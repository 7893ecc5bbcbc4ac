"""Source in functional style, for arrays that are never written in place: JAX, PyTorch and the array API."""
