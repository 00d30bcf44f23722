// Pages whose numbers go on changing are asked for anew while they are looked at; what differs is put in its place.
import { $, $$, part } from "./page.js";

// In seconds, as the page says.
const every = () => 1000 * ($("[data-follow]")?.dataset.follow || 3);
async function look() {
  const found = document.hidden ? null : await part(location.href);
  for (const old of found ? $$("[data-fresh]") : []) {
    const fresh = found.getElementById(old.id);
    // Nothing changes under a finger or under the keyboard.
    if (!fresh || fresh.outerHTML === old.outerHTML || old.contains(document.activeElement) || old.matches(":active")) continue;
    old.replaceWith(document.importNode(fresh, true));
  }
  if (!found || $("[data-follow]", found)) setTimeout(look, every());
}
if ($("[data-follow]")) setTimeout(look, every());

// Work in steps goes on by itself.
$("form[data-go-on]")?.requestSubmit();
