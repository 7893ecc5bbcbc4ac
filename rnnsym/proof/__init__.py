"""Proofs that a hand-derived formula is right, for every length and all sizes."""
