"""Long short-term memory with peepholes.

The gates also see the cell state, each gate through a vector p of its own: input and forget gate the state before, the
output gate the new one. This is the vanilla LSTM of Greff and others in their notation, with z for the block input and
y for the block output. Their appendix gives the backward pass that is the claim; the loss, which they leave to the
layers above, is the squared error of y.
"""

equations = """
z[t] = tanh(W_z @ x[t] + R_z @ y[t-1] + b_z)
i[t] = sigmoid(W_i @ x[t] + R_i @ y[t-1] + p_i * c[t-1] + b_i)
f[t] = sigmoid(W_f @ x[t] + R_f @ y[t-1] + p_f * c[t-1] + b_f)
c[t] = z[t] * i[t] + c[t-1] * f[t]
o[t] = sigmoid(W_o @ x[t] + R_o @ y[t-1] + p_o * c[t] + b_o)
y[t] = tanh(c[t]) * o[t]
E[t] = squared_error(target[t], y[t])
"""

family = "gated"

sizes = {"x": "m", "y": "n"}

sources = [
    {
        "key": "gers2002",
        "type": "article",
        "author": "Gers, Felix A. and Schraudolph, Nicol N. and Schmidhuber, Jürgen",
        "title": "Learning Precise Timing with LSTM Recurrent Networks",
        "journal": "Journal of Machine Learning Research",
        "volume": 3,
        "pages": "115--143",
        "year": 2002,
    },
    {
        "key": "greff2017",
        "type": "article",
        "author": (
            "Greff, Klaus and Srivastava, Rupesh K. and Koutník, Jan and Steunebrink, Bas R. and Schmidhuber, Jürgen"
        ),
        "title": "LSTM: A Search Space Odyssey",
        "journal": "IEEE Transactions on Neural Networks and Learning Systems",
        "volume": 28,
        "number": 10,
        "pages": "2222--2232",
        "year": 2017,
        "doi": "10.1109/TNNLS.2016.2582924",
    },
]

compared = {
    "MartinuzziFrancesco/torchrecurrent: torchrecurrent/cells/peepholelstm_cell.py": "same numbers",
}

claims = [
    {
        "source": "Greff and others 2017, section II.B",
        "verdict": "proved",
        "claim": r"""
\delta y_t = y_t - \mathrm{target}_t + R_z^\top \delta\bar{z}_{t+1} + R_i^\top \delta\bar{i}_{t+1} + R_f^\top \delta\bar{f}_{t+1} + R_o^\top \delta\bar{o}_{t+1}
\delta\bar{o}_t = \delta y_t \odot \tanh(c_t) \odot o_t \odot (1 - o_t)
\delta c_t = \delta y_t \odot o_t \odot (1 - \tanh^2(c_t)) + p_o \odot \delta\bar{o}_t + p_i \odot \delta\bar{i}_{t+1} + p_f \odot \delta\bar{f}_{t+1} + \delta c_{t+1} \odot f_{t+1}
\delta\bar{f}_t = \delta c_t \odot c_{t-1} \odot f_t \odot (1 - f_t)
\delta\bar{i}_t = \delta c_t \odot z_t \odot i_t \odot (1 - i_t)
\delta\bar{z}_t = \delta c_t \odot i_t \odot (1 - z_t^2)
\frac{\partial E}{\partial x_t} = W_z^\top \delta\bar{z}_t + W_i^\top \delta\bar{i}_t + W_f^\top \delta\bar{f}_t + W_o^\top \delta\bar{o}_t
\frac{\partial E}{\partial W_z} = \sum_{t=1}^{T} \delta\bar{z}_t x_t^\top
\frac{\partial E}{\partial R_z} = \sum_{t=0}^{T-1} \delta\bar{z}_{t+1} y_t^\top
\frac{\partial E}{\partial b_z} = \sum_{t=1}^{T} \delta\bar{z}_t
\frac{\partial E}{\partial p_i} = \sum_{t=0}^{T-1} c_t \odot \delta\bar{i}_{t+1}
\frac{\partial E}{\partial p_f} = \sum_{t=0}^{T-1} c_t \odot \delta\bar{f}_{t+1}
\frac{\partial E}{\partial p_o} = \sum_{t=1}^{T} c_t \odot \delta\bar{o}_t
""",
    },
]
