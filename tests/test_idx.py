"""Reading idx files: good ones in every spelling, bad ones with one clear line."""

import gzip
import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hdlgen import idx
from hdlgen.errors import InputError


def encode(array: np.ndarray) -> bytes:
    header = bytes([0, 0, 8, array.ndim]) + b"".join(size.to_bytes(4, "big") for size in array.shape)
    return header + array.astype(np.uint8).tobytes()


IMAGES = np.arange(3 * 4 * 5).reshape(3, 4, 5)
LABELS = np.array([0, 2, 1])


def write_folder(
    folder: Path, *, separator: str = "-", compress: bool = True, parts: tuple[str, ...] = ("train", "t10k")
) -> None:
    for part in parts:
        for name, array in ((f"images{separator}idx3", IMAGES), (f"labels{separator}idx1", LABELS)):
            data = encode(array)
            path = folder / f"{part}-{name}-ubyte{'.gz' if compress else ''}"
            path.write_bytes(gzip.compress(data) if compress else data)


@pytest.mark.parametrize("separator", ["-", "."])
@pytest.mark.parametrize("compress", [True, False])
def test_folder(tmp_path, separator, compress):
    write_folder(tmp_path, separator=separator, compress=compress)
    dataset = idx.read_folder(tmp_path)
    assert np.array_equal(dataset.train_images, IMAGES)
    assert np.array_equal(dataset.train_labels, LABELS)
    assert np.array_equal(dataset.test_images, IMAGES)
    assert np.array_equal(dataset.test_labels, LABELS)
    assert dataset.train_images.dtype == dataset.train_labels.dtype == np.uint8
    assert dataset.classes == 3


def test_folder_without_test_set(tmp_path):
    write_folder(tmp_path, parts=("train",))
    dataset = idx.read_folder(tmp_path)
    assert dataset.test_images is None
    assert dataset.test_labels is None


def test_gzip_is_recognised_by_content_not_by_name(tmp_path):
    path = tmp_path / "labels"
    path.write_bytes(gzip.compress(encode(LABELS)))
    assert np.array_equal(idx.read(path, 1), LABELS)


DATA = encode(IMAGES)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "begins with nothing; allowed: an idx file, 00000803"),
        (b"\x89PNG....", "begins with 89504e47; allowed: an idx file, 00000803"),
        (encode(LABELS), "idx type 0x08 with 1 dimensions; allowed: 0x08 (bytes) with 3"),
        (b"\0\0\x0d\x03" + DATA[4:], "idx type 0x0d with 3 dimensions; allowed: 0x08 (bytes) with 3"),
        (DATA[:11], "header has 11 bytes of 16; truncated"),
        (DATA[:-1], "shape [3, 4, 5] needs 60 bytes of data, there are 59; truncated"),
        (DATA + b"\0", "shape [3, 4, 5] needs 60 bytes of data, there are more than 60; too long"),
        (encode(np.zeros((0, 4, 5))), "shape is [0, 4, 5]; allowed: 1..1073741824 bytes in all"),
        (
            DATA[:4] + b"\xff" * 12,
            "shape is [4294967295, 4294967295, 4294967295]; allowed: 1..1073741824 bytes in all",
        ),
    ],
)
def test_bad_file(tmp_path, content, message):
    for name, data in (("plain", content), ("packed.gz", gzip.compress(content))):
        path = tmp_path / name
        path.write_bytes(data)
        with pytest.raises(InputError, match=f"^{re.escape(f'{path}: {message}')}$"):
            idx.read(path, 3)


@given(st.integers(3, len(gzip.compress(DATA, mtime=0)) - 1))
def test_truncated_gzip(tmp_path_factory, length):
    path = tmp_path_factory.mktemp("idx") / "images.gz"
    path.write_bytes(gzip.compress(DATA, mtime=0)[:length])
    with pytest.raises(InputError, match=f"^{re.escape(str(path))}: damaged gzip file: .+$"):
        idx.read(path, 3)


@given(st.binary(max_size=64))
def test_any_bytes_are_read_or_refused(tmp_path_factory, content):
    path = tmp_path_factory.mktemp("idx") / "labels"
    path.write_bytes(content)
    length = int.from_bytes(content[4:8], "big")
    if content[:4] == b"\0\0\x08\x01" and length == len(content) - 8 > 0:
        assert idx.read(path, 1).tobytes() == content[8:]
        return
    with pytest.raises(InputError, match=rf"^{re.escape(str(path))}: [^\n]+$"):
        idx.read(path, 1)


def test_bad_folder(tmp_path):
    with pytest.raises(InputError, match=r": no such folder; allowed: a folder with train-images-idx3-ubyte\.gz"):
        idx.read_folder(tmp_path / "missing")
    with pytest.raises(InputError, match=r": no file train-images-idx3-ubyte\.gz \(or without \.gz\)$"):
        idx.read_folder(tmp_path)
    write_folder(tmp_path, compress=False)
    (tmp_path / "t10k-labels-idx1-ubyte").unlink()
    with pytest.raises(InputError, match=r": no file t10k-labels-idx1-ubyte\.gz \(or without \.gz\)$"):
        idx.read_folder(tmp_path)
    (tmp_path / "t10k-labels-idx1-ubyte").write_bytes(encode(np.zeros(4)))
    with pytest.raises(InputError, match=r"t10k-labels-idx1-ubyte: 4 labels for the 3 images of .*t10k-images"):
        idx.read_folder(tmp_path)
    (tmp_path / "t10k-labels-idx1-ubyte").write_bytes(encode(LABELS))
    (tmp_path / "t10k-images-idx3-ubyte").write_bytes(encode(np.zeros((3, 4, 4))))
    with pytest.raises(InputError, match=r": test images are \[4, 4\], training images \[4, 5\]; allowed: the same"):
        idx.read_folder(tmp_path)
