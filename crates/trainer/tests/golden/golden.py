"""Loss, optimizer and schedule of PyTorch, for the tests of this crate.

    python golden.py > golden.json

Made with torch 2.15.0 in float32 (the schedule is Python's float64). The tests compare at a relative tolerance of 1e-5
for cross-entropy and its gradients, 1e-4 for those of the focal loss, 1e-6 for Adam's parameters, 1e-12 for the schedule.
"""
import json

import torch


def loss(smoothing, weighted):
    """5 images of 4 classes; class 2 is no image's label."""
    logits = torch.tensor([[((7 * i + 3 * j) % 11) * 0.4 - 1.5 for j in range(4)] for i in range(5)], requires_grad=True)
    labels = torch.tensor([0, 1, 3, 1, 0])
    weight = torch.tensor([0.5, 0.25, 0.1, 1.0]) if weighted else None
    value = torch.nn.CrossEntropyLoss(weight=weight, label_smoothing=smoothing)(logits, labels)
    value.backward()
    return dict(smoothing=smoothing, weighted=weighted, loss=value.item(), gradient=logits.grad.tolist())


def focal(gamma, smoothing, weighted):
    """The same images; without smoothing it is equation 5 of Lin et al. (2017), averaged as PyTorch's cross-entropy."""
    logits = torch.tensor([[((7 * i + 3 * j) % 11) * 0.4 - 1.5 for j in range(4)] for i in range(5)], requires_grad=True)
    labels = torch.tensor([0, 1, 3, 1, 0])
    weight = torch.tensor([0.5, 0.25, 0.1, 1.0]) if weighted else torch.ones(4)
    log_probabilities = torch.log_softmax(logits, 1)
    target = torch.nn.functional.one_hot(labels, 4) * (1 - smoothing) + smoothing / 4
    terms = -weight * target * (1 - log_probabilities.exp()) ** gamma * log_probabilities
    value = terms.sum() / weight[labels].sum()
    value.backward()
    return dict(gamma=gamma, smoothing=smoothing, weighted=weighted, loss=value.item(), gradient=logits.grad.tolist())


def adam(weight_decay):
    """Three steps of a parameter of 6 values; the gradient and the learning rate change from step to step."""
    parameter = torch.nn.Parameter(torch.tensor([0.5, -1.0, 2.0, 0.0, -0.25, 1e-3]))
    optimizer = torch.optim.Adam([parameter], lr=0.1, weight_decay=weight_decay)
    after = []
    for step in range(3):
        optimizer.param_groups[0]["lr"] = 0.1 / (step + 1)
        parameter.grad = torch.tensor([((step * 5 + i * 3) % 7) * 0.3 - 1.0 for i in range(6)])
        optimizer.step()
        after.append(parameter.tolist())
    return dict(weight_decay=weight_decay, after=after)


def schedule():
    """The default: 1e-4, a tenth of it after 50 epochs."""
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1e-4)
    decay = torch.optim.lr_scheduler.ExponentialLR(optimizer, 0.1 ** (1 / 50))
    rates = []
    for _ in range(51):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        decay.step()
    return rates


print(json.dumps(dict(
    losses=[loss(smoothing, weighted) for smoothing in (0.0, 0.1) for weighted in (False, True)],
    focals=[focal(gamma, smoothing, weighted) for gamma in (0.5, 2.0) for smoothing in (0.0, 0.1) for weighted in (False, True)],
    adams=[adam(weight_decay) for weight_decay in (0.0, 0.05)],
    schedule=schedule(),
), indent=1))
