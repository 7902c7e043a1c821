"""Node.js under the probe: it behaves as without, and what blocked its loop is noted with the line."""

import os
import pathlib
import shutil
import subprocess
import tempfile
import textwrap
import unittest

from runtime_tests import CALL, FAILURE, PAUSED_AT, SAMPLE, Probe

BEHAVIOUR = pathlib.Path(__file__).resolve().parent / "node_behaviour.cjs"
PATIENCE_S = 60


class Node(unittest.TestCase):
    def setUp(self):
        if shutil.which("node") is None:
            self.fail("Node.js is not here: package nodejs")
        self.probe = Probe("node")
        self.addCleanup(self.probe.forget)
        self.folder = self.enterContext(tempfile.TemporaryDirectory())

    def run_node(self, *arguments: str, probed: bool = True, **variables: str) -> subprocess.CompletedProcess:
        added = {**(self.probe.variables if probed else {}), **variables}
        return subprocess.run(["node", *arguments], env={**os.environ, **added}, cwd=self.folder, text=True,
                              capture_output=True, timeout=PATIENCE_S, check=False)

    def program(self, text: str) -> str:
        file = pathlib.Path(self.folder) / "app.js"
        file.write_text(textwrap.dedent(text), encoding="utf-8")
        return str(file)

    def notes(self, kind: int) -> list[tuple[str, str, float]]:
        """(what, stack, milliseconds) of each."""
        return self.probe.notes(kind)

    def test_it_behaves_as_without(self):
        without = self.run_node(str(BEHAVIOUR), probed=False)
        self.assertEqual(without.returncode, 3, without.stderr)
        for variables in ({}, {"ASSAY_PROBE_STACKS": "1"}):
            with_it = self.run_node(str(BEHAVIOUR), **variables)
            self.assertEqual(with_it.returncode, 3, with_it.stderr)
            for line, expected in zip(with_it.stdout.splitlines(), without.stdout.splitlines(), strict=True):
                self.assertEqual(line, expected)
            self.assertEqual(with_it.stderr, without.stderr)
        self.assertGreaterEqual(self.probe.loops(), 1)

    def test_a_slow_call_is_noted_with_its_line(self):
        self.run_node(self.program("""
            const crypto = require('node:crypto');
            function answer() {
              return crypto.pbkdf2Sync('secret', 'salt', 200_000, 64, 'sha512');
            }
            crypto.pbkdf2Sync('quick', 'salt', 1, 64, 'sha512');
            answer();
        """))
        calls = [note for note in self.notes(CALL) if note[0] == "crypto.pbkdf2Sync"]
        self.assertEqual(len(calls), 1, "the quick one is none")
        self.assertEqual(calls[0][1].splitlines()[0], "*app.js:4 in answer")
        self.assertGreater(calls[0][2], 5)

    def test_an_error_that_nobody_handles_ends_it_as_ever_and_is_noted(self):
        without = self.run_node(str(BEHAVIOUR), "rejects", probed=False)
        with_it = self.run_node(str(BEHAVIOUR), "rejects")
        self.assertEqual((with_it.returncode, with_it.stderr), (without.returncode, without.stderr))
        failures = self.notes(FAILURE)
        self.assertEqual([what for what, _, _ in failures], ["unhandledRejection"])
        self.assertTrue(failures[0][1].startswith("TypeError: nobody listens\n"), failures[0][1])

    def test_where_it_computes_is_sampled_when_asked_for(self):
        service = self.program("""
            const turns = 60;
            let turn = 0;
            function compute() {
              const until = performance.now() + 150;
              let sum = 0;
              while (performance.now() < until) sum += Math.sqrt(sum + 1);
              return sum;
            }
            const next = () => {
              turn += 1;
              if (turn > turns && turn % 5 === 0) compute();
              if (turn < turns + 30) setTimeout(next, 1);
            };
            next();
        """)
        self.run_node(service, ASSAY_PROBE_STACKS="1")
        samples = self.notes(SAMPLE)
        # Perhaps below Node.js's own `performance`; on a busy host one may have met the loop without a CPU.
        own = [next((line for line in stack.splitlines() if line.startswith("*")), "") for _, stack, _ in samples]
        self.assertIn("*app.js:7 in compute", own)
        self.assertEqual(self.probe.loop_threads(), 1, "the probe's own thread is none")
        before = len(samples)
        self.run_node(service)
        self.assertEqual(len(self.notes(SAMPLE)), before, "only when asked for")

    def test_a_call_into_native_code_is_sampled_where_it_comes_back(self):
        self.run_node(self.program("""
            const { createHash } = require('node:crypto');
            const data = Buffer.alloc(96_000_000, 'probe');
            let turn = 0;
            function digest() {
              return createHash('sha512').update(data).digest('hex');
            }
            const next = () => {
              turn += 1;
              if (turn === 60) digest();
              if (turn < 70) setTimeout(next, 1);
            };
            next();
        """), ASSAY_PROBE_STACKS="1")
        own = [line for _, stack, _ in self.notes(SAMPLE) for line in stack.splitlines() if line.startswith("*")]
        self.assertIn("*app.js:6 in digest", own)

    def test_whatever_it_starts_carries_it_along(self):
        service = self.program("""
            const child = require('node:child_process');
            const cluster = require('node:cluster');
            const wait = () => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 20);
            if (cluster.isPrimary && process.argv[2] === undefined) {
              console.log(child.execFileSync(process.execPath, [__filename, 'child']).toString());
              cluster.fork();
              cluster.on('exit', (worker, code) => console.log('worker', code));
            } else {
              console.log(wait());
              if (cluster.isWorker) cluster.worker.kill();
            }
        """)
        without = self.run_node(service, probed=False)
        with_it = self.run_node(service, ASSAY_PROBE_STACKS="1")
        self.assertEqual((with_it.returncode, with_it.stdout, with_it.stderr), (0, without.stdout, ""))
        calls = [what for what, _, _ in self.notes(CALL)]
        self.assertEqual(calls.count("Atomics.wait"), 2, calls)
        self.assertIn("child_process.execFileSync", calls)

    def test_what_a_program_has_loaded_first_is_loaded_as_often_as_without(self):
        own = pathlib.Path(self.folder) / "own.cjs"
        own.write_text("require('node:fs').writeSync(1, 'own\\n');", encoding="utf-8")
        service = self.program("setTimeout(() => console.log('done'), 200);")
        options = f"{self.probe.variables['NODE_OPTIONS']} --require {own}"
        ended = self.run_node(service, ASSAY_PROBE_STACKS="1", NODE_OPTIONS=options)
        self.assertEqual((ended.returncode, ended.stdout, ended.stderr), (0, "own\ndone\n", ""))

    def test_a_rejection_that_a_listener_takes_is_noted_and_taken(self):
        service = self.program("""
            process.on('unhandledRejection', (error) => console.log('taken:', error.message));
            Promise.reject(new TypeError('swallowed'));
        """)
        ended = self.run_node(service)
        self.assertEqual((ended.returncode, ended.stdout, ended.stderr), (0, "taken: swallowed\n", ""))
        failures = self.notes(FAILURE)
        self.assertEqual([what for what, _, _ in failures], ["unhandledRejection"])
        self.assertTrue(failures[0][1].startswith("TypeError: swallowed\n"), failures[0][1])

    def test_switched_off_it_notes_nothing(self):
        service = self.program(f"""
            const fs = require('node:fs');
            const probe = fs.openSync(`${{process.env.ASSAY_PROBE_DIR}}/${{process.pid}}.probe`, 'r+');
            const set = (paused) => fs.writeSync(probe, Buffer.from([paused, 0, 0, 0, 0, 0, 0, 0]), 0, 8, {PAUSED_AT});
            const wait = (ms) => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
            set(1);
            wait(20);
            set(0);
            wait(40);
        """)
        self.assertEqual(self.run_node(service).returncode, 0)
        calls = [length for what, _, length in self.notes(CALL) if what == "Atomics.wait"]
        self.assertEqual(len(calls), 1, calls)
        self.assertGreaterEqual(calls[0], 39)

    def test_a_daemon_that_closes_all_it_finds_open_keeps_its_files_to_itself(self):
        ended = self.run_node(self.program("""
            const fs = require('node:fs');
            const folder = process.env.ASSAY_PROBE_DIR;
            const isOf = (fd) => fs.readlinkSync(`/proc/self/fd/${fd}`).startsWith(folder);
            const found = fs.readdirSync('/proc/self/fd').filter((fd) => {
              try { return isOf(fd); } catch { return false; }
            });
            for (const fd of found) fs.closeSync(Number(fd));
            const own = Array.from({ length: found.length + 4 }, () => fs.openSync('own.txt', 'a+'));
            Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 20);
            setTimeout(() => console.log(found.length, fs.fstatSync(own[0]).size), 1300);
        """), ASSAY_PROBE_STACKS="1")
        self.assertEqual(ended.stderr, "")
        closed, size = ended.stdout.split()
        self.assertGreaterEqual(int(closed), 2, "the notes and the state")
        self.assertEqual(size, "0")

    def test_what_it_keeps_is_told_when_asked_for(self):
        service = self.program("""
            const kept = Buffer.alloc(8_000_000, 1);
            setTimeout(() => console.log(kept.length), 1300);
        """)
        self.assertEqual(self.run_node(service).returncode, 0)
        self.assertEqual(list(pathlib.Path(self.probe.directory).glob("*.state")), [])
        self.assertEqual(self.run_node(service, ASSAY_PROBE_STACKS="1").returncode, 0)
        (state,) = pathlib.Path(self.probe.directory).glob("*.state")
        lines = [line.rpartition(" ") for line in state.read_text(encoding="utf-8").split("\n") if line]
        self.assertEqual(state.stat().st_size, 4096)
        self.assertEqual((lines[0], lines[-1]), (("look", " ", "2"), ("end", " ", "2")))
        said = {name: int(value) for name, _, value in lines}
        self.assertGreater(said["external_bytes"], 8_000_000)
        self.assertGreater(said["heap_used_bytes"], 1_000_000)
        self.assertGreater(said["loop_idle_us"], 500_000)
        self.assertEqual({name: count for name, count in said.items() if name.startswith("active ")},
                         {"active Timeout": 1}, "what the probe runs itself is not the program's")

    def test_a_process_that_ends_soon_has_told_what_it_keeps(self):
        self.assertEqual(self.run_node(self.program("setTimeout(() => {}, 20);"), ASSAY_PROBE_STACKS="1").returncode, 0)
        (state,) = pathlib.Path(self.probe.directory).glob("*.state")
        self.assertRegex(state.read_text(encoding="utf-8"), r"\Alook 1\nheap_used_bytes [1-9]\d*\n")

    def test_without_the_library_or_a_folder_it_runs(self):
        quick = self.program("console.log('well');")
        for variables in ({"LD_PRELOAD": ""}, {"ASSAY_PROBE_DIR": "/nowhere"}, {"ASSAY_PROBE_DIR": ""}):
            ended = self.run_node(quick, **variables)
            self.assertEqual((ended.returncode, ended.stdout, ended.stderr), (0, "well\n", ""))


if __name__ == "__main__":
    unittest.main()
