"""The golden model of recurrent networks against plain loops in Python's integers."""

import dataclasses
import io
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hdlgen import golden
from hdlgen.cli import main
from hdlgen.errors import InputError
from hdlgen.golden import recurrent
from hdlgen.network import RecurrentNetwork, load, save, verify_recurrent
from hdlgen.topology.bands import band_ranges, head_ranges

from ..recurrent import CELLS, loop, make, recurrent_networks, sequences

VECTORS = Path(__file__).parent.parent / "vectors"


def small(cell: str = "gru", **options: Any) -> RecurrentNetwork:
    choices = {"cell": cell, "width": 6, "band": 3} | options
    return make(np.random.default_rng(3), inputs=4, bands=[choices], dense=(3,))


@settings(max_examples=300, deadline=None)
@given(recurrent_networks(), st.lists(st.integers(1, 7), min_size=1, max_size=4))
def test_equals_the_loops(network: RecurrentNetwork, lengths: list[int]) -> None:
    verify_recurrent(network)
    x = sequences(network, lengths)
    traced = golden.trace(network, x, np.array(lengths))
    last = golden.evaluate(network, x, np.array(lengths))
    every = golden.evaluate(network, x, np.array(lengths), every_step=True)
    assert last.dtype == every.dtype == np.int64
    assert np.array_equal(traced.outputs, every)
    start = 0
    for index, length in enumerate(lengths):
        part = slice(start, start + length)
        states, outputs = loop(network, x[part])
        for layer, expected in zip(traced.layers, states, strict=True):
            assert layer["state"][part].tolist() == expected
        assert every[part].tolist() == outputs
        assert last[index].tolist() == outputs[-1]
        start += length


@settings(max_examples=60, deadline=None)
@given(recurrent_networks(), st.lists(st.integers(1, 7), min_size=1, max_size=6))
def test_diagonal_by_diagonal_equals_matrices(network: RecurrentNetwork, lengths: list[int]) -> None:
    """What wide layers with narrow bands use; and sequences in batches of one."""
    x = sequences(network, lengths)
    expected = golden.evaluate(network, x, np.array(lengths))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(recurrent, "_DENSE_LIMIT", 0)
        patch.setattr(recurrent, "_BATCH_VALUES", 1)
        assert np.array_equal(golden.evaluate(network, x, np.array(lengths)), expected)


@settings(max_examples=60, deadline=None)
@given(recurrent_networks())
def test_ranges_hold(network: RecurrentNetwork) -> None:
    x = sequences(network, [5, 9])
    traced = golden.trace(network, x, np.array([5, 9]))
    for number, (values, ranges) in enumerate(zip(traced.layers, band_ranges(network), strict=True), 1):
        for name, interval in [
            ("input", ranges.input),
            ("recurrent", ranges.recurrent),
            ("state", ranges.state),
            ("candidate", ranges.candidate),
            ("query", ranges.query),
        ]:
            if interval is not None:
                assert interval.low <= int(values[name].min()) <= int(values[name].max()) <= interval.high
        acc = values["input"] + network.gate_bias(number) + values["recurrent"]
        if network.band(number).cell == "gru":
            acc = acc[:, :2]
        assert ranges.accumulator.low <= int(acc.min()) <= int(acc.max()) <= ranges.accumulator.high
    for reached in head_ranges(network)[-1:]:
        assert reached.low <= int(traced.outputs.min()) <= int(traced.outputs.max()) <= reached.high


def test_ranges_are_reached() -> None:
    """One input, one neuron: in = -2 x, R = 3 h, bias 100."""
    network = make(np.random.default_rng(0), inputs=1, bands=[{"cell": "tanh", "width": 1, "band": 1, "shift": 0}])
    tensors = {"l1.in": np.array([[-2]]), "l1.u": np.array([[[3]]]), "l1.bias": np.array([[100]], np.int32)}
    network = dataclasses.replace(network, tensors=tensors)
    (reached,) = band_ranges(network)
    assert (reached.product.low, reached.product.high) == (-254, 256)
    assert (reached.recurrent.low, reached.recurrent.high) == (-384, 381)
    # On the way the sum may stand without the bias.
    assert (reached.accumulator.low, reached.accumulator.high) == (-254 - 384, 256 + 381 + 100)
    assert reached.accumulator.bits == 11
    assert reached.pre_low.tolist() == [[-254 - 384 + 100]]


