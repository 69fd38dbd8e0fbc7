#!/bin/sh
# transformers 5.23.0: a RoBERTa tokenizer made of vocab.json and merges.txt leaves the space before `<mask>` a token.
# Guess: the ids of a folder without tokenizer.json, as CodeBERT's is published, do not change with the library.
# Seen: 4.57.6 lets `<mask>` swallow the white space before it, as RoBERTa was trained; 5.23.0 has an extra token for
#   it, so a prompt "return <mask>;" is another sequence. No warning, and all other texts have equal ids.
set -eu
folder=$(mktemp -d); trap 'rm -rf "$folder"' EXIT; cd "$folder"
cat > tokens.py <<'PY'
import json, os
import transformers
from transformers import RobertaTokenizerFast

if not os.path.exists("vocab.json"):
    from tokenizers import ByteLevelBPETokenizer

    tokenizer = ByteLevelBPETokenizer()
    special = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
    tokenizer.train_from_iterator(["return x ; return y ;"] * 9, vocab_size=300, special_tokens=special)
    tokenizer.save_model(".")
tokenizer = RobertaTokenizerFast("vocab.json", "merges.txt")
ids = tokenizer("return <mask>;")["input_ids"]
print(transformers.__version__, tokenizer.convert_ids_to_tokens(ids))
PY
for version in 4.57.6 5.23.0; do
  python3 -m venv "env$version"
  "env$version/bin/pip" install -q --disable-pip-version-check "transformers==$version" > log 2>&1 || { cat log; exit 2; }
  "env$version/bin/python" tokens.py 2>/dev/null | tee -a seen
done
grep -q "^4.57.6 \['<s>', 'return', '<mask>', ';', '</s>'\]" seen
grep -q "^5.23.0 \['<s>', 'return', 'Ġ', '<mask>', ';', '</s>'\]" seen
echo "as written above"
