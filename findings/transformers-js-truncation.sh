#!/bin/sh
# transformers.js 4.3.2: truncation cuts the closing special token off; the library whose file it reads does not.
# Guess: as in `tokenizers` and Python's transformers, the text is cut so that `<s> ... </s>` fits in `max_length`.
# Seen: special tokens are added first and the list is cut then, so a long text has no `</s>`; no warning.
set -eu
folder=$(mktemp -d); trap 'rm -rf "$folder"' EXIT; cd "$folder"
python3 -m venv env
env/bin/pip install -q --disable-pip-version-check tokenizers==0.23.3 > log 2>&1 || { cat log; exit 2; }
npm init -y > log 2>&1
npm install --no-audit --no-fund --ignore-scripts @huggingface/transformers@4.3.2 > log 2>&1 || { cat log; exit 2; }
cat > library.py <<'PY'
from tokenizers import Tokenizer, models, pre_tokenizers, processors

vocab = {"<s>": 0, "</s>": 1, "<unk>": 2, "a": 3, "b": 4, "c": 5, "d": 6, "e": 7}
tokenizer = Tokenizer(models.WordPiece(vocab, unk_token="<unk>"))
tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
tokenizer.post_processor = processors.TemplateProcessing(single="<s> $A </s>", special_tokens=[("<s>", 0), ("</s>", 1)])
tokenizer.save("tokenizer.json")
tokenizer.enable_truncation(4)
print("tokenizers", tokenizer.encode("a b c d e").ids)
PY
cat > library.mjs <<'JS'
import { PreTrainedTokenizer } from "@huggingface/transformers";
import { readFileSync } from "node:fs";

const tokenizer = new PreTrainedTokenizer(JSON.parse(readFileSync("tokenizer.json", "utf8")), {});
const options = { truncation: true, max_length: 4, return_tensor: false };
const { input_ids: ids } = tokenizer("a b c d e", options);
console.log(`transformers.js [${Array.from(ids, Number).join(", ")}]`);
JS
env/bin/python library.py > seen
node library.mjs >> seen
cat seen
grep -q "^tokenizers \[0, 3, 4, 1\]$" seen
grep -q "^transformers.js \[0, 3, 4, 5\]$" seen
echo "as written above"
