// A collection and a job in words.
import { count, decimal, fileSize, images, minutes } from "../../ui/format/format.js";
import { _, language } from "../../ui/language/language.js";

// What a job does while it runs, what it did, and what it could not do.
const KINDS = {
  index: [_("Indexing"), _("Indexed"), _("Not indexed:")],
  update: [_("Updating"), _("Updated"), _("Not updated:")],
  verify: [_("Verifying"), _("Verified"), _("Not verified:")],
  label: [_("Labelling"), _("Labelled"), _("Not labelled:")],
  reencode: [_("Embedding"), _("Embedded"), _("Not embedded:")],
  get: [_("Fetching"), _("Fetched"), _("Not fetched:")],
};
const STATES = ["running", "done", "failed"];

const day = (seconds) => new Date(1000 * seconds).toLocaleString(language, { dateStyle: "medium", timeStyle: "short" });

// How far a running job is.
export const pace = (job) => {
  if (!job.total) return job.note || _("looking for images");
  const rate = job.rate ? _(", {rate} a second", { rate: Math.round(job.rate) }) : "";
  const left = job.left ? _(", about {left} left", { left: minutes(job.left) }) : "";
  const failed = job.failed ? _(", {failed} unreadable", { failed: count(job.failed) }) : "";
  return _("{done} of {total}{rate}{left}{failed}", {
    done: count(job.done),
    total: count(job.total),
    rate,
    left,
    failed,
  });
};

// names: the name of each collection by its key.
export const jobTitle = (job, names) => {
  const title = KINDS[job.kind]?.[STATES.indexOf(job.state)] || job.kind;
  return `${title} ${names[job.about] || job.about || ""}`;
};

export const jobText = (job) => {
  if (job.state === "running") return job.stopping ? _("stopping; finished work is saved") : pace(job);
  return job.error || `${job.note || _("done")}, ${decimal(job.seconds, 1)} s`;
};

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
