// Functions of a file, cut with web-tree-sitter (an optional peer) and a grammar of the caller's.

/** What captures the functions of a language, as codewren's scanner for Python has it. */
export const QUERIES = {
  c: "(function_definition) @function",
  cpp: "(function_definition) @function",
  java: "[(method_declaration) (constructor_declaration) (compact_constructor_declaration)] @function",
  python: "(function_definition) @function",
  javascript:
    "[(function_declaration) (generator_function_declaration) (method_definition) " +
    "(variable_declarator value: [(arrow_function) (function_expression)])] @function",
  go: "[(function_declaration) (method_declaration)] @function",
  rust: "(function_item) @function",
};

/**
 * Functions of a text: [{name, text, startLine, endLine}], lines from 1, in the order of their starts.
 *
 * `treeSitter` is the module `web-tree-sitter`, `grammar` a `Language` that it loaded. A declaration without a body is
 * no function. The scanner for Python recovers functions from text that a grammar cannot follow; this does not.
 */
export function cutFunctions(treeSitter, grammar, language, text) {
  if (!(language in QUERIES)) throw new TypeError(`${language} is none of ${Object.keys(QUERIES).join(", ")}`);
  const parser = new treeSitter.Parser();
  parser.setLanguage(grammar);
  const tree = parser.parse(text);
  try {
    const captures = new treeSitter.Query(grammar, QUERIES[language]).captures(tree.rootNode);
    return captures.map(({ node }) => described(node)).filter(Boolean);
  } finally {
    tree.delete();
    parser.delete();
  }
}

function described(node) {
  const body = node.childForFieldName("body") ?? node.childForFieldName("value")?.childForFieldName("body");
  if (!body) return null;
  return {
    name: nameOf(node),
    text: node.text,
    startLine: node.startPosition.row + 1,
    endLine: node.endPosition.row + 1,
  };
}

function nameOf(node) {
  let named = node.childForFieldName("name") ?? node.childForFieldName("declarator");
  while (named?.childForFieldName("declarator")) named = named.childForFieldName("declarator");
  return named?.text ?? "";
}
