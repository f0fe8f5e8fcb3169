// Sentences about the map: what is drawn, and how far its distances can be trusted.
import { count, decimal } from "../../ui/format/format.js";
import { _ } from "../../ui/language/language.js";

export const columnTitle = (name) => name.replaceAll("_", " ");
export const share = (part) => `${decimal(100 * part, part < 0.1 ? 1 : 0)} %`;
export const coordinate = (value) => decimal(value, 2).replace("-", "−");

// What follows the number of images in the status line. column: what it is coloured by, or "".
export function statusText(view, column) {
  const { kind, said, best } = view.colouring;
  const parts = [];
  if (kind === "scale" && said) parts.push(_(" by similarity to “{said}”", { said }));
  else if (kind === "classes" && best.length) parts.push(_(" by the most similar text"));
  else if (kind !== "none" && column) parts.push(_(" by {column}", { column: columnTitle(column) }));
  if (view.selected.length) parts.push(_(" · {selected} selected", { selected: count(view.selected.length) }));
  if (view.facts.umap === "running") parts.push(_(" · UMAP is being computed"));
  return parts.join("");
}

// What a projection to two dimensions keeps of the embeddings.
export function qualityText({ dim, explained, preserved, umap, why }) {
  const sentences = [
    _("A two-dimensional projection of {dim}-dimensional embeddings: distances are approximate.", { dim: count(dim) }),
  ];
  if (explained) {
    const [across, up] = explained;
    sentences.push(
      _("The two PCA axes hold {share} of the variance ({across} across, {up} up).", {
        share: share(across + up),
        across: share(across),
        up: share(up),
      }),
    );
  }
  if (preserved !== null)
    sentences.push(
      _("{share} of an image's 10 nearest neighbours are also among its 10 nearest on the map.", {
        share: share(preserved),
      }),
    );
  if (umap === "failed") sentences.push(why);
  return sentences.join(" ");
}

// Why the UMAP button is as it is.
export function umapTitle({ umap, why }) {
  if (why) return why;
  if (umap === "running") return _("UMAP is being computed in the background; the map switches when it is ready");
  return _("Nonlinear: keeps neighbours together; large distances mean little");
}
