// Sentences about the map: what is drawn, and how far its distances can be trusted.
import { count } from "../../ui/format/format.js";

export const columnTitle = (name) => name.replaceAll("_", " ");
export const share = (part) => `${(100 * part).toFixed(part < 0.1 ? 1 : 0)} %`;
export const coordinate = (value) => value.toFixed(2).replace("-", "−");

// What follows the number of images in the status line. column: what it is coloured by, or "".
export function statusText(view, column) {
  const { kind, said, best } = view.colouring;
  const parts = [];
  if (kind === "scale" && said) parts.push(` by similarity to “${said}”`);
  else if (kind === "classes" && best.length) parts.push(" by the most similar text");
  else if (kind !== "none" && column) parts.push(` by ${columnTitle(column)}`);
  if (view.selected.length) parts.push(` · ${count(view.selected.length)} selected`);
  if (view.facts.umap === "running") parts.push(" · UMAP is being computed");
  return parts.join("");
}

// What a projection to two dimensions keeps of the embeddings.
export function qualityText({ dim, explained, preserved, umap, why }) {
  const sentences = [
    `A two-dimensional projection of ${count(dim)}-dimensional embeddings: distances are approximate.`,
  ];
  if (explained) {
    const [across, up] = explained;
    sentences.push(
      `The two PCA axes hold ${share(across + up)} of the variance (${share(across)} across, ${share(up)} up).`,
    );
  }
  if (preserved !== null)
    sentences.push(`${share(preserved)} of an image's 10 nearest neighbours are also among its 10 nearest on the map.`);
  if (umap === "failed") sentences.push(why);
  return sentences.join(" ");
}

// Why the UMAP button is as it is.
export function umapTitle({ umap, why }) {
  if (why) return why;
  if (umap === "running") return "UMAP is being computed in the background; the map switches when it is ready";
  return "Nonlinear: keeps neighbours together; large distances mean little";
}
