"""A student that reads data flow goes the whole way: trained, shipped, and the same answers from the file."""

import numpy as np
import torch

import codewren
from codewren.bundle.size import bundle_size_bytes
from codewren.compress.bundle_to_onnx import bundle_student
from codewren.compress.run import Run
from codewren.core.recipe import Recipe
from codewren.data.load import load_split
from codewren.train.distil import predict_logits
from commands import run

SETTINGS = ("--set", "student.max_data_flow=12", "--set", "distil.epochs=2")


def test_what_was_trained_is_what_runs(clone_task, tmp_path):
    recipe_file = clone_task / "recipe.toml"
    run("compress", recipe_file, "--out", tmp_path, "--quiet", *SETTINGS)
    predictor = codewren.load(tmp_path / "student.wren")
    assert predictor.config.max_data_flow == 12
    assert (tmp_path / "student.wren").stat().st_size <= bundle_size_bytes(predictor.config, predictor.task)
    recipe = Recipe.load(recipe_file, [setting for setting in SETTINGS if setting != "--set"])
    opened = Run.start(recipe, tmp_path, quiet=True)
    valid = opened.encoded("valid", predictor.config, predictor.bundle.tokenizer, taught=False)
    assert sum(len(one.spans) for one in valid.graphs[0]) > 50
    with torch.inference_mode():
        trained = predict_logits(bundle_student(predictor.bundle), valid)
    shipped = np.array(predictor.logits(load_split(recipe, "valid").sources()))
    assert np.ptp(shipped) > 0.1
    np.testing.assert_allclose(shipped, trained, atol=1e-4)
