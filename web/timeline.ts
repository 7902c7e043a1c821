// Latency over time, a chart a candidate on one shared scale: p50 and p99 of each second, the median over its trials
// drawn bold with every single trial behind it, phases as bands, and a lane of stalls, faults and
// background tasks below.
import uPlot from "uplot";
import type { Candidate, Phase, ReportData, Trial } from "./data";
import { logAxis } from "./axis";
import { median } from "./median";
import { tellMoments } from "./moments";
import type { Theme } from "./theme";

const HEIGHT = 220;
const LANE_HEIGHT = 14; // of the event lane, CSS pixels
const TASK_HEIGHT = 4; // of background tasks, at the top of it
const HEADROOM = 5; // above the highest value, for the names of the phases
const FLOOR_MS = 0.1; // a logarithmic axis has no zero

type Row = (number | null)[];

// Values by whole second; null where nothing was asked for.
function bySecond(trial: Trial, length: number, pick: (s: Trial["seconds"][number]) => number): Row {
  const row: Row = new Array<number | null>(length).fill(null);
  for (const second of trial.seconds) {
    const at = Math.floor(second.at + 1e-6);
    if (at >= 0 && at < length && second.offered > 0) row[at] = Math.max(FLOOR_MS, pick(second));
  }
  return row;
}

function acrossTrials(rows: Row[], length: number): Row {
  const middle: Row = [];
  for (let at = 0; at < length; at++) {
    middle.push(median(rows.map((row) => row[at] ?? null).filter((v): v is number => v !== null)));
  }
  return middle;
}

function drawBands(chart: uPlot, phases: Phase[], theme: Theme): void {
  const { ctx, bbox } = chart;
  ctx.save();
  for (const phase of phases) {
    const from = chart.valToPos(phase.start, "x", true);
    const to = chart.valToPos(phase.start + phase.length, "x", true);
    if (phase.kind === "fault" || phase.kind === "burst") {
      ctx.fillStyle = phase.kind === "fault" ? theme.fault : theme.burst;
      ctx.fillRect(from, bbox.top, to - from, bbox.height);
    }
    ctx.fillStyle = theme.grid;
    ctx.fillRect(from, bbox.top, devicePixelRatio, bbox.height);
  }
  ctx.restore();
}

function drawNames(chart: uPlot, phases: Phase[], theme: Theme): void {
  const { ctx, bbox } = chart;
  ctx.save();
  ctx.fillStyle = theme.text;
  ctx.font = `${11 * devicePixelRatio}px system-ui, sans-serif`;
  ctx.textAlign = "left";
  for (const phase of phases) {
    const from = chart.valToPos(phase.start, "x", true);
    const width = chart.valToPos(phase.start + phase.length, "x", true) - from;
    ctx.fillText(phase.name, from + 3 * devicePixelRatio, bbox.top + 12 * devicePixelRatio,
      Math.max(1, width - 6 * devicePixelRatio));
  }
  ctx.restore();
}

function drawLane(chart: uPlot, trials: Trial[], theme: Theme): void {
  const { ctx, bbox } = chart;
  const top = bbox.top + bbox.height - LANE_HEIGHT * devicePixelRatio;
  ctx.save();
  ctx.beginPath();
  ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
  ctx.clip();
  for (const trial of trials) {
    for (const event of trial.events) {
      if (event.kind !== "stall" && event.kind !== "fault" && event.kind !== "task") continue;
      const from = chart.valToPos(event.at, "x", true);
      const width = Math.max(devicePixelRatio, chart.valToPos(event.at + event.length, "x", true) - from);
      ctx.fillStyle = { stall: theme.stall, fault: theme.fault, task: theme.task }[event.kind];
      // A stall that a task brought about lies below it, and must be seen.
      const height = event.kind === "task" ? TASK_HEIGHT : LANE_HEIGHT;
      ctx.fillRect(from, top, width, height * devicePixelRatio);
    }
  }
  ctx.restore();
}

// Not by Math.max(...all): a day of seconds is more arguments than a call takes.
function highestOf(data: ReportData): number {
  let highest = 1;
  for (const candidate of data.candidates) {
    for (const trial of candidate.trials) {
      for (const second of trial.seconds) highest = Math.max(highest, second.p99);
    }
  }
  return highest;
}

export function drawTimeline(into: HTMLElement, candidate: Candidate, data: ReportData, theme: Theme): uPlot {
  const end = Math.ceil(Math.max(...data.phases.map((phase) => phase.start + phase.length)));
  const x = Array.from({ length: end }, (_, at) => at);
  const trials = candidate.trials.filter((trial) => trial.seconds.length > 0);
  const p99 = trials.map((trial) => bySecond(trial, end, (second) => second.p99));
  const p50 = trials.map((trial) => bySecond(trial, end, (second) => second.p50));
  const [first = "", second = ""] = theme.series;
  const options: uPlot.Options = {
    width: into.clientWidth,
    height: HEIGHT,
    legend: { live: true },
    scales: { x: { time: false }, y: { distr: 3, range: [FLOOR_MS, highestOf(data) * HEADROOM] } },
    axes: [
      { stroke: theme.text, grid: { stroke: theme.grid }, values: (_, ticks) => ticks.map((t) => `${t} s`) },
      logAxis(theme),
    ],
    series: [
      { label: "second" },
      { label: "p50 (median of trials)", stroke: second, width: 2, dash: [6, 3], points: { show: false } },
      { label: "p99 (median of trials)", stroke: first, width: 2.5, points: { show: false } },
      ...p99.map((_, n) => ({
        label: `p99, trial ${trials[n]?.repeat ?? n + 1}`, stroke: `${first}66`, width: 1, points: { show: false },
      })),
    ],
    hooks: {
      drawClear: [(chart) => drawBands(chart, data.phases, theme)],
      draw: [(chart) => drawLane(chart, trials, theme), (chart) => drawNames(chart, data.phases, theme)],
    },
  };
  const rows = [x, acrossTrials(p50, end), acrossTrials(p99, end), ...p99];
  const chart = new uPlot(options, rows as uPlot.AlignedData, into);
  tellMoments(into, chart, trials);
  return chart;
}
