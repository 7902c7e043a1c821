// A logarithmic axis of milliseconds that marks the powers of ten and nothing between them.
import type uPlot from "uplot";
import type { Theme } from "./theme";

function isPowerOfTen(value: number): boolean {
  return Math.abs(Math.log10(value) - Math.round(Math.log10(value))) < 1e-9;
}

export function milliseconds(value: number): string {
  return value >= 1000 ? `${value / 1000} s` : `${value} ms`;
}

export function logAxis(theme: Theme): uPlot.Axis {
  const filter: uPlot.Axis.Filter = (_, splits) => splits.map((each) => (isPowerOfTen(each) ? each : null));
  return {
    stroke: theme.text,
    size: 64,
    grid: { stroke: theme.grid, filter },
    ticks: { stroke: theme.grid, filter },
    filter,
    values: (_, splits) => splits.map((each) => (each === null ? "" : milliseconds(each))),
  };
}
