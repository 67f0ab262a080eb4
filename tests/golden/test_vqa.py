"""Question answering: released fine-tuning steps and ranked answers (spec 5)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from albefkit.data.scenes.dataset import Scenes
from albefkit.engine.forward_pass import ForwardPass
from albefkit.engine.pretrainer import Pretrainer
from albefkit.engine.step import Step
from albefkit.evaluation.answer_ranking import first_words, log_likelihood, rank_answers
from albefkit.interop.released import from_released
from albefkit.layers.answer_decoder import AnswerDecoder, pick
from albefkit.layers.attention import Memory
from albefkit.objectives.answer import Answer
from albefkit.predictions import Choice
from albefkit.tensors import Answers, Batch, TextView
from tests.golden.cases import case_dirs, case_name, fixed_dir, width_case_dirs
from tests.golden.fine_tuned import (
    EXACT,
    MAIN,
    RUNS,
    batch,
    begin,
    close,
    fine_tuned,
    gradients_agree,
    steps_agree,
    teacher_agrees,
)
from tests.golden.released_run import read, read_json, recorded_sizes, released_state

HEAD = "answer"
GRADIENTS = {"rtol": 1e-4, "atol": 5e-5}
NEGLIGIBLE = 1e-6

cases = pytest.mark.parametrize("case", case_dirs("vqa"), ids=case_name)
width_cases = pytest.mark.parametrize("case", width_case_dirs("vqa"), ids=case_name)


def recipe(alpha: float | None) -> dict[str, Any]:
    distilled = {} if alpha is None else {"mod": {"alpha": alpha}}
    scenes = {"type": "scenes", "train": 8, "val": 4, "test": 4, "size": 48}
    return {"objectives": {HEAD: {}, "mod": None} | distilled, "data": scenes}


def asked(
    inputs: dict[str, Tensor], dtype: torch.dtype, names: dict[str, str], prefix: str = ""
) -> Batch:
    """Recorded questions with their answers."""
    found = {ours: inputs[f"{prefix}{theirs}"] for ours, theirs in names.items()}
    counts = found["count"]
    answers = Answers(
        TextView(found["answer"], found["answer_mask"].bool()),
        question=torch.arange(len(counts)).repeat_interleave(counts),
        weight=found["weight"].to(dtype),
    )
    texts = found["question"], found["question_mask"]
    return batch(found["image"], *texts, dtype, answers=answers)


MAIN_NAMES = {
    "image": "image",
    "question": "question_ids",
    "question_mask": "question_mask",
    "answer": "answer_ids",
    "answer_mask": "answer_mask",
    "weight": "weights",
    "count": "k",
}
WIDE_NAMES = {
    "image": "image",
    "question": "question_input_ids",
    "question_mask": "question_attention_mask",
    "answer": "answer_input_ids",
    "answer_mask": "answer_attention_mask",
    "weight": "answer_weights",
    "count": "answers_per_question",
}


def main(case: Path, folder: Path, alpha: float | None) -> Pretrainer:
    return fine_tuned(folder, MAIN, released_state(case), torch.float32, recipe(alpha))


def wide(case: Path, folder: Path, alpha: float | None) -> Pretrainer:
    weights = read(case, "weights")
    return fine_tuned(folder, recorded_sizes(case), weights, torch.float64, recipe(alpha))


def decoder_of(who: ForwardPass) -> AnswerDecoder:
    decoder = who.network.heads[HEAD]
    assert isinstance(decoder, AnswerDecoder)
    return decoder


def all_logits(step: Step, who: ForwardPass) -> Tensor:
    """What a decoder says at every place of the answers, padding too."""
    decoder, answers = decoder_of(who), step.batch.fields["answers"]
    memories = decoder.remember(who.fused(HEAD).text_tokens, who.texts().mask)
    memories = pick(memories, answers.question)
    return decoder.judge(decoder.read(answers.text.ids, answers.text.mask, memories))


def loss_per_answer(choice: Choice, answers: Answers) -> Tensor:
    targets = choice.answers if choice.advice is None else choice.advice
    rows = F.cross_entropy(choice.logits, targets, reduction="none")
    row = answers.text.mask[:, 1:].nonzero()[:, 0]
    return rows.new_zeros(len(answers.weight)).index_add(0, row, rows)


@cases
@pytest.mark.parametrize("run", RUNS)
def test_a_training_step(case, run, tmp_path):
    expected, meta = read(case, f"out_{run}"), read_json(case, "meta")[run]
    pretrainer = main(case, tmp_path, RUNS[run])
    shown = asked(read(case, "inputs"), torch.float32, MAIN_NAMES)
    step = pretrainer.step(shown, begin(pretrainer))
    close(all_logits(step, step.student), expected["decoder_logits"])
    if "decoder_logits_m" in expected:
        close(all_logits(step, step.teacher), expected["decoder_logits_m"])
    if "question_states" in expected:
        close(step.student.fused(HEAD).text_tokens, expected["question_states"])
    prediction = step.predictions[HEAD]
    close(loss_per_answer(prediction, shown.fields["answers"]), expected["per_answer_loss"])
    close(prediction.loss(), expected["loss"])

    prediction.loss().backward()
    gradients_agree(pretrainer, expected, meta["grad"], **GRADIENTS)
    teacher_agrees(pretrainer, meta.get("momentum_after", {}))


@cases
@pytest.mark.parametrize("count", [4, 8])
@torch.no_grad()
def test_a_closed_list_is_ranked_as_by_the_released_code(case, count, tmp_path):
    stored, inputs = read(case, "out_rank"), read(case, "inputs")
    expected = {
        name.removeprefix(f"k{count}/"): tensor
        for name, tensor in stored.items()
        if name.startswith(f"k{count}/")
    }
    pretrainer = main(case, tmp_path, None).eval()
    listed = TextView(inputs["candidate_ids"], inputs["candidate_mask"].bool())
    shown = asked(inputs, torch.float32, MAIN_NAMES)
    decoder, memories = remembered(pretrainer, shown)
    first = first_words(decoder, memories, listed.ids[0, 0])
    close(first, expected["start_logits"].log_softmax(1))
    begun = first[:, listed.ids[:, 1]]
    close(begun.exp(), expected["first_token_prob_all"])

    # The answers taken, in the released code's own order of the first stage.
    taken = expected["first_token_prob_all"].topk(count, dim=1).indices
    question = torch.arange(len(taken)).repeat_interleave(count)
    whole = log_likelihood(decoder, memories, listed, question, taken.flatten(), rows=7)
    close((-whole).view_as(taken), expected["answer_nll"])

    ranking = rank_answers(decoder, memories, listed, count, double_count=True, rows=7)
    assert begun_alike(begun, ranking.answers, expected["topk_ids"])
    for found, scores, ids, shares in zip(
        ranking.answers, ranking.scores, expected["topk_ids"], expected["topk_probs"], strict=True
    ):
        if set(found.tolist()) == set(ids.tolist()):
            counted = shares > NEGLIGIBLE
            assert torch.equal(found[counted], ids[counted])
            close(scores.softmax(0), shares)


def begun_alike(begun: Tensor, found: Tensor, expected: Tensor) -> bool:
    """Whether the answers taken begin with the same words, whichever of a tie at the cut it was."""
    taken = (begun.gather(1, each).sort(1).values for each in (found, expected))
    return torch.equal(*taken)


def remembered(pretrainer: Pretrainer, shown: Batch) -> tuple[AnswerDecoder, list[Memory]]:
    network = pretrainer.student
    rows = torch.arange(len(shown))
    text = network.text(shown.text.ids, shown.text.mask)
    fused = network.fusion(network.vision(shown.images), text, rows, rows)
    decoder = network.heads[HEAD]
    assert isinstance(decoder, AnswerDecoder)
    return decoder, decoder.remember(fused.text_tokens, text.mask)


def test_a_decoder_begins_as_that_of_the_released_code():
    """Which tensor of pre-training each of the decoder's starts from (spec 13)."""
    folder = fixed_dir("checkpoint_keys")
    if folder is None:
        pytest.skip("no golden data")
    copied = read_json(folder, "key_mapping")["VQA"]
    sources = {name: torch.full((1, 1), number) for number, name in enumerate(set(copied.values()))}
    for network, part in (("student.", ""), ("teacher.network.", "_m")):
        ancestor = {
            name.removeprefix(network): tensor
            for name, tensor in from_released(sources, fusion_from=6).items()
            if name.startswith(network)
        }
        found = Answer(HEAD, Scenes()).inherit(ancestor)
        decoders = {
            new: sources[old]
            for new, old in copied.items()
            if new.startswith(f"text_decoder{part}.")
        }
        expected = from_released(decoders, fusion_from=6)
        assert len(expected) > 100
        for name, tensor in expected.items():
            assert found[name.removeprefix(f"{network}heads.{HEAD}.")] == tensor, name
        assert len(found) == len(expected)


