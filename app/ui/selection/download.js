// The kinds of export, and the download of chosen images, which the address of the export names by a token.
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

// Downloads what a token names. kind: csv, json, txt, zip or originals.
export const download = (collection, choice, kind) => {
  const href = `export/${encodeURIComponent(collection)}.${kind}?choice=${encodeURIComponent(choice)}`;
  node("a", { href, download: "" }).click();
};
