// One line below the encoder: new weights of it, on every tab, or on the landing of the first start a better model for
// this machine. It fetches nothing by itself.
import { button, node } from "../elements/elements.js";
import { fileSize, images, minutes } from "../format/format.js";
import { _ } from "../language/language.js";
import { goTo, onAddress, whichTab } from "../navigation/navigation.js";

const DISMISSED = "gelato-offer-dismissed";

export const offerText = ({ name, replaces, bytes, seconds, images: amount }) =>
  replaces
    ? _(
        "This collection was embedded with {replaces}. The new {name} finds more: about {seconds} for your {amount}, nothing to download; tags and corrections stay.",
        { replaces, name, seconds: minutes(seconds), amount: images(amount) },
      )
    : _("Better answers with {name}: {bytes}, about {seconds} for your {amount}.", {
        name,
        bytes: fileSize(bytes),
        seconds: minutes(seconds),
        amount: images(amount),
      });

export class Offer {
  #offer = null;

  constructor() {
    this.text = node("span");
    this.element = node(
      "p",
      { class: "g-header-offer", id: "model-offer", hidden: true },
      this.text,
      button(null, _("See it"), () => goTo("models"), { class: "g-clear" }),
      button("close", _("Dismiss"), () => this.dismiss(), { class: "g-button g-small" }),
    );
    onAddress(() => this.draw());
  }

  show(offer) {
    this.#offer = offer;
    this.draw();
  }

  dismiss() {
    localStorage.setItem(DISMISSED, this.#offer.name);
    this.draw();
  }

  draw() {
    const shown = Boolean(this.#offer) && this.#fits() && localStorage.getItem(DISMISSED) !== this.#offer.name;
    this.element.hidden = !shown;
    if (shown) this.text.textContent = offerText(this.#offer);
  }

  #fits() {
    if (this.#offer.replaces) return whichTab() !== "models";
    return whichTab() === "search" && !new URLSearchParams(location.search).get("q");
  }
}
