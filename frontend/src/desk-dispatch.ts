// The dispatcher's desk: matters go to an organisation by drag, by key or by click, always over the page
// that says what will happen, shown here in a box.

type Row = HTMLElement;

const MIME = "application/x-gongzhi-cases";

/** Show the page of a decision in the box; what comes instead of it is opened as a page. */
const show = async (box: HTMLDialogElement, address: string): Promise<void> => {
  const response = await fetch(address, { credentials: "same-origin" });
  const page = new DOMParser().parseFromString(await response.text(), "text/html");
  const decision = page.querySelector<HTMLFormElement>("#decision");
  if (!decision) {
    location.href = response.url;
    return;
  }
  const title = decision.querySelector("h1");
  if (title) {
    const heading = document.createElement("h2");
    heading.className = title.className;
    heading.append(...title.childNodes);
    title.replaceWith(heading);
  }
  box.replaceChildren(document.importNode(decision, true));
  box.querySelector("[data-close]")?.addEventListener("click", (event) => {
    event.preventDefault();
    box.close();
  });
  box.querySelector("form")?.addEventListener("submit", () =>
    setTimeout(() => {
      for (const b of box.querySelectorAll("button")) b.disabled = true;
    }),
  );
  if (!box.open) box.showModal();
  const field = box.querySelector<HTMLElement>("textarea[required]") ?? box.querySelector<HTMLElement>("[data-send]");
  field?.focus();
};

