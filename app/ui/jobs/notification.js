// A notification of the browser when a job ends while the page is out of sight, for who asked for it.
import { _ } from "../language/language.js";

const supported = () => Boolean(window.Notification) && isSecureContext;

// Whether a person can still be asked.
export const canAsk = () => supported() && Notification.permission === "default";

export const askToNotify = () => Notification.requestPermission();

export const notify = (title, text) => {
  if (!supported() || Notification.permission !== "granted" || !document.hidden) return;
  const made = new Notification(title, { body: text, tag: title, lang: document.documentElement.lang });
  made.addEventListener("click", () => {
    window.focus();
    made.close();
  });
};
