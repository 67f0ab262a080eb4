"""The kit finds what is wrong with a component, and names the contract that it breaks."""

from __future__ import annotations

import importlib
import unittest
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from albefkit.registry import Registrable
from albefkit.registry.catalogue import find, load
from albefkit.registry.errors import ComponentError
from albefkit.testing import ContractBroken, checks, conformance
from albefkit.testing.door import KITS
from tests.testing.components import BUILT_IN
from tests.testing.mutants import alignments, encoders, fusions, objectives, others

MUTANTS = {
    "vision": encoders.VISION,
    "text": encoders.TEXT,
    "fusion": fusions.FUSION,
    "keys": alignments.KEYS,
    "negatives": alignments.NEGATIVES,
    "objective": objectives.OBJECTIVES,
    "teacher": objectives.TEACHERS,
    "schedule": others.SCHEDULES,
    "optimizer": others.OPTIMIZERS,
    "dataset": others.DATASETS,
    "evaluator": others.EVALUATORS,
}
"""Kind -> a wrong component -> the contract that it breaks."""

LOUD = '''
"""A module that does something when it is imported."""

from albefkit.distill.constant import Constant

{act}


class Loud(Constant):
    """The same value throughout."""
'''


@pytest.fixture(scope="module", autouse=True)
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ALBEFKIT_HOME", str(tmp_path_factory.mktemp("home")))
        yield


def original(kind: str, mutant: type[Registrable]) -> str:
    """The built-in component that a mutant is made of; the kit passes it in `test_builtins`."""
    classes = {load(find(kind, name)): name for of, name in BUILT_IN if of == kind}
    return next(classes[each] for each in mutant.__mro__ if each in classes)


def broken(kind: str, component: str | type[Registrable], **said: object) -> dict[str, str]:
    """The contracts that a component breaks, and what is said about each."""
    found = {}
    for check in checks(kind, component, **said):  # type: ignore[arg-type]
        try:
            check()
        except ContractBroken as error:
            found[error.contract] = str(error)
        except unittest.SkipTest:
            pass
    return found


@pytest.mark.parametrize(
    ("kind", "mutant", "contract"),
    [
        pytest.param(kind, mutant, contract, id=f"{kind}-{mutant.__name__}")
        for kind, named in MUTANTS.items()
        for mutant, contract in named.items()
    ],
)
def test_what_is_wrong_is_found_and_named(kind: str, mutant: type[Registrable], contract: str):
    found = broken(kind, mutant, **BUILT_IN[kind, original(kind, mutant)])
    assert contract in found, f"found instead: {found}"
    assert mutant.__name__ in found[contract] and "\n    seen: " in found[contract]


@pytest.mark.parametrize(
    ("act", "seen"),
    [
        ("print('hello')", "prints 'hello'"),
        ("import torch; torch.manual_seed(3)", "changes torch's global generator"),
        ("import torch; torch.set_num_threads(1)", "changes torch's number of threads"),
        ("import os; os.environ['ALBEFKIT_LOUD'] = '1'", "changes the environment"),
        ("open('settings.json', 'w').close()", "changes the working directory"),
    ],
)
def test_a_module_that_acts_when_imported_is_found(
    act: str, seen: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ALBEFKIT_LOUD", "0")
    file = tmp_path / "loud.py"
    said = {"options": {"value": 0.1}}
    file.write_text(LOUD.format(act=f"SILENT = {act!r}"))
    assert broken("schedule", f"{file}:Loud", **said) == {}
    file.write_text(LOUD.format(act=act))
    with torch.random.fork_rng(devices=[]):
        found = broken("schedule", f"{file}:Loud", **said)
    assert set(found) == {"import-changes-nothing"}
    assert seen in found["import-changes-nothing"]


def test_a_decorator_makes_one_test_of_each_contract():
    mark = conformance("schedule", "constant", options={"value": 0.1}).mark
    assert mark.name == "parametrize" and mark.args[0] == "check"
    found = checks("schedule", "constant", options={"value": 0.1})
    assert [str(each) for each in mark.args[1]] == [str(each) for each in found]
    assert len(found) > 5 and mark.kwargs["ids"] is str


def test_a_failure_says_what_was_seen_and_where_to_read():
    with pytest.raises(ContractBroken) as caught:
        for check in checks("schedule", others.CountsCalls, options={"value": 1.0}):
            check()
    lines = str(caught.value).splitlines()
    assert lines[0] == "schedule 'CountsCalls' breaks the contract 'is-a-function-of-progress'"
    assert lines[1].startswith("    the contract: The same progress gives the same number")
    assert lines[2].startswith("    seen: 1.0 and, asked in another order, 0.0")
    assert lines[3].startswith("    read: albefkit.distill.schedules:Schedule; CONTRIBUTING.md")


def test_what_cannot_be_said_in_a_recipe_is_told_as_a_recipe_would():
    found = broken("schedule", "constant", options={"valeu": 1.0})
    assert "Did you mean 'value'" in found["can-be-built"]
    with pytest.raises(ComponentError, match="there is no kind 'visoin'"):
        checks("visoin", "patches")


def test_every_contract_that_names_a_class_names_one_that_there_is():
    for _, contracts in KITS.values():
        for contract in contracts:
            module, _, name = contract.read.partition(":")
            assert hasattr(importlib.import_module(module), name)
            assert contract.sentence.endswith(".")


def test_every_contract_is_broken_by_somebody():
    broken_here = {
        contract.check
        for kind, (_, contracts) in KITS.items()
        for contract in contracts
        if contract.name in MUTANTS[kind].values()
    }
    left = {
        (kind, contract.name)
        for kind, (_, contracts) in KITS.items()
        for contract in contracts
        if contract.check not in broken_here
    }
    assert left == {("vision", "padding-changes-nothing")}  # no built-in has padding: see plugins