export const dispatch = (): void => {
  const form = document.querySelector<HTMLFormElement>("#waiting");
  const box = document.querySelector<HTMLDialogElement>("#decision-box");
  const panel = form?.querySelector<HTMLElement>(".targets");
  const find = form?.querySelector<HTMLInputElement>("#target-find");
  const told = form?.querySelector<HTMLElement>("#target-told");
  if (!form || !box || !panel || !find || !told) return;
  const rows = Array.from(form.querySelectorAll<Row>("[data-row]"));
  const targets = Array.from(panel.querySelectorAll<HTMLButtonElement>("[data-target]"));
  const list = panel.querySelector<HTMLElement>("#targets");
  const tick = (row: Row): HTMLInputElement | null => row.querySelector<HTMLInputElement>("input[name=case]");
  let last: Row | undefined;

  /** The ticked matters; without any the one that the keyboard is at, or was at last. */
  const chosen = (): Row[] => {
    const ticked = rows.filter((row) => tick(row)?.checked);
    const at = rows.find((row) => row.classList.contains("at")) ?? last;
    return ticked.length ? ticked : at ? [at] : [];
  };
  const decide = (matters: Row[], to: string): void => {
    if (!matters.length) {
      told.textContent = panel.dataset.noneSays ?? "";
      return;
    }
    const query = new URLSearchParams({ to, back: location.pathname + location.search });
    for (const row of matters) query.append("case", row.dataset.case ?? "");
    void show(box, `${form.getAttribute("action")}?${query}`);
  };

  // What the mandates say of each organisation, for what is chosen.
  const says = panel.dataset;
  const among = (row: Row, which: "leads" | "assists", code: string): boolean =>
    (row.dataset[which] ?? "").split(" ").includes(code);
  const fit = (matters: Row[], code: string): [string, string] => {
    const known = matters.filter((row) => "known" in row.dataset);
    if (!known.length) return ["", ""];
    const leads = known.filter((row) => among(row, "leads", code)).length;
    if (leads === known.length) return ["leads", says.leadsSays ?? ""];
    if (leads)
      return ["leads", (says.partSays ?? "").replace("{n}", String(leads)).replace("{m}", String(known.length))];
    if (known.some((row) => among(row, "assists", code))) return ["assists", says.assistsSays ?? ""];
    if (known.every((row) => !row.dataset.leads?.trim())) return ["nobody", says.nobodySays ?? ""];
    return ["others", says.othersSays ?? ""];
  };
  const order = ["leads", "assists", "nobody", "others", ""];
  const judge = (matters: Row[]): void => {
    const judged = targets.map((target, n): [HTMLButtonElement, string, number] => {
      const [kind, words] = fit(matters, target.value);
      const label = target.querySelector<HTMLElement>("[data-fit]");
      if (label) {
        label.textContent = words;
        label.className = `fit ${kind}`;
      }
      return [target, kind, n];
    });
    judged.sort((a, b) => order.indexOf(a[1]) - order.indexOf(b[1]) || a[2] - b[2]);
    const items = judged.map(([target]) => target.parentElement).filter((item) => item !== null);
    if (!panel.contains(document.activeElement)) list?.append(...items);
  };
  form.addEventListener("change", () => judge(chosen()));
  form.addEventListener("focusin", (event) => {
    const row = (event.target as Element).closest<Row>("[data-row]");
    if (!row) return;
    last = row;
    setTimeout(() => judge(chosen()));
  });

  // Type to find, arrows to walk, Enter to choose.
  const seen = (): HTMLButtonElement[] =>
    Array.from(panel.querySelectorAll<HTMLButtonElement>("[data-target]")).filter((t) => !t.parentElement?.hidden);
  find.addEventListener("input", () => {
    const words = find.value.trim().toLowerCase();
    for (const target of targets)
      if (target.parentElement) target.parentElement.hidden = !(target.dataset.find ?? "").toLowerCase().includes(words);
    const first = seen()[0];
    told.textContent = words ? (first?.querySelector(".target-name")?.textContent ?? "–") : "";
  });
  panel.addEventListener("keydown", (event) => {
    const open = seen();
    const at = open.indexOf(document.activeElement as HTMLButtonElement);
    if (event.key === "ArrowDown") open[Math.min(at + 1, open.length - 1)]?.focus();
    else if (event.key === "ArrowUp") (at > 0 ? open[at - 1] : find)?.focus();
    else if (event.key === "Enter" && event.target === find) {
      const first = open[0];
      if (find.value.trim() && first) decide(chosen(), first.value);
    } else return;
    event.preventDefault();
  });
  for (const target of targets)
    target.addEventListener("click", (event) => {
      event.preventDefault();
      decide(chosen(), target.value);
    });

  // A suggestion by click or by its number; working several as one.
  form.addEventListener("click", (event) => {
    const link = (event.target as Element).closest<HTMLAnchorElement>("a[data-decide]");
    if (!link || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    void show(box, link.href);
  });
  document.addEventListener("keydown", (event) => {
    const target = event.target as HTMLElement;
    if (target.matches?.("input:not([type=checkbox]), textarea, select") || box.open) return;
    if (event.ctrlKey || event.metaKey || event.altKey || localStorage.getItem("desk.keys-off") === "1") return;
    if (!/^[1-9]$/.test(event.key)) return;
    const row = rows.find((r) => r.classList.contains("at"));
    row?.querySelectorAll<HTMLAnchorElement>("a[data-decide]")[Number(event.key) - 1]?.click();
  });
  form.addEventListener("submit", (event) => {
    if ((event.submitter as HTMLButtonElement | null)?.id !== "merge") return;
    event.preventDefault();
    const query = new URLSearchParams({ back: location.pathname + location.search });
    for (const row of chosen()) query.append("case", row.dataset.case ?? "");
    void show(box, `${event.submitter?.getAttribute("formaction")}?${query}`);
  });

  // Drag rows, or their pins on the map, onto an organisation.
  for (const row of rows) row.draggable = true;
  document.addEventListener("dragstart", (event) => {
    const dragged = (event.target as Element).closest<HTMLElement>("[data-number]");
    const row = rows.find((r) => r.dataset.number === dragged?.dataset.number);
    if (!row || !event.dataTransfer) return;
    const matters = tick(row)?.checked ? chosen() : [row];
    event.dataTransfer.effectAllowed = "move";
    event.dataTransfer.setData(MIME, matters.map((r) => r.dataset.number).join(" "));
    event.dataTransfer.setData("text/plain", row.querySelector(".title")?.textContent ?? "");
    judge(matters);
    form.classList.add("dragging");
  });
  document.addEventListener("dragend", () => {
    form.classList.remove("dragging");
    for (const target of targets) target.classList.remove("over");
  });
  for (const target of targets) {
    target.addEventListener("dragover", (event) => {
      if (!event.dataTransfer?.types.includes(MIME)) return;
      event.preventDefault();
      target.classList.add("over");
    });
    target.addEventListener("dragleave", () => target.classList.remove("over"));
    target.addEventListener("drop", (event) => {
      const numbers = event.dataTransfer?.getData(MIME).split(" ") ?? [];
      if (!numbers[0]) return;
      event.preventDefault();
      decide(rows.filter((row) => numbers.includes(row.dataset.number ?? "")), target.value);
    });
  }
};
