// Downloads chosen images as a file: there are too many ids for an address, so they are posted.
import { node } from "../elements/elements.js";

// kind: csv, json, txt, zip or originals. Gives an error's sentence, or "" when the file was saved.
export const download = async (collection, ids, kind) => {
  const response = await fetch(`export/${encodeURIComponent(collection)}.${kind}`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ ids }),
  }).catch(() => null);
  if (!response) return "The connection to Gelato is lost.";
  if (!response.ok) return response.text();
  const ending = kind === "originals" ? "originals.zip" : kind;
  const link = node("a", { href: URL.createObjectURL(await response.blob()), download: `gelato-chosen.${ending}` });
  link.click();
  URL.revokeObjectURL(link.href);
  return "";
};
