// Which lines carry a probability: each line left out in turn (occlusion).

/**
 * How much the positive label's probability falls when a line of a function is left out: one number a line.
 *
 * Where lines are many they are left out in groups, so that a function costs at most `most` predictions.
 */
export function lineWeights(model, text, { most = 200 } = {}) {
  if (model.functionsPerItem !== 1) throw new TypeError("lines carry the judgement of one function, not of a pair");
  const lines = text.split("\n");
  const group = Math.ceil(lines.length / most);
  const variants = [text];
  for (let start = 0; start < lines.length; start += group)
    variants.push([...lines.slice(0, start), ...lines.slice(start + group)].join("\n"));
  const column = model.labels.indexOf(model.positive);
  const [whole, ...without] = model.probabilities(variants).map((row) => row[column]);
  return lines.map((_, line) => whole - without[Math.floor(line / group)]);
}
