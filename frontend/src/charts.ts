// Charts of the sensing pages. Each stands beside a table with the same figures, so the page is whole without them.
import { CustomChart, LineChart, MapChart } from "echarts/charts";
import { GeoComponent, GridComponent, TimelineComponent, TooltipComponent, VisualMapComponent } from "echarts/components";
import * as echarts from "echarts/core";
import { CanvasRenderer } from "echarts/renderers";

echarts.use([
  CanvasRenderer, CustomChart, GeoComponent, GridComponent, LineChart, MapChart, TimelineComponent, TooltipComponent,
  VisualMapComponent,
]);

interface Point {
  mean: number;
  low80: number;
  high80: number;
  low95: number;
  high95: number;
}
interface ForecastData {
  kind: "forecast";
  past: string[];
  recent: (number | null)[];
  periods: string[];
  forecast: Point[];
  words: { counted: string; expected: string; within: string; within95: string };
}
interface MapData {
  kind: "map";
  months: string[];
  cells: { name: string; by_month: number[] }[];
  words: { matters: string };
}

// Styles are forbidden in markup by the site's policy; text drawn on the canvas needs none.
const tooltip = { trigger: "axis" as const, renderMode: "richText" as const, confine: true };
const calm = window.matchMedia("(prefers-reduced-motion: reduce)").matches;

const forecastOption = (data: ForecastData): echarts.EChartsCoreOption => {
  const nothing = data.past.map(() => null);
  const band = (name: string, low: (p: Point) => number, high: (p: Point) => number, colour: string) => [
    {
      name: `${name} `, type: "line", stack: name, symbol: "none", silent: true, lineStyle: { opacity: 0 },
      data: [...nothing, ...data.forecast.map(low)],
    },
    {
      name, type: "line", stack: name, symbol: "none", silent: true, lineStyle: { opacity: 0 },
      areaStyle: { color: colour }, data: [...nothing, ...data.forecast.map((p) => high(p) - low(p))],
    },
  ];
  return {
    animation: !calm,
    grid: { left: 44, right: 12, top: 16, bottom: 28 },
    tooltip: {
      ...tooltip,
      formatter: (rows: { dataIndex: number; axisValue: string }[]) => {
        const at = rows[0]?.dataIndex ?? 0;
        const day = rows[0]?.axisValue ?? "";
        const point = data.forecast[at - data.past.length];
        if (!point) return `${day}\n${data.words.counted}: ${data.recent[at] ?? "–"}`;
        return `${day}\n${data.words.expected}: ${point.mean.toFixed(1)}\n${data.words.within}: ${point.low80}–${point.high80}\n${data.words.within95}: ${point.low95}–${point.high95}`;
      },
    },
    xAxis: { type: "category", data: [...data.past, ...data.periods], boundaryGap: false },
    yAxis: { type: "value", minInterval: 1 },
    series: [
      ...band(data.words.within95, (p) => p.low95, (p) => p.high95, "#d6e6ea"),
      ...band(data.words.within, (p) => p.low80, (p) => p.high80, "#a9cbd3"),
      { name: data.words.counted, type: "line", symbol: "none", lineStyle: { color: "#3d4551", width: 1.5 }, data: data.recent },
      {
        name: data.words.expected, type: "line", symbol: "none",
        lineStyle: { color: "#0b5563", width: 2, type: "dashed" },
        data: [...nothing, ...data.forecast.map((p) => p.mean)],
      },
    ],
  };
};

const mapOption = async (data: MapData): Promise<echarts.EChartsCoreOption | null> => {
  const answer = await fetch("/map/city.geojson");
  if (!answer.ok) return null;
  const city = (await answer.json()) as { features: { properties: { level: string } }[] };
  const streets = city.features.filter((f) => f.properties.level === "street");
  if (streets.length === 0) return null;
  echarts.registerMap("city", { type: "FeatureCollection", features: streets } as never);
  const most = Math.max(1, ...data.cells.flatMap((c) => c.by_month));
  return {
    baseOption: {
      timeline: {
        axisType: "category", data: data.months, currentIndex: data.months.length - 1, playInterval: 900, left: 8,
        right: 8, bottom: 0, autoPlay: false,
      } as never,
      tooltip: { ...tooltip, trigger: "item", formatter: (p: { name: string; value: number }) => `${p.name}: ${p.value || 0} ${data.words.matters}` },
      visualMap: { min: 0, max: most, left: 0, top: 0, itemHeight: 90, inRange: { color: ["#eef4f5", "#7fb0bb", "#0b5563"] } },
      series: [{ type: "map", map: "city", top: 8, bottom: 64, label: { show: false }, emphasis: { label: { show: true } } }],
      animation: !calm,
    },
    options: data.months.map((_, at) => ({
      series: [{ data: data.cells.map((c) => ({ name: c.name, value: c.by_month[at] ?? 0 })) }],
    })),
  };
};

for (const figure of document.querySelectorAll<HTMLElement>("[data-chart]")) {
  const source = document.getElementById(figure.dataset.chart ?? "");
  if (!source?.textContent) continue;
  const data = JSON.parse(source.textContent) as ForecastData | MapData;
  void (async () => {
    const option = data.kind === "map" ? await mapOption(data) : forecastOption(data);
    if (!option) return;
    figure.classList.add("is-drawn");
    const chart = echarts.init(figure);
    chart.setOption(option);
    new ResizeObserver(() => chart.resize()).observe(figure);
  })();
}