@width_cases
@pytest.mark.parametrize(("prefix", "alpha"), [("", 0.4), ("nodistill.", None)])
def test_two_steps_where_every_width_differs(case, prefix, alpha, tmp_path):
    expected, meta, inputs = read(case, "expected"), read_json(case, "meta"), read(case, "inputs")
    pretrainer = wide(case, tmp_path, alpha)
    batches = [asked(inputs, torch.float64, WIDE_NAMES, f"step{number}.") for number in (1, 2)]
    steps_agree(pretrainer, batches, expected, meta, prefix)


@width_cases
def test_everything_the_first_step_computes(case, tmp_path):
    expected, pretrainer = read(case, "expected"), wide(case, tmp_path, 0.4)
    shown = asked(read(case, "inputs"), torch.float64, WIDE_NAMES, "step1.")
    step = pretrainer.step(shown, begin(pretrainer))
    close(step.student.fused(HEAD).text_tokens, expected["step1.question_states"], **EXACT)
    close(all_logits(step, step.student), expected["step1.decoder_logits"], **EXACT)
    teacher = all_logits(step, step.teacher)[:, :-1]
    close(teacher, expected["step1.teacher_logits_shifted"], **EXACT)
    found = loss_per_answer(step.predictions[HEAD], shown.fields["answers"])
    close(found, expected["step1.loss_per_answer"], **EXACT)


