// Where a report is about: where the phone is, unless a point is chosen on the map.

const field = (id: string): HTMLInputElement | null => document.querySelector<HTMLInputElement>(`#${id}`);

const here = (): Promise<GeolocationCoordinates | null> =>
  new Promise((done) => {
    if (!("geolocation" in navigator)) return done(null);
    navigator.geolocation.getCurrentPosition(
      ({ coords }) => done(coords), () => done(null), { enableHighAccuracy: true, timeout: 10_000, maximumAge: 30_000 },
    );
  });

export const place = (): void => {
  const told = document.querySelector<HTMLElement>("[data-place-told]");
  const [lat, lng] = [field("lat"), field("lng")];
  const map = document.querySelector<HTMLElement>("#grid-pick");
  const report = document.querySelector<HTMLFormElement>("#grid-report");
  if (!told || !lat || !lng || !report) return;
  const say = (which: string): void => {
    told.textContent = told.dataset[which] ?? "";
  };
  let isChosen = false;
  const locate = async (): Promise<void> => {
    if (isChosen) return;
    say("asking");
    const coords = await here();
    if (isChosen) return;
    if (!coords) return say("none");
    lat.value = coords.latitude.toFixed(6);
    lng.value = coords.longitude.toFixed(6);
    say("here");
    told.textContent += ` (± ${Math.round(coords.accuracy)} m)`;
  };
  // Asked for when somebody begins to report, so that the browser's question has a reason.
  report.addEventListener("focusin", () => void (lat.value || told.dataset.asked || ((told.dataset.asked = "1"), locate())));
  report.addEventListener("change", (event) => {
    const name = (event.target as HTMLInputElement).name;
    if (name === "photos" || name === "function") void locate();
  });
  lat.addEventListener("change", () => {
    isChosen = true;
    say("chosen");
  });
  report.addEventListener("reset", () => {
    isChosen = false;
    lat.value = lng.value = "";
    delete told.dataset.asked;
    say("none");
  });
  const pick = document.querySelector<HTMLButtonElement>("[data-pick-place]");
  if (pick && map) {
    pick.hidden = false;
    pick.addEventListener("click", () => {
      pick.hidden = true;
      map.dataset.map = "pick";
      map.dispatchEvent(new CustomEvent("show-map", { bubbles: true }));
    });
  }
  const start = document.querySelector<HTMLFormElement>("[data-start-here]");
  if (start && "geolocation" in navigator) {
    start.hidden = false;
    start.addEventListener("submit", (event) => {
      const [x, y] = [start.elements.namedItem("from_lng"), start.elements.namedItem("from_lat")] as HTMLInputElement[];
      if (!x || !y || x.value) return;
      event.preventDefault();
      void here().then((coords) => {
        if (!coords) return;
        x.value = coords.longitude.toFixed(6);
        y.value = coords.latitude.toFixed(6);
        start.submit();
      });
    });
  }
};
