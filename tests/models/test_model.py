"""What a trained model can be asked, in Python."""

from __future__ import annotations

import json
import shutil
import sys

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file, save_file

import albefkit
from albefkit.assemble import assemble
from albefkit.data.base import Gallery
from albefkit.evaluation.galleries import encode_gallery
from albefkit.layers.weights import choose
from albefkit.models.pairs import LONG
from albefkit.registry.errors import ComponentError, DataError
from tests.models.conftest import ANSWERS, CLASSES, SENTENCES, picture

TEXTS = list(SENTENCES)


@pytest.fixture(scope="module")
def model(pretrained):
    return albefkit.load(pretrained)


def test_similarity_is_the_cosine_that_evaluation_takes(model):
    pictures = [picture(0), picture(1)]
    found = model.similarity(pictures, TEXTS)
    gallery = Gallery(2, pictures.__getitem__, TEXTS, [0, 0, 1, 1], ["a", "b"])
    with torch.no_grad():
        encoded = encode_gallery(model._subject, gallery, None)
    wanted = encoded.image_features @ encoded.text_features.T
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, wanted.numpy(), rtol=1e-5)
    assert len(np.unique(found)) == 8


def test_an_image_is_the_same_in_whatever_form(model, photo):
    array = picture(0)
    with Image.open(photo) as opened:
        forms = [photo, str(photo), opened, Image.fromarray(array), array]
        found = model.match(forms, "a red square")
    np.testing.assert_allclose(found, found[0], rtol=1e-6)
    grey = array[..., 0]
    assert model.match(grey, "red") == model.match(np.stack([grey] * 3, axis=2), "red")
    assert model.match(forms[-1:], "a red square").shape == (1,)


def test_one_image_meets_many_texts_and_one_text_many_images(model):
    pictures = [picture(number) for number in range(3)]
    table = np.array([[model.match(each, text)[0] for text in TEXTS] for each in pictures])
    np.testing.assert_allclose(model.match(pictures[1], TEXTS), table[1], rtol=1e-4)
    np.testing.assert_allclose(model.match(pictures, TEXTS[2]), table[:, 2], rtol=1e-4)
    np.testing.assert_allclose(model.match(pictures, TEXTS[:3]), table.diagonal(), rtol=1e-4)
    assert len(np.unique(table)) == table.size
    assert ((table > 0) & (table < 1)).all()


def test_long_inputs_are_taken_in_batches(model):
    count = LONG * model._subject.batch_size + 1
    texts = [TEXTS[number % 4] for number in range(count)]
    found = model.match(picture(0), texts)
    np.testing.assert_allclose(found[:4], model.match(picture(0), TEXTS), rtol=1e-4)
    np.testing.assert_allclose(found[-1], found[0], rtol=1e-4)
    assert model.similarity([picture(0)], texts).shape == (1, count)


def test_long_inputs_show_how_far_they_are_at_a_terminal(model, monkeypatch, capsys):
    texts = [TEXTS[0]] * (LONG * model._subject.batch_size)
    model.match(picture(0), texts)
    assert capsys.readouterr().err == ""
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    monkeypatch.setenv("TERM", "xterm-256color")
    model.match(picture(0), texts[:1])
    assert capsys.readouterr().err == ""
    model.match(picture(0), texts)
    assert "pairs" in capsys.readouterr().err


def test_maps_of_sentences_and_of_words(model):
    first, second = model.ground([picture(0), picture(1)], ["a red square", "circle"])
    assert first.sentence.shape == second.sentence.shape == (2, 2)
    assert "red" in first.words and not {"[CLS]", "[PAD]"} & {*first.words, *second.words}
    assert first.word_maps.shape == (len(first.words), 2, 2)
    assert not np.array_equal(first.sentence, second.sentence)
    assert (first.sentence >= 0).all() and first.sentence.any()
    painted = first.overlay(picture(0))
    assert painted.shape == (24, 30, 3) and painted.dtype == np.uint8
    assert not np.array_equal(painted, picture(0))
    (whole,) = model.ground(picture(0), "a red square", by="similarity")
    assert whole.words == () and whole.sentence.shape == (2, 2) and whole.sentence.any()
    with pytest.raises(ComponentError, match="layer is 5, and there are 0 to 0"):
        model.ground(picture(0), "red", layer=5)
    assert all(weight.grad is None for weight in model.network.parameters())


