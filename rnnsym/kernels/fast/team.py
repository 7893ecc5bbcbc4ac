"""The fixed text of a class that splits a batch over threads."""

from __future__ import annotations

TEAM = '''

class Team:
    """`loss_and_grad` with the examples split over threads, each with a workspace of its own.

    NumPy leaves the other threads alone while it computes. It pays for batches from about 32 examples on, where
    NumPy's own threads are off (OPENBLAS_NUM_THREADS=1, say). Gradients lie in the team: the next call overwrites them.
    """

    def __init__(self, params, inputs, threads=2, length={minimum}):
        from concurrent.futures import ThreadPoolExecutor

        params, inputs, self.sizes = _checked(params, inputs, length=length)
        B = self.sizes["B"]
        count = max(1, min(threads, B))
        self.edges = [B * number // count for number in range(count + 1)]
        self.rooms = [
            Workspace({{**self.sizes, "B": high - low}}) for low, high in zip(self.edges, self.edges[1:])
        ]
        self.whole = {{key: np.empty_like(array) for key, array in inputs.items()}}
        self.pool = ThreadPoolExecutor(count - 1) if count > 1 else None

    def loss_and_grad(self, params, inputs):
        """The loss and its gradient with respect to every parameter and every input."""
        params, inputs, sizes = _checked(params, inputs, length=self.sizes["T"]{keep})
        if sizes != self.sizes:
            raise ValueError(f"the team is for {{self.sizes}}, the arrays have {{sizes}}")
        others = [self.pool.submit(self._share, params, inputs, number) for number in range(1, len(self.rooms))]
        loss, gradients = self._share(params, inputs, 0)
        for other in others:
            more, found = other.result()
            loss += more
            for key in PARAMETERS:
                if key in gradients:
                    gradients[key] += found[key]
        return loss, gradients

    def _part(self, arrays, number):
        """The examples of one thread."""
        part = slice(*self.edges[number : number + 2])
        return {{key: array[:, part] if INPUTS[key][0] == "T" else array[part] for key, array in arrays.items()}}

    def _share(self, params, inputs, number):
        """The loss and the gradients of one thread's examples."""
        loss, gradients = loss_and_grad(params, self._part(inputs, number), self.sizes["T"], self.rooms[number])
        for key, place in self._part(self.whole, number).items():
            if key in gradients:
                np.copyto(place, gradients[key])
                gradients[key] = self.whole[key]
        return loss, gradients
'''
