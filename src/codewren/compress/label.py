"""Stage: the teacher's logits, written once."""

from pathlib import Path

from codewren.compress.run import Run
from codewren.core.errors import RecipeError
from codewren.train.label import label


def label_splits(run: Run) -> list[Path]:
    """Label what the student learns from, and the validation split if the teacher can; return the files.

    Raises:
        RecipeError: the recipe does not give a split of `distil.train_on`, or gives no validation split.
        TeacherError: the teacher cannot be loaded or does not fit the data.
    """
    for split in ("valid", *run.recipe.distil.train_on):
        if not run.has(split):
            raise RecipeError(f"recipe has no data.{split}, which distillation needs; add it under [data.{split}]")
    splits = [*run.recipe.distil.train_on, "valid"]
    return label(run.recipe, run.out, [run.dataset(split) for split in splits], quiet=run.quiet)
