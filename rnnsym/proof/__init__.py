"""Proofs that a hand-derived formula is right, for every length and all sizes."""

from rnnsym.proof.leaves import UnprovenError
from rnnsym.proof.proven import Proof
from rnnsym.proof.prover import prove
from rnnsym.proof.theory import Theory

__all__ = ["Proof", "Theory", "UnprovenError", "prove"]
