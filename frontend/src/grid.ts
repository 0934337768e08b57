// The grid worker's desk: reports and checks go into the phone's queue first and from there to the city,
// so that a lost connection loses nothing; the page shows what waits and what became of it.
import { shrunk } from "./grid-photos";
import {
  drop, forgetRounds, itemsOf, keep, keepRound, roundOf, sendAll, type Item, type Round, type Stop,
} from "./grid-queue";
import { place } from "./grid-place";

const PERSON = "grid.person";
const WAITING = "grid.waiting";
const MOST_PHOTOS = 6;
const AGAIN_MS = 30_000;
const SHELL = "/desk/grid/shell";

const root = document.querySelector<HTMLElement>("#grid");
const panel = document.querySelector<HTMLElement>("#waiting");
const list = panel?.querySelector<HTMLElement>("[data-items]");
const isShell = root?.dataset.shell !== undefined;
// Without https nothing is kept on the phone, and the forms go to the city directly.
const person = isSecureContext ? (root?.dataset.person ?? localStorage.getItem(PERSON) ?? "") : "";
const news = new BroadcastChannel("gongzhi-grid");
const word = (name: string): string => panel?.dataset[name] ?? "";

const made = <K extends keyof HTMLElementTagNameMap>(name: K, text = "", className = ""): HTMLElementTagNameMap[K] => {
  const element = document.createElement(name);
  element.textContent = text;
  if (className) element.className = className;
  return element;
};

const button = (text: string, item: Item, act: (item: Item) => Promise<void>): HTMLButtonElement => {
  const element = made("button", text, "button small quiet");
  element.type = "button";
  element.setAttribute("aria-label", `${text}: ${item.label}`);
  element.addEventListener("click", () => void act(item));
  return element;
};

/** Put a refused report back into its form; it keeps its key, for the city has nothing under it yet. */
const correct = async (item: Item): Promise<void> => {
  const form = item.kind === "report"
    ? document.querySelector<HTMLFormElement>("#grid-report")
    : document.querySelector<HTMLFormElement>(`form[data-queue=check]:has([name=entry][value="${item.fields.entry}"])`);
  if (!form) return;
  const hidden = form.closest<HTMLElement>("[hidden]");
  if (hidden) hidden.hidden = false;
  form.dataset.correcting = item.key;
  for (const name of ["text", "lat", "lng"]) {
    const field = form.elements.namedItem(name);
    if (field instanceof HTMLInputElement || field instanceof HTMLTextAreaElement) field.value = item.fields[name] ?? "";
  }
  for (const chip of form.querySelectorAll<HTMLInputElement>("[name=function]")) chip.checked = chip.value === item.fields.function;
  const details = form.querySelector("details");
  if (details) details.open = true;
  form.scrollIntoView({ block: "start" });
  form.querySelector<HTMLElement>("textarea")?.focus();
};

const again = async (item: Item): Promise<void> => {
  await keep({ ...item, state: "waiting", said: "" });
  await go();
};
const throwAway = async (item: Item): Promise<void> => {
  if (!confirm(word("dropAsk"))) return;
  await drop(item.key);
  await show();
};

const row = (item: Item): HTMLLIElement => {
  const line = made("li");
  line.dataset.state = item.state;
  const what = made("p");
  what.append(made("strong", `${item.kind === "check" ? word("checked") : word("reported")}: ${item.label}`));
  const state = made("span", word(`${item.state}Word`), `tag ${item.state === "refused" ? "late" : item.state === "sent" ? "done" : "wait"}`);
  what.append(" ", state);
  if (item.photos.length) what.append(" ", made("span", word("photosWord").replace("{n}", String(item.photos.length)), "meta"));
  line.append(what);
  if (item.said) {
    const said = made("p", "", item.state === "refused" ? "wrong" : "meta");
    if (item.url) {
      const link = made("a", item.said);
      link.href = item.url;
      said.append(link);
    } else said.textContent = item.said;
    line.append(said);
  }
  if (item.state === "refused") {
    const actions = made("p", "", "actions");
    actions.append(button(word("editWord"), item, correct), button(word("againWord"), item, again), button(word("dropWord"), item, throwAway));
    line.append(actions);
  }
  return line;
};

const count = (items: Item[]): number => items.filter((i) => i.state !== "sent").length;

