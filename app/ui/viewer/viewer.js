// One image in the whole window, with what is known about it beside it; the next and the previous are a key away.
import { icon, node } from "../elements/elements.js";
import { count } from "../format/format.js";
import { keyOf } from "../grid/grid.js";
import { inspector } from "../inspector/inspector.js";
import { _ } from "../language/language.js";
import { media, session } from "../session/session.js";
import { copyPicture, downloadFile, openFolder, originalAddress, reasonOf } from "./file_actions.js";
import { sideFor } from "./geometry.js";
import { SIDES } from "./sides.js";
import { Stage } from "./stage.js";
import { onSwipe } from "./swipe.js";

const INFO = "gelato-viewer-info"; // whether the panel is open, in the browser's storage
const THUMBNAILS = _("This page shows thumbnails; the images themselves stay with whoever runs it.");

const ZOOM = "g-viewer-tool g-viewer-zoom";
const TYPING = "input, textarea, select";

const tool = (name, label, onclick, settings = {}) =>
  node(
    "button",
    { type: "button", class: "g-viewer-tool", title: label, "aria-label": label, onclick, ...settings },
    icon(name),
  );

class Viewer {
  // actions: those of the inspector, { close(), step(by), neighbour(by) }, the last two by 1 or -1. closed(key) is
  // called with the image that was open.
  constructor(actions, closed) {
    Object.assign(this, { actions, closed });
    this.hit = null; // that is shown
    this.stage = new Stage(() => this.sharpen());
    this.panel = inspector(actions, this.stage.canvas);
    this.place = node("span", { class: "g-viewer-place" });
    this.note = node("p", { class: "g-viewer-note", role: "status", hidden: true });
    this.makeTools();
    this.stage.root.append(this.bar, this.previous, this.next, this.note);
    this.root = node(
      "dialog",
      { class: "g-viewer", id: "viewer", "aria-label": _("Image"), tabindex: "-1" },
      this.stage.root,
      this.panel.root,
    );
    this.root.addEventListener("keydown", (event) => this.key(event));
    this.root.addEventListener("cancel", (event) => {
      event.preventDefault();
      actions.close();
    });
    const step = (by) => this.stage.zoomedIn || actions.step(by);
    const swipes = { left: () => step(1), right: () => step(-1) };
    onSwipe(this.stage.root, {
      ...swipes,
      up: () => this.stage.zoomedIn || this.showInfo(true),
      down: () => this.stage.zoomedIn || actions.close(),
    });
    onSwipe(this.panel.root, { ...swipes, down: () => this.showInfo(false) });
  }

  makeTools() {
    this.previous = tool("left", _("Previous image (←)"), () => this.actions.step(-1), {
      class: "g-viewer-tool g-viewer-previous",
      id: "previous-image",
    });
    this.next = tool("right", _("Next image (→)"), () => this.actions.step(1), {
      class: "g-viewer-tool g-viewer-next",
      id: "next-image",
    });
    this.info = tool("info", _("About this image (i)"), () => this.showInfo(this.panel.root.hidden), {
      id: "view-info",
    });
    this.copy = tool(
      "copy",
      _("Copy the image"),
      async () => this.say((await copyPicture(this.stage.picture)) || _("Copied.")),
      { id: "view-copy" },
    );
    this.download = tool("download", _("Download the original"), () => this.act(downloadFile), { id: "view-download" });
    this.folder = tool("folder", _("Open the folder"), () => this.act(openFolder), { id: "view-folder" });
    this.bar = node(
      "div",
      { class: "g-viewer-bar" },
      tool("close", _("Close (Esc)"), () => this.actions.close(), { "aria-label": _("Close") }),
      this.place,
      tool("minus", _("Zoom out (−)"), () => this.stage.key("-"), { class: ZOOM }),
      tool("plus", _("Zoom in (+)"), () => this.stage.key("+"), { class: ZOOM }),
      this.copy,
      this.download,
      this.folder,
      this.info,
    );
  }

  // The key of the image that is shown, see keyOf; null if none is.
  opened() {
    return this.hit && keyOf(this.hit);
  }

  close() {
    if (!this.hit) return;
    const key = this.opened();
    this.hit = null;
    this.root.close();
    this.closed(key);
  }

