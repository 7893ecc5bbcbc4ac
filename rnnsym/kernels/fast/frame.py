"""The fixed text around the passes: the class of the workspace, and the functions that use it."""

from __future__ import annotations

TEMPLATE = '''ITEM = np.dtype(DTYPE).itemsize
{picked}{names}


class Workspace:
    """Room for sequences of T steps and B examples, made once and used by one call of `loss_and_grad` after another.

    The gradients that a call returns lie in it: the next call with the same workspace overwrites them.
    """

    def __init__(self, sizes):
        self.sizes = dict(sizes)
        self.shapes = [
            (place, key, tuple(_size(part, sizes) for part in shape))
            for place, table in enumerate((PARAMETERS, INPUTS))
            for key, shape in table.items()
        ]
{sizes}

        def flat(array):
            return array.reshape(-1) if B == 1 else array

        def lean(array):
            return array[:, 0] if B == 1 else array

{made}

{fields}

    def fits(self, params, inputs):
        """Whether all arrays are there, in the right type and shape."""
        given = params, inputs
        for place, key, shape in self.shapes:
            array = given[place].get(key)
{fitting}            if type(array) is not np.ndarray or array.dtype != DTYPE or array.shape != shape:
                return False
        return True


def memory(length, batch, **sizes):
    """The bytes that a call takes at most, beside the parameters and inputs that it is given."""
    T, B, sizes = length, batch, {{**SIZES, **sizes}}
{names_of_sizes}
{chunks}
    numbers = (
{rooms}
    )
    return ITEM * numbers + {views} * T


def workspace(params, inputs, length={minimum}):
    """A workspace for arrays of these shapes."""
    return Workspace(_checked(params, inputs, length=length{keep})[2])


def loss_and_grad(params, inputs, length={minimum}, workspace=None, accumulate=None):
    """The loss and its gradient with respect to every parameter and every input.

    All steps of a chunk at once, wherever the recurrence allows it. With a `workspace` no array is made.
    accumulate: arrays by parameter, to which the gradients of the parameters are added.
    """
    if workspace is None or not workspace.fits(params, inputs):
        params, inputs, sizes = _checked(params, inputs, length=length{keep})
        if workspace is not None and workspace.sizes != sizes:
            raise ValueError(f"the workspace is for {{workspace.sizes}}, the arrays have {{sizes}}")
    w = Workspace(sizes) if workspace is None else workspace
    sizes = w.sizes
{body}

    if accumulate is not None:
        for name in PARAMETERS:
            if name in gradients:
                accumulate[name] += gradients[name]
    return loss, gradients
'''

#: Classes fit as well, where every one of them is there.
FITTING = """\
            if key in PICKED and type(array) is np.ndarray and array.dtype.kind in "iu":
                # A number below zero is a large one without its sign.
                if array.shape != shape[:-1] or array.view(f"u{array.itemsize}").max() >= shape[-1]:
                    return False
                continue
"""
