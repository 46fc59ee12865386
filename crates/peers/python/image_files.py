"""Image files: decoding, and an epoch of training on them."""

import os

from networks import network
from work import THREADS, Work, array


def decode(inputs):
    from concurrent.futures import ThreadPoolExecutor

    import numpy as np
    from PIL import Image
    from torchvision import transforms

    transform = transforms.Compose([transforms.Resize(inputs["resize_px"]), transforms.CenterCrop(inputs["side_px"])])
    # Pillow decodes and resizes without Python's lock.
    pool = ThreadPoolExecutor(THREADS)

    def load(path):
        with Image.open(os.path.join(inputs["folder"], path)) as image:
            return np.asarray(transform(image.convert("RGB")))

    def run():
        with open(inputs["out"], "wb") as out:
            for pixels in pool.map(load, inputs["paths"]):
                out.write(pixels.tobytes())

    return Work(["pillow", "torchvision"], run)


class Augmented:
    """Decoded images, augmented when they are asked for."""

    def __init__(self, images, labels, transform):
        self.images, self.labels, self.transform = images, labels, transform

    def __len__(self):
        return len(self.images)

    def __getitem__(self, number):
        return self.transform(self.images[number]), self.labels[number]


def epoch(inputs):
    import torch
    from PIL import Image
    from torchvision import transforms

    torch.set_num_threads(THREADS)
    torch.manual_seed(0)
    how, side = inputs["augmentation"], inputs["side_px"]
    augment = transforms.Compose(
        [
            transforms.RandomRotation(how["rotation_deg"]),
            transforms.RandomHorizontalFlip(),
            transforms.ColorJitter(how["brightness"], how["contrast"], how["saturation"]),
            transforms.RandomErasing(how["erase_probability"]),
            transforms.Resize(inputs["resize_px"], antialias=True),
            transforms.CenterCrop(side),
            transforms.ConvertImageDtype(torch.float32),
            transforms.Normalize(inputs["mean"], inputs["std"]),
        ]
    )

    def load(path):
        with Image.open(os.path.join(inputs["folder"], path)) as image:
            return transforms.functional.pil_to_tensor(image.convert("RGB"))

    loader = torch.utils.data.DataLoader(
        Augmented([load(path) for path in inputs["paths"]], array(inputs["labels"]), augment),
        batch_size=inputs["batch"],
        shuffle=True,
        num_workers=THREADS,
        persistent_workers=True,
    )
    loss_of = torch.nn.CrossEntropyLoss(torch.tensor(inputs["class_weights"]))

    def before():
        net = network(inputs["weights"]).train()
        return net, torch.optim.Adam(net.parameters(), lr=inputs["lr"])

    def run(trained):
        net, optimizer = trained
        losses = []
        for batch, labels in loader:
            loss = loss_of(net(batch.to(memory_format=torch.channels_last)), labels)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
        return losses

    return Work(["torch", "torchvision"], run, lambda losses: sum(losses) / len(losses), before)
