"""What evaluators found, as files: figures, a line per item, and what servers take."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from albefkit.engine.files import write_json, write_text
from albefkit.evaluation.base import Result

METRICS, PREDICTIONS = "metrics.json", "predictions.jsonl"
OF_ALL = ("classes", "confusion")
"""What a result has beside columns with an entry per item."""
ANSWERS = {"answer": "answers", "generated": "generated_answers"}
"""Column of answers to questions -> how the file for the server is called."""


def write_results(
    folder: Path,
    results: Mapping[str, Result],
    protocol: Mapping[str, Any],
    protocols: Mapping[str, Mapping[str, Any]],
) -> None:
    """Write an evaluation.

    Args:
        folder: there is none of these files in it.
        results: by evaluator.
        protocol: what they have in common.
        protocols: what each has of its own.
    """
    lines = [json.dumps(line, ensure_ascii=False) + "\n" for line in prediction_lines(results)]
    write_text(folder / PREDICTIONS, "".join(lines))
    for name, result in results.items():
        for column, what in ANSWERS.items():
            if "question_id" in result.items and column in result.items:
                write_json(folder / f"{name}_{what}.json", server_answers(result, column))
    evaluators = {
        name: {
            "metrics": result.metrics,
            "chance": result.chance,
            "bounds": result.bounds,
            **{what: result.items[what] for what in OF_ALL if what in result.items},
            "protocol": protocols[name],
        }
        for name, result in results.items()
    }
    write_json(folder / METRICS, {"protocol": protocol, "evaluators": evaluators})


def prediction_lines(results: Mapping[str, Result]) -> Iterator[dict[str, Any]]:
    """One line per item: who evaluated, its place, and the entry of each column that has one.

    Columns of another length are about other items (a gallery's texts beside its images) and make
    lines of their own.
    """
    for name, result in results.items():
        groups: dict[int, dict[str, list[object]]] = {}
        for column, entries in result.items.items():
            if column not in OF_ALL:
                groups.setdefault(len(entries), {})[column] = entries
        for columns in groups.values():
            for place, entries in enumerate(zip(*columns.values(), strict=True)):
                yield {
                    "evaluator": name,
                    "item": place,
                    **dict(zip(columns, entries, strict=True)),
                }


def server_answers(result: Result, column: str) -> list[dict[str, Any]]:
    """Answers in the form that the VQA servers take."""
    pairs = zip(result.items["question_id"], result.items[column], strict=True)
    return [{"question_id": question, "answer": answer} for question, answer in pairs]
