// What Node.js itself keeps, once a second, in <pid>.state in ASSAY_PROBE_DIR: its heap, how long its loop was active,
// what is active by kind. One text of fixed size that is written over: "name value" a line; the number of the look is
// its first line and its last, so that a reader knows a torn one.
//
// Misuse: reading the heap of one look. It rises until the collector comes: `live_bytes` is what that has left.
'use strict';
const { writeSync } = require('node:fs');
const { PerformanceObserver, constants, performance } = require('node:perf_hooks');
const { setTimeout } = require('node:timers');
const { getHeapStatistics } = require('node:v8');
const { openFile } = require('./shim.cjs');

const periodMs = 1000;
const restsForEach = 500; // as long as a look took: to count what is active takes long where there is much of it
const stateBytes = 4096;
const mostKinds = 32;

function lastCollection() {
  const last = { liveBytes: 0 };
  new PerformanceObserver((list) => {
    if (!list.getEntries().some((each) => each.detail?.kind === constants.NODE_PERFORMANCE_GC_MAJOR)) return;
    const heap = getHeapStatistics();
    last.liveBytes = heap.used_heap_size + heap.external_memory;
  }).observe({ entryTypes: ['gc'] });
  return last;
}

function activeByKind() {
  const counts = new Map();
  for (const kind of process.getActiveResourcesInfo()) counts.set(kind, (counts.get(kind) ?? 0) + 1);
  return [...counts].sort((a, b) => b[1] - a[1]).slice(0, mostKinds);
}

function textOf(number, liveBytes) {
  const heap = getHeapStatistics();
  const loop = performance.eventLoopUtilization();
  const lines = [
    `look ${number}`,
    `heap_used_bytes ${heap.used_heap_size}`,
    `heap_limit_bytes ${heap.heap_size_limit}`,
    `external_bytes ${heap.external_memory}`,
    `live_bytes ${liveBytes}`,
    `loop_active_us ${Math.round(loop.active * 1000)}`,
    `loop_idle_us ${Math.round(loop.idle * 1000)}`,
    ...activeByKind().map(([kind, count]) => `active ${kind} ${count}`),
    `end ${number}`,
  ];
  return lines.join('\n');
}

// The first look is at once: of a process that ends within a second there is that one, and a server that begins as
// root gives its rights up.
function watchState(directory, isPaused) {
  const last = lastCollection();
  const state = openFile(`${directory}/${process.pid}.state`, 'w');
  let number = 0;
  // The first takes longer than others: nothing of it has run before.
  let tookMs = 0;
  const look = () => {
    const began = performance.now();
    try {
      if (!isPaused() && state.isOurs()) {
        number += 1;
        const text = Buffer.alloc(stateBytes, '\n');
        text.write(textOf(number, last.liveBytes));
        writeSync(state.file, text, 0, stateBytes, 0);
      }
    } catch {
      // It is without this look.
    }
    // One of two that was without the CPU for a while says nothing of what a look takes.
    const beforeMs = tookMs;
    tookMs = number > 1 ? performance.now() - began : 0;
    setTimeout(look, Math.max(periodMs, restsForEach * Math.min(beforeMs, tookMs))).unref();
  };
  look();
}

module.exports = { watchState };
