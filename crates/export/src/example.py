import json, pathlib, sys, numpy, onnxruntime  # python example.py IMAGE…
from PIL import Image, ImageOps

folder = pathlib.Path(__file__).parent
config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
session, side = onnxruntime.InferenceSession(folder / "model.onnx"), config["side_px"]
for path in sys.argv[1:]:
    image = ImageOps.exif_transpose(Image.open(path)) if config["images"]["exif_orientation"] else Image.open(path)
    image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image.convert("RGBA")).convert("RGB")
    image = image.resize([config["resize_px"] * edge // min(image.size) for edge in image.size], Image.BILINEAR)
    left, top = [round((edge - side) / 2) for edge in image.size]
    pixels = numpy.asarray(image.crop((left, top, left + side, top + side))) * config["preprocessing"]["rescale"]
    pixels = ((pixels - config["mean"]) / config["std"]).astype("float32").transpose(2, 0, 1)
    logits = session.run(["logits"], {"images": pixels[None]})[0][0]
    powers = numpy.exp((logits - logits.max()) / config["temperature"])
    print(json.dumps({"path": path, "logits": logits.tolist(), "probabilities": (powers / powers.sum()).tolist()}))
