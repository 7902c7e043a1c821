// Draws the charts into the places that the page has left for them. Without a script the page is complete but for
// these: every number that is judged stands in a table.
import "uplot/dist/uPlot.min.css";
import "./page.css";
import { readData } from "./data";
import { drawQuantiles } from "./quantiles";
import { readTheme } from "./theme";
import { drawTimeline } from "./timeline";

// Rather than an empty chart.
function say(place: HTMLElement, text: string): void {
  const note = document.createElement("p");
  note.className = "muted";
  note.textContent = text;
  place.append(note);
}

function draw(): void {
  const data = readData();
  const theme = readTheme();
  for (const place of document.querySelectorAll<HTMLElement>("[data-timeline]")) {
    place.replaceChildren();
    const candidate = data.candidates.find((each) => each.name === place.dataset["timeline"]);
    if (candidate === undefined) continue;
    if (candidate.trials.every((each) => each.seconds.length === 0)) {
      say(place, "No run was complete: there is nothing to draw.");
    } else {
      drawTimeline(place, candidate, data, theme);
    }
  }
  for (const place of document.querySelectorAll<HTMLElement>("[data-quantiles]")) {
    place.replaceChildren();
    const drawn = drawQuantiles(place, place.dataset["quantiles"] ?? "", data, theme);
    if (drawn === null) say(place, "No run had enough requests in this phase.");
  }
  document.documentElement.dataset["charts"] = "drawn";
}

draw();
// Another width or another colour scheme: draw anew, once the change has settled.
let settled = 0;
function again(): void {
  window.clearTimeout(settled);
  settled = window.setTimeout(draw, 150);
}
window.addEventListener("resize", again);
window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", again);
