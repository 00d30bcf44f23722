// Sending a list part by part, so that its progress is real. A part has a key: sent again, it is stored once.
import { $, PART, renew } from "./page.js";

const form = $("form.bulk");
const AGAIN = 2000;
const pause = (time) => new Promise((resolve) => setTimeout(resolve, time));

/** One part, as often as it takes; an error in words where it can't be. */
async function put(fields, say) {
  for (let refused = 0; ; ) {
    fields.set("csrf", form.elements.csrf.value);
    const answer = await fetch("/outbound/bulk/send", { method: "POST", headers: PART, body: new URLSearchParams(fields) }).catch(() => null);
    if (answer?.ok) return say(null), answer.json();
    if (answer?.status === 422) return { error: (await answer.json()).problems.join(" ") };
    const session = await renew();
    if (session === "other") return { error: $("#sending").dataset.other };
    // With the session renewed the form's code is too; what is refused even then stays refused.
    if (session === "good" && [400, 403, 404, 413].includes(answer?.status) && ++refused > 1) return { error: $("#sending").dataset.failed };
    say(session === "expired" ? "expired" : session === "good" && answer?.status === 403 ? null : "wait");
    if (session !== "good" || answer?.status !== 403) await pause(AGAIN);
  }
}

async function send(button) {
  const panel = $("#sending");
  const state = $("[data-state]", panel);
  const all = new FormData(form, button);
  const [head, ...rows] = all.get("csv").trimEnd().split(/\r?\n/);
  const size = Number(button.dataset.rows);
  const sum = { created: 0, skipped: 0, rejected: 0 };
  const told = state.textContent;
  const say = (kind) => (state.textContent = kind ? panel.dataset[kind] : told);
  const guard = (event) => event.preventDefault();
  const show = (selector, number) => ($(selector, panel).textContent = number.toLocaleString(document.documentElement.lang));

  form.dataset.busy = "1";
  $(".bulk-acts", form).hidden = true;
  $(".steps-2", form).inert = true;
  panel.hidden = false;
  panel.focus();
  addEventListener("beforeunload", guard);
  const progress = $("progress", panel);
  progress.max = rows.length;
  show("[data-rows-all]", rows.length);
  let job = "";
  for (let at = 0; at < rows.length; at += size) {
    all.delete("file");
    all.set("csv", [head, ...rows.slice(at, at + size)].join("\n"));
    all.set("part", at / size);
    all.set("last", at + size >= rows.length ? "1" : "");
    all.set("total", rows.length);
    all.set("job", job);
    const done = await put(all, say);
    if (done.error) {
      removeEventListener("beforeunload", guard);
      panel.classList.add("bad");
      state.textContent = done.error;
      delete form.dataset.busy;
      $(".steps-2", form).inert = false;
      $(".bulk-acts", form).hidden = false;
      return;
    }
    job = done.job ?? job;
    progress.value = Math.min(rows.length, at + size);
    show("[data-rows-done]", progress.value);
    for (const kind of Object.keys(sum)) show(`[data-${kind}]`, (sum[kind] += done[kind]));
  }
  removeEventListener("beforeunload", guard);
  panel.classList.add("good");
  state.textContent = panel.dataset.done;
  if (job) $("[data-job]", panel).href = `/outbound/jobs/${job}`;
  $("[data-after]", panel).hidden = false;
  // What was rejected can still be had.
  const rest = $("[data-download]", form);
  if (rest) $("[data-after]", panel).prepend(rest);
}

form?.addEventListener("submit", (event) => {
  if (event.submitter?.id !== "send") return;
  event.preventDefault();
  send(event.submitter);
});
