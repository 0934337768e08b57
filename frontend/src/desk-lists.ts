// A list to walk through with j and k, to open with Enter, to select with x; and what is selected.

export const lists = (): void => {
  const list = document.querySelector<HTMLElement>("[data-list]");
  if (!list) return;
  const rows = Array.from(list.querySelectorAll<HTMLElement>("[data-row]"));
  const link = (row: HTMLElement | undefined): HTMLAnchorElement | null =>
    row?.querySelector<HTMLAnchorElement>("a.title") ?? null;
  const box = (row: HTMLElement | undefined): HTMLInputElement | null =>
    row?.querySelector<HTMLInputElement>("input[type=checkbox]") ?? null;
  let at = -1;

  const move = (to: number): void => {
    at = Math.max(0, Math.min(rows.length - 1, to));
    link(rows[at])?.focus();
    rows[at]?.scrollIntoView({ block: "nearest" });
  };
  list.addEventListener("focusin", (event) => {
    const row = (event.target as Element).closest<HTMLElement>("[data-row]");
    at = row ? rows.indexOf(row) : at;
    for (const other of rows) other.classList.toggle("at", other === row);
  });
  document.addEventListener("keydown", (event) => {
    const target = event.target as HTMLElement;
    const typing = target.matches?.("input:not([type=checkbox]), textarea, select");
    if (typing || event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return;
    if (localStorage.getItem("desk.keys-off") === "1") return;
    if (event.key === "j") move(at + 1);
    else if (event.key === "k") move(at - 1);
    else if (event.key === "x" && at >= 0) box(rows[at])?.click();
    else return;
    event.preventDefault();
  });

  const picked = document.querySelector<HTMLElement>("#picked");
  const all = document.querySelector<HTMLInputElement>("#all");
  const bulk = document.querySelector<HTMLElement>("#bulk");
  const boxes = rows.map(box).filter((b) => b !== null);
  const tell = (): void => {
    const n = boxes.filter((b) => b.checked).length;
    if (picked) picked.textContent = n === 0 ? "" : n === 1 ? (picked.dataset.one ?? "") : (picked.dataset.many ?? "").replace("{n}", String(n));
    if (all) {
      all.checked = n > 0 && n === boxes.length;
      all.indeterminate = n > 0 && n < boxes.length;
    }
    for (const button of bulk?.querySelectorAll<HTMLButtonElement>("button") ?? []) button.disabled = n === 0;
  };
  all?.addEventListener("change", () => {
    for (const b of boxes) b.checked = all.checked;
    tell();
  });
  list.addEventListener("change", tell);
  addEventListener("pageshow", () => setTimeout(tell));
  tell();
};
