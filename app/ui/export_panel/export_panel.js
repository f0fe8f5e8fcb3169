// Exports of chosen images into a folder of this computer.
import { node } from "../elements/elements.js";
import { FolderPanel } from "../folder_panel/folder_panel.js";
import { _ } from "../language/language.js";
import { reportNodes, writeText } from "./report.js";

const FOLDER = "~/Pictures/gelato";

const select = (name, label, choices) =>
  node(
    "label",
    { class: "g-folder-panel-field" },
    node("span", { text: label }),
    node(
      "select",
      { class: "g-input g-wide", name },
      ...choices.map(([value, text]) => node("option", { value, text })),
    ),
  );

export class ExportPanel extends FolderPanel {
  // server: has exportTo, exportState, stop, folders and listing.
  constructor(server) {
    const texts = { title: _("Export into a folder"), folder: _("Folder"), placeholder: FOLDER };
    super(server, "export", texts, [
      select("to", _("What"), [
        ["folders", _("Copies of the originals")],
        ["xmp", _("Tags and captions as XMP files")],
      ]),
      select("labels", _("Subfolders"), [
        ["", _("As in the source")],
        ["tags", _("One a tag, the first of each image")],
        ["corrections", _("One a label that you gave")],
      ]),
    ]);
    this.choice = null; // the fields of what is exported
  }

  // choice: the fields of what is chosen, as the server takes them.
  open(choice) {
    this.choice = choice;
    super.open();
  }

  changed() {
    const xmp = this.form.elements.to.value === "xmp";
    this.form.elements.labels.closest("label").hidden = xmp;
    this.folder.placeholder = xmp ? _("beside the originals") : FOLDER;
    super.changed();
  }

  begin(out, write) {
    const { to, labels } = this.form.elements;
    const fields = { to: to.value, labels: to.value === "xmp" ? "" : labels.value, out };
    return this.ask(this.server.exportTo, { ...this.choice, ...fields, write });
  }

  state(job) {
    return this.ask(this.server.exportState, { job });
  }

  halt(job) {
    return this.ask(this.server.stop, { job });
  }

  nodes(report) {
    return reportNodes(report);
  }

  label(report) {
    return report.written + report.updated ? writeText(report) : "";
  }
}
