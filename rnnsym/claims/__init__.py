"""Claims: gradients that a person derived by hand, read and evaluated."""
