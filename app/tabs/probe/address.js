// What the address of the page says of the probes.
import { _ } from "../../ui/language/language.js";

const KINDS = new Set(["colour swap", "relation swap", "role swap", "count swap"]);
const PAINTS = new Set(["text", "natural", "grey", "wrong"]);
const TEXTS = ["caption", "word", "labels", "object"];
const NONE = { pair: null, i: null, caption: null, paint: null, object: null, word: null, labels: null, image: null };

// The settings that a probe of that name can be seen with.
const SHOWN = {
  pairs: ["pair", "i"],
  order: ["caption", "image"],
  colour: ["paint", "object", "image"],
  typographic: ["word", "labels", "image"],
  templates: ["labels", "image"],
};

// What the address sets, as a change of the settings; what it does not name stays.
export function parseAddress(search) {
  const params = new URLSearchParams(search);
  const change = {};
  if (params.get("probe") in SHOWN) change.probe = params.get("probe");
  if (KINDS.has(params.get("pair"))) change.pair = params.get("pair");
  if (params.has("i")) change.i = Math.abs(parseInt(params.get("i"), 10)) || 0;
  if (PAINTS.has(params.get("paint"))) change.paint = params.get("paint");
  for (const name of TEXTS) if (params.has(name)) change[name] = params.get(name);
  if (params.get("image")) change.image = { id: params.get("image"), name: _("the selected image") };
  return change;
}

// The parts of the address for the settings; an uploaded image is not among them.
export function addressParts(settings) {
  const values = { ...settings, image: settings.image?.id };
  const shown = Object.fromEntries(SHOWN[settings.probe].map((name) => [name, values[name]]));
  return { ...NONE, ...shown, probe: settings.probe };
}
