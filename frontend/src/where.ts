// The grid map: cells coloured by their matters in a month; a slider of its own goes through the months.
import L from "leaflet";

interface Cell {
  name: string;
  by_month: number[];
  hot: boolean;
  address: string;
}
interface GridData {
  outlines: string;
  months: string[];
  chosen: number;
  cells: Record<string, Cell>;
  words: { matters: string; in_all: string; most: string; hot: string };
}

const SHADES = ["#eef4f5", "#cfe2e6", "#a3c8d0", "#6fa6b2", "#3a8091", "#0b5563"];

/** The shade of a count: the square root, so that one large cell does not make all others look empty. */
const shade = (count: number, most: number): string =>
  SHADES[count === 0 ? 0 : Math.max(1, Math.ceil(Math.sqrt(count / most) * (SHADES.length - 1)))] ?? "#0b5563";

const draw = async (element: HTMLElement, data: GridData): Promise<void> => {
  const answer = await fetch(data.outlines);
  if (!answer.ok) return;
  const outlines = (await answer.json()) as GeoJSON.FeatureCollection;
  if (outlines.features.length === 0) return;
  element.hidden = false;
  const map = L.map(element, { zoomSnap: 0.25, attributionControl: false, scrollWheelZoom: false, preferCanvas: true });
  const most = Math.max(1, ...Object.values(data.cells).flatMap((c) => c.by_month));
  let month = data.chosen;
  const cellOf = (feature?: GeoJSON.Feature): Cell | undefined => data.cells[String(feature?.properties?.cell)];
  const styled = (feature?: GeoJSON.Feature): L.PathOptions => {
    const cell = cellOf(feature);
    return {
      color: cell?.hot ? "#b4540a" : "#6a7c84", weight: cell?.hot ? 3 : 0.7,
      fillColor: shade(cell?.by_month[month] ?? 0, most), fillOpacity: 0.85,
    };
  };
  const layer = L.geoJSON(outlines, {
    style: styled,
    onEachFeature: (feature, shape) => {
      shape.bindPopup(() => {
        const cell = cellOf(feature);
        const box = document.createElement("div");
        if (!cell) return box;
        const name = document.createElement("strong");
        name.textContent = cell.name;
        const line = document.createElement("p");
        line.textContent = `${data.months[month]}: ${cell.by_month[month] ?? 0} ${data.words.matters}${cell.hot ? ` · ${data.words.hot}` : ""}`;
        box.append(name, line);
        if (cell.address) {
          const link = document.createElement("a");
          link.href = cell.address;
          link.textContent = "→";
          link.setAttribute("aria-label", cell.name);
          box.append(link);
        }
        return box;
      });
    },
  }).addTo(map);
  map.fitBounds(layer.getBounds(), { padding: [8, 8], animate: false });

  const figure = element.closest("figure");
  const holder = figure?.querySelector<HTMLElement>(".slider");
  const slider = holder?.querySelector<HTMLInputElement>("input");
  const told = holder?.querySelector<HTMLOutputElement>("output");
  const caption = figure?.querySelector("figcaption");
  if (!holder || !slider || !told || !caption) return;
  holder.hidden = false;
  slider.value = String(month);
  const show = (): void => {
    month = Number(slider.value);
    layer.setStyle(styled);
    const ranked = Object.values(data.cells).sort((a, b) => (b.by_month[month] ?? 0) - (a.by_month[month] ?? 0));
    const total = ranked.reduce((sum, c) => sum + (c.by_month[month] ?? 0), 0);
    const top = ranked.slice(0, 3).filter((c) => (c.by_month[month] ?? 0) > 0);
    const named = top.map((c) => `${c.name} ${c.by_month[month]}`).join(" · ");
    const when = data.months[month] ?? "";
    told.textContent = when;
    slider.setAttribute("aria-valuetext", when);
    caption.textContent = `${when}: ${total} ${data.words.matters} ${data.words.in_all}${named ? ` · ${data.words.most} ${named}` : ""}`;
  };
  slider.addEventListener("input", show);
  show();
};

for (const element of document.querySelectorAll<HTMLElement>("[data-grid]")) {
  const source = document.getElementById(element.dataset.grid ?? "");
  if (source?.textContent) void draw(element, JSON.parse(source.textContent) as GridData);
}
