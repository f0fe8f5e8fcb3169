// The window by which what does not stay is moved to a folder.
import { node } from "../../ui/elements/elements.js";
import { FolderPanel } from "../../ui/folder_panel/folder_panel.js";
import { list } from "../../ui/folder_panel/list.js";
import { count } from "../../ui/format/format.js";
import { _, plural } from "../../ui/language/language.js";
import { movedText } from "./texts.js";

const FOLDER = "~/duplicates";

export class MovePanel extends FolderPanel {
  // server: has move, moveState, stop, folders and listing. choice() gives the fields of what goes; moved() hears of it.
  constructor(server, choice, moved) {
    const texts = {
      title: _("Move duplicates to a folder"),
      folder: _("Folder outside of the collection's own folders"),
      placeholder: FOLDER,
    };
    super(server, "move", texts, [
      node("p", {
        class: "g-aside g-folder-panel-wide",
        text: _("Nothing is deleted or overwritten, and Undo puts everything back."),
      }),
    ]);
    this.choice = choice;
    this.moved = moved;
  }

  begin(folder, write) {
    return this.ask(this.server.move, { ...this.choice(), folder: folder || FOLDER, write });
  }

  state(job) {
    return this.ask(this.server.moveState, { job });
  }

  halt(job) {
    return this.ask(this.server.stop, { job });
  }

  written() {
    this.moved();
  }

  label({ images }) {
    return images ? plural("Move {n} image", "Move {n} images", images) : "";
  }

  nodes(report) {
    const { folder, first, files, renamed, renamed_count: others, not_moved: reasons } = report;
    return [
      node("p", { class: "g-folder-panel-summary", text: movedText(report) }),
      node("p", { class: "g-aside", text: folder }),
      ...reasons.map(({ reason, count: amount, first: paths }) =>
        list(_("{amount} stay: {reason}", { amount: count(amount), reason }), paths, amount),
      ),
      list(
        _("Other names, as theirs are taken or not allowed: {amount}", { amount: count(others) }),
        renamed.map(({ path, name }) => `${path} → ${name}`),
        others,
      ),
      list(_("The first files"), first, files),
    ].filter(Boolean);
  }
}
