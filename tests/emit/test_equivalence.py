"""What `scripts/equivalence.py` proves, and finds out."""

import importlib.util
import sys
from pathlib import Path

from hdlgen.emit import verilog
from hdlgen.gateware.uart import UartTransmitter

spec = importlib.util.spec_from_file_location("equivalence", Path(__file__).parents[2] / "scripts" / "equivalence.py")
assert spec is not None
assert spec.loader is not None
equivalence = importlib.util.module_from_spec(spec)
sys.modules[spec.name] = equivalence
spec.loader.exec_module(equivalence)


def test_a_component(tmp_path: Path) -> None:
    """The Verilog of a sender is proved to be what it was made of; another step, and another start, are not."""
    (one,) = equivalence.written(lambda: verilog.convert(UartTransmitter(5), "sender", "bytes to a line"))
    assert equivalence.unproven(one, {}, one.text, tmp_path) == []
    for right, wrong in (("tx <= shift[0]", "tx <= shift[1]"), ("    tx = 1'b1", "    tx = 1'b0")):
        changed = one.text.replace(right, wrong)
        assert changed != one.text
        assert equivalence.unproven(one, {}, changed, tmp_path)
