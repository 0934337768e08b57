// Screens in a hall: print the number, go back to the beginning, read out who is called.

for (const button of document.querySelectorAll<HTMLButtonElement>("[data-print]")) {
  button.hidden = false;
  button.addEventListener("click", () => print());
}

// The machine goes back to its beginning when nobody has touched it for so many seconds.
const home = document.querySelector<HTMLElement>("[data-home]");
if (home) {
  const wait = Number(home.dataset.home) * 1000;
  const start = location.pathname.replace(/\/kiosk\/.*$/, "/kiosk/");
  // The next person finds the city's own language again.
  const others = document.querySelector<HTMLButtonElement>(".screen-top button[name=language]");
  const usual = document.body.dataset.usual;
  const back = (): void => {
    const next = others?.form?.querySelector<HTMLInputElement>("[name=next]");
    if (usual && others?.value === usual && next) {
      next.value = start;
      others.click();
    } else location.replace(start);
  };
  let timer = setTimeout(back, wait);
  for (const kind of ["pointerdown", "keydown", "input"])
    addEventListener(kind, () => {
      clearTimeout(timer);
      timer = setTimeout(back, wait);
    });
}

const speech = document.querySelector<HTMLButtonElement>("[data-speech]");
const told = document.querySelector<HTMLElement>("#called-now");
const VOICES: Record<string, string> = { zh: "zh-CN", en: "en-GB" };
let isLoud = false;

const say = (row: HTMLElement): void => {
  if (!isLoud || !speech) return;
  // In Chinese first; in English as well for somebody who took the number in English.
  const languages = row.dataset.language === "en" ? ["zh", "en"] : ["zh"];
  for (const language of languages) {
    const [pattern, counter] =
      language === "zh" ? [speech.dataset.zh, row.dataset.counterZh] : [speech.dataset.en, row.dataset.counterEn];
    // With spaces digits are read one by one.
    const number = (row.dataset.number ?? "").split("").join(" ");
    const text = (pattern ?? "").replace("{number}", number).replace("{counter}", counter ?? "");
    const spoken = new SpeechSynthesisUtterance(text);
    spoken.lang = VOICES[language] ?? language;
    spoken.rate = 0.9;
    speechSynthesis.speak(spoken);
  }
};

const calls = (): HTMLElement[] => Array.from(document.querySelectorAll<HTMLElement>("[data-call]"));
let known = new Set(calls().map((row) => row.dataset.call));

document.body.addEventListener("htmx:afterSettle", () => {
  const now = calls();
  for (const row of now.filter((one) => !known.has(one.dataset.call))) {
    row.classList.add("fresh");
    if (told) told.textContent = row.textContent?.trim().replace(/\s+/g, " ") ?? "";
    say(row);
  }
  known = new Set(now.map((row) => row.dataset.call));
});

if (speech && "speechSynthesis" in window) {
  speech.hidden = false;
  speech.addEventListener("click", () => {
    isLoud = !isLoud;
    speech.setAttribute("aria-pressed", String(isLoud));
    if (!isLoud) speechSynthesis.cancel();
    else for (const row of calls().slice(0, 1)) say(row);
  });
}
