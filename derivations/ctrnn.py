"""Continuous-time recurrent network by Euler steps.

A differential equation for each neuron, with a time constant tau, taken in Euler steps of length Delta. The state y
leaks towards what the other neurons and the input say. In Beer's form the bias theta belongs to the neuron that sends;
the loss is added here.
"""

equations = """
y[t] = y[t-1] + Delta / tau * (-y[t-1] + W @ sigmoid(y[t-1] + theta) + U @ x[t])
E[t] = squared_error(target[t], y[t])
"""

family = "continuous time"

sizes = {"x": "m", "y": "n", "Delta": ()}

sources = [
    {
        "key": "beer1995",
        "type": "article",
        "author": "Beer, Randall D.",
        "title": "On the Dynamics of Small Continuous-Time Recurrent Neural Networks",
        "journal": "Adaptive Behavior",
        "volume": 3,
        "number": 4,
        "pages": "469--509",
        "year": 1995,
        "doi": "10.1177/105971239500300405",
    },
]

compared = {
    "madvn/CTRNN: CTRNN/ctrnn.py": "same equations; it has a gain for each neuron, here one",
}
