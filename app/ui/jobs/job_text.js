// A job in words.
import { count, decimal, fileSize, minutes } from "../format/format.js";
import { _ } from "../language/language.js";

// What a job does while it runs, what it did, and what it could not do.
const KINDS = {
  index: [_("Indexing"), _("Indexed"), _("Not indexed:")],
  update: [_("Updating"), _("Updated"), _("Not updated:")],
  verify: [_("Verifying"), _("Verified"), _("Not verified:")],
  label: [_("Labelling"), _("Labelled"), _("Not labelled:")],
  evaluate: [_("Evaluating the encoders of"), _("Encoders evaluated of"), _("Encoders not evaluated of")],
  reencode: [_("Embedding"), _("Embedded"), _("Not embedded:")],
  get: [_("Fetching"), _("Fetched"), _("Not fetched:")],
  export: [_("Exporting from"), _("Exported from"), _("Not exported:")],
  duplicates: [_("Looking for duplicates in"), _("Duplicates found in"), _("Duplicates not found in")],
  move: [_("Moving duplicates of"), _("Duplicates moved of"), _("Duplicates not moved of")],
  "undo-move": [_("Putting duplicates back into"), _("Duplicates put back into"), _("Duplicates not put back into")],
  umap: [_("Computing the map"), _("Map computed"), _("Map not computed")],
};
const DISCARDED = ["label", "evaluate"]; // kinds that leave nothing when they are stopped
const STATES = ["running", "done", "failed"];

// How far a running job is.
export const pace = (job) => {
  if (!job.total) return job.note || (job.kind === "get" ? _("asking the hub") : _("looking for images"));
  const amount = job.kind === "get" ? fileSize : count; // of bytes or of images
  const rate = job.rate ? _(", {rate} a second", { rate: amount(Math.round(job.rate)) }) : "";
  const left = job.left ? _(", about {left} left", { left: minutes(job.left) }) : "";
  const failed = job.failed ? _(", {failed} unreadable", { failed: count(job.failed) }) : "";
  return _("{done} of {total}{rate}{left}{failed}", {
    done: amount(job.done),
    total: amount(job.total),
    rate,
    left,
    failed,
  });
};

export const jobTitle = ({ kind, state, name, encoder }) => {
  const title = KINDS[kind]?.[STATES.indexOf(state)] || kind;
  const job = name ? `${title} ${name}` : title;
  return encoder ? _("{job} with {encoder}", { job, encoder }) : job;
};

// What becomes of the work of a job that is stopped.
export const stopText = ({ kind }) =>
  DISCARDED.includes(kind) ? _("Its results so far are discarded") : _("Safe: finished work is saved");

export const jobText = (job) => {
  if (job.state === "running") return job.stopping ? _("stopping") : pace(job);
  return job.error || `${job.note.replace(/[.]$/, "") || _("done")} · ${decimal(job.seconds, 1)} s`;
};
