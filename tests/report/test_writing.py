"""A report's files, and the study back from one of them."""

import json
import math

import pytest

from albefkit.registry.errors import DataError
from albefkit.report.writing import read_study, write_report
from tests.report.made_up import ALL, HEADLINE, swept


@pytest.mark.parametrize("make", ALL.values(), ids=ALL)
def test_a_study_is_read_back_as_it_was(make, tmp_path):
    files = write_report(make(), tmp_path / "new" / "folder")
    names = ["study.json", "table.md", "table.csv", "table.tex", "report.html"]
    assert [file.name for file in files] == names
    assert set(files[0].parent.iterdir()) == set(files)
    assert read_study(files[0]) == make()


def test_what_is_no_number_survives_json(tmp_path):
    made = swept()
    made.rows[1].metrics[HEADLINE].update({42: math.inf, 43: math.nan})
    made.rows[1].curves[0].values[42][3] = math.nan
    [path, *_] = write_report(made, tmp_path)
    json.loads(path.read_text(encoding="utf-8"), parse_constant=pytest.fail)
    found = read_study(path).rows[1]
    assert found.metrics[HEADLINE][42] == math.inf
    assert math.isnan(found.metrics[HEADLINE][43]) and math.isnan(found.curves[0].values[42][3])


def test_an_earlier_report_is_replaced(tmp_path):
    for make in (ALL["unfinished"], swept):
        [path, *_] = write_report(make(), tmp_path)
    assert read_study(path) == swept()
    assert len(list(tmp_path.iterdir())) == 5


@pytest.mark.parametrize("text", ["", "[1]", '{"rows": []}', '{"title": 3}'])
def test_what_is_no_study_is_refused(text, tmp_path):
    path = tmp_path / "study.json"
    path.write_text(text)
    with pytest.raises(DataError, match=r"study\.json"):
        read_study(path)


def test_a_file_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(DataError, match="cannot be read"):
        read_study(tmp_path / "study.json")
