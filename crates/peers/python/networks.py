"""Networks at work: attribution, features, inference."""

import json

from work import THREADS, Work, array


def network(path):
    """The network of crate `model`, with the weights of its file."""
    import torch
    from torchvision import models

    state = tensors(path)

    class Network(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.resnet = models.resnet18()
            self.embed = torch.nn.Linear(*reversed(state["embed.weight"].shape))
            self.head = torch.nn.Linear(*reversed(state["head.weight"].shape))

        def forward(self, images):
            return self.head(torch.relu(self.embed(torch.relu(self.resnet(images)))))

    net = Network()
    own = net.state_dict()
    for name in own:
        found = state.get(name.removeprefix("resnet."))
        if found is not None:
            own[name] = found
        elif not name.endswith("num_batches_tracked"):
            raise KeyError(f"{path} has no {name}")
    net.load_state_dict(own)
    return net.to(memory_format=torch.channels_last)


def tensors(path):
    """The tensors of a safetensors file."""
    import torch

    with open(path, "rb") as file:
        header = json.loads(file.read(int.from_bytes(file.read(8), "little")))
        data = bytearray(file.read())
    dtypes = {"F32": torch.float32, "I64": torch.int64}
    return {
        name: torch.frombuffer(data[slice(*of["data_offsets"])], dtype=dtypes[of["dtype"]]).reshape(of["shape"])
        for name, of in header.items()
        if name != "__metadata__"
    }


def images_of(inputs):
    """The images, channels last in memory."""
    import torch

    torch.set_num_threads(THREADS)
    return torch.from_numpy(array(inputs["images"])).permute(0, 3, 1, 2)


def attribution(inputs):
    import torch
    from captum.attr import LayerGradCam, Occlusion

    images = images_of(inputs)
    net = network(inputs["weights"]).eval()
    occlusion = Occlusion(lambda batch: torch.softmax(net(batch), 1))
    grad_cam = LayerGradCam(net, getattr(net.resnet, inputs["layer"]))
    window, step = inputs["window_px"], inputs["step_px"]

    def run():
        means = []
        for number in range(len(images)):
            image, target = images[number : number + 1], number % inputs["classes"]
            with torch.inference_mode():
                occlusion.attribute(
                    image,
                    sliding_window_shapes=(3, window, window),
                    strides=(3, step, step),
                    target=target,
                    perturbations_per_eval=inputs["batch"],
                )
            means.append(grad_cam.attribute(image, target=target, relu_attributions=True).mean().item())
        return means

    return Work(["captum", "torch"], run, lambda means: sum(means) / len(means))


def features(inputs):
    import torch

    images = images_of(inputs)
    net = network(inputs["weights"]).eval().resnet
    net.fc = torch.nn.Identity()

    def run():
        with torch.inference_mode():
            return torch.cat([net(batch) for batch in images.split(inputs["batch"])])

    return Work(["torch"], run, lambda rows: rows.double().mean().item())


def inference_torch(inputs):
    import torch

    images = images_of(inputs)
    net = network(inputs["weights"]).eval()

    def run():
        with torch.inference_mode():
            return torch.cat([net(batch) for batch in images.split(inputs["batch"])])

    return Work(["torch"], run, lambda logits: logits.double().mean().item())


def inference_onnx(inputs):
    import numpy as np
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = THREADS
    session = onnxruntime.InferenceSession(inputs["onnx"], options, providers=["CPUExecutionProvider"])
    images = np.ascontiguousarray(array(inputs["images"]).transpose(0, 3, 1, 2))
    name, n = session.get_inputs()[0].name, inputs["batch"]

    def run():
        starts = range(0, len(images), n)
        return np.concatenate([session.run(["logits"], {name: images[i : i + n]})[0] for i in starts])

    return Work(["onnxruntime"], run, lambda logits: float(logits.astype(float).mean()))


def inference_openvino(inputs):
    import numpy as np
    import openvino

    images = np.ascontiguousarray(array(inputs["images"]).transpose(0, 3, 1, 2))
    n = inputs["batch"]
    core = openvino.Core()
    model = core.read_model(inputs["onnx"])
    model.reshape([n, *images.shape[1:]])
    # In f32, as the others: on some processors its default is bf16.
    options = {"INFERENCE_NUM_THREADS": THREADS, "INFERENCE_PRECISION_HINT": "f32"}
    compiled = core.compile_model(model, "CPU", options)
    logits = compiled.output("logits")

    def run():
        starts = range(0, len(images), n)
        return np.concatenate([compiled(images[i : i + n])[logits] for i in starts])

    return Work(["openvino"], run, lambda logits: float(logits.astype(float).mean()))
