// Every page: fragments by htmx, one click on a form sends it once, places by name, my location.
import htmx from "htmx.org";

htmx.config.includeIndicatorStyles = false;
htmx.config.allowEval = false;
htmx.config.selfRequestsOnly = true;

const field = (id: string): HTMLInputElement | null =>
  document.querySelector<HTMLInputElement>(`#${id}`);

/** Put a place into the form and tell the map and the understanding of it. */
export const choosePlace = (lat: number, lng: number, name?: string): void => {
  const [latField, lngField, address] = [field("lat"), field("lng"), field("address")];
  if (!latField || !lngField) return;
  latField.value = lat.toFixed(6);
  lngField.value = lng.toFixed(6);
  if (name && address) address.value = name;
  document.body.dispatchEvent(new CustomEvent("place", { detail: { lat, lng }, bubbles: true }));
};

document.addEventListener("click", (event) => {
  const button = (event.target as Element).closest<HTMLButtonElement>("[data-place]");
  if (!button) return;
  const { lat, lng, name } = button.dataset;
  choosePlace(Number(lat), Number(lng), name);
  document.querySelector("#place-suggestions")?.replaceChildren();
});

document.addEventListener("click", (event) => {
  const button = (event.target as Element).closest<HTMLButtonElement>("[data-fill]");
  const filled = button && field(button.dataset.fill ?? "");
  if (!button || !filled) return;
  filled.value = button.dataset.value ?? "";
  button.remove();
  filled.focus();
});
// What is offered for a field goes when the field has been filled in.
document.addEventListener("htmx:afterSwap", () => {
  for (const offer of document.querySelectorAll<HTMLElement>("[data-fill]"))
    if (field(offer.dataset.fill ?? "")?.value) offer.remove();
});

const locate = document.querySelector<HTMLButtonElement>("#locate");
if (locate && "geolocation" in navigator) {
  locate.hidden = false;
  locate.addEventListener("click", () => {
    locate.disabled = true;
    navigator.geolocation.getCurrentPosition(
      ({ coords }) => {
        locate.disabled = false;
        choosePlace(coords.latitude, coords.longitude);
      },
      () => {
        locate.disabled = false;
        const told = document.querySelector<HTMLElement>("#locate-failed");
        if (told) told.hidden = false;
      },
      { enableHighAccuracy: true, timeout: 10_000 },
    );
  });
}

for (const form of document.querySelectorAll("form[method=post]")) {
  form.addEventListener("submit", (event) =>
    setTimeout(() => {
      if (event.defaultPrevented) return;
      for (const b of form.querySelectorAll("button")) b.disabled = true;
    }),
  );
}
addEventListener("pageshow", () => {
  for (const b of document.querySelectorAll<HTMLButtonElement>("form[method=post] button"))
    if (b.id !== "locate") b.disabled = false;
});

// What waits on this phone to be sent (see grid.ts) is not forgotten when somebody signs out.
for (const form of document.querySelectorAll<HTMLFormElement>("form[data-sign-out]"))
  form.addEventListener("submit", (event) => {
    const waiting = Number(localStorage.getItem("grid.waiting") ?? 0);
    if (waiting > 0 && !confirm((form.dataset.signOut ?? "").replace("{n}", String(waiting)))) event.preventDefault();
    else for (const name of ["grid.waiting", "grid.person"]) localStorage.removeItem(name);
  });

/** A file field that collects: choosing again adds, each file can be taken out again. */
const collect = (field: HTMLInputElement): void => {
  const list = field.parentElement?.querySelector("#photos-chosen");
  if (!list) return;
  field.parentElement?.classList.add("scripted");
  const most = Number(field.dataset.most);
  let kept: File[] = [];
  const show = (): void => {
    const transfer = new DataTransfer();
    for (const file of kept) transfer.items.add(file);
    field.files = transfer.files;
    list.replaceChildren(
      ...kept.map((file) => {
        const [item, remove] = [document.createElement("li"), document.createElement("button")];
        if (file.type.startsWith("image/")) {
          const image = new Image();
          image.src = URL.createObjectURL(file);
          image.alt = file.name;
          image.addEventListener("load", () => URL.revokeObjectURL(image.src), { once: true });
          item.append(image);
        } else {
          const name = document.createElement("span");
          name.className = "file-name";
          name.textContent = file.name;
          item.append(name);
        }
        remove.type = "button";
        remove.className = "button small quiet";
        remove.textContent = field.dataset.remove ?? "×";
        remove.setAttribute("aria-label", `${remove.textContent}: ${file.name}`);
        remove.addEventListener("click", () => {
          kept = kept.filter((other) => other !== file);
          show();
          field.focus();
        });
        item.append(remove);
        return item;
      }),
    );
  };
  field.addEventListener("change", () => {
    const isKnown = (file: File): boolean =>
      kept.some((k) => k.name === file.name && k.size === file.size && k.lastModified === file.lastModified);
    const all = [...kept, ...Array.from(field.files ?? []).filter((file) => !isKnown(file))];
    kept = all.slice(0, most);
    show();
    if (all.length > most) {
      const told = document.createElement("li");
      told.className = "wrong";
      told.textContent = field.dataset.full ?? "";
      list.append(told);
    }
  });
};
for (const field of document.querySelectorAll<HTMLInputElement>("input[type=file][data-most]")) collect(field);

for (const part of document.querySelectorAll<HTMLElement>("[data-only-script]")) {
  part.hidden = false;
  part.classList.add("scripted");
}

for (const button of document.querySelectorAll<HTMLButtonElement>("[data-copy]")) {
  button.hidden = !navigator.clipboard;
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(button.dataset.copy ?? "");
    button.textContent = button.dataset.copied ?? "✓";
  });
}

// What was typed is still there after a change of language or a reload; it leaves with the tab or the receipt.
const DRAFT = "draft";
const KEPT = ["text", "address", "lat", "lng"];
const report = document.querySelector<HTMLFormElement>("form#report");
if (report) {
  const text = report.querySelector<HTMLTextAreaElement>("#text");
  const part = (name: string) => report.querySelector<HTMLInputElement | HTMLTextAreaElement>(`[name=${name}]`);
  if (text && !text.value) {
    const draft = JSON.parse(sessionStorage.getItem(DRAFT) ?? "{}") as Record<string, string>;
    for (const name of KEPT) {
      const place = part(name);
      if (place && !place.value && draft[name]) place.value = draft[name];
    }
  }
  const keep = (): void => {
    const typed = KEPT.map((name) => [name, part(name)?.value ?? ""]);
    sessionStorage.setItem(DRAFT, JSON.stringify(Object.fromEntries(typed)));
  };
  report.addEventListener("input", keep);
  document.addEventListener("place", keep);
  keep();
}
if (document.querySelector(".receipt")) sessionStorage.removeItem(DRAFT);
