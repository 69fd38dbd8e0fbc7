"""The model card inside a bundle."""

from collections.abc import Sequence

from codewren.bundle.tensors import parameter_count
from codewren.core.recipe import Recipe
from codewren.core.recipe_sections import DecisionSection
from codewren.core.student_config import StudentConfig
from codewren.core.task import Unit
from codewren.measure.quality import Quality
from codewren.report.table import markdown


def model_card(recipe: Recipe, config: StudentConfig, quality: Quality) -> str:
    """What the model is for, what it was made from, how good it is, what it must not be used for."""
    task = recipe.task
    unit = "pairs of functions" if task.unit is Unit.PAIR else "single functions"
    figures = markdown([["figure", "value", "95 % interval", "n"], *quality.rows()])
    return f"""# {task.name} ({task.language or "any language"})

Judges {unit}; labels: {", ".join(task.labels)}; the alarm is `{task.positive}`.

A student of {parameter_count(config, task):,} parameters ({config.num_hidden_layers} layers, hidden size
{config.hidden_size}, {config.tokenizer} vocabulary of {config.vocab_size:,}), distilled with codewren from the logits
of a {recipe.teacher.kind} teacher on the splits {", ".join(recipe.distil.train_on)}.

## Quality on the validation split
The epoch was chosen on this split, so these figures are slightly optimistic.{_fitted(recipe.decision)}

{figures}

## Limits
At most {config.max_sequence_length} tokens of a function are read. Figures hold for code like the training data; on
other projects expect less. A finding is a hint for a reader, not a proof.
{_license(recipe)}"""


def seeds_section(table: str, *, joules: Sequence[float], meter: str) -> str:
    """What a seed study adds to the card of the student that ships: all seeds, and what training took.

    Args:
        table: Markdown, one line a seed, then mean and standard deviation.
        joules: of distillation, one a seed; may be empty.
        meter: what they were measured or modelled by.
    """
    energy = ""
    if joules:
        energy = f"\nDistillation took {sum(joules) / len(joules):,.0f} J a seed ({meter}).\n"
    return f"\n## Seeds\nThe same recipe with other seeds.\n\n{table}\n{energy}"


def _license(recipe: Recipe) -> str:
    return f"\n## Licence\n{recipe.data.license}\n" if recipe.data.license else ""


def _fitted(decision: DecisionSection) -> str:
    if decision == DecisionSection():
        return ""
    sentence = "\nTemperature and threshold were fitted on it as well; figures that depend on them are out of fold."
    if decision.alert_budget is None:
        return sentence
    return (
        f"{sentence}\nScans alert above a threshold that at most {decision.alert_budget:.3g} of a background exceeds."
    )
