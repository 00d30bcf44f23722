// Writing: the preview follows.
import { $, $$, encoded, part } from "./page.js";

const draft = $("form[data-preview]");
if (draft) {
  document.documentElement.classList.add("scripted");
  let wait = 0;
  let asking = null;
  const look = async () => {
    asking?.abort();
    asking = new AbortController();
    const { signal } = asking;
    const found = await part(draft.dataset.preview, { method: "POST", body: encoded(draft), signal });
    if (!found || signal.aborted) return;
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
    wait = setTimeout(look, event.type === "input" ? 250 : 0);
  };
  draft.addEventListener("input", soon);
  draft.addEventListener("change", soon);
  // In the search field Enter searches, and never sends.
  $("#who", draft).addEventListener("keydown", (event) => {
    if (event.key === "Enter") event.preventDefault(), look();
  });
  // A time is chosen in order to be used.
  $("#at", draft).addEventListener("input", () => ($("#when-later", draft).checked = true));
}
