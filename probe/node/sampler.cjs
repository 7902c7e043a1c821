// On a thread of its own in the observed process: when the main loop has been away for a while, has it tell where it is.
// V8 runs that call in the middle of what the loop is at, as soon as JavaScript goes on there, without its debugger.
// Costs an isolate's memory and a look at the library's file every 15 ms; only where ASSAY_PROBE_STACKS=1 asks for it.
//
// Misuse: taking a sample in a call into native code for its line. JavaScript goes on after it: in the same function or
// in one that it calls, perhaps a line later.
'use strict';
const inspector = require('node:inspector');
const { writeFileSync } = require('node:fs');
const { workerData } = require('node:worker_threads');
const { libraryWord, pausedAt, stages } = require('./shim.cjs');

const periodMs = 15;
const awayNs = 30_000_000n;
const mostAsked = 4096; // the answers stay in a queue that nobody empties
// Of probe_format.h.
const slots = { at: 128, bytes: 5312, number: 64, tid: 8, ended: 40, busySince: 48 };

const { stage } = workerData;
const session = new inspector.Session();
const word = libraryWord(workerData.directory);
let slot = -1; // where the main thread's place in the library's file begins
let asked = 0n; // the stretch that was asked about last

// By which the lab tells what this thread uses from what the program does.
function takeName() {
  try {
    writeFileSync('/proc/thread-self/comm', 'assay-stacks');
  } catch {
    // Then it is not told apart.
  }
}

function findSlot() {
  for (let i = 0; i < slots.number; i += 1) {
    const at = slots.at + i * slots.bytes;
    const tid = Number(word(at + slots.tid) & 0xffffffffn);
    if (tid === 0) return -1;
    if (tid === process.pid && word(at + slots.ended) === 0n) return at;
  }
  return -1;
}

// Not once the main thread has said that it leaves.
function connected() {
  const before = Atomics.compareExchange(stage, 0, stages.apart, stages.connected);
  if (before === stages.apart) session.connectToMainThread();
  return before !== stages.left;
}

// True when it has asked.
function look() {
  if (slot < 0) slot = findSlot();
  if (slot < 0) return false;
  const at = slot + slots.busySince;
  const since = word(at);
  if (since === 0n || since === asked || process.hrtime.bigint() - since < awayNs) return false;
  if (word(pausedAt) !== 0n || !connected()) return false;
  asked = since;
  const expression = `globalThis[Symbol.for('assay.probe')].tell(${at}, ${since}n)`;
  session.post('Runtime.evaluate', { expression, silent: true });
  return true;
}

takeName();
// It sleeps without turning the loop of its own: the library would take that for one of the program's.
let left = mostAsked;
for (let now = Atomics.load(stage, 0); now !== stages.left && left > 0; now = Atomics.load(stage, 0)) {
  Atomics.wait(stage, 0, now, periodMs);
  if (look()) left -= 1;
}
session.disconnect();
Atomics.store(stage, 0, stages.gone);
Atomics.notify(stage, 0);
