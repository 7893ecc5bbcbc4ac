"""Time-delay network.

A hidden layer reads the last three inputs, and an output layer the last three hidden states; nothing is fed back. All
units are logistic, as in the paper, and the loss is the squared error.
"""

equations = """
h[t] = sigmoid(U_0 @ x[t] + U_1 @ x[t-1] + U_2 @ x[t-2] + b)
y[t] = sigmoid(V_0 @ h[t] + V_1 @ h[t-1] + V_2 @ h[t-2] + c)
E[t] = squared_error(target[t], y[t])
"""

family = "classical"

sizes = {"x": "m", "h": "n", "y": "k"}

sources = [
    {
        "key": "waibel1989",
        "type": "article",
        "author": (
            "Waibel, Alexander and Hanazawa, Toshiyuki and Hinton, Geoffrey and Shikano, Kiyohiro and Lang, Kevin J."
        ),
        "title": "Phoneme Recognition Using Time-Delay Neural Networks",
        "journal": "IEEE Transactions on Acoustics, Speech, and Signal Processing",
        "volume": 37,
        "number": 3,
        "pages": "328--339",
        "year": 1989,
        "doi": "10.1109/29.21701",
    },
]

compared = {
    "SiddGururani/Pytorch-TDNN: TDNN.py": (
        "same weighted sum of delayed inputs in a layer, with a rectifier for the logistic function; it looks "
        "ahead as well where it is told to"
    ),
}
