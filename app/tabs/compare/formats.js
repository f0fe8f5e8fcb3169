// A table of texts as Markdown, CSV and LaTeX. rows: lists of texts, the first of which are the headings.

const line = (cells) => `| ${cells.map((cell) => String(cell).replaceAll("|", "\\|")).join(" | ")} |`;

export const asMarkdown = ([heads, ...rows]) =>
  [line(heads), `|${heads.map(() => "---|").join("")}`, ...rows.map(line), ""].join("\n");

const quoted = (cell) => (/[",\n]/.test(cell) ? `"${String(cell).replaceAll('"', '""')}"` : String(cell));

export const asCsv = (rows) => `${rows.map((cells) => cells.map(quoted).join(",")).join("\r\n")}\r\n`;

const ESCAPED = { "\\": "\\textbackslash{}", "~": "\\textasciitilde{}", "^": "\\textasciicircum{}", "−": "$-$" };

const escaped = (cell) => String(cell).replace(/[\\~^−&%$#_{}]/g, (sign) => ESCAPED[sign] ?? `\\${sign}`);

export const asLatex = ([heads, ...rows]) => {
  const lineOf = (cells) => `${cells.map(escaped).join(" & ")} \\\\`;
  const columns = `l${"r".repeat(heads.length - 1)}`;
  return [
    `\\begin{tabular}{${columns}}`,
    "\\toprule",
    lineOf(heads),
    "\\midrule",
    ...rows.map(lineOf),
    "\\bottomrule",
    "\\end{tabular}",
    "",
  ].join("\n");
};
