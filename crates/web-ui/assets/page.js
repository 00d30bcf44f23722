// What the other modules share: parts of our own pages, and the banner.

export const PART = { "x-outbound-part": "1" };
export const $ = (selector, within = document) => within.querySelector(selector);
export const $$ = (selector, within = document) => [...within.querySelectorAll(selector)];

// ---- The banner: what the visitor must know about session and connection ----
const banner = $("#banner");
export function warn(kind) {
  if (!banner || (banner.dataset.kind === "expired" && !banner.hidden)) return;
  banner.dataset.kind = kind;
  banner.textContent = banner.dataset[kind];
  if (kind === "expired") {
    const again = document.createElement("a");
    again.textContent = banner.dataset.again;
    again.href = `/outbound/sign-in?${new URLSearchParams({ back: location.pathname + location.search, expired: "1" })}`;
    banner.append(" ", again);
  }
  banner.hidden = false;
}
export function calm() {
  if (banner && banner.dataset.kind !== "expired") banner.hidden = true;
}

/** A part of our own pages; null when it can't be had, and then the banner says why. */
export async function part(url, options = {}) {
  try {
    const answer = await fetch(url, { ...options, headers: { ...PART, ...options.headers } });
    if (answer.status === 401) return warn("expired"), null;
    if (!answer.ok) return warn("failed"), null;
    calm();
    return new DOMParser().parseFromString(await answer.text(), "text/html");
  } catch (error) {
    if (error.name !== "AbortError") warn("offline");
    return null;
  }
}
export const encoded = (form, by) => new URLSearchParams(by ? new FormData(form, by) : new FormData(form));
