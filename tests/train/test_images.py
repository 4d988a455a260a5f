"""Networks of convolutions from images: what they compute, what they learn, what is refused."""

import csv

import numpy as np
import pytest
import torch
from PIL import Image
from torch.nn import functional

from hdlgen import cli, golden
from hdlgen.errors import InputError
from hdlgen.idx import Dataset
from hdlgen.network import load
from hdlgen.train import ImageRecipe, read_dataset, train_images
from hdlgen.train.image_model import ImageModel

ALL = "conv:8:3:dense max:2 conv:16:3:sobol=64 conv:16:3:depthwise conv:16:1x3/1x2:random=70 conv:8:1:groups=4"
TAILS = ("mean:2 path:12:sobol=64 dense:4", "mean conv:4:1", "dense:4")


def make_dataset(count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Noisy 8 x 8 images with one bright quadrant; the label says which."""
    generator = np.random.default_rng(seed)
    labels = generator.integers(0, 4, count)
    images = generator.integers(0, 120, (count, 2, 4, 2, 4))
    images[np.arange(count), labels // 2, :, labels % 2] += 90
    return images.reshape(count, 8, 8), labels


def recipe(layers: str, **members: object) -> ImageRecipe:
    chosen = {"epochs": 2, "qat_epochs": 1, "batch": 64, "augment": 1, "learning_rate": 1e-2, **members}
    return ImageRecipe(name="images", layers=layers, **chosen)


def dataset(channels: int | None = None) -> Dataset:
    parts = []
    for count, seed in ((800, 1), (200, 2)):
        images, labels = make_dataset(count, seed)
        if channels:
            images = np.stack([images >> shift for shift in range(channels)], axis=-1)
        parts += [images.astype(np.uint8), labels]
    return Dataset(train_images=parts[0], train_labels=parts[1], test_images=parts[2], test_labels=parts[3])


@pytest.mark.parametrize("tail", TAILS)
@pytest.mark.parametrize(("bits", "channels"), [(2, None), (4, 3), (8, 2)])
def test_integers_are_those_of_the_golden_model(tail, bits, channels):
    """Of all kinds of layers, in random states of training, and in both precisions nearly."""
    data = dataset(channels)
    plan = recipe(f"{ALL} {tail}", weight_bits=bits)
    images = torch.tensor(data.train_images.reshape(800, -1))
    model = ImageModel(plan.plan((8, 8, channels or 1)), plan)
    generator = torch.Generator().manual_seed(bits)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter += 0.3 * torch.randn(parameter.shape, generator=generator)
        model.real(images, training=True)
        model.calibrate(images)
        network = model.network()
        found = model.integer(images).numpy()
        single = model.integer(images, torch.float32).numpy()
    wanted = golden.evaluate(network, images.numpy())
    assert np.array_equal(found, wanted)
    assert len(np.unique(wanted)) > 50  # values do differ
    assert np.abs(single - wanted).max() <= 0.02 * np.abs(wanted).max()


def test_real_numbers_are_those_of_pytorch():
    """A layer with batch normalisation, in training and afterwards, and steps so fine that integers come near."""
    chosen = recipe("conv:6:3/2 dense:4", weight_bits=8)
    model = ImageModel(chosen.plan((9, 8, 3)), chosen)
    images = torch.tensor(np.random.default_rng(1).integers(0, 256, (64, 9 * 8 * 3), np.uint8))
    weights, gain, offset, last, bias = model.parameters()
    with torch.no_grad():
        gain *= torch.linspace(0.5, 2, 6)
        offset += torch.linspace(-1, 1, 6)
        bias += torch.arange(4.0)
    x = images.view(-1, 9, 8, 3).permute(0, 3, 1, 2) / 256
    kernel, norm = weights.view(6, 3, 3, 3), torch.nn.BatchNorm2d(6)
    norm.weight.data, norm.bias.data = gain.data.clone(), offset.data.clone()

    def wanted() -> torch.Tensor:
        z = norm(functional.conv2d(x, kernel, stride=2, padding=1)).relu()
        return z.permute(0, 2, 3, 1).flatten(1) @ last.view(4, -1).T + bias

    torch.testing.assert_close(model.real(images, training=True), wanted())
    norm.eval()
    torch.testing.assert_close(model.real(images), wanted())
    with torch.no_grad():
        model.calibrate(images)
        difference = model.logits(images) - wanted()
    assert difference.abs().max() < 0.02 * wanted().abs().max()


def test_doublings():
    """The first paths alone are there at first; of the others nothing reaches the outputs."""
    chosen = recipe("conv:8:3 conv:16:3:sobol=64 dense:4", doublings=2, epochs=3)
    model = ImageModel(chosen.plan((8, 8, 1)), chosen)
    images = torch.tensor(dataset().train_images[:20].reshape(20, -1))
    plan = chosen.plan((8, 8, 1))
    weights = model.parameters()[3]
    edges = plan.layers[1].connections.topology
    source, target = edges.vertices(0, 8), edges.vertices(1, 16)
    order = np.lexsort((target, source))  # distinct edges, as the model keeps them
    for doublings in range(3):
        model.grown(2.0 ** (doublings - 2))
        weights.grad = None
        model.real(images, training=True).square().sum().backward()
        moved = weights.grad.abs().sum(1).numpy() > 0
        assert np.array_equal(moved, order < 16 << doublings)
    magnitude = weights.detach().abs().numpy()
    np.testing.assert_allclose(magnitude[order < 16], magnitude.max(), rtol=1e-6)
    np.testing.assert_allclose(magnitude[order >= 16], magnitude.max() / 10, rtol=1e-6)


def test_learns_from_files(tmp_path, capsys):
    data = dataset(3)
    for part in ("train", "test"):
        images, labels = (getattr(data, f"{part}_{what}") for what in ("images", "labels"))
        np.savez(tmp_path / f"{part}.npz", x=images, labels=labels)
        for number, (image, label) in enumerate(zip(images, labels, strict=True)):
            folder = tmp_path / "pictures" / part / f"quadrant-{label}"
            folder.mkdir(parents=True, exist_ok=True)
            Image.fromarray(image).save(folder / f"{number:04}.png")
    options = ["--layers", "conv:8:3 max:2 conv:16:3:sobol=64 mean:2 dense:4", "--epochs", "8", "--qat-epochs", "4"]
    options += ["--batch", "64", "--learning-rate", "1e-2", "--cutout", "2", "--augment", "0", "--doublings", "1"]
    options += ["--decay", "0.001"]
    for source, more in (("train.npz", ["--test", str(tmp_path / "test.npz")]), ("pictures", [])):
        output, history = tmp_path / f"{source}.safetensors", tmp_path / f"{source}.csv"
        files = ["-o", str(output), "--history", str(history)]
        with pytest.raises(SystemExit) as end:
            cli.main(["train", "images", str(tmp_path / source), *more, *options, *files])
        assert end.value.code == 0
        network = load(output)
        named = tuple(f"quadrant-{label}" for label in range(4))
        assert network.output_names == (named if source == "pictures" else None)
        assert network.shapes[:3] == ((8, 8, 3), (8, 8, 8), (4, 4, 8))
        y = golden.evaluate(network, data.test_images.reshape(200, -1))
        accuracy = (y.argmax(1) == data.test_labels).mean()
        assert accuracy > 0.9
        assert f"{output}: test accuracy {accuracy:.2%} (golden model)" in capsys.readouterr().out
        rows = list(csv.DictReader(history.open()))
        assert [row["phase"] for row in rows] == ["real"] * 8 + ["integer"] * 4
        assert float(rows[-1]["loss"]) < float(rows[0]["loss"]) / 2


def test_pictures_are_the_arrays(tmp_path):
    data = dataset()
    for number in range(20):
        folder = tmp_path / "train" / str(data.train_labels[number])
        folder.mkdir(parents=True, exist_ok=True)
        Image.fromarray(data.train_images[number]).save(folder / f"{number:02}.png")
    found = read_dataset(tmp_path, channels=True)  # in another order, since classes come one after the other
    assert found.train_images.shape == (20, 8, 8, 1)
    assert found.test_images is None
    given = zip(data.train_images[:20], data.train_labels[:20].tolist(), strict=True)
    back = zip(found.train_images, found.train_labels.tolist(), strict=True)
    assert {(image.tobytes(), label) for image, label in given} == {(image.tobytes(), label) for image, label in back}


def test_images_are_moved_mirrored_and_cut():
    from hdlgen.train.image_training import _Batches

    images = np.arange(1, 61, dtype=np.uint8).reshape(1, 5, 6, 2).repeat(64, 0)
    labels = np.arange(64)
    seen = set()
    for pixels, chosen in _Batches(images, labels, recipe("dense:4", augment=1, flip=True, batch=16)):
        assert len(chosen) == 16
        for image in pixels.numpy().reshape(16, 5, 6, 2):
            padded = np.pad(images[0], ((1, 1), (1, 1), (0, 0)))
            places = [
                (down, right, flip)
                for down in range(3)
                for right in range(3)
                for flip in (False, True)
                if np.array_equal(
                    image, np.pad(images[0][:, :: -1 if flip else 1], ((1, 1), (1, 1), (0, 0)))[down:, right:][:5, :6]
                )
            ]
            assert len(places) == 1, padded
            seen.update(places)
    assert len(seen) > 12
    for pixels, _ in _Batches(images, labels, recipe("dense:4", augment=0, cutout=3, batch=64)):
        black = (pixels.numpy().reshape(64, 5, 6, 2) == 0).all(3)
        assert {int(one.sum()) for one in black} <= {4, 6, 9}  # squares, perhaps at an edge
        assert (np.where(black[..., None], images, pixels.numpy().reshape(images.shape)) == images).all()


@pytest.mark.parametrize(
    ("members", "message"),
    [
        ({"layers": "conv:8"}, "layers have 'conv:8'; allowed: conv:CHANNELS:KERNEL[/STRIDE][:CONNECTIONS]"),
        ({"layers": "conv:8:3:sobol dense:4"}, "layers have 'conv:8:3:sobol'; allowed: connections dense, depthwise"),
        ({"layers": "blur dense:4"}, "layers have 'blur'; allowed: conv:"),
        ({"layers": "dense:4 mean"}, "layers end with ['mean']; allowed: conv, dense or path"),
        ({"layers": "conv:8:9 dense:4", "weight_bits": 1}, "weight-bits is 1; allowed: 2..8"),
        ({"layers": "dense:4", "doublings": 2}, "doublings is 2; allowed: 0..1"),
        ({"layers": "dense:4", "lasso_groups": "rows"}, "lasso-groups is 'rows'; allowed: filters, channels, shapes"),
        ({"layers": "dense:3"}, "last width is 3; allowed: at least 4, one per class"),
        ({"layers": "max:9 dense:4"}, "train: layer 1: kernel height is 9; allowed: 1..8"),
        (
            {"layers": "conv:8:3 conv:12:3:groups=5 dense:4"},
            "train: layer 2: connections: groups is 5; allowed: divisors",
        ),
        ({"layers": "dense:4", "validation": 800}, "validation is 800; allowed: 1..799"),
    ],
)
def test_refuses(members, message):
    with pytest.raises(InputError) as error:
        train_images(dataset(), recipe(**members))
    assert message in str(error.value)


def test_refuses_channels(tmp_path):
    """Networks of paths read images without."""
    np.savez(tmp_path / "x.npz", x=np.zeros((20, 4, 4, 3), np.uint8), labels=np.zeros(20, np.uint8))
    message = r"x.npz: x has shape \[20, 4, 4, 3\]; allowed: \[N, width\] or \[N, rows, columns\]"
    with pytest.raises(InputError, match=message):
        read_dataset(tmp_path / "x.npz")


def test_refuses_pictures(tmp_path):
    def refused(message: str) -> None:
        with pytest.raises(InputError, match=message):
            read_dataset(tmp_path, channels=True)

    folder = tmp_path / "train" / "a"
    folder.mkdir(parents=True)
    refused("train: no images; allowed: CLASS/NAME with .png")
    Image.new("L", (4, 4)).save(folder / "1.png")
    Image.new("RGB", (4, 4)).save(folder / "2.png")
    refused(r"2.png: has shape \[4, 4, 3\]; allowed: \[4, 4, 1\], as .*1.png")
    (folder / "2.png").write_bytes((folder / "1.png").read_bytes()[:40])
    refused("2.png: unknown image; allowed: PNG, BMP, JPEG, PGM, PPM")
    Image.fromarray(np.random.default_rng(1).integers(0, 256, (4, 4), np.uint8)).save(folder / "2.png")
    (folder / "2.png").write_bytes((folder / "2.png").read_bytes()[:-30])
    refused("2.png: damaged image; allowed: PNG")
    Image.new("L", (2000, 1)).save(folder / "2.png")
    refused("2.png: 2000 x 1 pixels; allowed: up to 1024 a side")
    (folder / "2.png").unlink()
    (tmp_path / "test" / "b").mkdir(parents=True)
    refused("test: has a class 'b'; allowed: those of .*train")


@pytest.mark.parametrize("groups", ["filters", "channels", "shapes"])
def test_lasso_removes(groups):
    """Groups go; what is left is trained on, and what is written without them is what was trained, which training proves."""
    more = {"epochs": 8, "qat_epochs": 2, "lasso_groups": groups, "augment": 0, "learning_rate": 2e-2}
    small = train_images(dataset(), recipe("conv:16:5 conv:16:3 mean:4 dense:4", lasso=0.1, **more))
    assert small.validation_accuracy > 0.9
    tensors = small.network.tensors
    assert sum(int(np.count_nonzero(tensors[name])) for name in ("w1", "w2", "w4")) < 0.5 * (
        16 * 25 + 16 * 16 * 9 + 256
    )
    if groups == "filters":
        assert small.network.shapes[1][2] < 12
        assert not (tensors["w2"] == 0).all(axis=(1, 2, 3)).any()
