// What the loop was doing at a moment of a chart: a click on a spike tells it in words below.
import type uPlot from "uplot";
import type { Trial } from "./data";

const REACH_S = 1; // a second's latency is drawn at its beginning
const MOST_TOLD = 8;

function toldOf(trials: Trial[], at: number): string[] {
  const near = trials.flatMap((trial) => trial.events
    .filter((event) => event.kind === "stall" || event.kind === "fault" || event.kind === "task")
    .filter((event) => event.at <= at + REACH_S && event.at + event.length >= at - REACH_S)
    .map((event) => ({ trial, event })));
  near.sort((a, b) => b.event.length - a.event.length);
  const told = near.slice(0, MOST_TOLD).map(({ trial, event }) =>
    `Trial ${trial.repeat}, ${event.at.toFixed(1)} s, ${event.kind}: ${event.text}`);
  return near.length > MOST_TOLD ? [...told, `and ${near.length - MOST_TOLD} shorter ones`] : told;
}

export function tellMoments(into: HTMLElement, chart: uPlot, trials: Trial[]): void {
  const list = document.createElement("ul");
  list.className = "told muted";
  const say = (lines: string[]): void => list.replaceChildren(...lines.map((line) => {
    const item = document.createElement("li");
    item.textContent = line;
    return item;
  }));
  say(["Click on a spike to see what the loop was doing then."]);
  into.append(list);
  // On the way down: uPlot keeps clicks that could end a selection to itself.
  chart.root.addEventListener("click", (click) => {
    if (click.target !== chart.over) return;
    const at = chart.posToVal(click.clientX - chart.over.getBoundingClientRect().left, "x");
    const told = toldOf(trials, at);
    say(told.length > 0 ? told : [`At ${at.toFixed(0)} s no stall of the loop was seen.`]);
  }, true);
}
