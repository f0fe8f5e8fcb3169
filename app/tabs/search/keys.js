// Keys and pasted images of the search tab: / searches, Escape closes, Ctrl+A chooses all, Ctrl+Z undoes, m and x ask for more or less of an
// image.
import { openTab, whichTab } from "../../ui/navigation/navigation.js";
import { pasted } from "../../ui/upload/upload.js";

const TYPING = /^(INPUT|TEXTAREA|SELECT)$/;

export const listenToKeys = (search) => {
  document.addEventListener("paste", (event) => {
    const images = pasted(event);
    if (!images.length || whichTab() !== "search") return;
    event.preventDefault();
    search.addFiles(images);
  });
  document.addEventListener("keydown", (event) => {
    if (event.key === "/" && !TYPING.test(event.target.tagName) && !event.ctrlKey && !event.metaKey) {
      event.preventDefault();
      openTab("search");
      search.field.focus();
      search.field.select();
    }
    const all = event.key === "a" && (event.ctrlKey || event.metaKey) && !event.shiftKey;
    if (all && whichTab() === "search" && !TYPING.test(event.target.tagName) && !search.viewer.opened()) {
      event.preventDefault();
      search.selection.chooseAll();
    }
    const undoes = event.key === "z" && (event.ctrlKey || event.metaKey) && !event.shiftKey;
    if (undoes && whichTab() === "search" && !TYPING.test(event.target.tagName)) {
      event.preventDefault();
      search.undo();
    }
    if (event.key !== "Escape" || whichTab() !== "search") return;
    if (search.viewer.opened()) {
      event.preventDefault(); // the dialog itself would close without a step of the history
      search.closeImage();
    } else if (search.selection.size()) search.selection.clear();
  });
  search.grid.root.addEventListener("keydown", (event) => {
    const id = event.target.closest(".g-grid-card")?.dataset.id;
    if (!id || search.results?.collections || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "m") search.like([id], 1);
    else if (event.key === "x") search.like([id], -1);
  });
};
