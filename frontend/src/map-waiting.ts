// The waiting matters of a list as numbered pins: list and map always point at the same one.
import L from "leaflet";

export const waiting = (map: L.Map): L.LatLng[] => {
  const rows = Array.from(document.querySelectorAll<HTMLElement>("[data-row][data-lat]"));
  const pins = new Map<HTMLElement, HTMLElement>();
  const places: L.LatLng[] = [];
  const at = (row: HTMLElement | null): void => {
    for (const [other, pin] of pins) pin.classList.toggle("at", other === row);
  };
  for (const row of rows) {
    const place = L.latLng(Number(row.dataset.lat), Number(row.dataset.lng));
    places.push(place);
    const icon = L.divIcon({ className: "waiting-pin", html: "", iconSize: [26, 26] });
    const marker = L.marker(place, { icon, keyboard: false }).addTo(map);
    const pin = marker.getElement();
    if (!pin) continue;
    pin.textContent = row.querySelector(".pin-number")?.textContent ?? "";
    pin.title = row.querySelector(".title")?.textContent ?? "";
    pin.dataset.number = row.dataset.number;
    pin.draggable = true;
    // The pin is dragged, not the map under it.
    for (const name of ["mousedown", "touchstart", "pointerdown"]) pin.addEventListener(name, (e) => e.stopPropagation());
    pin.addEventListener("click", (event) => {
      event.stopPropagation();
      row.querySelector<HTMLElement>("a.title")?.focus();
      row.scrollIntoView({ block: "center" });
    });
    row.addEventListener("focusin", () => {
      at(row);
      if (!map.getBounds().pad(-0.05).contains(place)) map.panTo(place, { animate: false });
    });
    row.addEventListener("mouseenter", () => at(row));
    pins.set(row, pin);
    const tick = row.querySelector<HTMLInputElement>("input[type=checkbox]");
    const mark = (): boolean => pin.classList.toggle("ticked", Boolean(tick?.checked));
    document.addEventListener("change", mark);
    mark();
  }
  return places;
};

/** The tasks of the list, where crews set out from, and a line from each crew to what is chosen for it. */
export const crews = (map: L.Map): L.LatLng[] => {
  const places = waiting(map);
  const bases = new Map<string, L.LatLng>();
  for (const box of document.querySelectorAll<HTMLElement>("[data-crew]")) {
    const base = L.latLng(Number(box.dataset.baseLat), Number(box.dataset.baseLng));
    bases.set(box.dataset.crew ?? "", base);
    const icon = L.divIcon({ className: "crew-pin", html: "", iconSize: [14, 14] });
    const marker = L.marker(base, { icon, keyboard: false }).addTo(map);
    marker.bindTooltip(box.querySelector("strong")?.textContent ?? "");
  }
  const lines = L.layerGroup().addTo(map);
  const connect = (): void => {
    lines.clearLayers();
    for (const row of document.querySelectorAll<HTMLElement>("[data-row][data-lat]")) {
      const base = bases.get(row.querySelector<HTMLSelectElement>("[data-crew-choice]")?.value ?? "");
      const isSent = row.querySelector<HTMLInputElement>("input[type=checkbox]")?.checked;
      if (!base) continue;
      const to = L.latLng(Number(row.dataset.lat), Number(row.dataset.lng));
      L.polyline([base, to], { color: "#073d48", weight: 2, opacity: isSent ? 0.8 : 0.25, interactive: false }).addTo(lines);
    }
  };
  connect();
  document.addEventListener("change", connect);
  return [...places, ...bases.values()];
};
