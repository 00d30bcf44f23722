// What the other modules share: parts of our own pages, the banner, and the session.

export const PART = { "x-outbound-part": "1" };
export const $ = (selector, within = document) => within.querySelector(selector);
export const $$ = (selector, within = document) => [...within.querySelectorAll(selector)];
export const encoded = (form, by) => new URLSearchParams(by ? new FormData(form, by) : new FormData(form));

// ---- The banner: what the visitor must know about session and connection ----
const banner = $("#banner");
const AGAIN = 3000;
let asking = 0;
function say(kind) {
  banner.dataset.kind = kind;
  banner.textContent = banner.dataset[kind];
  banner.classList.toggle("good", kind === "back");
  banner.hidden = false;
}
export function warn(kind) {
  if (!banner || (banner.dataset.kind === "expired" && !banner.hidden)) return;
  say(kind);
  if (kind === "expired") {
    const kept = $("form[data-keep]");
    const again = document.createElement("a");
    again.textContent = banner.dataset.again;
    again.href = `/outbound/sign-in?${new URLSearchParams({ back: location.pathname + location.search, expired: "1" })}`;
    // Where something is being written, one signs in beside it.
    if (kept) (again.target = "_blank"), (again.href = "/outbound/sign-in?expired=1"), banner.append(" ", banner.dataset.kept);
    banner.append(" ", again);
  }
  if (kind === "offline") {
    clearTimeout(asking);
    asking = setTimeout(renew, AGAIN);
  }
}
export function calm() {
  if (banner && banner.dataset.kind !== "expired") banner.hidden = true;
}

/** Asks whose session it is: "good", "expired", "other" (somebody else's) or "offline". A good one renews the forms. */
export async function renew() {
  const answer = await fetch("/outbound/session", { headers: PART }).catch(() => null);
  if (answer?.status === 401) return warn("expired"), "expired";
  if (!answer?.ok) return warn("offline"), "offline";
  const { who, code } = await answer.json();
  if (who !== document.body.dataset.who) return banner && say("other"), "other";
  for (const field of $$("input[name=csrf]")) field.value = code;
  if (banner && !banner.hidden && banner.dataset.kind === "expired") {
    say("back");
    document.dispatchEvent(new Event("renewed"));
  } else calm();
  return "good";
}
// Whoever comes back from signing in goes on where they were.
for (const [target, kind] of [[document, "visibilitychange"], [window, "focus"]]) {
  target.addEventListener(kind, () => {
    if (!document.hidden && banner && !banner.hidden && banner.dataset.kind === "expired") renew();
  });
}

// ---- What is awaited is said, once it takes longer than a blink ----
const loading = $("#loading");
let slow = 0;
export function wait(form) {
  if (form) form.ariaBusy = "true";
  clearTimeout(slow);
  slow = setTimeout(() => loading && (loading.hidden = false), 200);
}
export function done(form) {
  if (form) form.ariaBusy = null;
  clearTimeout(slow);
  if (loading) loading.hidden = true;
}

// ---- What is being pressed ----
let pressed = Promise.resolve();
addEventListener(
  "pointerdown",
  (event) => {
    // What opens a list of its own may never say that it was let go.
    if (!event.target.closest?.("button, label, input[type=checkbox], input[type=radio]")) return;
    pressed = new Promise((go) => {
      for (const kind of ["pointerup", "pointercancel"]) addEventListener(kind, () => setTimeout(go), { once: true });
    });
  },
  true,
);
/** Until nothing is pressed: a button that is replaced meanwhile would never be clicked. */
export const released = () => pressed;

/** A part of our own pages; null when it can't be had, and then the banner says why. */
export async function part(url, options = {}) {
  try {
    const answer = await fetch(url, { ...options, headers: { ...PART, ...options.headers } });
    if (answer.status === 401) return warn("expired"), null;
    if (answer.status === 429) return warn("busy"), null;
    if (!answer.ok && answer.status !== 422) return warn("failed"), null;
    calm();
    return new DOMParser().parseFromString(await answer.text(), "text/html");
  } catch (error) {
    if (error.name !== "AbortError") warn("offline");
    return null;
  }
}
