"""Losses by name: each a formula over a target `{d}` and an output `{o}`, safe for large outputs."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Loss:
    """A loss of one step.

    text: its formula; smoothed: the same for targets of which the share `{e}` is spread evenly, empty where that makes
    no sense. feed: what a network that feeds its own outputs back hands on. summary: a line for documents.
    """

    text: str
    feed: str
    summary: str
    smoothed: str = ""


LOSSES: dict[str, Loss] = {
    "cross-entropy": Loss(
        "-dot({d}, log_softmax({o}))",
        "softmax({o})",
        "cross-entropy of the softmax of the output, from the logits",
        "-(1 - {e}) * dot({d}, log_softmax({o})) - {e} * sum_elements({d}) * mean_elements(log_softmax({o}))",
    ),
    "binary-cross-entropy": Loss(
        "sum_elements(softplus({o}) - {d} * {o})",
        "sigmoid({o})",
        "cross-entropy of the sigmoid of each output with a target of 0 or 1, from the logits",
        "sum_elements(softplus({o}) - ((1 - {e}) * {d} + {e} / 2) * {o})",
    ),
    "squared": Loss("squared_error({d}, {o})", "{o}", "half the squared norm of the difference"),
    "absolute": Loss("sum_elements(abs({d} - {o}))", "{o}", "the sum of the absolute differences"),
    "huber": Loss(
        "sum_elements(({d} - {o}) ** 2 - relu(abs({d} - {o}) - {delta}) ** 2) / 2",
        "{o}",
        "quadratic near zero and linear beyond delta (Huber 1964)",
    ),
}

#: Connectionist temporal classification (Graves and others 2006) as a recurrence: `{q}` are the probabilities of the
#: extended labels at a step, `{a}` the shares of all prefixes of the labels, scaled to one at every step; the factors
#: `{z}` by which they are scaled make up the probability of the labels. `{M}` says which label may follow which, `{L}`
#: picks the probabilities of the extended labels, `{F}` marks where a path may end.
CTC = """
{q}[t] = {L} @ softmax({o}[t])
{s}[t] = ({M} @ {a}[t-1]) * {q}[t]
{z}[t] = sum_elements({s}[t])
{a}[t] = {s}[t] / {z}[t]
E[t] = -log({z}[t])
E_end = -log(dot({F}, {a}[T]))
"""