@pytest.mark.parametrize("cell", CELLS)
def test_two_hundred_steps_and_one(cell: str) -> None:
    """Sequences do not know of each other, whatever their order and length."""
    network = small(cell)
    lengths = np.array([1, 200, 1, 17])
    x = sequences(network, lengths.tolist())
    together = golden.evaluate(network, x, lengths)
    for index, part in enumerate(np.split(x, np.cumsum(lengths)[:-1])):
        assert np.array_equal(golden.evaluate(network, part, lengths[index : index + 1])[0], together[index])
    backwards = np.split(x, np.cumsum(lengths)[:-1])[::-1]
    assert np.array_equal(golden.evaluate(network, np.concatenate(backwards), lengths[::-1]), together[::-1])
    assert together[1].tolist() == loop(network, x[1:201])[1][-1]


def test_three_dimensions_are_sequences_of_one_length() -> None:
    network = small()
    x = sequences(network, [6] * 5)
    expected = golden.evaluate(network, x, np.full(5, 6))
    assert np.array_equal(golden.evaluate(network, x.reshape(5, 6, 4)), expected)
    assert golden.evaluate(network, np.zeros((0, 6, 4), np.int8)).shape == (0, 3)


def test_hard_functions() -> None:
    """sigmoid clamp(x/4 + 1/2, 0, 1) and tanh clamp(x, -1, 1), rounded half up."""
    network = small("gru", fraction=8, gate_bits=5, state_bits=4)
    layer = recurrent._Band(network, 1)
    v = np.arange(-600, 600)
    assert layer._hsig(v).tolist() == np.clip(np.floor((v / 256 / 4 + 0.5) * 16 + 0.5), 0, 16).tolist()
    assert layer._htanh(v, 8).tolist() == np.clip(np.floor(v / 256 * 8 + 0.5), -8, 7).tolist()
    fine = small("gru", fraction=3, gate_bits=6, state_bits=4)
    v = np.arange(-40, 40)
    assert recurrent._Band(fine, 1)._hsig(v).tolist() == np.clip(v + 16, 0, 32).tolist()  # no rounding


@pytest.mark.parametrize(
    ("x", "lengths", "message"),
    [
        (np.zeros((4, 4)), [4], "x: dtype is float64; allowed: integers"),
        (np.zeros((4, 5), int), [4], "x: shape is [4, 5]; allowed: [steps of all sequences, 4] (network 'random')"),
        (
            np.zeros((4, 4), int),
            None,
            "x: shape is [4, 4]; allowed: [sequences, steps, 4] (network 'random'), or [steps of all sequences, width]"
            " beside their lengths",
        ),
        (np.zeros((2, 0, 4), int), None, "x: shape is [2, 0, 4]; allowed: [sequences, steps, 4] (network 'random'),"),
        (np.zeros((4, 4), int), [4.0], "lengths: lengths are float64 [1]; allowed: integers [sequences]"),
        (np.zeros((4, 4), int), [[4]], "lengths: lengths are int64 [1, 1]; allowed: integers [sequences]"),
        (np.zeros((4, 4), int), [4, 0], "lengths: length [1] is 0; allowed: 1 and more, 4 in all"),
        (np.zeros((4, 4), int), [5, -1], "lengths: length [0] is 5; allowed: 1 and more, 4 in all"),
        (np.zeros((4, 4), int), [1, 2], "lengths: lengths are 3 steps in all; allowed: 4, the steps of x"),
        (np.full((4, 4), 128), [4], "x: element [0, 0] is 128; allowed: -128..127 (8 bits, signed)"),
        (np.full((4, 4), -129), [4], "x: element [0, 0] is -129; allowed: -128..127 (8 bits, signed)"),
    ],
)
def test_sequences_refused(x: np.ndarray, lengths: Any, message: str) -> None:
    for function in (golden.evaluate, golden.trace):
        with pytest.raises(InputError) as caught:
            function(small(), x, None if lengths is None else np.array(lengths))
        assert str(caught.value).startswith(message)


def test_path_networks_have_no_sequences() -> None:
    with pytest.raises(InputError, match=r"no recurrent network; allowed: inputs \[N, width\] without lengths$"):
        golden.evaluate(load(VECTORS / "tiny.safetensors"), np.zeros((2, 8), int), np.array([2]))


def big(network: RecurrentNetwork, **tensors: np.ndarray) -> RecurrentNetwork:
    return dataclasses.replace(network, tensors=network.tensors | tensors)


def quiet(cell: str, value: int, **options: Any) -> RecurrentNetwork:
    """All weights of the layer are ``value``, biases 0."""
    network = small(cell, band=1, bias=False, candidate_bias=False, **options)
    return big(
        network,
        **{
            "l1.in": np.full_like(network.tensors["l1.in"], value),
            "l1.u": np.full_like(network.tensors["l1.u"], value),
        },
    )


