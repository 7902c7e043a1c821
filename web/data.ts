// What the report embeds for its charts: the counterpart of lab/report/chart_data.cpp.
//
// Misuse: computing a verdict from it. The tables, which need no script, carry every number that is judged.

export interface Second {
  at: number; // seconds from the first phase's start
  offered: number;
  errors: number;
  p50: number; // of response time, milliseconds
  p99: number;
  max: number;
}

export interface TrialEvent {
  at: number;
  length: number;
  kind: "phase" | "fault" | "stall" | "database" | "task" | "note";
  text: string;
}

export interface Quantiles {
  phase: string;
  points: [number, number][]; // quantile in [0, 1), milliseconds
}

export interface Trial {
  repeat: number;
  state: string;
  seconds: Second[];
  events: TrialEvent[];
  quantiles: Quantiles[];
}

export interface Candidate {
  name: string;
  title: string;
  ours: boolean;
  trials: Trial[];
}

export interface Phase {
  name: string;
  kind: string;
  start: number;
  length: number;
}

export interface ReportData {
  phases: Phase[];
  candidates: Candidate[];
}

// The data stand in the page as a script of type application/json.
export function readData(): ReportData {
  const holder = document.getElementById("report-data");
  if (holder === null || holder.textContent === null) throw new Error("the report's data are missing");
  return JSON.parse(holder.textContent) as ReportData;
}
