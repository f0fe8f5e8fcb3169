// Lines of a lesson, as the server computes them.
import { _ } from "../../ui/language/language.js";

// Calls take(line) for each line of the answer to body. Gives the error, or "". signal: ends it without an error.
export async function stream(body, take, signal) {
  try {
    const response = await fetch("lessons", { method: "POST", body: JSON.stringify(body), signal });
    if (!response.headers.get("content-type")?.includes("ndjson")) return (await response.json()).error;
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
    return await readLines(reader, take);
  } catch {
    return signal?.aborted ? "" : _("The connection to Gelato is lost; trying again.");
  }
}

async function readLines(reader, take, before = "") {
  const { done, value } = await reader.read();
  if (done) return "";
  const lines = (before + value).split("\n");
  const rest = lines.pop();
  for (const line of lines.map((one) => JSON.parse(one))) {
    if (line.kind === "error") return line.error;
    take(line);
  }
  return readLines(reader, take, rest);
}
