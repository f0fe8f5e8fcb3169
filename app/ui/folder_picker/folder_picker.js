// A window to choose a folder of this computer: one level at a time, with the number of images below each folder.
import { button, icon, node, notice } from "../elements/elements.js";
import { count } from "../format/format.js";
import { _, plural } from "../language/language.js";
import { forget, leave, onAddress, visit } from "../navigation/navigation.js";
import { request } from "../session/session.js";

const PARAMETER = "pick"; // of the address while it is open, so that Back closes it

// The number of images of a folder; counted: whether that is all of them.
const amountText = ({ images, counted }) => {
  if (!counted) return _("more than {n}", { n: count(images) });
  return images ? plural("{n} image", "{n} images", images) : _("no images");
};

class FolderPicker {
  constructor() {
    this.turn = 0; // answers that were overtaken are dropped
    this.path = node("p", { class: "g-folder-picker-path", role: "status" });
    this.up = button("left", _("Up"), () => this.look(this.listing.parent), { class: "g-button" });
    this.list = node("div", { class: "g-folder-picker-list" });
    this.list.addEventListener("keydown", (event) => this.key(event));
    this.choose = button(null, _("Choose this folder"), () => this.chosen(this.listing.path), { class: "g-go" });
    const cancel = button(null, _("Cancel"), () => leave(PARAMETER));
    this.root = node(
      "dialog",
      { class: "g-folder-picker", id: "folder-picker", "aria-labelledby": "folder-picker-title" },
      node("h2", { id: "folder-picker-title", text: _("Choose a folder") }),
      node("div", { class: "g-folder-picker-head" }, this.up, this.path),
      this.list,
      node("div", { class: "g-folder-picker-buttons" }, cancel, this.choose),
    );
    this.root.addEventListener("cancel", (event) => {
      event.preventDefault();
      leave(PARAMETER);
    });
    this.root.addEventListener("keydown", (event) => event.stopPropagation()); // keys of the page are not meant
    document.querySelector(".g-header").append(this.root);
    forget(PARAMETER); // of an address that was loaded: nobody waits for the folder
    onAddress(() => new URLSearchParams(location.search).has(PARAMETER) || this.root.close());
  }

  // server: has the function listing. start: the path to begin at. chosen(path) hears of the folder.
  open(server, start, chosen) {
    this.server = server;
    this.chosen = (path) => {
      this.root.close();
      leave(PARAMETER);
      chosen(path);
    };
    visit(PARAMETER, "folder");
    this.list.replaceChildren();
    this.root.showModal();
    this.look(start.trim(), true);
  }

  // Shows the folders of a path; that of a form may lead nowhere, then the first ones are shown.
  async look(path, typed = false) {
    const turn = ++this.turn;
    this.list.setAttribute("aria-busy", "true");
    let listing = await request(this.server.listing, { path });
    if (listing.error && typed) listing = await request(this.server.listing, { path: "" });
    if (turn !== this.turn) return;
    this.list.removeAttribute("aria-busy");
    if (listing.error) this.list.replaceChildren(notice(listing.error));
    else this.show(listing);
  }

  show(listing) {
    const before = this.listing?.path;
    this.listing = listing;
    this.path.textContent = `${listing.path} · ${amountText(listing)}`;
    this.path.title = listing.path;
    this.up.disabled = !listing.parent;
    const others = listing.parent ? [] : listing.roots.filter((root) => root !== listing.path);
    const rows = [...listing.folders, ...others.map((root) => ({ name: root, path: root, root: true }))];
    const rest = listing.more ? [_("and {n} more; type the path", { n: count(listing.more) })] : [];
    const empty = rows.length ? [] : [_("No folders in here.")];
    const outside = listing.parent
      ? []
      : [_("Other folders and drives: type their path, or start Gelato with --roots FOLDER.")];
    const lines = [...rest, ...empty, ...outside].map((text) => node("p", { class: "g-aside", text }));
    this.list.replaceChildren(...rows.map((row) => this.row(row)), ...lines);
    const from = [...this.list.children].find((one) => one.dataset.path === before);
    (from || this.list.querySelector("button") || this.choose).focus();
  }

  row(folder) {
    const amount = !folder.root && node("small", { text: amountText(folder) });
    const onclick = () => this.look(folder.path);
    const settings = { type: "button", class: "g-folder-picker-row", "data-path": folder.path, onclick };
    return node("button", settings, icon("folder"), node("span", { text: folder.name }), amount);
  }

  key(event) {
    const rows = [...this.list.querySelectorAll("button")];
    const at = rows.indexOf(document.activeElement);
    const next = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: rows.length - 1 }[event.key];
    if (next !== undefined) rows[Math.max(0, Math.min(rows.length - 1, next))]?.focus();
    else if (event.key === "ArrowRight" && at >= 0) this.look(rows[at].dataset.path);
    else if (["Backspace", "ArrowLeft"].includes(event.key) && this.listing.parent) this.look(this.listing.parent);
    else return;
    event.preventDefault();
  }
}

let picker = null; // one for the page

export const pickFolder = (server, start, chosen) => {
  picker ??= new FolderPicker();
  picker.open(server, start, chosen);
};
