// The kinds of export, and the download of chosen images: too many ids for an address, so they are posted.
import { node } from "../elements/elements.js";
import { _ } from "../language/language.js";
import { session } from "../session/session.js";

const KINDS = [
  ["CSV", "csv"],
  ["JSON", "json"],
  [_("List of files"), "txt"],
  [_("Thumbnails, zip"), "zip"],
];
const ORIGINALS = [_("Originals, zip"), "originals"]; // of a page that only this computer reaches

// [text, kind] of each export that the server gives to this page.
export const exportKinds = () => (session.state?.local ? [...KINDS, ORIGINALS] : KINDS);

// kind: csv, json, txt, zip or originals. Gives an error's sentence, or "" when the file was saved.
export const download = async (collection, ids, kind) => {
  const response = await fetch(`export/${encodeURIComponent(collection)}.${kind}`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ ids }),
  }).catch(() => null);
  if (!response) return _("The connection to Gelato is lost.");
  if (!response.ok) return response.text();
  const ending = kind === "originals" ? "originals.zip" : kind;
  const link = node("a", { href: URL.createObjectURL(await response.blob()), download: `gelato-chosen.${ending}` });
  link.click();
  URL.revokeObjectURL(link.href);
  return "";
};
