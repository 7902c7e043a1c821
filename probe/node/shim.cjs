// What a Node.js process carries beside the preload library, by NODE_OPTIONS=--require: the JavaScript line of a call
// that blocked its loop, pauses of the collector, failures that nobody handled. It appends notes (struct
// assay_probe_note in probe_format.h) to <pid>.notes in ASSAY_PROBE_DIR, for what took 5 ms or longer, 4096 at most.
// With ASSAY_PROBE_STACKS=1 also where the loop computes (sampler.cjs), and what the runtime keeps (state.cjs).
//
// Misuse: a call that is not in its tables below: the library still sees it wait, without a line.
'use strict';
const { fstatSync, openSync, readSync, writeSync } = require('node:fs'); // before anything stands in front
const { wait } = Atomics;
const { performance } = require('node:perf_hooks');
const clock = performance.now.bind(performance); // the program may replace or fake its own

const thresholdMs = 5;
const mostNotes = 4096;
const mostFrames = 32;
const leavingMs = 100;
const noteBytes = 1088;
const whatAt = 24;
const whatBytes = 40;
const stackAt = 64;
const stackBytes = noteBytes - stackAt;
const stages = { apart: 0, connected: 1, left: 2, gone: 3 }; // of the sampler: the main thread tells it to leave
const kinds = { call: 1, sample: 2, collection: 3, failure: 4 };
const pausedAt = 72; // in the library's file

// "*app.js:12 in answer": innermost first, "*" before what is neither Node.js's nor a package's.
function lineOf(file, line, name, cwd) {
  const path = file.startsWith('file://') ? decodeURIComponent(file.slice('file://'.length)) : file;
  const own = path.startsWith('/') && !path.includes('/node_modules/');
  const short = path.startsWith(`${cwd}/`) ? path.slice(cwd.length + 1) : path.slice(path.lastIndexOf('/') + 1);
  const where = line === null ? '<native>' : `${short}:${line}`;
  return `${own ? '*' : ' '}${where} in ${name || '<anonymous>'}\n`;
}

// Whole lines, as many as there is room for; the first own one in any case.
function textOf(lines) {
  let text = '';
  let seenOwn = false;
  for (const line of lines.slice(0, mostFrames)) {
    const own = line.startsWith('*');
    const room = stackBytes - 1 - Buffer.byteLength(text) - (own || seenOwn ? 0 : 200);
    if (Buffer.byteLength(line) <= room) {
      text += line;
      seenOwn ||= own;
    } else if (own) {
      break;
    }
  }
  return text;
}

// A file, and whether its descriptor is still it: a program that becomes a daemon closes whatever it finds open, and its
// next socket has that number.
function openFile(path, flags) {
  const file = openSync(path, flags, 0o600);
  const look = () => fstatSync(file, { bigint: true });
  const { dev, ino } = look();
  const isOurs = () => {
    try {
      const now = look();
      return now.dev === dev && now.ino === ino;
    } catch {
      return false;
    }
  };
  return { file, isOurs };
}

// Words of the library's file; of a file that is not there all are 0, and of one that is not there any more.
function libraryWord(directory) {
  const word = Buffer.alloc(8);
  let library = null;
  return (at) => {
    try {
      library ??= openFile(`${directory}/${process.pid}.probe`, 'r');
      return library.isOurs() && readSync(library.file, word, 0, 8, at) === 8 ? word.readBigUInt64LE() : 0n;
    } catch {
      return 0n;
    }
  };
}

// Open from the beginning: it says that the shim is there, and a server that begins as root gives its rights up.
function noteFile(directory, word) {
  const notes = openFile(`${directory}/${process.pid}.notes`, 'a');
  let written = 0;
  return (kind, startNs, endNs, what, stack) => {
    if (written >= mostNotes || word(pausedAt) !== 0n || !notes.isOurs()) return;
    written += 1;
    const note = Buffer.alloc(noteBytes);
    note.writeBigUInt64LE(startNs, 0);
    note.writeBigUInt64LE(endNs, 8);
    note.writeUInt32LE(kind, 16);
    note.write(what, whatAt, whatBytes - 1);
    note.write(stack, stackAt, stackBytes - 1);
    writeSync(notes.file, note);
  };
}

// The frames above `below`, without the program's own ideas of how a stack is to look.
function framesAbove(below, cwd) {
  const { stackTraceLimit, prepareStackTrace } = Error;
  const holder = {};
  try {
    Error.stackTraceLimit = mostFrames;
    Error.prepareStackTrace = (_, sites) => sites;
    Error.captureStackTrace(holder, below);
    return holder.stack.map((at) => lineOf(at.getFileName() ?? '', at.getLineNumber(), at.getFunctionName(), cwd));
  } finally {
    Error.stackTraceLimit = stackTraceLimit;
    if (prepareStackTrace === undefined) delete Error.prepareStackTrace;
    else Error.prepareStackTrace = prepareStackTrace;
  }
}

