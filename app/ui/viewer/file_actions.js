// What is done with the file of an image: it is copied, downloaded, or shown in its folder. Each gives the sentence of
// what went wrong, "" if nothing did.
import { node } from "../elements/elements.js";
import { _ } from "../language/language.js";

const LOST = _("The connection to Gelato is lost.");

// The address of an original. rest: ".jpg?side=1600", "/file" or "/folder".
export const originalAddress = (collection, id, rest) =>
  `originals/${encodeURIComponent(collection)}/${encodeURIComponent(id)}${rest}`;

// Why an address answers with no image.
export const reasonOf = async (address) => {
  const response = await fetch(address).catch(() => null);
  if (!response) return LOST;
  return response.ok ? _("The image could not be drawn.") : response.text();
};

// picture: an <img> that is loaded. Clipboards take PNG alone.
export const copyPicture = async (picture) => {
  const canvas = node("canvas", { width: picture.naturalWidth, height: picture.naturalHeight });
  canvas.getContext("2d").drawImage(picture, 0, 0);
  const blob = new Promise((done) => canvas.toBlob(done, "image/png"));
  try {
    await navigator.clipboard.write([new ClipboardItem({ "image/png": blob })]);
    return "";
  } catch {
    return _("The browser does not let this page copy images.");
  }
};

export const downloadFile = async (collection, id, name) => {
  const response = await fetch(originalAddress(collection, id, "/file")).catch(() => null);
  if (!response?.ok) return response ? response.text() : LOST;
  const link = node("a", { href: URL.createObjectURL(await response.blob()), download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
  return "";
};

export const openFolder = async (collection, id) => {
  const response = await fetch(originalAddress(collection, id, "/folder"), { method: "POST" }).catch(() => null);
  if (!response?.ok) return response ? response.text() : LOST;
  return "";
};
