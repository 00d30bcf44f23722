// Pages whose numbers go on changing are asked for anew while they are looked at; what differs is put in its place.
import { $, $$, part } from "./page.js";

const EVERY = 3000;
async function look() {
  const found = document.hidden ? null : await part(location.href);
  for (const old of found ? $$("[data-fresh]") : []) {
    const fresh = found.getElementById(old.id);
    // Nothing changes under a finger or under the keyboard.
    if (!fresh || fresh.outerHTML === old.outerHTML || old.contains(document.activeElement) || old.matches(":active")) continue;
    old.replaceWith(document.importNode(fresh, true));
  }
  if (!found || $("[data-follow]", found)) setTimeout(look, EVERY);
}
if ($("[data-follow]")) setTimeout(look, EVERY);
