"""NARX network.

A nonlinear autoregressive network with exogenous inputs: a hidden layer reads the last outputs and the last inputs,
and there is no other memory. Three output lags and two input lags are written out here. Output lags are shortcuts
through which a gradient skips steps.
"""

equations = """
h[t] = tanh(A_1 @ y[t-1] + A_2 @ y[t-2] + A_3 @ y[t-3] + B_0 @ u[t] + B_1 @ u[t-1] + b)
y[t] = C @ h[t] + c
E[t] = squared_error(target[t], y[t])
"""

family = "classical"

sizes = {"u": "m", "h": "n", "y": "k"}

sources = [
    {
        "key": "lin1996",
        "type": "article",
        "author": "Lin, Tsungnan and Horne, Bill G. and Tiňo, Peter and Giles, C. Lee",
        "title": "Learning Long-Term Dependencies in NARX Recurrent Neural Networks",
        "journal": "IEEE Transactions on Neural Networks",
        "volume": 7,
        "number": 6,
        "pages": "1329--1338",
        "year": 1996,
        "doi": "10.1109/72.548162",
    },
]

compared = {
    "joekelley120/PyTorchTimeSeries: Model/InputOutput/narx_model.py": (
        "same equations, for any number of lags and hidden layers"
    ),
}
