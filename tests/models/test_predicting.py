"""`albefkit predict`: whatever a trained model's heads can say."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
from PIL import Image

import albefkit
from tests.models.conftest import command, picture


def test_similarity_match_and_a_picture(pretrained, photo, capsys):
    assert command("predict", pretrained, "--image", photo, "--text", "a red square") == 0
    out = capsys.readouterr().out
    model = albefkit.load(pretrained)
    assert f"similarity  {model.similarity(photo, 'a red square')[0, 0]:.3f}\n" in out
    assert f"match       {100 * model.match(photo, 'a red square')[0]:.1f} %\n" in out
    assert "photo.gradcam.png" in out
    with Image.open("photo.gradcam.png") as painted:
        assert painted.size == (30, 24)
        assert not np.array_equal(np.asarray(painted), picture(0))


def test_the_picture_goes_where_it_is_told(pretrained, photo, capsys):
    asked = ("predict", pretrained, "--image", photo, "--text", "a red square")
    assert command(*asked, "--out", "map.png") == 0
    assert Path("map.png").is_file() and not Path("photo.gradcam.png").exists()
    assert command(*asked, "--out", "nowhere/map.png") == 2
    assert "cannot be written: No such file" in capsys.readouterr().err


def test_a_class(classifier, photo, capsys):
    assert command("predict", classifier, "--image", photo, "--text", "a red square") == 0
    out = capsys.readouterr().out
    assert re.fullmatch(r"classify +\w+ [\d.]+ %, \w+ [\d.]+ %, \w+ [\d.]+ %\n", out)


def test_two_images_at_once(comparer, photo, capsys):
    asked = ("predict", comparer, "--image", photo, "--text", "they are alike")
    assert command(*asked, "--image", photo) == 0
    assert re.fullmatch(r"classify +(true|false) [\d.]+ %, .*\n", capsys.readouterr().out)
    assert command(*asked) == 3
    assert "looks at 2" in capsys.readouterr().err


def test_an_answer(answerer, photo, capsys):
    asked = ("predict", answerer, "--image", photo, "--text", "what colour is it?")
    assert command(*asked) == 0
    assert re.fullmatch(r"answer +(\S+( green)? [\d.]+ %(, |\n)){3}", capsys.readouterr().out)
    assert command(*asked, "--candidate", "dark green", "--candidate", "red") == 0
    assert capsys.readouterr().out.count("%") == 2


def test_mistakes(pretrained, photo, capsys):
    assert command("predict", pretrained, "--image", "gone.png", "--text", "a") == 3
    assert "there is no such file" in capsys.readouterr().err
    assert command("predict", pretrained, "--image", photo, "--text", " ") == 3
    assert "text 0 has no words" in capsys.readouterr().err
    two = ("--image", photo, "--image", photo)
    assert command("predict", pretrained, *two, "--text", "a") == 3
    assert "has 2 image(s), and this model looks at 1" in capsys.readouterr().err
    assert command("predict", "nowhere", "--image", photo, "--text", "a") == 2
    assert "does not exist" in capsys.readouterr().err
