// Writing: the preview follows.
import { $, $$, encoded, part, released, renew } from "./page.js";

const draft = $("form[data-preview]");
if (draft) {
  document.documentElement.classList.add("scripted");
  let wait = 0;
  let asking = null;
  // A form with a file is sent as it is.
  const body = () => (draft.enctype === "multipart/form-data" ? new FormData(draft) : encoded(draft));
  const look = async () => {
    // While it is being sent nothing of it is replaced.
    if (draft.dataset.busy) return;
    asking?.abort();
    asking = new AbortController();
    const { signal } = asking;
    draft.ariaBusy = "true";
    const found = await part(draft.dataset.preview, { method: "POST", body: body(), signal });
    await released();
    if (signal.aborted) return;
    draft.ariaBusy = "false";
    if (!found || draft.dataset.busy) return;
    for (const old of $$("[data-part]", draft)) {
      const fresh = found.getElementById(old.id);
      if (!fresh || ("same" in old.dataset && old.dataset.same === fresh.dataset.same)) continue;
      const focus = old.contains(document.activeElement) && document.activeElement.id;
      old.replaceWith(document.importNode(fresh, true));
      if (focus) document.getElementById(focus)?.focus({ preventScroll: true });
    }
    draft.dataset.looked = String(Number(draft.dataset.looked ?? 0) + 1);
  };
  const soon = (event) => {
    clearTimeout(wait);
    // An answer to what it said before must not undo what was chosen since.
    asking?.abort();
    wait = setTimeout(look, event.type === "input" ? 250 : 0);
  };
  if (draft.dataset.on !== "change") draft.addEventListener("input", soon);
  draft.addEventListener("change", soon);
  addEventListener("pageshow", () => delete draft.dataset.busy);
  // What stopped with the session goes on with the next.
  document.addEventListener("renewed", look);

  const who = $("#who", draft);
  who?.addEventListener("keydown", async (event) => {
    // In the search field Enter searches, and never sends; who alone is found is chosen. The arrow leads to who was found.
    if (event.key === "Enter") {
      event.preventDefault();
      clearTimeout(wait);
      await look();
      const found = $$(".person input", draft);
      if (found.length === 1) found[0].click();
    }
    if (event.key === "ArrowDown") event.preventDefault(), $(".person input", draft)?.focus();
  });
  // A time is chosen in order to be used.
  $("#at", draft)?.addEventListener("input", () => ($("#when-later", draft).checked = true));
}

// What was written is not sent into a session that is over: it would be lost. However often one presses, it is sent once.
const asked = new Map();
document.addEventListener("submit", async (event) => {
  const form = event.target;
  if (event.defaultPrevented || !form.matches("[data-keep]") || asked.get(form) === "good") return;
  event.preventDefault();
  if (asked.has(form)) return;
  const { submitter } = event;
  asked.set(form, "asking");
  // Nor is the button replaced that it is sent by.
  form.dataset.busy = "1";
  let answer = "failed";
  try {
    answer = await renew();
    asked.set(form, answer);
    if (answer === "good") form.requestSubmit(submitter);
  } finally {
    // Where the page stays, it goes on.
    if (answer !== "good" || submitter?.matches("[data-download]")) delete form.dataset.busy;
    // By then its buttons are off.
    setTimeout(() => asked.delete(form));
  }
});
