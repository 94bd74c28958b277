# SPDX-FileCopyrightText: The nativeconc authors
# SPDX-License-Identifier: BSD-3-Clause

"""The result: rows, and every way to show it."""

from __future__ import annotations

import json
from html.parser import HTMLParser

import pytest

from nativeconc.comparison.render_json import SCHEMA
from nativeconc.comparison.study import Study
from nativeconc.comparison.ways import Way


def find(comparison, way, threads, kernel="first"):
    return next(
        row
        for row in comparison.rows()
        if (row.kernel, row.way, row.threads) == (kernel, way, threads)
    )


def test_there_is_a_row_for_every_kernel_way_and_number_of_threads(comparison) -> None:
    assert len(comparison.rows()) == 2 * 5 * 3
    assert comparison.complete


def test_speedups_are_over_one_thread_of_the_same_way(comparison) -> None:
    assert find(comparison, Way.RELEASED, 2).speedup == pytest.approx(1.9)
    assert find(comparison, Way.POOL, 4).speedup == pytest.approx(3.8)
    assert find(comparison, Way.HELD, 2).speedup == pytest.approx(1.0)
    assert find(comparison, Way.PYTHON, 4).speedup == pytest.approx(1.0)


def test_pure_python_is_compared_per_unit_of_work(comparison) -> None:
    assert find(comparison, Way.PYTHON, 1).unit_ns == pytest.approx(1000.0)
    assert find(comparison, Way.RELEASED, 1).unit_ns == pytest.approx(10.0)
    assert find(comparison, Way.RELEASED, 1).versus_python == pytest.approx(100.0)
    assert find(comparison, Way.RELEASED, 2).versus_python == pytest.approx(190.0)


def test_stalls_leave_out_the_idle_lateness(comparison) -> None:
    held = find(comparison, Way.HELD, 2).stall
    assert held.median_s == pytest.approx(0.02)
    assert held.max_s == pytest.approx(0.03)


def test_rows_are_frozen(comparison) -> None:
    with pytest.raises(AttributeError):
        comparison.rows()[0].speedup = 99.0
    with pytest.raises(AttributeError):
        comparison.complete = False


def test_the_table_is_readable_at_100_columns(comparison) -> None:
    text = comparison.table(100)
    assert max(len(line) for line in text.splitlines()) <= 100
    for words in (
        "first",
        "second",
        "native, GIL held",
        "native, own pool",
        "1.90x",
        "20.0 / 30.0",
    ):
        assert words in text
    assert " ".join(text.split("\n\n")[-1].split()) == comparison.verdict
    assert str(comparison) == text


@pytest.mark.parametrize("width", [0, -1])
def test_a_table_has_at_least_one_column(comparison, width) -> None:
    with pytest.raises(ValueError, match=f"width must be at least 1, not {width}"):
        comparison.table(width)


def test_noise_is_marked_and_said(case_maker, fake_harness, machine) -> None:
    harness = fake_harness(factors=[1.0, 1.6, 1.3, 0.9, 2.0, 1.1, 1.7])
    study = Study([case_maker()], (1, 2), harness=harness, machine=machine, repeat=7)
    study.run()
    text = study.result().table()
    assert "~" in text
    assert "spread too much to conclude from" in text


def test_json_is_complete_and_versioned(comparison, tmp_path) -> None:
    path = tmp_path / "out.json"
    text = comparison.to_json(path)
    assert path.read_text(encoding="utf-8") == text
    document = json.loads(text)
    assert document["schema"] == SCHEMA
    assert document["verdict"] == comparison.verdict
    assert document["machine"]["cpu"] == "Some CPU <fast>"
    assert document["parameters"]["threads"] == [1, 2, 4]
    assert len(document["rows"]) == len(comparison.rows())
    row = document["rows"][0]
    assert set(row["wall_s"]) == {"count", "min", "median", "max", "middle_half_over_median"}
    assert row["way"] == "python"
    assert row["wall_s"]["count"] == 5
    assert row["bystander_stall_s"]["median"] >= 0


class Checker(HTMLParser):
    """Every tag is closed in order; collects what the page would fetch."""

    def __init__(self):
        super().__init__()
        self.open = []
        self.fetched = []
        self.tags = []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        if tag != "meta":
            self.open.append(tag)
        self.fetched += [value for name, value in attrs if name in ("src", "href")]

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def test_html_is_well_formed_and_needs_nothing_else(comparison, tmp_path) -> None:
    path = tmp_path / "out.html"
    page = comparison.to_html(path)
    assert path.read_text(encoding="utf-8") == page
    checker = Checker()
    checker.feed(page)
    checker.close()
    assert checker.open == []
    assert checker.fetched == []
    assert "http" not in page
    assert checker.tags.count("svg") == 4
    assert "Some CPU &lt;fast&gt;" in page
    assert comparison.verdict in page


def test_html_carries_its_data(comparison) -> None:
    page = comparison.to_html()
    start = page.index(">", page.index('<script type="application/json"')) + 1
    data = json.loads(page[start : page.index("</script>", start)])
    assert data == json.loads(comparison.to_json())


def test_a_notebook_gets_the_page_without_its_head(comparison) -> None:
    fragment = comparison._repr_html_()
    assert fragment.startswith('<div class="nativeconc">')
    assert "<html" not in fragment


@pytest.mark.parametrize("kind", ["png", "svg"])
def test_the_plot_is_saved(comparison, tmp_path, kind) -> None:
    path = tmp_path / f"out.{kind}"
    figure = comparison.plot(path)
    assert path.stat().st_size > 10_000
    assert len(figure.axes) == 4


def test_an_interrupted_study_shows_what_it_has(case_maker, fake_harness, machine) -> None:
    harness = fake_harness()
    cases = [case_maker("first"), case_maker("second")]
    study = Study(cases, (1, 2), harness=harness, machine=machine, repeat=5)
    harness.interrupt_after = 60
    with pytest.raises(KeyboardInterrupt):
        study.run()
    result = study.result()
    assert not result.complete
    assert {row.kernel for row in result.rows()} == {"first"}
    assert "Interrupted" in result.table()
    assert json.loads(result.to_json())["complete"] is False
    assert result.to_html()


def test_an_empty_result_can_be_shown(case_maker, fake_harness, machine) -> None:
    study = Study([case_maker()], (1, 2), harness=fake_harness(), machine=machine)
    result = study.result()
    assert result.rows() == ()
    assert "Nothing was measured" in result.table()
    assert result.to_html()
    assert result.to_json()
    assert result.plot().axes == []


def test_a_budget_is_kept(case_maker, fake_harness, machine) -> None:
    harness = fake_harness()
    cases = [case_maker(str(index)) for index in range(4)]
    study = Study(cases, (1, 2), harness=harness, machine=machine, budget_s=40.0)
    study.run()
    assert study.result().elapsed_s < 40.0
    assert all(row.wall_s.count == 5 for row in study.result().rows())


def test_a_small_budget_cuts_repeats_and_says_so(case_maker, fake_harness, machine) -> None:
    study = Study([case_maker()], (1, 2), harness=fake_harness(), machine=machine, budget_s=0.1)
    study.run()
    result = study.result()
    assert {row.wall_s.count for row in result.rows()} == {1}
    assert all(row.stall is not None for row in result.rows())
    assert any("fewer than three" in doubt for doubt in result.doubts)
