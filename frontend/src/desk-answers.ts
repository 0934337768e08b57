// Texts put into the answer at the cursor; what was typed survives leaving the page by mistake.

const open = (): HTMLTextAreaElement | null => {
  const seen = Array.from(document.querySelectorAll<HTMLTextAreaElement>("textarea[data-answer]"));
  const shown = seen.find((t) => t.closest("details")?.open);
  if (shown) return shown;
  const first = seen[0];
  const details = first?.closest("details");
  if (details) details.open = true;
  return first ?? null;
};

const insert = (area: HTMLTextAreaElement, text: string): void => {
  area.focus();
  const gap = area.value && !area.value.endsWith("\n") ? "\n" : "";
  const at = area.value ? area.selectionEnd : 0;
  area.setRangeText(at === area.value.length ? gap + text : text, at, at, "end");
  area.dispatchEvent(new Event("input", { bubbles: true }));
  const field = /\{[^{}\n]+\}/.exec(area.value);
  if (field) area.setSelectionRange(field.index, field.index + field[0].length);
};

export const answers = (): void => {
  document.addEventListener("click", (event) => {
    const link = (event.target as Element).closest<HTMLElement>("[data-insert]");
    const area = link && open();
    if (!link || !area) return;
    event.preventDefault();
    insert(area, link.dataset.insert ?? "");
  });

  for (const form of document.querySelectorAll<HTMLFormElement>("form[data-act]")) {
    const area = form.querySelector<HTMLTextAreaElement>("textarea[name=text]");
    if (!area) continue;
    const key = `desk.typed:${form.dataset.act}`;
    const kept = sessionStorage.getItem(key);
    if (kept && !area.value) area.value = kept;
    area.addEventListener("input", () => sessionStorage.setItem(key, area.value));
    form.addEventListener("submit", () => sessionStorage.removeItem(key));
  }

  for (const part of document.querySelectorAll<HTMLElement>("[data-only]")) {
    const [name = "", value = ""] = (part.dataset.only ?? "").split("=");
    const choice = part.closest("form")?.elements.namedItem(name);
    if (!(choice instanceof HTMLSelectElement)) continue;
    const show = (): void => {
      part.hidden = choice.value !== value;
    };
    choice.addEventListener("change", show);
    show();
  }
};
