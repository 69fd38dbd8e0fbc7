// Functions of languages with braces, cut without a grammar: for pages that cannot carry one.

const NOT_NAMES = new Set(["if", "for", "while", "switch", "catch", "return", "sizeof", "else", "do", "synchronized"]);
const CONTAINERS = /\b(class|struct|union|enum|interface|namespace|record|extern|impl|trait|object)\b[^;(){}=]*$/;

/**
 * Functions of a text: [{name, text, startLine, endLine}], lines from 1.
 *
 * A function is a name, brackets, and braces behind them, at the top or inside a class or namespace. Comments, strings
 * and preprocessor lines are passed over; what needs a parser (macros that open braces, lambdas) is not found.
 */
export function cutBraces(text) {
  const code = blanked(text);
  const functions = [];
  let begin = 0; // where the header under way began
  for (let at = 0; at < code.length; ++at) {
    if (code[at] === ";" || code[at] === "}") begin = at + 1;
    if (code[at] !== "{") continue;
    const header = code.slice(begin, at);
    if (CONTAINERS.test(header)) {
      begin = at + 1;
      continue;
    }
    const end = closing(code, at);
    const name = nameIn(header);
    if (name) functions.push(described(text, begin + header.search(/\S/), end, name));
    at = end - 1;
    begin = end;
  }
  return functions;
}

function described(text, start, end, name) {
  const line = (at) => text.slice(0, at).split("\n").length;
  return { name, text: text.slice(start, end), startLine: line(start), endLine: line(end) };
}

// The last name before brackets that only qualifiers follow.
function nameIn(header) {
  let depth = 0;
  let best = "";
  for (let at = 0; at < header.length; ++at) {
    if (header[at] === "(" && depth++ === 0) {
      const name = /([A-Za-z_$~][\w$:~]*)\s*$/.exec(header.slice(0, at))?.[1];
      if (name && !NOT_NAMES.has(name)) best ||= name;
    }
    if (header[at] === ")") --depth;
    if (header[at] === "=" && depth === 0) return "";
  }
  return best;
}

function closing(code, open) {
  let depth = 0;
  for (let at = open; at < code.length; ++at) {
    if (code[at] === "{") ++depth;
    if (code[at] === "}" && --depth === 0) return at + 1;
  }
  return code.length;
}

// The text with comments, literals and preprocessor lines as spaces, so that positions stay.
function blanked(text) {
  const tokens = /\/\/[^\n]*|\/\*[^]*?(?:\*\/|$)|"(?:\\[^]|[^"\\\n])*"?|'(?:\\[^]|[^'\\\n])*'?|^[ \t]*#(?:\\\r?\n|[^\n])*/gm;
  return text.replace(tokens, (token) => token.replace(/[^\n]/g, " "));
}