def test_a_map_is_saved_as_it_is_painted(model, tmp_path):
    (found,) = model.ground(picture(0), "a red square")
    for word in (None, 0):
        found.save(tmp_path / "map.png", picture(0), word)
        with Image.open(tmp_path / "map.png") as image:
            assert np.array_equal(np.asarray(image), found.overlay(picture(0), word))


@pytest.mark.parametrize(
    ("images", "texts", "wrong"),
    [
        ("gone.png", "a dog", "gone.png: there is no such file"),
        ("broken.png", "a dog", "broken.png: this is not an image"),
        (["photo.png"] * 2, ["a"] * 3, "2 images and 3 texts make no pairs"),
        ("photo.png", "", "text 0 has no words: ''"),
        ("photo.png", ["a dog", "?!"], "text 1 has no words"),
        ("photo.png", [], "no text was given"),
        ([], "a dog", "no image was given"),
        ("photo.png", [7], "given int, expected a text"),
        ([None], "a dog", "given NoneType, expected a path"),
        (3, "a dog", "given int for an image"),
        ([("photo.png", "photo.png")], "a dog", "item 0 has 2 image"),
        (np.zeros((8, 8, 3)), "a dog", r"an array \(8, 8, 3\) of float64"),
        (np.zeros((8, 8, 4), np.uint8), "a dog", r"an array \(8, 8, 4\)"),
        (np.zeros((0, 8, 3), np.uint8), "a dog", r"an array \(0, 8, 3\)"),
    ],
)
def test_what_makes_no_sense_is_one_clear_error(model, photo, images, texts, wrong):
    photo.with_name("broken.png").write_bytes(b"no picture")
    with pytest.raises(DataError, match=wrong):
        model.match(images, texts)


def test_a_truncated_image_of_pil_is_unreadable(model, photo):
    photo.write_bytes(photo.read_bytes()[:-200])
    with Image.open(photo) as opened, pytest.raises(DataError, match="cannot be decoded"):
        model.similarity(opened, "a dog")


def test_what_it_cannot_do_it_says_and_what_teaches_it(model, classifier):
    assert model.abilities == ("similarity", "match", "ground")
    with pytest.raises(ComponentError) as caught:
        model.answer(picture(0), "what is it?")
    assert "this run has no answer head: it was trained with itc, itm, mlm, mod" in str(
        caught.value
    )
    assert "see recipes/downstream/vqa.yaml" in str(caught.value)
    with pytest.raises(ComponentError, match="no classification head"):
        model.classify(picture(0), "a dog")
    other = albefkit.load(classifier)
    assert other.abilities == ("classify",)
    with pytest.raises(ComponentError, match=r"no shared space.*trained with classification"):
        other.similarity(picture(0), "a dog")
    for ask in (other.match, other.ground):
        with pytest.raises(ComponentError, match="no matching head"):
            ask(picture(0), "a dog")


def test_classes_are_known_without_the_data(classifier):
    model = albefkit.load(classifier)
    assert model.classes == CLASSES
    found = model.classify([picture(0), picture(1)], TEXTS[:2])
    for each in found:
        assert set(each) == set(CLASSES)
        assert list(each.values()) == sorted(each.values(), reverse=True)
        assert sum(each.values()) == pytest.approx(1)
    assert found[0] != found[1]


def test_a_model_that_looks_at_two_images(comparer):
    model = albefkit.load(comparer)
    assert (model.images, model.abilities) == (2, ("classify",))
    pairs = [(picture(0), picture(1)), (picture(1), picture(0)), (picture(2), picture(3))]
    one_by_one = [model.classify(pair, TEXTS[0])[0]["true"] for pair in pairs]
    together = [each["true"] for each in model.classify(pairs, [TEXTS[0]] * 3)]
    for_all = [each["true"] for each in model.classify(pairs, TEXTS[0])]
    assert together == pytest.approx(one_by_one, rel=1e-4)
    assert for_all == pytest.approx(one_by_one, rel=1e-4)
    assert len(set(one_by_one)) == 3
    with pytest.raises(DataError, match=r"item 0 has 1 image.*looks at 2[^$]*Give tuples of 2"):
        model.classify([picture(0), picture(1)], TEXTS[0])


def test_some_of_the_data_may_be_left(classifier):
    root = classifier.parent / "data"
    root.mkdir()
    (root / "train.json").write_text("[]")
    try:
        assert albefkit.load(classifier).classes == CLASSES
    finally:
        shutil.rmtree(root)


