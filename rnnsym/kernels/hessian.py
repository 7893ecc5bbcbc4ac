"""The product of the Hessian with a direction as one more function of a generated module."""

from __future__ import annotations

from rnnsym.calculus.rules import adjoint_name
from rnnsym.calculus.tangent import hessian_product, tangent_name, tangent_of
from rnnsym.equations.indexed import Equation, Role, Variable, dependencies
from rnnsym.equations.system import System
from rnnsym.kernels.safe import safe_forms
from rnnsym.kernels.schedule import Program, schedule, share_functions
from rnnsym.kernels.writer import Writer, block_statements

TEMPLATE = '''

def hessian_product(params, inputs, direction, length={minimum}):
    """How the gradient of every parameter changes as the parameters move: the Hessian times `direction`.

    `direction` has the keys and shapes of `params`; what it lacks stays where it is.
    """
    params, inputs, sizes = _checked(params, inputs, length=length)
    still = {{name: np.zeros_like(array) for name, array in params.items() if name not in direction}}
    direction, _, _ = _checked({{**direction, **still}}, inputs, length=length)
    T, B = {length}, {batch}
{unpack}

{forward}

{backward}

    return {{
{products}
    }}
'''


def product_program(system: System, adjoints: tuple[Equation, ...], parameters: tuple[str, ...]) -> Program:
    """The equations of the product, with those of the forward pass and of the adjoints that they read."""
    product = hessian_product(system, adjoints, parameters)
    moving = [tangent_of(system.variables[name]) for name in parameters]
    variables = {
        **system.variables,
        **{variable.name: variable for variable in moving},
        **{equation.name: equation.variable for equation in (*adjoints, *product)},
    }
    every = (*system.equations, *adjoints, *product)
    needed = dependencies((equation.name for equation in product), every, variables)
    ahead = tuple(equation for equation in product if _origin(equation, variables).role is not Role.ADJOINT)
    back = tuple(equation for equation in product if equation not in ahead)
    program = Program(
        variables,
        (*(equation for equation in system.equations if equation.name in needed), *ahead),
        (*(equation for equation in adjoints if equation.name in needed), *back),
        system.loss,
        system.minimum_length,
        system.sequences,
        system.given,
    )
    return share_functions(safe_forms(program))


def _origin(equation: Equation, variables: dict[str, Variable]) -> Variable:
    """What a tangent is the change of."""
    assert equation.variable.partial is not None
    return variables[equation.variable.partial.of]


def with_product(writer: Writer, program: Program, source: str) -> str:
    """The module's source with the function of the product before its helpers."""
    plan = schedule(program)
    own = Writer(writer.model, plan, writer.describe, writer.sizes, writer.dtype, writer.version)
    arrays = [array for array in own.forward_arrays(plan.backward) if array.rows]
    known = {array.code for array in own.forward_arrays(plan.forward)}
    unpack = [
        *(f'{own.arrays.of(tangent_name(name), None).code} = direction["{name}"]' for name in writer.model.parameters),
        *own.unpack((*plan.forward, *plan.backward), zeros=True),
        *(own.empty(array, zeros=True) for array in arrays if array.code not in known),
    ]
    products = [
        f'    "{name}": {own.arrays.of(tangent_name(adjoint_name(name)), None).code},'
        for name in writer.model.parameters
    ]
    text = TEMPLATE.format(
        minimum=program.minimum_length,
        length=own.length(),
        batch=own.batch(),
        unpack=own.lines(dict.fromkeys(unpack)),
        forward=own.lines(own.steps(plan.forward)),
        backward=own.lines(own.steps(plan.backward)),
        products=own.lines(products),
    )
    assert block_statements(plan.backward)
    place = source.index("\n\ndef _size(")
    return source[:place].rstrip("\n") + "\n" + text + source[place:]
