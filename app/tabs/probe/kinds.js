// The names of the kinds of generated pairs, and of the scores of a pair.
import { _ } from "../../ui/language/language.js";

export const KINDS = {
  "colour swap": _("colour swap"),
  "relation swap": _("relation swap"),
  "role swap": _("role swap"),
  "count swap": _("count swap"),
};

export const SCORES = { text: _("text"), image: _("image"), group: _("group") };