const show = async (): Promise<void> => {
  const items = person ? await itemsOf(person) : [];
  const waiting = count(items);
  if (person) localStorage.setItem(WAITING, String(waiting));
  if (!panel || !list) return;
  panel.hidden = items.length === 0;
  const title = panel.querySelector("h2");
  const told = waiting === 0 ? word("countNone") : waiting === 1 ? word("countOne") : word("countMany").replace("{n}", String(waiting));
  if (title && title.textContent !== told) title.textContent = told;
  list.replaceChildren(...items.reverse().map(row));
  const written = new Set(items.filter((i) => i.kind === "check" && i.state !== "refused").map((i) => i.fields.entry));
  for (const stop of document.querySelectorAll<HTMLElement>("li[data-entry]")) stop.hidden = written.has(stop.dataset.entry);
};

const tell = (outcome: string): void => {
  const [out, offline] = ["[data-signed-out]", "[data-offline]"].map((s) => panel?.querySelector<HTMLElement>(s));
  if (out) out.hidden = outcome !== "signed-out";
  if (offline) offline.hidden = outcome !== "offline" || isShell;
};

/** Send what waits; where the browser can, also after this page was closed. */
const go = async (): Promise<void> => {
  await show();
  const outcome = await sendAll(() => void show());
  await show();
  const waits = person ? (await itemsOf(person)).some((i) => i.state === "waiting") : false;
  if (outcome !== "busy") tell(waits ? outcome : "done");
  if (outcome === "offline" && waits) {
    const registration = await navigator.serviceWorker?.getRegistration("/desk/grid/");
    await (registration as unknown as { sync?: { register(name: string): Promise<void> } })?.sync?.register("send").catch(() => undefined);
  }
};

const wrong = (form: HTMLFormElement, which: string): void => {
  const told = form.querySelector<HTMLElement>("[data-wrong]");
  if (!told) return;
  told.textContent = told.dataset[which] ?? "";
  told.hidden = !which;
};

const write = async (form: HTMLFormElement, submitter: HTMLButtonElement | null): Promise<void> => {
  const data = new FormData(form);
  const text = (name: string): string => String(data.get(name) ?? "").trim();
  const verb = submitter?.value || text("verb");
  const kind = form.dataset.queue === "check" ? "check" : "report";
  const files = verb === "fine" ? [] : data.getAll("photos").filter((f): f is File => f instanceof File && f.size > 0);
  if (kind === "report" && !text("text") && !text("function")) return wrong(form, "empty");
  if (files.length > MOST_PHOTOS) return wrong(form, "many");
  wrong(form, "");
  const chip = form.querySelector<HTMLInputElement>("[name=function]:checked")?.nextElementSibling?.textContent ?? "";
  const correcting = form.dataset.correcting;
  const before = correcting ? (await itemsOf(person)).find((i) => i.key === correcting) : undefined;
  const photos = files.length ? await Promise.all(files.map(shrunk)) : (before?.photos ?? []);
  const fields: Record<string, string> = { verb };
  for (const name of ["entry", "lat", "lng", "function"]) if (text(name)) fields[name] = text(name);
  if (verb !== "fine" && text("text")) fields.text = text("text");
  const label = kind === "check" ? `${form.dataset.label}${verb === "fine" ? `, ${word("fineWord")}` : ""}` : text("text") || chip;
  await keep({
    key: before?.key ?? crypto.randomUUID(), person, kind, at: before?.at ?? new Date().toISOString(), language: document.documentElement.lang,
    label, fields, photos, state: "waiting",
  });
  delete form.dataset.correcting;
  form.reset();
  form.querySelector("[data-photos]")?.replaceChildren();
  for (const details of form.querySelectorAll("details")) details.open = false;
  panel?.scrollIntoView({ block: "nearest" });
  void go().catch(() => undefined);
};

document.addEventListener("submit", (event) => {
  const form = event.target as HTMLFormElement;
  if (!form.dataset.queue || !person) return;
  event.preventDefault();
  const submitter = event.submitter as HTMLButtonElement | null;
  write(form, submitter).catch(() => {
    // A browser that keeps nothing (private windows of some): the form goes to the city directly.
    if (isShell) return wrong(form, "broken");
    delete form.dataset.queue;
    form.requestSubmit(submitter);
  });
});

