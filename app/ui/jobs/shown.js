// Which jobs the bar shows: those that run, those that ended and began or ran while this browser tab was open, and
// failures. Labels and figures that came at once are where they were asked for.

const SINCE = "gelato-jobs-since"; // seconds since 1970 when this browser tab first asked
const SEEN = "gelato-jobs-seen"; // ids of jobs that it saw run
const DISMISSED = "gelato-jobs-dismissed"; // ids
const HELD = 100; // ids
const AT_ONCE = 2; // seconds

const now = () => Date.now() / 1000;

const since = () => {
  const stored = Number(sessionStorage.getItem(SINCE));
  if (stored) return stored;
  sessionStorage.setItem(SINCE, String(now()));
  return now();
};

const ids = (key) => new Set(JSON.parse(sessionStorage.getItem(key) || "[]"));

const add = (key, added) => {
  const held = ids(key);
  if (added.every((id) => held.has(id))) return;
  sessionStorage.setItem(key, JSON.stringify([...held, ...added].slice(-HELD)));
};

export const dismiss = (ended) => add(DISMISSED, ended);

// The jobs that are shown, those that run first, then the newest. jobs: of the state, the newest first.
export const shownJobs = (jobs) => {
  const running = jobs.filter(({ state }) => state === "running");
  const begun = since();
  const seen = ids(SEEN);
  const gone = ids(DISMISSED);
  add(
    SEEN,
    running.map(({ id }) => id),
  );
  const atOnce = ({ kind, state, seconds }) =>
    ["label", "evaluate"].includes(kind) && state === "done" && seconds < AT_ONCE;
  const isNews = (job) => job.state === "failed" || seen.has(job.id) || now() - job.age >= begun;
  return [
    ...running,
    ...jobs.filter((job) => job.state !== "running" && isNews(job) && !atOnce(job) && !gone.has(job.id)),
  ];
};
