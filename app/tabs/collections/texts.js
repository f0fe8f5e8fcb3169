// A collection and a job in words.
import { count, fileSize, images, minutes } from "../../ui/format/format.js";

// What a job does while it runs, what it did, and what it could not do.
const KINDS = {
  index: ["Indexing", "Indexed", "Not indexed:"],
  update: ["Updating", "Updated", "Not updated:"],
  verify: ["Verifying", "Verified", "Not verified:"],
  label: ["Labelling", "Labelled", "Not labelled:"],
  reencode: ["Embedding", "Embedded", "Not embedded:"],
  get: ["Fetching", "Fetched", "Not fetched:"],
};
const STATES = ["running", "done", "failed"];

const day = (seconds) => new Date(1000 * seconds).toLocaleString("en", { dateStyle: "medium", timeStyle: "short" });

// How far a running job is.
export const pace = (job) => {
  if (!job.total) return job.note || "looking for images";
  const rate = job.rate ? `, ${Math.round(job.rate)} a second` : "";
  const left = job.left ? `, about ${minutes(job.left)} left` : "";
  const failed = job.failed ? `, ${count(job.failed)} unreadable` : "";
  return `${count(job.done)} of ${count(job.total)}${rate}${left}${failed}`;
};

// names: the name of each collection by its key.
export const jobTitle = (job, names) => {
  const title = KINDS[job.kind]?.[STATES.indexOf(job.state)] || job.kind;
  return `${title} ${names[job.about] || job.about || ""}`;
};

export const jobText = (job) => {
  if (job.state === "running") return job.stopping ? "stopping; finished work is saved" : pace(job);
  return job.error || `${job.note || "done"}, ${job.seconds.toFixed(1)} s`;
};

export const encoderText = ({ encoder, dim, precision }) =>
  dim ? `${encoder}, ${dim}-dimensional embeddings in ${precision}` : encoder;

export const facts = (card) => {
  const amount = card.images ? images(card.images) : card.problem ? "cannot be shown" : "nothing indexed yet";
  const others = [
    card.bytes && fileSize(card.bytes),
    card.search && `search: ${card.search}`,
    card.updated && `updated ${day(card.updated)}`,
  ];
  return [amount, ...others].filter(Boolean).join(" · ");
};
