"""What the wrappers of compiled kernels have in common: workspaces that arrays fit, the memory of a call, threads."""

from __future__ import annotations

from rnnsym.kernels.fast.team import TEAM
from rnnsym.kernels.template import HELPERS

#: Methods of a workspace. `shapes` has a row for each array: 0 for parameters and 1 for inputs, its key and its shape;
#: `tell` says to the compiled code where an array of such a row begins.
METHODS = '''    def fits(self, params, inputs):
        """Whether arrays can be handed over as they are: the right type and shape, without gaps."""
        given = params, inputs
        for place, key, shape in self.shapes:
            array = given[place].get(key)
            if array is self.arrays.get(key, self):
                continue
            if type(array) is not np.ndarray or array.dtype != DTYPE or array.shape != shape:
                return False
            if not array.flags.c_contiguous or not array.flags.aligned:
                return False
        return True

    def point(self, params, inputs):
        """Say where the arrays are."""
        given = params, inputs
        for row, (place, key, _) in enumerate(self.shapes):
            array = given[place][key]
            if array is not self.arrays.get(key, self):
                self.tell(row, array)
                self.arrays[key] = array
'''

#: Functions of the module. `_bytes` gives the size of the memory of a workspace without the gradients.
FUNCTIONS = '''def workspace(params, inputs, length={minimum}):
    """A workspace for arrays of these shapes."""
    return Workspace(_checked(params, inputs, length=length)[2])


def memory(length, batch, checkpoint=None, **sizes):
    """The bytes that a call takes, beside the parameters and inputs that it is given."""
    if checkpoint:
        raise ValueError("compiled kernels keep the values of all steps: no checkpoint= for them")
    sizes = {{**SIZES, **sizes, "T": length, "B": batch}}
    table = {{**PARAMETERS, **INPUTS}}
    count = _bytes(sizes)
    for key in GRADIENTS:
        count += math.prod(_size(part, sizes) for part in table[key]) * np.dtype(DTYPE).itemsize
    return count


def _ready(params, inputs, length, workspace):
    """A workspace that points to the arrays, or to copies of those that cannot be handed over as they are."""
    if workspace is None or not workspace.fits(params, inputs):
        params, inputs, sizes = _checked(params, inputs, length=length)
        params, inputs = (
            {{key: np.require(array, DTYPE, "CA") for key, array in given.items()}} for given in (params, inputs)
        )
        if workspace is None or workspace.sizes != sizes:
            workspace = Workspace(sizes)
    workspace.point(params, inputs)
    return workspace
'''

#: The call itself. `_run` computes in a workspace that points to the arrays.
GRADIENTS = (
    '''def loss_and_grad(params, inputs, length={minimum}, workspace=None, accumulate=None, lengths=None):
    """The loss and its gradient with respect to every parameter and every input.

    `length` is T where no sequence gives it. With a `workspace` no array is made, and the gradients are those of the
    workspace, which the next call overwrites.
    accumulate: arrays by parameter, to which the gradients of the parameters are added.
    lengths: the length of each example, in sequences that are filled up to one length.
    """
    if lengths is not None:
        return _by_length(params, inputs, lengths, accumulate=accumulate)
    loss, gradients = _run(_ready(params, inputs, length, workspace))
    if accumulate is not None:
        for name in PARAMETERS:
            if name in gradients:
                accumulate[name] += gradients[name]
    return loss, gradients


'''
    + "\n\n".join(HELPERS[name].replace("{", "{{").replace("}", "}}") for name in ("_by_length", "_told"))
).replace("SHORTEST_SEQUENCE", "{minimum}")


def team(minimum: int) -> str:
    """The class that splits a batch over threads."""
    return TEAM.format(minimum=minimum, keep="").strip("\n") + "\n"