  showInfo(on) {
    this.panel.root.hidden = !on;
    this.info.setAttribute("aria-pressed", on);
    localStorage.setItem(INFO, on ? "shown" : "hidden");
    if (on) this.panel.showRest();
  }

  // hit, request: as for the inspector. place: { at, of } among the results, null if it is none of them.
  async show(hit, collection, request, place) {
    const already = this.hit?.id === hit.id && this.collection === collection;
    Object.assign(this, { hit, collection });
    this.place.textContent = place ? _("{at} of {of}", { at: count(place.at + 1), of: count(place.of) }) : "";
    this.previous.hidden = !place || place.at === 0;
    this.next.hidden = !place || place.at === place.of - 1;
    this.open();
    if (!already) {
      this.side = 0; // pixels of the picture that was asked for
      this.say("");
      this.stage.show(media(collection, hit.id), hit.name ?? "");
    }
    const { facts, error } = await this.panel.show(hit, collection, request);
    if (this.hit !== hit) return;
    if (error) this.say(error);
    if (error || this.stage.known) return;
    this.file = facts.file;
    this.root.setAttribute("aria-label", facts.caption || facts.file);
    this.stage.picture.alt = facts.caption || facts.file;
    this.stage.setSize(facts);
    if (!session.state?.originals) this.say(THUMBNAILS);
  }

  open() {
    const { originals, desktop } = session.state || {};
    this.download.hidden = !originals;
    this.folder.hidden = !desktop;
    this.copy.hidden = !navigator.clipboard?.write;
    if (this.root.open) return;
    const narrow = matchMedia("(max-width: 800px)").matches;
    const shown = narrow ? false : localStorage.getItem(INFO) !== "hidden";
    this.panel.root.hidden = !shown;
    this.info.setAttribute("aria-pressed", shown);
    this.root.showModal();
    this.root.focus({ preventScroll: true }); // and not the button that closes it
    this.stage.fit();
  }

  say(sentence) {
    this.note.textContent = sentence;
    this.note.hidden = !sentence;
  }

  async act(action) {
    const { hit } = this;
    const sentence = await action(this.collection, hit.id, this.file);
    if (this.hit === hit) this.say(sentence);
  }

  // Asks for a picture with as many pixels as the image has on the screen, if it is not there yet.
  async sharpen() {
    if (!this.hit || !this.stage.known || !session.state?.originals) return;
    const { hit } = this;
    const side = sideFor(
      Math.min(this.stage.pixels, Math.max(this.stage.image.width, this.stage.image.height, SIDES[0])),
      SIDES,
    );
    if (side <= this.side) return;
    this.side = side;
    const address = originalAddress(this.collection, hit.id, `.jpg?side=${side}`);
    const picture = node("img", { alt: this.stage.picture.alt, draggable: "false", src: address });
    try {
      await picture.decode();
    } catch {
      if (this.hit !== hit) return;
      this.side = Infinity;
      this.say(_("{reason} This is the thumbnail.", { reason: await reasonOf(address) }));
      return;
    }
    if (this.hit !== hit || this.side !== side) return;
    picture.alt = this.stage.picture.alt;
    this.stage.put(picture);
    this.fetchNeighbours(side);
  }

  // So that the next image is there at once.
  async fetchNeighbours(side) {
    const { hit } = this;
    const others = await Promise.all([this.actions.neighbour(1), this.actions.neighbour(-1)]);
    if (this.hit !== hit) return;
    for (const other of others)
      if (other) new Image().src = originalAddress(this.collection, other.id, `.jpg?side=${side}`);
  }

  key(event) {
    if (event.target.matches(TYPING) || event.ctrlKey || event.metaKey || event.altKey) return;
    const steps = { ArrowLeft: -1, ArrowRight: 1 };
    if (this.stage.key(event.key)) event.preventDefault();
    else if (steps[event.key]) this.actions.step(steps[event.key]);
    else if (event.key === "i") this.showInfo(this.panel.root.hidden);
    else if (event.key === "e") this.panel.explain();
  }
}

export const viewer = (actions, closed) => new Viewer(actions, closed);
