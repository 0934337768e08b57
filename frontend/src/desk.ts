// The desks: single keys for what is on the page, a list to walk through, texts put into answers.
import { answers } from "./desk-answers";
import { dispatch } from "./desk-dispatch";
import { keys } from "./desk-keys";
import { lists } from "./desk-lists";
import { signatures } from "./signature";

lists();
keys();
answers();
dispatch();
signatures();

for (const menu of document.querySelectorAll<HTMLDetailsElement>(".me, .more")) {
  document.addEventListener("click", (event) => {
    if (menu.open && !menu.contains(event.target as Node)) menu.open = false;
  });
  menu.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || !menu.open) return;
    menu.open = false;
    menu.querySelector("summary")?.focus();
  });
}

for (const button of document.querySelectorAll<HTMLButtonElement>("[data-print]")) {
  button.hidden = false;
  button.addEventListener("click", () => print());
}

// The caller's name is known from the number: offered, never put over what was typed.
document.body.addEventListener("htmx:afterSwap", (event) => {
  const known = (event.target as Element).querySelector<HTMLElement>("[data-caller-name]");
  const name = document.querySelector<HTMLInputElement>("#name");
  if (known?.dataset.callerName && name && !name.value) name.value = known.dataset.callerName;
});
