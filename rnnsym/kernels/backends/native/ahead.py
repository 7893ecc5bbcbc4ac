"""Outputs and states alone, in the Python module beside a C file: for a whole sequence, or for a step of a stream."""

from __future__ import annotations

#: The outputs alone, in the module beside the C file.
PREDICT = '''class Room(Workspace):
    """The memory of a call of `predict`, for arrays of one shape; the outputs stay in it until the next call."""

    def __init__(self, sizes):
        # Without targets, some sizes are not known, and not needed.
        self.sizes, self.problem = sizes, _problem({{**dict.fromkeys(ORDER, 0), **sizes}})
        self.shapes = [
            (place, key, tuple(_size(part, sizes) for part in shape))
            for place, table in enumerate((PARAMETERS, INPUTS))
            for key, shape in table.items()
            if key not in TARGETS
        ]
        self.outputs = {{
            key: np.empty(tuple(_size(part, sizes) for part in shape), DTYPE) for key, shape in OUTPUTS.items()
        }}
        for key, array in self.outputs.items():
            setattr(self.problem, f"out_{{FIELDS[key]}}", array.ctypes.data)
        self.memory = np.empty(_library().predict_workspace(self.problem), np.uint8)
        self.address = self.memory.ctypes.data
        self.arrays = {{}}
        self.packed = False


def predict_workspace(params, inputs, length={minimum}):
    """A workspace of `predict` for arrays of these shapes."""
    return Room(_checked(params, inputs, without=TARGETS, length=length)[2])


def predict(params, inputs, length={minimum}, workspace=None, again=False):
    """The outputs and states for inputs without targets, from step 1 on; `length` is T where no sequence gives it.

    With a workspace of `predict_workspace`, the outputs are those of the workspace, which the next call overwrites.
    again: the parameters are those of the call before with this workspace, which need not be put in order again.
    """
    space = workspace
    if space is None or not space.fits(params, inputs):
        params, inputs, sizes = _checked(params, inputs, without=TARGETS, length=length)
        params, inputs = (
            {{key: np.require(array, DTYPE, "CA") for key, array in given.items()}} for given in (params, inputs)
        )
        space = Room(sizes) if space is None or space.sizes != sizes else space
    space.point(params, inputs)
    call = _library().predict_again if again and space.packed else _library().predict
    if call(space.problem, space.address):
        raise ValueError("a size is too small")
    space.packed = True
    return dict(space.outputs)


'''

#: A step of a stream in the same module.
ADVANCE = '''#: The values before the first step, by name and time.
STATE = {state}


def advance(params, state, inputs, workspace=None, again=False):
    """One step of a stream: the state for the next step, and the states and outputs of this one.

    state: the values before it, by key: `h[0]`, and `h[-1]` for the one before that, each (B, size).
    inputs: what comes with this step, (B, size). workspace, again: as in `predict`.
    """
    at_once = {{key: np.asarray(array)[None] if INPUTS[key][0] == "T" else array for key, array in inputs.items()}}
    given = {{**state, **at_once}}
    now = {{**inputs, **{{key: array[0] for key, array in predict(params, given, 1, workspace, again).items()}}}}
    following = {{
        f"{{name}}[{{time}}]": now[name].copy() if time == 0 else state[f"{{name}}[{{time + 1}}]"]
        for name, time in STATE
    }}
    return following, now


'''
