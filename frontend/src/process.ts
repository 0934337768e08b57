// The process map: its slider for detail shows and hides steps at once; without scripts the form does.
export {};

const slider = document.querySelector<HTMLInputElement>("#detail");
const told = document.querySelector<HTMLOutputElement>("#detail-told");
const steps = [...document.querySelectorAll<SVGElement>(".process-map .step")];

const show = (): void => {
  if (!slider) return;
  const share = Number(slider.value) / 100;
  for (const step of steps) step.setAttribute("visibility", Number(step.dataset.share) <= share ? "visible" : "hidden");
  if (told) told.textContent = `${slider.value} %`;
  for (const link of document.querySelectorAll<HTMLAnchorElement>("a[data-download]")) {
    const address = new URL(link.href);
    address.searchParams.set("detail", slider.value);
    link.href = address.toString();
  }
};

if (slider && steps.length) {
  slider.addEventListener("input", show);
  show();
}
const wide = document.querySelector<HTMLButtonElement>("#map-size");
const map = document.querySelector<HTMLElement>(".process-map");
if (wide && map) {
  wide.hidden = false;
  wide.addEventListener("click", () => {
    const fits = map.classList.toggle("fits");
    wide.setAttribute("aria-pressed", String(fits));
  });
}
