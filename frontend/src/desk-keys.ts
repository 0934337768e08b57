// Single letters press what carries data-key; `g` and a letter go to a page; `?` shows them all.
// They can be switched off in the help (WCAG 2.1.4) and never act while somebody types.

const OFF = "desk.keys-off";

const isTyping = (target: EventTarget | null): boolean => {
  if (!(target instanceof HTMLElement)) return false;
  if (target instanceof HTMLInputElement) return !["checkbox", "radio", "button", "submit"].includes(target.type);
  return target instanceof HTMLTextAreaElement || target instanceof HTMLSelectElement || target.isContentEditable;
};

const isSeen = (element: HTMLElement): boolean => element.getClientRects().length > 0;

const press = (element: HTMLElement): void => {
  if (element.tagName === "SUMMARY") {
    const details = element.parentElement as HTMLDetailsElement;
    details.open = true;
    const field = details.querySelector<HTMLElement>("textarea, select, input:not([type=hidden], [type=file])");
    (field ?? element).focus();
    details.scrollIntoView({ block: "nearest" });
  } else if (element instanceof HTMLInputElement || element instanceof HTMLTextAreaElement) {
    element.focus();
    element.select();
  } else {
    element.click();
  }
};

const help = (dialog: HTMLDialogElement): void => {
  const words = dialog.dataset;
  const group = (title: string, rows: [string, string][]): HTMLElement => {
    const box = document.createElement("div");
    const heading = document.createElement("h3");
    heading.textContent = title;
    const list = document.createElement("dl");
    for (const [key, says] of rows) {
      const [term, told] = [document.createElement("dt"), document.createElement("dd")];
      for (const part of key.split(" ")) {
        const cap = document.createElement("kbd");
        cap.textContent = part;
        term.append(cap, " ");
      }
      told.textContent = says;
      list.append(term, told);
    }
    box.append(heading, list);
    return box;
  };
  const onPage = Array.from(document.querySelectorAll<HTMLElement>("[data-key][data-says]"))
    .filter(isSeen)
    .map((e): [string, string] => [e.dataset.key ?? "", e.dataset.says ?? ""]);
  const places = Array.from(document.querySelectorAll<HTMLElement>("[data-go]"))
    .filter((e) => e.tagName === "A")
    .map((e): [string, string] => [`g ${e.dataset.go}`, e.textContent?.trim() ?? ""]);
  const always: [string, string][] = [
    ["Ctrl ↵", words.send ?? ""],
    ["Esc", words.leave ?? ""],
    ["?", words.help ?? ""],
  ];
  const groups = [group(words.page ?? "", [...onPage, ...always])];
  if (document.querySelector("[data-list]"))
    groups.unshift(
      group(words.list ?? "", [
        ["j", words.next ?? ""],
        ["k", words.previous ?? ""],
        ["↵", words.open ?? ""],
        ["x", words.pick ?? ""],
      ]),
    );
  if (places.length) groups.push(group(words.go ?? "", places));
  dialog.querySelector(".keys-columns")?.replaceChildren(...groups);
  dialog.showModal();
};

export const keys = (): void => {
  const dialog = document.querySelector<HTMLDialogElement>("#keys");
  const show = document.querySelector<HTMLButtonElement>("#show-keys");
  const off = document.querySelector<HTMLInputElement>("#keys-off");
  if (!dialog || !show || !off) return;
  show.hidden = false;
  show.addEventListener("click", () => help(dialog));
  off.checked = localStorage.getItem(OFF) === "1";
  off.addEventListener("change", () => localStorage.setItem(OFF, off.checked ? "1" : "0"));
  dialog.querySelector("[data-close]")?.addEventListener("click", () => dialog.close());

  let going = 0;
  document.addEventListener("keydown", (event) => {
    const target = event.target as HTMLElement;
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
      const form = target.closest?.("form") ?? document.querySelector("form:has([data-send])");
      if (form instanceof HTMLFormElement && form.method === "post") {
        event.preventDefault();
        form.requestSubmit(form.querySelector<HTMLButtonElement>("[data-send]") ?? undefined);
      }
      return;
    }
    if (event.key === "Escape" && isTyping(target)) {
      target.blur();
      return;
    }
    if (event.ctrlKey || event.metaKey || event.altKey || isTyping(target) || dialog.open) return;
    if (event.key === "?") {
      help(dialog);
      return;
    }
    if (off.checked) return;
    const key = event.key.toLowerCase();
    if (Date.now() - going < 1500) {
      going = 0;
      const place = document.querySelector<HTMLElement>(`a[data-go="${CSS.escape(key)}"]`);
      if (place) {
        event.preventDefault();
        place.click();
      }
      return;
    }
    if (key === "g") {
      going = Date.now();
      return;
    }
    const wanted = Array.from(document.querySelectorAll<HTMLElement>(`[data-key="${CSS.escape(key)}"]`)).find(isSeen);
    if (!wanted) return;
    event.preventDefault();
    press(wanted);
  });
};
