// Colours of the charts, taken from the page's style sheet so that light, dark and print agree.

export interface Theme {
  text: string;
  grid: string;
  fault: string;
  burst: string;
  stall: string;
  task: string;
  series: string[];
}

export function readTheme(): Theme {
  const style = getComputedStyle(document.documentElement);
  const colour = (name: string): string => style.getPropertyValue(name).trim();
  return {
    text: colour("--text"),
    grid: colour("--grid"),
    fault: colour("--fault"),
    burst: colour("--burst"),
    stall: colour("--stall"),
    task: colour("--task"),
    series: [1, 2, 3, 4, 5, 6].map((n) => colour(`--series-${n}`)),
  };
}
