#!/bin/sh
# tokenizers 0.23.3: equal text gives another WordPiece vocabulary in each process, on one thread too.
# Guess: training counts words, merges the commonest pair, and breaks ties by a rule: equal text, equal vocabulary.
# Seen: other ids, and where pairs are equally frequent at the end other pieces. The pieces `##c` of single characters are
#   numbered in the order of a randomly seeded hash map, and equal pairs are merged by these numbers. With a sorted
#   `initial_alphabet` and the `##c` given as special tokens all is the same in each process.
set -eu
folder=$(mktemp -d); trap 'rm -rf "$folder"' EXIT; cd "$folder"
python3 -m venv env
env/bin/pip install -q --disable-pip-version-check tokenizers==0.23.3 > log 2>&1 || { cat log; exit 2; }
cat > train.py <<'PY'
import hashlib, json, keyword, sys
from tokenizers import Tokenizer, models, pre_tokenizers, trainers

text = [f"def {word}_{other}({word}, {other}): return {word} + {other}" for word in keyword.kwlist for other in keyword.kwlist]
alphabet = sorted({character for line in text for character in line if character != " "})
fixed = ["<unk>", *("##" + character for character in alphabet)] if sys.argv[1] == "fixed" else ["<unk>"]
options = {"initial_alphabet": alphabet} if sys.argv[1] == "fixed" else {}
tokenizer = Tokenizer(models.WordPiece(unk_token="<unk>"))
tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
trainer = trainers.WordPieceTrainer(vocab_size=200, special_tokens=fixed, show_progress=False, **options)
tokenizer.train_from_iterator(text, trainer)
vocabulary = tokenizer.get_vocab()
digest = lambda value: hashlib.sha256(json.dumps(value).encode()).hexdigest()[:12]
print(digest(sorted(vocabulary)), digest(sorted(vocabulary, key=vocabulary.get)))
PY
export RAYON_NUM_THREADS=1 TOKENIZERS_PARALLELISM=false
runs() { for _ in 1 2 3 4 5 6; do env/bin/python train.py "$1"; done > "$1"; }
runs plain; runs fixed
count() { cut -d' ' -f"$2" "$1" | sort -u | wc -l | tr -d ' '; }
echo "as it comes: $(count plain 1) sets of pieces, $(count plain 2) orders of ids in 6 processes" | tee seen
echo "with both fixed: $(count fixed 2) order of ids" | tee -a seen
[ "$(count plain 2)" -gt 1 ]
[ "$(count fixed 2)" -eq 1 ]
echo "as written above"