/** Small pictures of the chosen photos, so that one sees what will be sent. */
document.addEventListener("change", (event) => {
  const field = event.target as HTMLInputElement;
  const chosen = field.closest("form")?.querySelector("[data-photos]");
  if (field.name !== "photos" || !chosen) return;
  chosen.replaceChildren(
    ...Array.from(field.files ?? []).map((file) => {
      const [item, image] = [made("li"), new Image()];
      image.src = URL.createObjectURL(file);
      image.alt = file.name;
      image.addEventListener("load", () => URL.revokeObjectURL(image.src), { once: true });
      item.append(image);
      return item;
    }),
  );
});

/** Keep the page that is shown without a connection, and what it needs, as they are now. */
const keepShell = async (): Promise<void> => {
  const answer = await fetch(SHELL, { redirect: "manual", cache: "no-cache" });
  if (!answer.ok) return;
  const cache = await caches.open("gongzhi-grid");
  const page = await answer.clone().text();
  const needed = new Set(Array.from(page.matchAll(/(?:href|src)="(\/static\/[^"]+)"/g), (m) => m[1] ?? ""));
  for (const old of await cache.keys()) if (!needed.has(new URL(old.url).pathname)) await cache.delete(old);
  await cache.put(SHELL, answer);
  await cache.addAll([...needed, "/map/city.geojson"]);
};

const drawStops = (round: Round): void => {
  const [place, template] = [document.querySelector("[data-stops]"), document.querySelector<HTMLTemplateElement>("#stop")];
  const cells = document.querySelector("[data-cells]");
  if (cells) cells.textContent = round.cells.join(" · ");
  if (!place || !template) return;
  const drawn = (stop: Stop): DocumentFragment => {
    const copy = template.content.cloneNode(true) as DocumentFragment;
    const put = (name: string, text: string): void => {
      const element = copy.querySelector(`[data-${name}]:not(form)`);
      if (element) element.textContent = text;
    };
    put("label", stop.label);
    put("kind", stop.kind);
    put("address", stop.address ?? "");
    put("reasons", stop.reasons.join(" · "));
    copy.querySelector(".tag")?.classList.toggle("late", stop.late);
    const form = copy.querySelector("form");
    if (!form) return copy;
    if (stop.entry === undefined) {
      form.remove();
      return copy;
    }
    copy.querySelector("li")?.setAttribute("data-entry", String(stop.entry));
    form.dataset.label = stop.label;
    const entry = form.querySelector<HTMLInputElement>("[name=entry]");
    if (entry) entry.setAttribute("value", String(stop.entry));
    return copy;
  };
  place.replaceChildren(...round.stops.map(drawn));
};

const startOffline = async (): Promise<void> => {
  const nobody = document.querySelector<HTMLElement>("[data-nobody]");
  if (nobody) nobody.hidden = Boolean(person);
  if (!person) {
    if (root) root.hidden = true;
    await forgetRounds();
    return;
  }
  const round = await roundOf(person);
  const today = round && Date.now() - Date.parse(`${round.day}T00:00`) < 2 * 24 * 3_600_000;
  if (round && today) drawStops(round);
  else {
    const none = document.querySelector<HTMLElement>("[data-no-round]");
    if (none) none.hidden = false;
  }
};

const startOnline = async (): Promise<void> => {
  localStorage.setItem(PERSON, person);
  const kept = document.querySelector("#round-kept")?.textContent;
  if (kept) await keepRound({ ...(JSON.parse(kept) as Omit<Round, "person">), person });
  if ("serviceWorker" in navigator) {
    await navigator.serviceWorker.register("/desk/grid/worker.js", { scope: "/desk/grid/" });
    await navigator.serviceWorker.ready;
    await keepShell();
    document.documentElement.dataset.readyOffline = "";
  }
};

if (root && isSecureContext) {
  place();
  const start = isShell ? startOffline() : startOnline();
  start.catch(() => undefined).finally(() => void go());
  news.addEventListener("message", () => void show());
  addEventListener("online", () => void go());
  document.addEventListener("visibilitychange", () => {
    if (document.visibilityState === "visible") void go();
  });
  setInterval(() => {
    if (Number(localStorage.getItem(WAITING)) > 0) void go();
  }, AGAIN_MS);
}
