// Response time by quantile for one phase: a line a candidate (the median over its trials) and a dot for every trial.
// The horizontal axis is the tail's probability on a logarithmic scale, as in HdrHistogram's plots, so that p99 and
// p99.9 are not squeezed into the edge.
import uPlot from "uplot";
import { logAxis } from "./axis";
import { median } from "./median";
import type { ReportData } from "./data";
import type { Theme } from "./theme";

const HEIGHT = 280;
const FLOOR_MS = 0.1;
// Told apart without colours as well: on paper, and by who sees two of them as one.
const DASHES = [[], [8, 4], [2, 3], [10, 3, 2, 3], [14, 4], [5, 2, 5, 6]];

function percentile(x: number): string {
  const quantile = (1 - 10 ** -x) * 100;
  return `p${Number(quantile.toPrecision(6))}`;
}

export function drawQuantiles(into: HTMLElement, phase: string, data: ReportData, theme: Theme): uPlot | null {
  const xs = new Set<number>();
  const position = (quantile: number): number => Number((-Math.log10(1 - quantile)).toFixed(6));
  const runs = data.candidates.flatMap((candidate, which) =>
    candidate.trials.flatMap((trial) => {
      const found = trial.quantiles.find((each) => each.phase === phase);
      if (found === undefined || found.points.length === 0) return [];
      const at = new Map(found.points.map(([q, ms]) => [position(q), Math.max(FLOOR_MS, ms)]));
      for (const x of at.keys()) xs.add(x);
      return [{ which, label: candidate.title, at }];
    }));
  if (runs.length === 0) return null;
  const x = [...xs].sort((a, b) => a - b);
  const middle = data.candidates.map((_, which) =>
    x.map((at) => {
      const values = runs.filter((run) => run.which === which).map((run) => run.at.get(at));
      const known = values.filter((v): v is number => v !== undefined);
      return median(known);
    }));
  const colour = (which: number): string => theme.series[which % theme.series.length] ?? theme.text;
  const options: uPlot.Options = {
    width: into.clientWidth,
    height: HEIGHT,
    scales: { x: { time: false }, y: { distr: 3 } },
    axes: [
      {
        stroke: theme.text, grid: { stroke: theme.grid },
        splits: () => [Math.log10(2), 1, 2, 3, 4].filter((tick) => tick <= (x[x.length - 1] ?? 0) + 0.01),
        values: (_, ticks) => ticks.map(percentile),
      },
      logAxis(theme),
    ],
    series: [
      { label: "quantile", value: (_, value) => (value === null ? "" : percentile(value)) },
      ...data.candidates.map((candidate, which) => ({
        label: candidate.ours ? `${candidate.title} (ours)` : candidate.title,
        stroke: colour(which), width: 2, dash: DASHES[which % DASHES.length] ?? [], points: { show: false },
      })),
      ...runs.map((run) => ({
        label: "trial", stroke: colour(run.which), width: 0, points: { show: true, size: 5, fill: colour(run.which) },
      })),
    ],
    legend: { live: false },
  };
  const rows = [x, ...middle, ...runs.map((run) => x.map((at) => run.at.get(at) ?? null))];
  const chart = new uPlot(options, rows as uPlot.AlignedData, into);
  // The dots explain themselves; their legend entries would be one a trial.
  into.querySelectorAll(".u-series").forEach((entry, at) => {
    if (at > data.candidates.length) entry.remove();
  });
  return chart;
}
