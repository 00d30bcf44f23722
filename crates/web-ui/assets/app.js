// What needs a browser: live rows, the keyboard, the panel, previews. Every page works without it.
import { $, $$, calm, done, encoded, part, released, renew, wait, warn } from "./page.js";
import "./bulk.js";
import "./draft.js";
import "./follow.js";

// ---- The panel beside the queue ----
const drawer = $("#drawer");
let shown = null;
function fill(found) {
  const panel = found && $("#panel", found);
  if (!panel) return false;
  const bar = document.createElement("div");
  bar.className = "drawer-bar";
  const page = document.createElement("a");
  page.href = `/outbound/messages/${panel.dataset.id}`;
  page.textContent = document.documentElement.lang === "vi" ? "Mở trang riêng" : "Open its page";
  const close = document.createElement("button");
  close.type = "button";
  close.className = "quiet";
  close.textContent = document.documentElement.lang === "vi" ? "Đóng" : "Close";
  close.addEventListener("click", () => drawer.close());
  bar.append(page, close);
  drawer.replaceChildren(bar, document.importNode(panel, true));
  shown = panel.dataset.id;
  countDown(drawer);
  return true;
}
let opening = null;
async function open(link) {
  if (!drawer) return;
  // It opens at once and says that it is being filled; what is closed meanwhile stays closed.
  const mine = (opening = {});
  const line = document.createElement("p");
  line.className = "drawer-wait";
  line.role = "status";
  line.textContent = $("#loading").textContent;
  drawer.replaceChildren(line);
  drawer.ariaBusy = "true";
  shown = link.closest("tr")?.dataset.id ?? null;
  if (!drawer.open) drawer.showModal();
  const found = await part(link.href);
  if (opening !== mine || !drawer.open) return;
  drawer.ariaBusy = null;
  if (!fill(found)) drawer.close();
}
drawer?.addEventListener("close", () => {
  const row = shown && document.getElementById(`m-${shown}`);
  shown = null;
  opening = null;
  row?.querySelector("a.open")?.focus();
});
drawer?.addEventListener("click", (event) => {
  if (event.target === drawer) drawer.close();
});
drawer?.addEventListener("submit", async (event) => {
  const form = event.target;
  event.preventDefault();
  const buttons = $$("button", form);
  const body = encoded(form, event.submitter);
  buttons.forEach((button) => (button.disabled = true));
  // The panel lies above the page's own line.
  drawer.ariaBusy = "true";
  const found = await part(form.action, { method: "POST", body });
  drawer.ariaBusy = null;
  if (!fill(found)) buttons.forEach((button) => (button.disabled = false));
});
document.addEventListener("click", (event) => {
  const link = event.target.closest("a.open");
  if (!link || !drawer || event.button || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
  event.preventDefault();
  current(link.closest("tr"));
  open(link);
});

// ---- Taking back: the seconds that are left ----
function countDown(within) {
  for (const form of $$("[data-until]", within)) {
    const until = Date.parse(form.dataset.until);
    const left = $("[data-left]", form);
    // By the server's seconds, as the clocks may differ.
    const end = performance.now() + Number(left.textContent || 0) * 1000 || until;
    const tick = () => {
      const seconds = Math.ceil((end - performance.now()) / 1000);
      if (!form.isConnected) return;
      if (seconds <= 0) return form.remove();
      left.textContent = seconds;
      setTimeout(tick, 250);
    };
    tick();
  }
}

// ---- Rows: the keyboard ----
const rows = $("#rows");
let at = null;
function current(row) {
  if (!row) return;
  at?.classList.remove("current");
  at = row;
  row.classList.add("current");
}
function move(by) {
  const all = rows ? [...rows.rows] : [];
  if (!all.length) return;
  const from = at?.isConnected ? all.indexOf(at) : by > 0 ? -1 : all.length;
  const row = all[Math.min(all.length - 1, Math.max(0, from + by))];
  current(row);
  $("a.open", row).focus({ preventScroll: true });
  row.scrollIntoView({ block: "nearest" });
}
document.addEventListener("keydown", (event) => {
  if (event.metaKey || event.ctrlKey || event.altKey || event.isComposing) return;
  if (event.target.closest("input:not([type=checkbox]):not([type=radio]), textarea, select") || $("dialog[open]")) return;
  const keys = {
    "/": () => $("#q")?.focus(),
    j: () => move(1),
    k: () => move(-1),
    x: () => at?.isConnected && $("input[type=checkbox]", at)?.click(),
    "?": () => $("#help")?.showModal(),
  };
  const act = keys[event.key];
  if (!act) return;
  event.preventDefault();
  act();
});

// ---- Rows: the whole page at once ----
const all = $("#pick-all");
if (all) all.hidden = false;
all?.addEventListener("change", () => $$("input[name=id]", rows).forEach((box) => (box.checked = all.checked)));

// ---- Rows: live ----
const busy = (row) => {
  const selection = getSelection();
  const reading = selection && !selection.isCollapsed && row.contains(selection.anchorNode);
  return reading || row.matches(":active");
};
const later = new Map();
function put({ id, revision, html }) {
  const old = document.getElementById(`m-${id}`);
  if (!old) return;
  // Nothing changes under a finger or within a selection.
  if (busy(old)) return void later.set(id, { id, revision, html });
  later.delete(id);
  const holder = document.createElement("template");
  holder.innerHTML = html;
  const row = $("tr", holder.content);
  const says = (one) => one.dataset.rev + $(".c-status", one).innerHTML;
  if (says(old) === says(row)) return;
  $("input[type=checkbox]", row).checked = $("input[type=checkbox]", old).checked;
  const focus = old.contains(document.activeElement) ? (document.activeElement.matches("input") ? "input" : "a.open") : null;
  if (old === at) (at = row), row.classList.add("current");
  row.classList.add("changed");
  old.replaceWith(row);
  if (focus) $(focus, row)?.focus({ preventScroll: true });
  if (shown === id && Number($("#panel", drawer)?.dataset.rev) < revision) refresh(id);
}
async function refresh(id) {
  const found = await part(`/outbound/messages/${id}`);
  await released();
  const revision = (within) => Number(within && $("#panel", within)?.dataset.rev);
  // A form's own answer may have come meanwhile, and says more.
  if (shown === id && drawer.open && revision(found) > revision(drawer)) fill(found);
}
for (const kind of ["pointerup", "selectionchange"]) {
  document.addEventListener(kind, () => setTimeout(() => [...later.values()].forEach(put)));
}

const badge = $("#live");
function connection(on) {
  if (!badge) return;
  badge.hidden = false;
  badge.textContent = on ? badge.dataset.on : badge.dataset.off;
  badge.classList.toggle("off", !on);
}
const table = $("[data-live]");
let stream = null;
let again = 0;
function rest() {
  clearTimeout(again);
  stream?.close();
  stream = null;
}
function watch() {
  rest();
  // A browser has few connections to a server: a page that nobody looks at takes none, and looks anew later.
  if (document.hidden) return;
  const seen = rows ? [...rows.rows].map((row) => `${row.dataset.id}.${row.dataset.rev}`).join(",") : "";
  const mine = (stream = new EventSource(`${table.dataset.live}&watch=${seen}`));
  mine.addEventListener("open", () => (connection(true), calm()));
  mine.addEventListener("row", (event) => put(JSON.parse(event.data)));
  mine.addEventListener("new", (event) => {
    const { count, text } = JSON.parse(event.data);
    const news = $("#news");
    news.textContent = text;
    news.hidden = count === 0;
  });
  mine.addEventListener("counts", (event) => {
    for (const [key, count] of Object.entries(JSON.parse(event.data))) {
      const place = $(`[data-count="${key}"]`);
      if (place && place.textContent !== count) place.textContent = count;
    }
  });
  mine.addEventListener("expired", () => {
    rest();
    connection(false);
    warn("expired");
  });
  mine.addEventListener("error", async () => {
    if (stream !== mine) return;
    connection(false);
    if (mine.readyState !== EventSource.CLOSED) return;
    // The server refused: is the session over, or is it not quite there yet?
    if (["expired", "other"].includes(await renew())) return;
    if (stream === mine) again = setTimeout(watch, 3000);
  });
}
if (table) {
  watch();
  document.addEventListener("renewed", watch);
  document.addEventListener("visibilitychange", watch);
  addEventListener("pagehide", rest);
  addEventListener("pageshow", (event) => event.persisted && watch());
}

// ---- Small things ----
countDown(document);
// A form is sent once.
document.addEventListener("submit", (event) => {
  if (event.defaultPrevented || event.target.method !== "post" || event.submitter?.matches("[data-download]")) return;
  wait(event.target);
  setTimeout(() => $$("button[type=submit]", event.target).forEach((button) => (button.disabled = true)));
});
addEventListener("pageshow", () => {
  $$("button[disabled]").forEach((button) => (button.disabled = false));
  $$("form[aria-busy]").forEach(done);
  done();
});
// A browser says days in the order of its own language; here they stand as everywhere else on the page.
for (const field of $$("[data-empty]")) {
  const show = () => {
    const [day, time] = field.value.split("T");
    field.toggleAttribute("data-set", Boolean(day));
    field.dataset.shown = day ? [time, day.split("-").reverse().join("/")].filter(Boolean).join(" ") : field.dataset.empty;
  };
  show();
  for (const kind of ["input", "change", "blur"]) field.addEventListener(kind, show);
  addEventListener("pageshow", show);
}
// Where the navigation does not fit, it begins where one is.
const beside = matchMedia("(min-width: 1021px)");
const showPlace = () => beside.matches || $(".nav [aria-current]")?.scrollIntoView({ block: "nearest", inline: "center" });
showPlace();
beside.addEventListener("change", showPlace);
// On a phone what is seldom used is folded away.
const folded = $("details.dates:not([data-used])");
const phone = matchMedia("(max-width: 700px)");
const fold = () => folded && (folded.open = !phone.matches);
fold();
phone.addEventListener("change", fold);
// What drops down closes when one turns to something else.
document.addEventListener("click", (event) => {
  $$("details.drop[open]").forEach((drop) => drop.contains(event.target) || (drop.open = false));
});
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape") $$("details.drop[open]").forEach((drop) => ((drop.open = false), $("summary", drop).focus()));
});