function slowCalls(state, note, cwd) {
  const timed = (name, original) => {
    function wrapper(...given) {
      if (!state.on) return Reflect.apply(original, this, given);
      const began = clock();
      state.depth += 1; // readFileSync calls openSync: the outermost tells
      try {
        return Reflect.apply(original, this, given);
      } finally {
        state.depth -= 1;
        const lengthMs = clock() - began;
        if (lengthMs >= thresholdMs && state.depth === 0) state.report(name, lengthMs, wrapper);
      }
    }
    return Object.defineProperties(wrapper, Object.getOwnPropertyDescriptors(original));
  };
  state.report = (name, lengthMs, below) => {
    try {
      const end = process.hrtime.bigint();
      note(kinds.call, end - BigInt(Math.round(lengthMs * 1e6)), end, name, textOf(framesAbove(below, cwd)));
    } catch {
      // Whatever it is, it is not the program's.
    }
  };
  for (const module of ['fs', 'crypto', 'zlib', 'child_process']) {
    const holder = require(`node:${module}`);
    for (const name of Object.keys(holder)) {
      const property = Object.getOwnPropertyDescriptor(holder, name);
      if (!name.endsWith('Sync') || typeof property.value !== 'function' || !property.writable) continue;
      holder[name] = timed(`${module}.${name}`, property.value);
    }
  }
  Object.defineProperty(Atomics, 'wait', {
    ...Object.getOwnPropertyDescriptor(Atomics, 'wait'),
    value: timed('Atomics.wait', Atomics.wait),
  });
  require('node:module').syncBuiltinESMExports();
}

function collections(state, note) {
  const { PerformanceObserver } = require('node:perf_hooks');
  const originNs = process.hrtime.bigint() - BigInt(Math.round(performance.now() * 1e6));
  const at = (ms) => originNs + BigInt(Math.round(ms * 1e6));
  const observer = new PerformanceObserver((list) => {
    try {
      for (const each of list.getEntries()) {
        if (each.duration < thresholdMs) continue;
        note(kinds.collection, at(each.startTime), at(each.startTime + each.duration), 'garbage collection', '');
      }
    } catch {
      // As above.
    }
  });
  state.watchCollections = (on) => (on ? observer.observe({ entryTypes: ['gc'] }) : observer.disconnect());
  state.watchCollections(true);
}

// A monitor changes nothing: the process ends as it would have. Of a rejection that a listener for all of them takes,
// which does not end it, no monitor hears; a listener of ours would keep alive what is to end.
function failures(state, note) {
  const failed = (origin, error) => {
    try {
      const now = process.hrtime.bigint();
      note(kinds.failure, now, now, origin, String(error?.stack ?? error).slice(0, stackBytes - 1));
    } catch {
      // As above.
    }
  };
  process.on('uncaughtExceptionMonitor', (error, origin) => failed(origin, error));
  const { emit } = process;
  function emitAndTell(...given) {
    if (given[0] === 'unhandledRejection' && process.listenerCount(given[0]) > 0) failed(given[0], given[1]);
    try {
      return Reflect.apply(emit, this, given);
    } finally {
      if (given[0] === 'exit') state.atExit?.();
    }
  }
  Object.defineProperties(emitAndTell, Object.getOwnPropertyDescriptors(emit));
  Object.defineProperty(process, 'emit', { value: emitAndTell, writable: true, configurable: true });
}

// Under --inspect a process does not end before all its sessions have: then there is no sampler.
function watchClosely(state, directory, word) {
  const { watchState } = require('./state.cjs');
  watchState(directory, () => word(pausedAt) !== 0n);
  if (require('node:inspector').url() !== undefined) return;
  const { Worker } = require('node:worker_threads');
  const stage = new Int32Array(new SharedArrayBuffer(4));
  const sampler = new Worker(`${__dirname}/sampler.cjs`, {
    workerData: { directory, stage },
    execArgv: [], // not what the program has others load
    env: {}, // nor what its environment has them
    stdout: true, // or it would open the program's own at once
    stderr: true,
    resourceLimits: { maxOldGenerationSizeMb: 16 },
  });
  sampler.on('error', () => {}); // then there are no stacks
  sampler.unref();
  // Node.js says on stderr that it waits for a debugger, when one is there as it exits.
  state.atExit = () => {
    if (Atomics.exchange(stage, 0, stages.left) !== stages.connected) return;
    Atomics.notify(stage, 0);
    wait(stage, 0, stages.left, leavingMs);
  };
}

// Called by the sampler, in the middle of anything: of the stretch that began then, if that still goes on.
function teller(word, note, cwd) {
  return function tell(at, since) {
    try {
      if (word(at) !== since) return;
      const lines = framesAbove(tell, cwd).slice(1); // without the call itself
      if (lines.length > 0) note(kinds.sample, since, process.hrtime.bigint(), 'computing', textOf(lines));
    } catch {
      // As above.
    }
  };
}

function install(directory) {
  const cwd = process.cwd();
  const state = { on: true, depth: 0 };
  const word = libraryWord(directory);
  const note = noteFile(directory, word);
  slowCalls(state, note, cwd);
  collections(state, note);
  failures(state, note);
  // For measuring what all this costs, and for the sampler.
  const set = (on) => {
    if (state.on !== on) state.watchCollections(on);
    state.on = on;
  };
  Object.defineProperty(globalThis, Symbol.for('assay.probe'), {
    value: { pause: () => set(false), resume: () => set(true), tell: teller(word, note, cwd) },
  });
  if (process.env.ASSAY_PROBE_STACKS === '1') watchClosely(state, directory, word);
}

module.exports = { libraryWord, openFile, pausedAt, stages };
try {
  const directory = process.env.ASSAY_PROBE_DIR;
  if (directory?.startsWith('/') && require('node:worker_threads').isMainThread) install(directory);
} catch {
  // The program comes first: it runs without its notes.
}
