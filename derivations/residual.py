"""Residual block.

A block of two layers with rectifiers learns what is to be added to its input, and a shortcut adds it. The convolutions
of the paper are matrices here, and batch normalisation is left out; the loss is the squared error at the output of the
block.
"""

equations = """
h = relu(W_1 @ x + b_1)
y = relu(W_2 @ h + b_2 + x)
E = squared_error(target, y)
"""

family = "feed-forward"

sizes = {"x": "m", "h": "n"}

inputs = ("x", "target")

sources = [
    {
        "key": "he2016",
        "type": "inproceedings",
        "author": "He, Kaiming and Zhang, Xiangyu and Ren, Shaoqing and Sun, Jian",
        "title": "Deep Residual Learning for Image Recognition",
        "booktitle": "IEEE Conference on Computer Vision and Pattern Recognition (CVPR)",
        "pages": "770--778",
        "year": 2016,
        "doi": "10.1109/CVPR.2016.90",
    },
]

compared = {
    "pytorch/vision: torchvision/models/resnet.py": (
        "same equations of a basic block, with convolutions and batch normalisation for the products"
    ),
}
