// The first action on the demo: index photos of one's own. A line above all images, until it is used or dismissed; the
// results of a search are not pushed down by it.
import { icon, node } from "../../ui/elements/elements.js";
import { folderField, indexForm } from "../../ui/index_form/index_form.js";
import { _ } from "../../ui/language/language.js";
import { searchCollection } from "../../ui/navigation/navigation.js";
import { session } from "../../ui/session/session.js";

const DISMISSED = "gelato-own-photos";

// { root, show(state, searching) }: shown while the state says that the demo alone is open and that this page may index,
// and nothing is searched for.
export const ownPhotos = (server) => {
  const dismiss = () => {
    localStorage.setItem(DISMISSED, "dismissed");
    root.hidden = true;
  };
  const content = [
    node(
      "div",
      { class: "g-search-own-text" },
      node("h2", { text: _("Search your own photos") }),
      node("p", { class: "g-aside", text: _("They stay where they are, on this computer.") }),
    ),
    folderField(server, "own-folders", _("Folder with photos"), "~/Pictures"),
    node("button", { type: "submit", class: "g-go", text: _("Index") }),
    node(
      "button",
      { type: "button", class: "g-icon-button", title: _("Dismiss"), "aria-label": _("Dismiss"), onclick: dismiss },
      icon("close"),
    ),
  ];
  const encoder = () => ({ encoder: session.state?.encoder?.name });
  const root = indexForm(
    server,
    { class: "g-search-own", id: "own-photos", "aria-label": _("Search your own photos"), hidden: true },
    content,
    searchCollection,
    encoder,
  );
  const show = (state, searching) => {
    root.hidden = !state?.offersIndexing || searching || localStorage.getItem(DISMISSED) !== null;
  };
  return { root, show };
};
