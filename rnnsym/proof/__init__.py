"""Proofs that a hand-derived formula is right, for every length and all sizes."""

from rnnsym.proof.leaves import UnprovenError
from rnnsym.proof.prover import Proof, prove
from rnnsym.proof.theory import Theory

__all__ = ["Proof", "Theory", "UnprovenError", "prove"]
