"""Write hdlgen/sequences/new-joe-kuo-6.txt from the table that SciPy ships.

Command: python scripts/extract_direction_numbers.py

The numbers are those of the file new-joe-kuo-6.21201 of S. Joe and F. Y. Kuo, in that file's own layout, for the
first 1024 dimensions.
"""

from pathlib import Path

import numpy as np
import scipy.stats

DIMENSIONS = 1024
TABLE = Path(scipy.stats.__file__).parent / "_sobol_direction_numbers.npz"
TARGET = Path(__file__).parent.parent / "hdlgen" / "sequences" / "new-joe-kuo-6.txt"


def main() -> None:
    with np.load(TABLE) as table:
        polynomials = table["poly"][:DIMENSIONS].tolist()
        initial = table["vinit"][:DIMENSIONS].tolist()
    lines = ["d s a m_i"]
    for dimension in range(1, DIMENSIONS):  # the first dimension, van der Corput's, is not in the file
        degree = polynomials[dimension].bit_length() - 1
        inner = (polynomials[dimension] >> 1) & ((1 << (degree - 1)) - 1)  # without the leading and the last 1
        numbers = " ".join(str(m) for m in initial[dimension][:degree])
        lines.append(f"{dimension + 1} {degree} {inner} {numbers}")
    TARGET.write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
