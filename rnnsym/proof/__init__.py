"""Proofs that a hand-derived formula is right, for every length and all sizes."""

from rnnsym.proof.prover import Proof, prove
from rnnsym.proof.translate import UnprovenError

__all__ = ["Proof", "UnprovenError", "prove"]
