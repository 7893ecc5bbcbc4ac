"""Proofs of claims: every equation, for every length and all sizes.

The claim's own sequences are matched with adjoints of the model by numbers, which proves nothing; then every equation
of the claim, those that define sequences included, is shown to hold with the adjoints put in. A recursion from the last
step backwards has one solution only, and so the sequences *are* these adjoints: induction over t, its base the
equation at T, its step the equation at t.
"""

from __future__ import annotations

from collections.abc import Iterator

from rnnsym.checks.symbolic import Evaluation
from rnnsym.claims.claim import Claim, Equation
from rnnsym.claims.interpret import Interpreter, drawn_data, targets
from rnnsym.claims.syntax import Kind, Sequence, Variable
from rnnsym.language.model import Model
from rnnsym.proof.adjoints import UndecidedError
from rnnsym.proof.atoms import TooLargeError
from rnnsym.proof.cases import contexts, split, told_length
from rnnsym.proof.leaves import Axes, UnprovenError
from rnnsym.proof.matching import matched
from rnnsym.proof.polynomial import canonical
from rnnsym.proof.proven import Assumption, Case, EquationProof, Proof
from rnnsym.proof.rewriting import Rewriting
from rnnsym.proof.theory import Theory
from rnnsym.proof.times import Context
from rnnsym.proof.translate import Translator

MOST_CASES = 40


def prove(claim: Claim, model: Model, theory: Theory | None = None) -> Proof:
    r"""Prove a claim; raises UnprovenError where the proof is not found, which does not say that the claim is wrong.

    theory: of this model, where it is known already.

    >>> from rnnsym.claims.match import read
    >>> model = Model("h[t] = tanh(W @ h[t-1])" + chr(10) + "E[t] = squared_error(y[t], h[t])")
    >>> claim = read(r"\frac{\partial E}{\partial W} = \sum_t \bar{h}_t \odot (1 - h_t^2) h_{t-1}^\top", model)
    >>> prove(claim, model).shortest
    1
    """
    theory = theory or Theory(model)
    problem: Exception | None = None
    # Without targets both are the same, and tried once.
    for assumption in dict.fromkeys((Assumption(), Assumption(targets(model)))):
        for partial in claim.readings:
            try:
                return Prover(theory, claim, partial, assumption).proof()
            except (UnprovenError, TooLargeError, UndecidedError) as error:
                problem = problem or error
    raise UnprovenError(str(problem))


class Prover:
    """One attempt at a claim."""

    def __init__(self, theory: Theory, claim: Claim, partial: Kind, assumption: Assumption) -> None:
        self.theory = theory
        self.claim = claim
        self.partial = partial
        self.assumption = assumption
        self.rewriting = Rewriting(theory, assumption)
        #: Shorter sequences do not have all the times that the claim speaks of.
        self.shortest = max([theory.shortest, *(told_length(equation) for equation in claim.equations)])
        self.definitions: dict[str, tuple[Equation, ...]] = {}
        for equation in claim.equations:
            if isinstance(equation.left, Sequence):
                found = self.definitions.get(equation.left.name, ())
                self.definitions[equation.left.name] = (*found, equation)

    def proof(self) -> Proof:
        """The proof; raises UnprovenError."""
        model = self.theory.model
        length = max(4, self.shortest)
        data = drawn_data(model, 7, length, bool(self.assumption.sum_to_one))
        numbers = Interpreter(self.claim, model, self.theory.system, data, length, self.partial)
        equations = (*self.theory.system.equations, *self.theory.adjoints)
        derived = Evaluation(model, equations, data.params, data.inputs, length if model.timed else None)
        meanings = matched(self.claim, numbers, derived, self.theory, self.definitions)
        translator = Translator(self.theory, self.definitions, meanings, self.partial, self.claim.layout)
        proofs = []
        for equation in self.claim.equations:
            left = equation.left
            if isinstance(left, Sequence) and left.name not in meanings:
                continue  # what is put in by its definition needs no proof
            proofs.append(EquationProof(equation, tuple(self.equation(equation, translator))))
        if not proofs:
            raise UnprovenError("the claim defines sequences, and says nothing of the model's gradients")
        return Proof(self.claim, meanings, tuple(proofs), self.assumption, self.shortest)

    # Equations

    def equation(self, equation: Equation, translator: Translator) -> Iterator[Case]:
        """Prove one equation, case by case."""
        beside = self.definitions.get(equation.defines or "", ())
        waiting = list(contexts(equation, beside, self.shortest, self.theory))
        done = 0
        while waiting:
            context = waiting.pop()
            done += 1
            if done > MOST_CASES:
                raise UnprovenError("too many cases")
            try:
                yield Case(context.ranges, self.case(equation, translator, context))
            except UndecidedError as undecided:
                waiting += split(context, undecided)

    def case(self, equation: Equation, translator: Translator, context: Context) -> int:
        """Prove an equation for times in one context; how often adjoints had to be written out."""
        shape = equation.left.shape
        assert shape is not None
        names = iter(("i", "j", "k"))
        axes: Axes = tuple(None if size == 1 else next(names) for size in shape)
        free = frozenset(axis for axis in axes if axis)
        left = self.theory.defined(equation.left, axes, context) if isinstance(equation.left, Variable) else None
        left = translator.node(equation.left, axes, context) if left is None else left
        right = translator.fitted(equation.right, axes, context)
        difference = canonical((left - right).terms, free)
        rounds = self.rewriting.rounds(difference, free, context)
        if rounds is None:
            raise UnprovenError(f"line {equation.span.line}: both sides could not be shown to be equal")
        return rounds
