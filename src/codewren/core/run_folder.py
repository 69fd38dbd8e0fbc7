"""Names of the files in a run's folder: each stage's output, said once."""

RECIPE = "recipe.json"
OVERLAP = "overlap.json"
LOGITS = "logits-{split}.npz"
JOURNAL = "journal.jsonl"
FRONT = "front.json"
CHOSEN = "chosen.json"
STUDENT = "student.wren"
ENERGY = "energy.json"
ENERGY_FILES = "energy*.json"
"""One file a process: `torchrun` starts several."""
SPENT_STAGES = ("search", "distil")
"""What a student's own making is; labelling also serves every other student of the teacher."""
