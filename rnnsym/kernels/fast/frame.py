"""The fixed text around the passes: the class of the workspace, and the functions that use it."""

from __future__ import annotations

TEMPLATE = '''ITEM = np.dtype(DTYPE).itemsize
{picked}{names}


class Workspace:
    """Room for sequences of T steps and B examples, made once and used by one call of `loss_and_grad` after another.

    The gradients that a call returns lie in it: the next call with the same workspace overwrites them.
    """

    def __init__(self, sizes, checkpoint=None, windows=None):
        self.sizes = dict(sizes)
        # what arrays have to be, those of the parameters first
        shapes = [*PARAMETERS.values(), *INPUTS.values()]
        self.shapes = [tuple(_size(part, sizes) for part in shape) for shape in shapes]
{classes}        self.types, self.dtypes = [np.ndarray] * len(shapes), [np.dtype(DTYPE)] * len(shapes)
{sizes}
        # the segments of the steps, and the order in which they are done
        cuts = _segments(T, B, checkpoint)
        segments, span, apart = len(cuts) - 1, int(np.diff(cuts).max()), None
        self.visits = [(number, False) for number in range(segments - 1)]
        self.visits += [(number, True) for number in reversed(range(segments))]
        self.windows = 0
        if windows:  # of truncated gradients, so many steps each
            segments, span = -(-T // windows) + 1, max(SHORTEST, windows)

        def flat(array):
            return array.reshape(-1) if B == 1 else array

        def lean(array):
            return array[:, 0] if B == 1 else array

{made}

{fields}

    def fits(self, params, inputs):
        """Whether all arrays are there, in the right type and shape."""
        arrays = [*map(params.get, PARAMETERS), *map(inputs.get, INPUTS)]
        if [*map(type, arrays)] != self.types:
            return False
        shapes, dtypes = [array.shape for array in arrays], [array.dtype for array in arrays]
{fitting}        return shapes == self.shapes and dtypes == self.dtypes

    def cut(self, ends):
        """Segments that end there: nothing flows back between them, and the loss enters at their ends alone."""
        self.cuts = sorted({{0, *ends, self.T}})
        self.segments = len(self.cuts) - 1
        self.apart = np.isin(np.arange(self.T) + 1, ends)[:, None, None].astype(DTYPE)
        # The first one is done last: what is handed out for the values before it is there then.
        later = [(number, True) for number in range(1, self.segments)]
        self.visits = [(0, False), *later, (0, True)] if later else [(0, True)]

    def enter(self, number, steps, back):
        """Before a segment: the rows before its first step, and where it runs backward, those beyond its last one."""
        last = self.segments - 1
        if not last:
            return
        if back:
            for rows, count in self.beyond:
                after = 0.0 if number == last or self.apart is not None else rows[{pad}:{pad} + count].copy()
                rows[{pad} + steps:{pad} + steps + count] = after
        for rows, low, kept in self.before:
            if not back:
                kept[number] = rows[low:{pad}]
            elif number < last and (number == 0 or self.apart is None):
                rows[low:{pad}] = kept[number]

    def leave(self, steps):
        """After a segment that is done again later: its last rows are those before the next one."""
        for rows, low, _ in self.before:
            rows[low:{pad}] = rows[low + steps:{pad} + steps]


{segments}


def memory(length, batch, checkpoint=None, **sizes):
    """The bytes that a call takes at most, beside the parameters and inputs that it is given."""
    T, B, sizes = length, batch, {{**SIZES, **sizes}}
    cuts = _segments(T, B, checkpoint)
    segments, span = len(cuts) - 1, -(-T // (len(cuts) - 1))
{names_of_sizes}
{chunks}
    numbers = (
{rooms}
    )
    return ITEM * numbers + {views} * span


def workspace(params, inputs, length={minimum}, checkpoint=None, truncate=None):
    """A workspace for arrays of these shapes, and for calls with these options: see `loss_and_grad`."""
    sizes = _checked(params, inputs, length=length{keep})[2]
    return Workspace(sizes, checkpoint) if truncate is None else _windows(sizes, truncate)


def loss_and_grad(
    params, inputs, length={minimum}, workspace=None, accumulate=None, checkpoint=None, lengths=None, truncate=None
):
    """The loss and its gradient with respect to every parameter and every input.

    All steps of a chunk at once, wherever the recurrence allows it. With a `workspace` no array is made.
    accumulate: arrays by parameter, to which the gradients of the parameters are added.
    checkpoint: the steps of a segment, True for the square root of T or, with few examples, some more. Values are kept
    for one segment at a time, and computed again for the backward pass: less memory, one more forward pass.
    lengths: the length of each example, in sequences that are filled up to one length; a whole number each.
    truncate: each loss is followed back through so many steps, its own included, and no further.
    """
    if truncate is not None:
        return _truncated(params, inputs, truncate, length, lengths, accumulate, workspace)
    if lengths is not None:
{lengths}
    if workspace is None or not workspace.fits(params, inputs):
        params, inputs, sizes = _checked(params, inputs, length=length{keep})
        if workspace is not None and workspace.sizes != sizes:
            raise ValueError(f"the workspace is for {{workspace.sizes}}, the arrays have {{sizes}}")
    w = Workspace(sizes, checkpoint) if workspace is None else workspace
    sizes = w.sizes
    if w.windows:
        raise ValueError(f"the workspace is for truncate={{w.windows}}")
    if checkpoint is not None and _segments(sizes["T"], sizes["B"], checkpoint) != w.cuts:
        raise ValueError("the workspace has other segments: workspace(..., checkpoint=...)")
{body}

    if accumulate is not None:
        for name in PARAMETERS:
            if name in gradients:
                accumulate[name] += gradients[name]
    return loss, gradients


{truncated}
'''

