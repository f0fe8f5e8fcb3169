// A bar that shows how much is done.
import { node } from "./elements.js";

export const progressBar = ({ done, total }) => {
  const width = `${total ? Math.max(2, (100 * done) / total) : 3}%`;
  return node("div", { class: "g-progress" }, node("i", { style: { width } }));
};