@width_cases
@torch.no_grad()
def test_a_closed_list_is_ranked_where_every_width_differs(case, tmp_path):
    expected, inputs = read(case, "expected"), read(case, "inputs")
    pretrainer = wide(case, tmp_path, None).eval()
    ids, mask = (inputs[f"rank.question_{name}"] for name in ("input_ids", "attention_mask"))
    shown = batch(inputs["rank.image"], ids, mask, torch.float64)
    decoder, memories = remembered(pretrainer, shown)
    listed = TextView(inputs["rank.answer_input_ids"], inputs["rank.answer_attention_mask"].bool())
    begun = first_words(decoder, memories, listed.ids[0, 0])[:, listed.ids[:, 1]]
    close(begun.exp(), expected["rank.first_token_probs_all"], **EXACT)
    taken = expected["rank.first_stage_ids"]
    question = torch.arange(len(taken)).repeat_interleave(taken.shape[1])
    whole = log_likelihood(decoder, memories, listed, question, taken.flatten(), rows=5)
    close((-whole).view_as(taken)[..., None], expected["rank.answer_loss_tokens"], **EXACT)
    ranking = rank_answers(decoder, memories, listed, taken.shape[1], double_count=True)
    close(ranking.scores.softmax(1), expected["rank.topk_probs"], **EXACT)
    # Two answers of the list are the same words.
    assert torch.equal(listed.ids[ranking.answers], listed.ids[expected["rank.topk_ids"]])