#: Where segments begin, for a model whose steps can be done in segments.
SEGMENTS = '''#: A segment has at least so many steps.
SHORTEST = {shortest}


def _segments(length, batch, checkpoint):
    """The first steps of segments of at most `checkpoint` steps, as even as they can be, and the end."""
    if checkpoint is None or checkpoint is False:
        return [0, length]
    if checkpoint is True:
        # Sums over few rows cost more than they add up: with few examples a segment has more steps.
        checkpoint = max(round(length**0.5), min(128 // batch, length // 8))
    if checkpoint != int(checkpoint) or checkpoint < 1:
        raise ValueError(f"checkpoint is True or how many steps a segment has, not {{checkpoint!r}}")
    count = max(1, min(-(-length // int(checkpoint)), length // SHORTEST))
    return [length * number // count for number in range(count + 1)]'''

#: The same for one that needs all steps at once.
WHOLE = '''SHORTEST = 1


def _segments(length, batch, checkpoint):
    """The first step and the end: this model needs all steps at once."""
    if checkpoint:
        raise ValueError("no checkpoint for this model: {reason}")
    return [0, length]'''

#: Truncated backpropagation: the windows of losses that are so many steps apart do not overlap, and share a pass.
TRUNCATED = '''def _windows(sizes, steps):
    """A workspace for gradients that are followed back through so many steps."""
    if steps != int(steps) or steps < 1:
        raise ValueError(f"truncate is through how many steps a loss is followed back, not {{steps!r}}")
    steps = min(int(steps), sizes["T"])
    room = Workspace(sizes, windows=steps if steps < sizes["T"] else None)
    room.windows = steps
    return room


def _truncated(params, inputs, steps, length, lengths, accumulate, room=None, run=loss_and_grad):
    """The loss, and gradients in which each loss is followed back through so many steps."""
    params, inputs, sizes = _checked(params, inputs, length=length)
    T, loss, gradients = sizes["T"], 0.0, {{}}
    windows = _windows(sizes, steps) if room is None else room
    if (windows.sizes, windows.windows) != (sizes, min(steps, T)):
        raise ValueError(f"the workspace is for {{windows.sizes}} and truncate={{windows.windows or None}}")
    steps = windows.windows
{apart}
    windows.windows = 0
    try:
        if steps == T:
            return run(params, inputs, length, windows, accumulate, lengths=lengths)
        for first in {firsts}:
            windows.cut(tuple(range(first, T + 1, steps)))
            part, found = run(params, inputs, length, windows, accumulate, lengths=lengths)
            loss += part
            for key, value in found.items():
                if key in gradients:
                    gradients[key] += value
                elif key not in {without}:
                    gradients[key] = value.copy()
    finally:
        windows.windows = steps
    return loss, gradients'''

#: The same where the equations have no such form.
ENTIRE = '''def _windows(sizes, steps):
    """No truncated gradients for this model."""
    raise ValueError("this kernel cannot truncate: {reason}")


def _truncated(params, inputs, steps, *options):
    """No truncated gradients for this model."""
    return _windows({{}}, steps)'''

#: Which of the arrays may come as classes.
CLASSES = """\
        self.picked = [row for row, key in enumerate(INPUTS, len(PARAMETERS)) if key in PICKED]
"""

#: Classes fit as well, where every one of them is there.
FITTING = """\
        for row in self.picked:
            shape = self.shapes[row]
            # A number below zero is a large one without its sign.
            unsigned = UNSIGNED.get(dtypes[row])
            if not unsigned or shapes[row] != shape[:-1]:
                continue
            if np.maximum.reduce(arrays[row].view(unsigned), None) < shape[-1]:
                shapes[row], dtypes[row] = shape, self.dtypes[row]
"""