@pytest.mark.parametrize(
    ("network", "message"),
    [
        # W x reaches 4 * 128: 2^9, of which a shift by 10 leaves a rounded 1.
        (quiet("gru", -1, shift=11), "input shift is 11, which leaves nothing of sums of -508..512; allowed: 0..10"),
        # R reaches +-128 and in +-512: 640 is rounded to 1 by 10 bits.
        (
            quiet("tanh", 1, shift=0, fraction=18),
            "fraction is 18, which leaves nothing of the pre-activations -640..635 of gate 'a'; allowed: up to 17",
        ),
        (
            quiet("gru", 1, shift=0, fraction=20),
            "fraction is 20, which leaves nothing of the pre-activations -640..635 of gate 'r'; allowed: up to 15",
        ),
        (
            quiet("gru", 1, shift=0, state_bits=2, fraction=9, candidate_shift=3),
            "candidate shift is 3, which leaves nothing of sums of -2..1; allowed: 0..1",
        ),
        (
            quiet("tanh", 1, shift=0, state_table=8, table_shift=12),
            "state function shift is 12, which leaves nothing of sums of -640..635; allowed: 0..10",
        ),
        (
            quiet("ligru", 1, shift=0, gate_table=8, table_shift=12, fraction=7),
            "gate function shift is 12, which leaves nothing of sums of -512..763; allowed: 0..10",
        ),
    ],
    ids=lambda value: value[:20] if isinstance(value, str) else "",
)
def test_formats_that_lose_everything(network: RecurrentNetwork, message: str) -> None:
    verify_recurrent(network)
    with pytest.raises(InputError) as caught:
        golden.evaluate(network, np.zeros((1, 1, 4), int))
    assert str(caught.value) == f"network 'random': layer 1: {message}"


def test_the_largest_format_that_loses_not_everything() -> None:
    assert golden.trace(quiet("gru", -1, shift=10), np.full((1, 1, 4), -128)).layers[0]["input"].max() == 1
    state = golden.trace(quiet("tanh", 1, shift=0, fraction=17), np.full((1, 1, 4), -128)).layers[0]["state"]
    assert state.tolist() == [[0] * 6]  # in alone is -512, rounded up; with h it could be -640


def test_sums_beyond_64_bits_are_refused() -> None:
    """The formats exclude them; a network made in Python need not have been verified."""
    network, lstm = small("gru"), small("lstm")
    for bad, message in [
        (big(network, **{"l1.in": np.full((18, 4), 2**60)}), f"a sum of inputs could reach {2**60 * 128 * 4 + 2}"),
        (big(network, **{"l1.u": np.full((3, 3, 6), 2**60)}), "an accumulator could reach 442721857769029"),
        (big(lstm, **{"l1.bias": np.full((4, 6), -(2**63))}), "an accumulator could reach 9223372036854"),
    ]:
        with pytest.raises(InputError) as caught:
            golden.evaluate(bad, np.zeros((1, 1, 4), int))
        assert str(caught.value).startswith(f"network 'random': layer 1: {message}")
        assert str(caught.value).endswith("; allowed: 9223372036854775807 (64 bits signed)")


def test_a_table_that_sees_nothing_of_the_cell_state() -> None:
    """At 2^8 and of 16 bits it is read with a shift of 3 more than the gates, which are at 2^5."""

    def table(shift: int) -> RecurrentNetwork:
        return small("lstm", state_table=8, table_shift=shift, fraction=5, state_fraction=2)

    x = np.zeros((1, 1, 4), int)
    assert golden.evaluate(table(12), x).shape == (1, 3)
    with pytest.raises(InputError) as caught:
        golden.evaluate(table(13), x)
    assert str(caught.value) == (
        "network 'random': layer 1: cell state's function shift is 16, which leaves nothing of sums of -32768..32767;"
        " allowed: 0..15"
    )


def npz(**arrays: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays)
    return buffer.getvalue()


