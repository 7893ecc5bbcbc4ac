"""How gradients flow through time: Jacobians of the state along a trajectory, and their products."""
