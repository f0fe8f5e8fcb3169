// A collection in words.
import { decimal, fileSize, images } from "../../ui/format/format.js";
import { _, language } from "../../ui/language/language.js";

const day = (seconds) => new Date(1000 * seconds).toLocaleString(language, { dateStyle: "medium", timeStyle: "short" });

export const encoderText = ({ encoder, dim, precision }) =>
  dim ? _("{encoder}, {dim}-dimensional embeddings in {precision}", { encoder, dim, precision }) : encoder;

// The structure that is searched, with its measured recall.
const searchText = ({ search, recall }) =>
  recall === null || recall === undefined
    ? _("search: {search}", { search })
    : _("search: {search}, recall {recall}", { search, recall: decimal(recall, 3) });

export const facts = (card) => {
  const amount = card.images ? images(card.images) : card.problem ? _("cannot be shown") : _("nothing indexed yet");
  const others = [
    card.bytes && fileSize(card.bytes),
    card.search && searchText(card),
    card.updated && _("updated {day}", { day: day(card.updated) }),
  ];
  return [amount, ...others].filter(Boolean).join(" · ");
};
