"""Folders of image files, one folder for each class."""

import io
from pathlib import Path

import numpy as np
from PIL import Image, UnidentifiedImageError

from hdlgen.errors import InputError
from hdlgen.files import opened
from hdlgen.idx import MAX_BYTES, Dataset
from hdlgen.network import parse_names

__all__ = ["read_pictures"]

_SUFFIXES = (".png", ".bmp", ".jpg", ".jpeg", ".pgm", ".ppm")
_MAX_SIDE = 1 << 10
_MAX_FILE = 1 << 24


def _pixels(file: Path) -> np.ndarray:
    """uint8 (height, width, 1) of grey pictures, (height, width, 3) of others."""
    with opened(file) as stream:
        content = io.BytesIO(stream.read(_MAX_FILE))
    try:
        with Image.open(content, formats=("PNG", "BMP", "JPEG", "PPM")) as picture:
            if max(picture.size) > _MAX_SIDE:  # before anything is decoded
                raise InputError(
                    f"{file}: {picture.width} x {picture.height} pixels; allowed: up to {_MAX_SIDE} a side"
                )
            pixels = np.asarray(picture.convert("L" if picture.mode in ("1", "L") else "RGB"))
    except (UnidentifiedImageError, Image.DecompressionBombError, OSError, SyntaxError, ValueError) as error:
        why = "damaged" if not isinstance(error, UnidentifiedImageError) else "unknown"
        raise InputError(f"{file}: {why} image; allowed: PNG, BMP, JPEG, PGM, PPM") from None
    return pixels.reshape(*pixels.shape[:2], -1)


def _part(folder: Path, classes: list[str]) -> tuple[np.ndarray, np.ndarray]:
    files = [
        (file, label)
        for label, name in enumerate(classes)
        for file in sorted((folder / name).glob("*"))
        if file.suffix.lower() in _SUFFIXES
    ]
    if not files:
        raise InputError(f"{folder}: no images; allowed: CLASS/NAME with {', '.join(_SUFFIXES)}")
    shape = _pixels(files[0][0]).shape
    if len(files) * int(np.prod(shape)) > MAX_BYTES:
        raise InputError(f"{folder}: {len(files)} images of {list(shape)}; allowed: {MAX_BYTES} bytes in all")
    images = np.empty((len(files), *shape), np.uint8)
    for place, (file, _) in zip(images, files, strict=True):
        pixels = _pixels(file)
        if pixels.shape != shape:
            raise InputError(f"{file}: has shape {list(pixels.shape)}; allowed: {list(shape)}, as {files[0][0]}")
        place[:] = pixels
    return images, np.array([label for _, label in files])


def read_pictures(folder: Path) -> Dataset:
    """The images FOLDER/train/CLASS/NAME and, if there are such, FOLDER/test/CLASS/NAME: (N, height, width, 1 or 3).

    Classes are the names of the folders in ``train``, in order; images are in the order of their names. All have one size.

    Raises
    ------
    InputError
        If there are none, one cannot be read or is of another size, or ``test`` has a class that ``train`` has not.
    """
    names: dict[str, list[str]] = {}
    for part in ("train", "test"):
        names[part] = sorted(one.name for one in (folder / part).glob("*") if one.is_dir())
    if unknown := sorted(set(names["test"]) - set(names["train"])):
        raise InputError(f"{folder / 'test'}: has a class {unknown[0]!r}; allowed: those of {folder / 'train'}")
    images, labels = _part(folder / "train", names["train"])
    test_images = test_labels = None
    if names["test"]:
        test_images, test_labels = _part(folder / "test", names["train"])
        if test_images.shape[1:] != images.shape[1:]:
            found, allowed = (list(one.shape[1:]) for one in (test_images, images))
            raise InputError(f"{folder / 'test'}: images of {found}; allowed: {allowed}, as in train")
    return Dataset(
        train_images=images,
        train_labels=labels,
        test_images=test_images,
        test_labels=test_labels,
        names=parse_names(str(folder / "train"), "folders", names["train"], len(names["train"])),
    )
