// The image to classify. Its value goes to Python as { image: token } or { id, collection }.
import { icon, node, notice } from "../../ui/elements/elements.js";
import { _ } from "../../ui/language/language.js";
import { onClassify, whichTab } from "../../ui/navigation/navigation.js";
import { media } from "../../ui/session/session.js";
import { droppable, filePicker, pasted, upload } from "../../ui/upload/upload.js";
import { busy } from "./busy.js";
import { suggestClasses } from "./default_classes.js";

class ImageZone {
  constructor(element, props, trigger, event) {
    Object.assign(this, { props, trigger, event });
    const file = filePicker(_("Choose an image to classify"), ([chosen]) => this.take(chosen), { id: "classify-file" });
    this.zone = node(
      "button",
      { type: "button", class: "g-classify-zone", id: "classify-zone", onclick: () => file.click() },
      icon("image"),
      node("b", { text: _("Choose an image") }),
      node("span", { text: _("or drop or paste one here, or take one from the search") }),
    );
    this.problem = node("div", { id: "classify-notice" });
    element.querySelector(".g-classify-image").append(this.zone, file, this.problem);
    droppable(element, (files) => this.takeFirst(files));
    document.addEventListener("paste", (pasting) => {
      const files = pasted(pasting);
      if (!files.length || whichTab() !== "classify") return;
      pasting.preventDefault();
      this.takeFirst(files);
    });
    onClassify(({ id, collection, name }) => {
      this.show(media(collection, id), name);
      this.set({ id, collection });
    });
  }

  async takeFirst([first, ...others]) {
    await this.take(first);
    const text = _("One image at a time is classified: {name}. Index a folder to label many.", {
      name: first.name || _("the first"),
    });
    if (others.length) this.problem.append(notice(text));
  }

  async take(image) {
    this.zone.classList.add("g-sending");
    const answer = await upload(image);
    this.zone.classList.remove("g-sending");
    if (answer.error) {
      this.problem.replaceChildren(notice(answer.error));
      return;
    }
    this.show(`images/${answer.image}.webp`, image.name || _("your image"));
    this.set({ image: answer.image });
  }

  show(source, name) {
    const shown = node("span", { class: "g-classify-shown" }, node("img", { src: source, alt: "" }));
    this.zone.replaceChildren(shown, node("span", { class: "g-classify-caption", text: name }));
    this.zone.setAttribute("aria-label", _("{name}; choose another image", { name }));
    this.problem.replaceChildren();
  }

  set(value) {
    this.props.value = value;
    this.trigger(this.event, value);
    busy("bars");
  }
}

// trigger(event, value) tells Gradio that an image was chosen. firstClasses: what the form begins with.
export const image = (element, props, trigger, event, firstClasses) => {
  suggestClasses(firstClasses);
  return new ImageZone(element, props, trigger, event);
};
