"""A kernel whose parameters are a framework's arrays: functions added to its module that translate."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from rnnsym.bridges.bridge import Bridge, bridge
from rnnsym.bridges.layout import Block, Layout, Placed, Shape, blocks
from rnnsym.errors import RnnsymError
from rnnsym.kernels.kernel import Kernel
from rnnsym.kernels.template import IN_STEPS
from rnnsym.language.model import Model

TEMPLATE = '''

#: Parameters as {framework} keeps them: their names and shapes. PARAMETERS are those of the equations.
LIKE = {{
{shapes}
}}


def from_{word}(params):
    """The parameters of the equations, from arrays as {framework} keeps them."""
    for key, shape in LIKE.items():
        if key not in params or np.ndim(params[key]) != len(shape):
            found = f"shape {{np.shape(params[key])}}" if key in params else "nothing"
            raise ValueError(f"params['{{key}}'] has to be an array of shape ({{', '.join(shape)}}), not {{found}}")
    theirs = {{key: np.asarray(value, DTYPE) for key, value in params.items()}}
{sizes}    return {{
{own}
    }}


def to_{word}(params):
    """Arrays as {framework} keeps them, from the parameters of the equations."""
{zeros}    return {{
{theirs}
    }}


def gradients_to_{word}(gradients):
    """The gradients by the arrays of {framework}, and by the inputs."""
    return {{
{gradients}
        **{{key: value for key, value in gradients.items() if key in INPUTS}},
    }}


_init, _forward, _predict, _backward = init, forward, predict, backward


def init(seed=0, **sizes):
    """Parameters to start from, as {framework} keeps them."""
    return to_{word}(_init(seed, **sizes))


def forward(params, inputs, length={minimum}):
    """The loss, and every computed value, which `backward` needs; `length` is T where no sequence gives it."""
    return _forward(from_{word}(params), inputs, length)


def predict(params, inputs, length={minimum}):
    """The outputs and states for inputs without targets, from step 1 on; `length` is T where no sequence gives it."""
    return _predict(from_{word}(params), inputs, length)


def backward(params, inputs, values, length={minimum}):
    """The gradient of the loss with respect to every array of {framework} and every input."""
    return gradients_to_{word}(_backward(from_{word}(params), inputs, values, length))

'''

#: For a kernel whose `loss_and_grad` is not made of `forward` and `backward`, which translate already.
AT_ONCE = '''

_loss_and_grad = loss_and_grad


def loss_and_grad(params, inputs, length={minimum}, **options):
    """The loss and its gradient with respect to every array of {framework} and every input."""
    loss, gradients = _loss_and_grad(from_{word}(params), inputs, length, **options)
    return loss, gradients_to_{word}(gradients)
'''


#: For a kernel with a Hessian product; what a direction lacks does not move.
PRODUCT = '''

_hessian_product = hessian_product


def hessian_product(params, inputs, direction, length={minimum}):
    """How the gradient of every array of {framework} changes as the arrays move: the Hessian times `direction`."""
    still = {{key: np.zeros_like(value) for key, value in params.items()}}
    return gradients_to_{word}(
        _hessian_product(from_{word}(params), inputs, from_{word}({{**still, **direction}}), length)
    )
'''


def own_gradients(model: Model, framework: str, wanted: Iterable[str]) -> tuple[str, ...]:
    """The keys of a model whose gradients make up those of a framework's arrays, inputs and other parameters.

    >>> model = Model("h[t] = tanh(W @ h[t-1] + U @ x[t])" + chr(10) + "E[t] = squared_error(d[t], h[t])",
    ...               bridges={"ours": {"kernel": "U.T; W.T"}})
    >>> own_gradients(model, "ours", ["kernel", "x"])
    ('U', 'W', 'x')

    Raises RnnsymError for a key that is none of them.
    """
    found = bridge(model, framework)
    keys = (*found.shapes, *model.input_keys)
    own: list[str] = []
    for key in wanted:
        if key not in keys:
            raise RnnsymError(f"{model.name} like {framework} has no array or input {key!r}; it has: {', '.join(keys)}")
        own += [block.name for block in blocks(found.layouts[key])] if key in found.layouts else [key]
    return tuple(dict.fromkeys(own))


def like(kernel: Kernel, model: Model, framework: str, gradients: Iterable[str] | None = None) -> Kernel:
    """A kernel that takes and gives parameters and gradients as a framework keeps them.

    gradients: the arrays and inputs whose gradients the kernel gives, all if not given.

    >>> from rnnsym.pipeline import generate
    >>> model = Model("h[t] = tanh(W @ h[t-1] + U @ x[t])" + chr(10) + "E[t] = squared_error(d[t], h[t])",
    ...               sizes={"x": "m", "h": "n"}, bridges={"ours": {"kernel": "U.T; W.T"}})
    >>> like(generate(model), model, "ours").shapes["kernel"]
    ('m + n', 'n')

    Raises RnnsymError where the model says nothing of the framework.
    """
    found = bridge(model, framework)
    writer = _Writer(found, None if gradients is None else tuple(gradients))
    in_steps = IN_STEPS.format(minimum=model.timing.minimum_length).rstrip() in kernel.source
    source = kernel.source.rstrip("\n") + "\n" + writer.source(model.timing.minimum_length, not in_steps)
    if "def hessian_product" in kernel.source:
        source += PRODUCT.format(framework=framework, word=writer.word, minimum=model.timing.minimum_length)
    shapes = {key: writer.shape_text(own) for key, own in found.shapes.items()}
    kept = {key: own for key, own in kernel.shapes.items() if key not in model.parameters}
    return replace(kernel, source=source, shapes={**shapes, **kept}, _cache={})


class _Writer:
    def __init__(self, found: Bridge, wanted: tuple[str, ...] | None) -> None:
        self.bridge = found
        self.wanted = wanted
        self.word = "".join(letter if letter.isalnum() else "_" for letter in found.framework)
        self.model = found.model
        self.places = found.places()
        self.others = [name for name in self.model.parameters if name not in found.own]

    def source(self, minimum: int, at_once: bool) -> str:
        shapes = [f'    "{key}": {_tuple(self.shape_text(own))},' for key, own in self.bridge.shapes.items()]
        own = [f'        "{name}": {self._taken(name)},' for name in self.bridge.own]
        own += [f'        "{name}": theirs["{name}"],' for name in self.others]
        rest = [f'        "{name}": params["{name}"],' for name in self.others]
        given, spread = [], []
        seen: set[str] = set()
        for key, layout in self.bridge.layouts.items():
            given.append(f'        "{key}": {self._joined(layout, "params", seen)},')
            if self._is_wanted(key):
                spread.append(f'        "{key}": {self._joined(layout, "gradients", None)},')
        spread += [f'        "{name}": gradients["{name}"],' for name in self.others if self._is_wanted(name)]
        repeated = any(len(places) > 1 for places in self.places.values())
        zeros = "    zeros = {name: np.zeros_like(value) for name, value in params.items()}\n" if repeated else ""
        return (TEMPLATE + AT_ONCE * at_once).format(
            framework=self.bridge.framework,
            word=self.word,
            shapes="\n".join(shapes),
            sizes="".join(f"    {line}\n" for line in self._sizes()),
            own="\n".join(own),
            zeros=zeros,
            theirs="\n".join(given + rest),
            gradients="\n".join(spread),
            minimum=minimum,
        )

    def _is_wanted(self, key: str) -> bool:
        return self.wanted is None or key in self.wanted

    def shape_text(self, own: Shape) -> tuple[str, ...]:
        return tuple(map(str, own))

    def _sizes(self) -> list[str]:
        lines = []
        needed = {
            symbol
            for places in self.places.values()
            for key, place in places
            for entry, size in zip(place.place, self.bridge.shapes[key], strict=True)
            if isinstance(entry, tuple) and entry != (0, size)
            for end in entry
            for symbol in end.free_symbols
        }
        rules = self.bridge.size_rules()
        for _ in rules:  # what a size is told by is needed too
            needed |= {s for other in rules if other.size in needed for s in other.known.free_symbols}
        for rule in rules:
            if rule.size in needed:
                text = f'theirs["{rule.key}"].shape[{rule.axis}]'
                text = f"({text} - {rule.known})" if rule.known != 0 and rule.count != 1 else text
                text += f" - {rule.known}" if rule.known != 0 and rule.count == 1 else ""
                lines.append(f"{rule.size} = {text}" + (f" // {rule.count}" if rule.count != 1 else ""))
        return lines

    def _taken(self, name: str) -> str:
        """A parameter as the sum of what stands for it."""
        text = ""
        for key, place in self.places[name]:
            part = f'theirs["{key}"]{self._index(place, key)}' + (".T" if place.block.turned else "")
            if place.block.negative:
                text += f" - {part}" if text else f"-{part}"
            else:
                text += f" + {part}" if text else part
        return text

    def _index(self, place: Placed, key: str) -> str:
        whole = self.bridge.shapes[key]
        parts = []
        for entry, size in zip(place.place, whole, strict=True):
            if not isinstance(entry, tuple):
                parts.append(str(entry))
            else:
                start, stop = entry
                parts.append(f"{'' if start == 0 else start}:{'' if stop == size else stop}")
        while parts and parts[-1] == ":":
            parts.pop()
        return f"[{', '.join(parts)}]" if parts else ""

    def _joined(self, layout: Layout, source: str, seen: set[str] | None) -> str:
        """The array of a layout; `seen` are the parameters that stand in an array already, after which zeros stand."""
        if isinstance(layout, Block):
            again = seen is not None and layout.name in seen
            if seen is not None:
                seen.add(layout.name)
            text = f'{"zeros" if again else source}["{layout.name}"]' + (".T" if layout.turned else "")
            return f"-{text}" if layout.negative else text
        parts = [self._joined(part, source, seen) for part in layout.parts]
        if layout.axis is None:
            return f"np.stack([{', '.join(parts)}])"
        return f"np.concatenate([{', '.join(parts)}]" + (f", axis={layout.axis})" if layout.axis else ")")


def _tuple(parts: tuple[str, ...]) -> str:
    return "(" + ", ".join(f'"{part}"' for part in parts) + ("," if len(parts) == 1 else "") + ")"
