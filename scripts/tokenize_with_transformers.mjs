// Ids of texts by transformers.js: reads {tokenizer, config, texts} on standard input, prints a list of lists of ids.
//
//     npm install @huggingface/transformers      in the folder where this is run
//     node scripts/tokenize_with_transformers.mjs < request.json
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

const require = createRequire(`${process.cwd()}/`);
const { PreTrainedTokenizer } = await import(pathToFileURL(require.resolve("@huggingface/transformers")).href);
const { tokenizer, config, texts } = JSON.parse(readFileSync(0, "utf8"));
const loaded = new PreTrainedTokenizer(tokenizer, config);
console.log(JSON.stringify(texts.map((text) => Array.from(loaded.encode(text), Number))));
