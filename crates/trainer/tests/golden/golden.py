"""Loss, optimizers, schedules and averages of PyTorch and timm, for the tests of this crate.

    python golden.py > golden.json

Made with torch 2.15.0, torchvision 0.29.2 and timm 1.0.31 in float32 (schedules and factors are Python's float64). The
tests compare at a relative tolerance of 1e-5 for cross-entropy and its gradients, 1e-4 for those of the focal loss, 1e-6
for the parameters of Adam and AdamW and for averages, 1e-12 for schedules and factors.
"""
import json

import timm.optim
import timm.scheduler
import timm.utils
import torch
import torchvision


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


class Layer(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.weight = torch.nn.Parameter(torch.tensor([[0.5, -1.0, 2.0], [0.0, -0.25, 1e-3]]))
        self.bias = torch.nn.Parameter(torch.tensor([0.3, -2.0]))


def adamw(weight_decay, clip_norm):
    """Three steps of a weight and a bias, without decay of the bias (timm's groups), and with clipped gradients."""
    layer = Layer()
    groups = timm.optim.param_groups_weight_decay(layer, weight_decay)
    optimizer = torch.optim.AdamW(groups, lr=0.1)
    after = []
    for step in range(3):
        for group in optimizer.param_groups:
            group["lr"] = 0.1 / (step + 1)
        gradient = [((step * 5 + i * 3) % 7) * 0.3 - 1.0 for i in range(8)]
        layer.weight.grad = torch.tensor(gradient[:6]).reshape(2, 3)
        layer.bias.grad = torch.tensor(gradient[6:])
        if clip_norm > 0:
            torch.nn.utils.clip_grad_norm_(layer.parameters(), clip_norm)
        optimizer.step()
        after.append(layer.weight.flatten().tolist() + layer.bias.tolist())
    return dict(weight_decay=weight_decay, clip_norm=clip_norm, after=after)


def cosine(warmup_epochs):
    """5 epochs of 4 steps, from 1e-3 to a hundredth of it."""
    epochs, steps, lr = 5, 4, 1e-3
    warmup = round(warmup_epochs * steps)
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=lr)
    schedule = timm.scheduler.CosineLRScheduler(
        optimizer,
        t_initial=epochs * steps - warmup,
        lr_min=lr * 0.01,
        warmup_t=warmup,
        warmup_lr_init=0.0,
        warmup_prefix=True,
        t_in_epochs=False,
    )
    rates = []
    for step in range(epochs * steps):
        schedule.step_update(step)
        rates.append(optimizer.param_groups[0]["lr"])
    return dict(warmup_epochs=warmup_epochs, rates=rates)


def layer_decay(decay):
    """Factors of the learning rate by parameter, of a ResNet with its classifier, an embedder and a head."""
    network = torchvision.models.resnet18()
    network.embed = torch.nn.Linear(1000, 4)
    network.head = torch.nn.Linear(4, 3)
    # The groups of timm's ResNet, and the classifier as one more, as embedder and head are behind it.
    network.group_matcher = lambda coarse: dict(
        stem=r"^conv1|bn1", blocks=[(r"^layer(\d+)", None), (r"^fc", (5,))]
    )
    groups = timm.optim.param_groups_layer_decay(network, weight_decay=0.0, layer_decay=decay)
    names = {id(parameter): name for name, parameter in network.named_parameters()}
    factors = {names[id(parameter)]: group["lr_scale"] for group in groups for parameter in group["params"]}
    return dict(decay=decay, factors=dict(sorted(factors.items())))


def average(decay):
    """The average over 6 steps of a batch-norm whose every weight and statistic is (3·step mod 7) − 2."""
    norm = torch.nn.BatchNorm1d(1)

    def fill(value):
        with torch.no_grad():
            for tensor in norm.state_dict().values():
                tensor.fill_(value)

    fill(1)
    ema = timm.utils.ModelEmaV3(norm, decay=decay, use_warmup=True)
    after = []
    for step in range(1, 7):
        fill(3 * step % 7 - 2)
        ema.update(norm, step=step)
        state = ema.module.state_dict()
        after.append([state["weight"].item(), state["running_mean"].item(), state["num_batches_tracked"].item()])
    return dict(decay=decay, after=after)


print(json.dumps(dict(
    losses=[loss(smoothing, weighted) for smoothing in (0.0, 0.1) for weighted in (False, True)],
    focals=[focal(gamma, smoothing, weighted) for gamma in (0.5, 2.0) for smoothing in (0.0, 0.1) for weighted in (False, True)],
    adams=[adam(weight_decay) for weight_decay in (0.0, 0.05)],
    schedule=schedule(),
    adamws=[adamw(weight_decay, clip_norm) for weight_decay in (0.0, 0.05) for clip_norm in (0.0, 1.0, 100.0)],
    cosines=[cosine(warmup_epochs) for warmup_epochs in (0, 1, 1.5)],
    layer_decays=[layer_decay(decay) for decay in (0.75,)],
    averages=[average(decay) for decay in (0.5, 0.9)],
), indent=1))
