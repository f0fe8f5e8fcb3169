// The report of an export in words: counts, the first files, which get another name, and what is not exported.
import { node } from "../elements/elements.js";
import { list } from "../folder_panel/list.js";
import { count } from "../format/format.js";
import { _, plural } from "../language/language.js";

// The first line. report: of the server, index/export/report.py.
export const summaryText = ({ dry_run: dry, written, updated, unchanged, empty, not_exported_count: missing }) => {
  const parts = [
    dry
      ? plural("{n} file to write", "{n} files to write", written)
      : plural("{n} file written", "{n} files written", written),
    updated &&
      (dry ? _("{amount} to update", { amount: count(updated) }) : _("{amount} updated", { amount: count(updated) })),
    unchanged && _("{amount} there already", { amount: count(unchanged) }),
    empty && _("{amount} with nothing to say of them", { amount: count(empty) }),
    missing && _("{amount} not exported", { amount: count(missing) }),
  ];
  return parts.filter(Boolean).join(", ");
};

export const writeText = ({ written, updated }) => plural("Write {n} file", "Write {n} files", written + updated);

export const reportNodes = (report) =>
  [
    node("p", { class: "g-folder-panel-summary", text: summaryText(report) }),
    node("p", { class: "g-aside", text: report.out }),
    list(
      _("Other names, as theirs are taken or not allowed: {amount}", { amount: count(report.renamed_count) }),
      report.renamed.map(({ path, name }) => `${path} → ${name}`),
      report.renamed_count,
    ),
    list(
      _("Not exported: {amount}", { amount: count(report.not_exported_count) }),
      report.not_exported.map(({ path, reason }) => `${path}: ${reason}`),
      report.not_exported_count,
    ),
    list(_("The first files"), report.first, report.written + report.updated),
  ].filter(Boolean);
