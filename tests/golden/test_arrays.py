"""Reading .npy files: the same arrays as NumPy, and nothing else."""

import io
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hdlgen import golden
from hdlgen.errors import InputError
from hdlgen.golden import read_array


def content(array: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, array)
    return buffer.getvalue()


GOOD = content(np.arange(12, dtype=np.uint8).reshape(3, 4))


@pytest.mark.parametrize("dtype", ["u1", "i2", ">i4", "i8", "f4", "?"])
@pytest.mark.parametrize("order", ["C", "F"])
def test_reads_what_numpy_wrote(tmp_path: Path, dtype: str, order: str) -> None:
    array = np.asarray(np.arange(24).reshape(4, 6).astype(dtype), order=order)
    file = tmp_path / "x.npy"
    file.write_bytes(content(array))
    result = read_array(file)
    assert result.dtype == array.dtype
    assert (result == array).all()


LENGTHS = "allowed: a tuple of up to 32 lengths, of 134217728 elements together"


def header(shape: str) -> bytes:
    text = f"{{'descr': '|u1', 'fortran_order': False, 'shape': {shape}}}\n".encode()
    return b"\x93NUMPY\1\0" + len(text).to_bytes(2, "little") + text


def test_refused(tmp_path: Path) -> None:
    file = tmp_path / "x.npy"
    with pytest.raises(InputError) as caught:
        read_array(file)
    assert str(caught.value) == f"{file}: cannot be read: No such file or directory"
    huge = GOOD.replace(b"(3, 4), }      ", b"(3, 4000000)}  ")
    assert huge != GOOD
    for data, message in [
        (GOOD[:-1], "an array of shape [3, 4] and dtype uint8 needs 12 bytes; the file has 11"),
        (GOOD + b"x", "an array of shape [3, 4] and dtype uint8 needs 12 bytes; the file has 13"),
        (huge, "an array of shape [3, 4000000] and dtype uint8 needs 12000000 bytes; the file has 12"),
        (GOOD.replace(b"(3, 4), ", b"(3,-4), "), f"shape is (3, -4); {LENGTHS}"),
        (
            header("(134217728,)"),
            "an array of shape [134217728] and dtype uint8 needs 134217728 bytes; the file has 0",
        ),
        (header("(134217729,)"), f"shape is (134217729,); {LENGTHS}"),
        (
            header("(" + "1, " * 40 + ")"),
            f"shape is (1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,...; {LENGTHS}",
        ),
        (header(f"({'9' * 4000}, {'9' * 4000})"), f"shape is ({'9' * 56}...; {LENGTHS}"),
        (header(f"({'9' * 5000},)"), "damaged header; allowed: a .npy file, as numpy.save writes it"),
        (header("(0x" + "f" * 9000 + ",)"), f"shape is a tuple; {LENGTHS}"),
        (GOOD.replace(b"{", b"("), "damaged header; allowed: a .npy file, as numpy.save writes it"),
        (b"\x93NUMPY\2\0\xff\xff\xff\xff", "header claims 4294967295 bytes; allowed: up to 65536"),
        (b"", "no .npy file; allowed: an array of integers, as numpy.save writes it"),
        (b"PK\3\4", "no .npy file; allowed: an array of integers, as numpy.save writes it"),
        (content(np.array(["a"])), "dtype is '<U1'; allowed: integers"),
        (content(np.array([1j])), "dtype is '<c16'; allowed: integers"),
    ]:
        file.write_bytes(data)
        with pytest.raises(InputError) as caught:
            read_array(file)
        assert str(caught.value) == f"{file}: {message}"


def test_pickle_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "x.npy"
    buffer = io.BytesIO()
    np.save(buffer, np.array([{}], dtype=object), allow_pickle=True)
    file.write_bytes(buffer.getvalue())
    with pytest.raises(InputError) as caught:
        read_array(file)
    assert str(caught.value) == f"{file}: dtype is '|O'; allowed: integers"


@settings(max_examples=200, deadline=None)
@given(position=st.integers(0, len(GOOD) - 1), value=st.integers(0, 255), length=st.integers(0, len(GOOD)))
def test_damaged(tmp_path_factory: pytest.TempPathFactory, position: int, value: int, length: int) -> None:
    """An array, or one InputError of one line."""
    file = tmp_path_factory.getbasetemp() / "damaged.npy"
    data = bytearray(GOOD)
    data[position] = value
    for damaged in (bytes(data), GOOD[:length]):
        file.write_bytes(damaged)
        message = None
        try:
            assert isinstance(read_array(file), np.ndarray)
        except InputError as error:
            message = str(error)
        assert message is None or (message.startswith(f"{file}: ") and "\n" not in message)


def test_labels() -> None:
    """The first that is none of the classes, wherever the least and the greatest are."""
    labels = np.array([9, 10, -1, 99])
    assert golden.check_labels(labels[:1], "l.npy", 1, 10).tolist() == [9]
    with pytest.raises(InputError, match=r"^l\.npy: element \[1\] is 10; allowed: 0\.\.9$"):
        golden.check_labels(labels, "l.npy", 4, 10)
    with pytest.raises(InputError, match=r"^l\.npy: element \[2\] is -1; allowed: 0\.\.1048575$"):
        golden.check_labels(labels, "l.npy", 4)
    with pytest.raises(InputError, match=r"^l\.npy: element \[0\] is 18446744073709551615; allowed: 0\.\.9$"):
        golden.check_labels(np.array([2**64 - 1], np.uint64), "l.npy", 1, 10)
    with pytest.raises(InputError, match=r"^l\.npy: labels are float64 \[4\]; allowed: integers \[4\]$"):
        golden.check_labels(labels / 1, "l.npy", 4, 10)
