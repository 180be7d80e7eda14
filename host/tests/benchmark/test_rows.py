"""What `picoinfuse bench` makes of its measurements."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from picoinfuse.benchmark import document
from picoinfuse.benchmark.reading import Found, Row, at_least, at_most, number
from picoinfuse.benchmark.rows import ROWS, SUITE
from picoinfuse.benchmark.step_timing import _timing

ROW = Row("speed", "virtual s / wall s", at_least(1000), lambda say: Found(0))


def test_an_aim_is_reached_at_its_bound() -> None:
    assert at_least(100).reached(100)
    assert not at_least(100).reached(99.9)
    assert at_most(90).reached(90)
    assert not at_most(90).reached(90.1)


def test_numbers_have_three_digits_that_matter() -> None:
    assert [number(value) for value in (1234.5, 99.94, 1.2345, 0.012345)] == ["1234", "99.9", "1.23", "0.0123"]


def test_each_row_has_a_name_of_its_own() -> None:
    names = [row.name for row in (*ROWS, SUITE)]
    assert len(set(names)) == len(names)


def test_tables_go_between_the_markers_and_the_rest_stays(tmp_path: Path) -> None:
    file = tmp_path / "performance.md"
    file.write_text(f"# Before\n{document.BEGIN}\nold\n{document.END}\nafter\n", encoding="utf-8")
    table = document.markdown(document.HEAD, [document.cells(ROW, Found(400, "half as much yesterday"))])
    document.write(file, [table, "second"])
    document.write(file, [table, "second"])
    text = file.read_text(encoding="utf-8")
    assert text.startswith(f"# Before\n{document.BEGIN}\n")
    assert text.endswith(f"{document.END}\nafter\n")
    assert "old" not in text
    assert text.count("| speed | 400 | virtual s / wall s | ≥ 1000 | not reached | half as much yesterday |") == 1


def test_a_document_without_markers_is_refused_and_kept(tmp_path: Path) -> None:
    file = tmp_path / "performance.md"
    file.write_text("# Mine\n", encoding="utf-8")
    with pytest.raises(document.NoPlaceForTables):
        document.write(file, ["table"])
    assert file.read_text(encoding="utf-8") == "# Mine\n"


def test_step_timing_counts_what_is_lost_by_the_generators_own_period() -> None:
    # 99 µs for 100: 101 edges, two of them lost, one edge 5 µs late.
    edges = np.arange(101) * 99_000
    edges[50] += 5_000
    kept = np.delete(edges, [20, 21])
    timing = _timing(kept, 10_000.0, 99_000, "timer")
    assert timing.lost == 2
    # 100 periods of 99 µs in 98 intervals: 101.0204 µs for 100
    assert timing.mean_ppm == pytest.approx(10_204, abs=1)
    assert timing.worst_us == pytest.approx(197)  # three periods are 297 µs
    assert timing.beside == ""


def test_step_timing_ends_where_the_board_was_reset() -> None:
    edges = np.concatenate((np.arange(50) * 1_000_000, [10 * 10**9]))
    timing = _timing(edges, 1000.0, 1_000_000, "timer", "NameError")
    assert (timing.lost, timing.worst_us) == (0, 0)
    assert timing.beside == "the program ended after 0.0 s, NameError"
