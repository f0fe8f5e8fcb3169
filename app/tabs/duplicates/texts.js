// Duplicates in words.
import { count, fileSize } from "../../ui/format/format.js";
import { _, plural } from "../../ui/language/language.js";

export const TIERS = {
  exact: _("Same file"),
  same: _("Same image"),
  similar: _("Similar shots"),
};

export const WHAT = {
  exact: _("Files with identical bytes."),
  same: _("The same image saved again: in another size, quality or format, or with other metadata."),
  similar: _("Also cut, coloured or written over, and the next shots of a series: look at them before you move them."),
};

const KINDS = {
  file: _("Same file"),
  image: _("Same image"),
  shot: _("Similar shot"),
};

// Why the first image is proposed to stay, by the rules of index/copies/best.py.
const whyText = ({ kind, images: [best, ...others] }) => {
  if (kind === "file") return _("all have the same bytes; the oldest stays");
  const pixels = ({ width, height }) => width * height;
  if (others.some((other) => pixels(other) < pixels(best))) return _("the first has most pixels");
  if (others.some(({ bytes }) => bytes < best.bytes)) return _("the first was compressed least");
  return _("the first has most metadata, or is the oldest of equals");
};

export const kindText = (group) => `${KINDS[group.kind]} · ${whyText(group)}`;

// The numbers of a tier. changed: { images, bytes } that fewer or more go than proposed.
export const summaryText = ({ groups, copies, spare }, changed) => {
  if (!groups) return { lead: _("No duplicates"), rest: "" };
  const amount = copies + changed.images;
  const lead = plural("{n} image can go", "{n} images can go", amount);
  const size = fileSize(Math.max(0, spare + changed.bytes));
  return { lead, rest: plural(" · {n} group, {size}", " · {n} groups, {size}", groups, { size }) };
};

export const sizeText = ({ width, height, bytes }) => `${count(width)} × ${count(height)} · ${fileSize(bytes)}`;

// The first line of the report of a move.
export const movedText = ({ dry_run: dry, images, bytes, sidecars, copies }) => {
  const size = fileSize(bytes);
  const lead = dry
    ? plural("{n} image would be moved, {size}", "{n} images would be moved, {size}", images, { size })
    : plural("{n} image was moved, {size}", "{n} images were moved, {size}", images, { size });
  const also = sidecars ? plural(", with {n} sidecar file", ", with {n} sidecar files", sidecars) : "";
  const rest = copies - images;
  const stays = rest ? plural("; {n} stays", "; {n} stay", rest) : "";
  return `${lead}${also}${stays}`;
};
