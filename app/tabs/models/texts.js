// A model in words: for whom it is, what it scores, how large it is and how long it takes.
import { count, fileSize, images, minutes } from "../../ui/format/format.js";

const USES = {
  small: "small and fast",
  balanced: "balanced",
  best: "best quality",
  multilingual: "many languages",
};
const STARTER = "the embedded default: small, offline, for everyday words";

export const useText = ({ name, model, zoo }) => {
  if (name === "starter") return STARTER;
  if (zoo) return `${zoo.idea} (${zoo.paper}) · ${zoo.readsText ? "images and text" : "images only"}`;
  return model ? USES[model.use] : "an encoder of your own";
};

const one = (value) => (value === null || value === undefined ? null : `${value.toFixed(1)}\u00a0%`);

// Figures that are known: as published, or of the zoo, on held-out images.
export const figureText = ({ model, zoo }) => {
  if (zoo) {
    const share = (name) => `${(100 * zoo.figures[name].value).toFixed(0)}\u00a0%`;
    return `k-NN: shapes ${share("knn/shape")}, colours ${share("knn/colour")}`;
  }
  if (!model) return "";
  const { imagenet, flickr, coco } = model;
  const known = [
    one(imagenet) && `ImageNet ${one(imagenet)}`,
    one(flickr?.[0]) && `Flickr30k ${one(flickr?.[0])}`,
    one(coco?.[0]) && `COCO ${one(coco?.[0])}`,
  ];
  return known.filter(Boolean).join(" · ");
};

export const sizeText = ({ name, model, total, zoo }) => {
  if (zoo) return `comes with Gelato, ${fileSize(zoo.bytes)}`;
  if (name === "starter") return "comes with Gelato";
  const bytes = total ?? model?.download_bytes;
  return bytes ? fileSize(bytes) : "";
};

// How long the open collection takes: measured here, or estimated.
export const timeText = ({ duration }, amount) => {
  if (!amount) return "";
  if (!duration) return "time not known yet";
  const about = duration.measured ? "" : ", estimated";
  return `${minutes(duration.seconds)} for ${images(amount)}${about}`;
};

export const parameterText = ({ model }) =>
  model
    ? `${count(Math.round(model.parameters / 1e6))} million parameters, ${model.dim} dimensions, ${model.image_size} px`
    : "";

// How far a download is.
export const downloadText = (job) => {
  if (job.stopping) return "pausing; what came is kept";
  if (!job.total) return job.note || "asking the hub";
  if (job.note) return `${fileSize(job.done)} of ${fileSize(job.total)}; ${job.note}`;
  const rate = job.rate ? `, ${fileSize(job.rate)}/s` : "";
  const left = job.left ? `, ${minutes(job.left)} left` : "";
  return `${fileSize(job.done)} of ${fileSize(job.total)}${rate}${left}`;
};

// How far embedding is.
export const embeddingText = (job) => {
  if (job.stopping) return "stopping; what was embedded is kept";
  if (job.note) return job.note;
  if (!job.total) return "looking for images";
  const left = job.left ? `, ${minutes(job.left)} left` : "";
  return `${count(job.done)} of ${images(job.total)}${left}`;
};

// Where a model stands, in a few words.
export const stateText = (entry, online) => {
  const { serving, generation, state, job, here, total } = entry;
  if (job?.state === "running") return "being fetched";
  if (serving) return entry.outdated ? "in use, made with earlier weights" : "in use";
  if (generation?.state === "ready") return "ready to switch to";
  if (generation) return `${images(generation.missing)} to embed`;
  if (state === "ready") return "on this machine";
  if (state === "partial") return total ? `paused at ${Math.floor((100 * here) / total)} %` : "paused";
  return online === false ? "not available here" : "";
};