def test_answers_of_a_list_or_written_freely(answerer):
    model = albefkit.load(answerer)
    questions = ["what colour is number 1?", "what?"]
    ranked, short = model.rank(picture(0), questions)
    (alone,) = model.rank(picture(0), questions[1])
    assert short == pytest.approx(alone, rel=1e-4)
    assert set(ranked) == set(ANSWERS)
    assert list(ranked.values()) == sorted(ranked.values(), reverse=True)
    assert all(0 < share < 1 for share in ranked.values())
    assert model.answer(picture(0), questions[0]) == [next(iter(ranked))]
    assert set(model.answer(picture(0), questions, ["dark green"])) == {"dark green"}
    freely = model.answer(picture(0), questions, [])
    assert len(freely) == 2 and all(isinstance(text, str) for text in freely)
    with pytest.raises(DataError, match="candidate 1 is no answer: ' '"):
        model.answer(picture(0), questions, ["red", " "])
    with pytest.raises(ComponentError, match="no list of answers"):
        model.rank(picture(0), questions, [])


def test_best_last_and_checkpoints_are_told_apart(pretrained):
    best, last = albefkit.load(pretrained), albefkit.load(pretrained, weights="last")
    assert (best.stored.step, last.stored.step) == (2, 4)
    folder = pretrained / "checkpoints" / "step_00000002"
    given = albefkit.load(folder)
    asked = picture(0), "a red square"
    assert given.match(*asked) == best.match(*asked) != last.match(*asked)
    saved = load_file(folder / "model.safetensors")
    for name, weight in best.network.state_dict().items():
        assert torch.equal(weight, saved[f"student.{name}"]), name


def test_no_pretrained_weights_are_looked_for(pretrained, tmp_path, monkeypatch):
    run = shutil.copytree(pretrained, tmp_path / "run")
    resolved = run / "resolved.yaml"
    recipe = resolved.read_text().replace("pretrained: false", "pretrained: true")
    # Or the table of words would be as large as the pretrained model's.
    resolved.write_text(recipe.replace("tokenizer: auto", "tokenizer: train"))

    def find(*_, **__):
        raise AssertionError("looked for pretrained weights")

    for module in ("text.bert", "fusion.upper_layers", "vision.timm_weights"):
        monkeypatch.setattr(f"albefkit.{module}.find_model", find)
    assert albefkit.load(run).match(picture(0), "red") > 0
    with pytest.raises(AssertionError, match="looked for"):
        choose("auto", "afterwards", find)


def test_a_folder_without_a_model(tmp_path):
    for path in ("nowhere", "."):
        with pytest.raises(ComponentError, match=r"does not exist|holds no trained model"):
            albefkit.load(path)
    (tmp_path / "config.json").write_text('{"model_type": "bert"}')
    with pytest.raises(ComponentError, match="not of a model that albefkit saved"):
        albefkit.load(".")
    (tmp_path / "config.json").write_text('{"format": "albefkit-model-1"}')
    with pytest.raises(ComponentError, match="not of a model that albefkit saved"):
        albefkit.load(".")


def test_damaged_runs(pretrained, tmp_path):
    run = shutil.copytree(pretrained, tmp_path / "run")
    file = run / "checkpoints" / "step_00000002" / "model.safetensors"
    tensors = load_file(file)
    save_file({k: v for k, v in tensors.items() if k != "student.heads.itm.weight"}, file)
    with pytest.raises(DataError, match=r"student\.heads\.itm\.weight among them"):
        albefkit.load(run)
    save_file({k: v.flatten() for k, v in tensors.items()}, file)
    with pytest.raises(DataError, match="size mismatch"):
        albefkit.load(run)
    file.write_bytes(b"nothing")
    with pytest.raises(DataError, match="cannot be loaded"):
        albefkit.load(run)
    (run / "tokenizer.json").unlink()
    with pytest.raises(ComponentError, match=r"has no tokenizer\.json"):
        albefkit.load(run)
    shutil.rmtree(run / "checkpoints")
    with pytest.raises(ComponentError, match="no checkpoint yet"):
        albefkit.load(run)


def test_a_run_writes_down_its_classes(classifier, pretrained):
    assert json.loads((classifier / "classes.json").read_text()) == list(CLASSES)
    assert not (pretrained / "classes.json").exists()


def test_the_package_imports_nothing_until_it_is_asked():
    assert {"load", "from_pretrained"} <= set(albefkit.__all__)
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        albefkit.nonsense  # noqa: B018


def test_parts_may_be_given_other_data(pretrained):
    model = albefkit.load(pretrained)
    data = model._subject.dataset
    assert assemble(model.recipe, dataset=data).dataset is data