def run(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as caught:
        main(["evaluate", *map(str, arguments)])
    captured = capsys.readouterr()
    return int(caught.value.code or 0), captured.out, captured.err


def test_evaluate_verb(capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    network = small()
    save(network, "net.safetensors")
    lengths = np.array([3, 1, 5], np.int32)
    x = sequences(network, lengths.tolist()).astype(np.int8)
    y = golden.evaluate(network, x, lengths)
    labels = y.argmax(axis=1)
    labels[1] = (labels[1] + 1) % 3
    Path("x.npz").write_bytes(npz(x=x, lengths=lengths, labels=labels))
    Path("bare.npz").write_bytes(npz(x=x, lengths=lengths))
    np.save("x.npy", x[:8].reshape(2, 4, 4))
    np.save("labels.npy", y.argmax(axis=1))
    out = "y.npy: 3 x 3 outputs, 2 of 3 right (66.67%)\n"
    assert run(capsys, "net.safetensors", "-i", "x.npz", "-o", "y.npy") == (0, out, "")
    assert np.array_equal(np.load("y.npy"), y)
    out = "y.npy: 9 x 3 outputs, 2 of 3 right (66.67%)\n"
    assert run(capsys, "net.safetensors", "-i", "x.npz", "-o", "y.npy", "--every-step") == (0, out, "")
    assert np.array_equal(np.load("y.npy"), golden.evaluate(network, x, lengths, every_step=True))
    out = "y.npy: 3 x 3 outputs, 3 of 3 right (100.00%)\n"
    assert run(capsys, "net.safetensors", "-i", "x.npz", "-o", "y.npy", "--labels", "labels.npy") == (0, out, "")
    assert run(capsys, "net.safetensors", "-i", "bare.npz", "-o", "y.npy") == (0, "y.npy: 3 x 3 outputs\n", "")
    assert run(capsys, "net.safetensors", "-i", "x.npy", "-o", "y.npy") == (0, "y.npy: 2 x 3 outputs\n", "")
    np.save("x8.npy", np.zeros((2, 8), np.uint8))
    tiny = VECTORS / "tiny.safetensors"
    message = f"hdlgen: --every-step: {tiny} is no recurrent network; allowed with recurrent networks\n"
    assert run(capsys, tiny, "-i", "x8.npy", "-o", "z.npy", "--every-step") == (2, "", message)
    assert not Path("z.npy").exists()


GOOD = npz(x=np.zeros((4, 4), np.int8), lengths=np.array([3, 1]), labels=np.array([0, 1]))


def archive(**members: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as zipped:
        for name, data in members.items():
            zipped.writestr(name, data)
    return buffer.getvalue()


def member(array: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, array)
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (npz(x=np.zeros((4, 4), np.int8)), "has no lengths; required: x and lengths, as numpy.savez writes them"),
        (npz(lengths=np.array([4])), "has no x; required: x and lengths, as numpy.savez writes them"),
        (npz(x=np.zeros(1), lengths=np.array([4]), y=np.zeros(1)), "has 'y.npy'; allowed: x, lengths, labels, once"),
        (GOOD[: len(GOOD) // 2], "damaged archive: "),
        (b"PK\3\4", "damaged archive: "),
        (
            archive(**{"x.npy": b"nonsense", "lengths.npy": member(np.array([1]))}),
            "x: no .npy file; allowed: an array",
        ),
        (
            archive(**{"x.npy": member(np.zeros((4, 4), int))[:-1], "lengths.npy": member(np.array([1]))}),
            "x: an array of shape [4, 4] and dtype int64 needs 128 bytes; the file has 127",
        ),
        (
            archive(**{"x.npy": member(np.zeros((4, 4), int)), "lengths.npy": member(np.array(["a"]))}),
            "lengths: dtype is '<U1'; allowed: integers",
        ),
        (npz(x=np.zeros((4, 4), int), lengths=np.array([3, 2])), "lengths: lengths are 5 steps in all; allowed: 4"),
        (
            npz(x=np.zeros((4, 4), int), lengths=np.array([4]), labels=np.array([0, 1])),
            "labels: labels are int64 [2]",
        ),
        (member(np.zeros((4, 4), int)), "shape is [4, 4]; allowed: [sequences, steps, 4]"),
    ],
)
def test_evaluate_refuses(capsys: pytest.CaptureFixture[str], tmp_path: Path, data: bytes, message: str) -> None:
    save(small(), tmp_path / "net.safetensors")
    source = tmp_path / "x.npz"
    source.write_bytes(data)
    status, out, err = run(capsys, tmp_path / "net.safetensors", "-i", source, "-o", tmp_path / "y.npy")
    assert (status, out) == (2, "")
    assert err.startswith(f"hdlgen: {source}: {message}")
    assert err.count("\n") == 1
    assert not (tmp_path / "y.npy").exists()


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(st.integers(0, len(GOOD) - 1), st.integers(0, 255)), min_size=1, max_size=4))
def test_damaged_archives(tmp_path_factory: pytest.TempPathFactory, changes: list[tuple[int, int]]) -> None:
    data = bytearray(GOOD)
    for position, value in changes:
        data[position] = value
    file = tmp_path_factory.getbasetemp() / "damaged.npz"
    file.write_bytes(bytes(data))
    message = f"{file}: "
    try:
        golden.read_sequences(file)
    except InputError as error:
        message = str(error)
    assert message.startswith(f"{file}: ")
    assert "\n" not in message
