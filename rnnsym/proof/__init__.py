"""Proofs that a hand-derived formula is right, for every length and all sizes."""

from rnnsym.proof.leaves import UnprovenError
from rnnsym.proof.prover import Proof, prove

__all__ = ["Proof", "UnprovenError", "prove"]
