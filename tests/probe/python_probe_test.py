"""CPython under the probe: it behaves as without, and failures that nobody handled, tasks and long turns are told."""

import os
import pathlib
import re
import subprocess
import sys
import tempfile
import textwrap
import unittest

from runtime_tests import COLLECTED, FAILURE, LIBRARY, LOOKED_UP, PAUSED_AT, READ, SAMPLE, SLEPT, Probe

BEHAVIOUR = pathlib.Path(__file__).resolve().parent / "python_behaviour.py"
OWN_LIBRARY = os.environ.get("PROBE_OWN_LIBRARY",
                             str(LIBRARY.parents[1] / "tests" / "probe" / "libprobe_own_library.so"))
PATIENCE_S = 60
BECOME_A_LOOP = """
    import select
    loop = select.epoll()
    for _ in range(60):
        loop.poll(0)
"""
ADDRESS = re.compile(r"0x[0-9a-f]+")


def at(text: str, below: int = 0) -> str:
    """So many lines below the first one in the behaviour that holds this."""
    lines = BEHAVIOUR.read_text(encoding="utf-8").splitlines()
    return f"python_behaviour.py:{next(n for n, line in enumerate(lines, 1) if text in line) + below}"


class Python(unittest.TestCase):
    def setUp(self):
        self.probe = Probe("python")
        self.addCleanup(self.probe.forget)
        self.folder = self.enterContext(tempfile.TemporaryDirectory())

    def run_python(self, *arguments: str, probed: bool = True, **variables: str) -> subprocess.CompletedProcess:
        added = {**(self.probe.variables if probed else {}), **variables}
        return subprocess.run([sys.executable, *arguments], env={**os.environ, **added}, cwd=self.folder, text=True,
                              capture_output=True, timeout=PATIENCE_S, check=False)

    def program(self, text: str) -> str:
        file = pathlib.Path(self.folder) / "app.py"
        file.write_text(textwrap.dedent(text), encoding="utf-8")
        return str(file)

    def notes(self, kind: int) -> list[tuple[str, str]]:
        return [(what, text) for what, text, _ in self.probe.notes(kind)]

    def states(self) -> list[str]:
        """Without the number of the look: a slow start leaves time for another."""
        return [re.sub(r"^(look|end) \d+$", r"\1", path.read_text(encoding="ascii").rstrip("\n"), flags=re.MULTILINE)
                for path in sorted(pathlib.Path(self.probe.directory).glob("*.state"))]

    def test_it_behaves_as_without(self):
        without = self.run_python(str(BEHAVIOUR), probed=False)
        self.assertEqual(without.returncode, 1, without.stderr)
        for variables in ({}, {"ASSAY_PROBE_STACKS": "1"}):
            with_it = self.run_python(str(BEHAVIOUR), **variables)
            self.assertEqual((with_it.returncode, with_it.stdout), (1, without.stdout))
            self.assertEqual(ADDRESS.sub("0x", with_it.stderr), ADDRESS.sub("0x", without.stderr))

    def test_failures_that_nobody_handled_are_noted_with_their_place(self):
        self.run_python(str(BEHAVIOUR))
        noted = self.notes(FAILURE)
        audit = f"coroutine audit of {at('async def audit')}, let go at "
        let_go = ("never awaited", f"{audit}{at('def let_go', 1)} in let_go")
        mail = ("Task exception was never retrieved",
                f"ValueError: no mail server\ntask of mail, {at('raise ValueError')} in mail")
        for each in [
            ("never awaited", f"{audit}{at('async def start_and_forget', 2)} in start_and_forget"),
            ("Future exception was never retrieved", "LookupError: of a future"),
            ("Task was destroyed but it is pending!", f"task of news, begins at {at('async def news')}"),
            ("exception ignored", f"OSError: not now\nin Leaves.__del__, {at('raise OSError')} in __del__"),
            ("exception in a callback", f"KeyError: 'callback'\n{at('raise KeyError')} in call_back"),
            ("exception in a thread", f"RuntimeError: thread\n{at('raise RuntimeError')} in run_in_thread"),
            ("uncaught exception", f"SystemError: uncaught\n{at('raise SystemError')} in main"),
        ]:
            self.assertEqual(noted.count(each), 1, f"{each} in {noted}")
        self.assertEqual(noted.count(let_go), 2, "also where the program keeps the warning to itself")
        self.assertEqual(noted.count(mail), 2, "also where the program has a handler of its own")
        self.assertEqual(len(noted), 11)

    def test_what_is_handled_is_no_failure(self):
        self.run_python(self.program("""
            import asyncio, sys, threading
            async def fails():
                raise ValueError("asked")
            async def main():
                await asyncio.gather(fails(), return_exceptions=True)
                task = asyncio.ensure_future(fails())
                await asyncio.wait([task])
                task.exception()
                late = asyncio.ensure_future(asyncio.sleep(60))
                await asyncio.sleep(0)
                late.cancel()
            asyncio.run(main())
            threading.Thread(target=sys.exit).start()
            sys.excepthook = lambda *_: None
            raise ValueError("the program's own hook")
        """))
        self.assertEqual(self.notes(FAILURE), [])

    def test_the_first_message_of_a_place_stands_for_all(self):
        self.run_python(self.program("""
            import asyncio
            async def fails(number):
                raise ValueError(f"no. {number}")
            async def main():
                for number in range(3):
                    asyncio.ensure_future(fails(number))
                    await asyncio.sleep(0.001)
            asyncio.run(main())
        """))
        text = "ValueError: no. 0\ntask of fails, app.py:4 in fails"
        self.assertEqual(self.notes(FAILURE), [("Task exception was never retrieved", text)] * 3)

    CENSUS = """
        import asyncio, sys
        async def wait_for_news():
            news = asyncio.Event()
            await asyncio.wait_for(news.wait(), None)
        async def main():
            tasks = [asyncio.ensure_future(wait_for_news()) for _ in range(int(sys.argv[2]))]
            await asyncio.sleep(1.6)
            for task in tasks:
                task.cancel()
        if sys.argv[1] == "uvloop":
            from uvloop import new_event_loop
        else:
            from asyncio import new_event_loop
        with asyncio.Runner(loop_factory=new_event_loop) as runner:
            runner.run(main())
    """

    def test_tasks_are_counted_by_coroutine_and_place_when_asked_for(self):
        service = self.program(self.CENSUS)
        self.assertEqual(self.run_python(service, "asyncio", "20").returncode, 0)
        self.assertEqual(self.states(), [])
        for loop in ("asyncio", "uvloop"):
            ended = self.run_python(service, loop, "20", ASSAY_PROBE_STACKS="1")
            self.assertEqual((ended.returncode, ended.stdout, ended.stderr), (0, "", ""))
            (state,) = self.states()
            self.assertEqual(state, "look\nactive wait_for_news at app.py:5 20\nactive main at app.py:8 1\nend")
            for path in pathlib.Path(self.probe.directory).glob("*.state"):
                path.unlink()

    def test_of_many_tasks_a_part_stands_for_all(self):
        self.run_python(self.program(self.CENSUS), "asyncio", "3000", ASSAY_PROBE_STACKS="1")
        (state,) = self.states()
        counted = re.search(r"^active wait_for_news at app\.py:5 (\d+)$", state, re.MULTILINE)
        self.assertIsNotNone(counted, state)
        self.assertAlmostEqual(int(counted[1]), 3000, delta=10)

    def test_where_it_computes_is_sampled_when_asked_for(self):
        service = self.program("""
            import asyncio, time
            def compute():
                until = time.perf_counter() + 0.15
                while time.perf_counter() < until:
                    sum(range(20_000))
            async def main():
                for turn in range(90):
                    await asyncio.sleep(0.001)
                    if turn > 60 and turn % 5 == 0:
                        compute()
            asyncio.run(main())
        """)
        self.run_python(service)
        self.assertEqual(self.notes(SAMPLE), [], "only when asked for")
        self.run_python(service, ASSAY_PROBE_STACKS="1")
        self.assertIn("*app.py:6 in compute", [text.splitlines()[0] for _, text in self.notes(SAMPLE)])
        self.assertEqual(self.probe.loop_threads(), 2, "one a run: the probe's own thread is none")

    def test_a_worker_that_was_forked_from_a_loaded_program_tells_for_itself(self):
        ended = self.run_python(self.program("""
            import asyncio, os, sys
            async def mail():
                raise ValueError("of a worker")
            async def main():
                asyncio.ensure_future(mail())
                await asyncio.sleep(1.6)
            asyncio.run(asyncio.sleep(0))
            workers = []
            for _ in range(2):
                if (worker := os.fork()) == 0:
                    asyncio.run(main())
                    sys.exit(0)
                workers.append(worker)
            sys.exit(max(os.waitstatus_to_exitcode(os.waitpid(each, 0)[1]) for each in workers))
        """), ASSAY_PROBE_STACKS="1")
        self.assertEqual(ended.returncode, 0, ended.stderr)
        text = "ValueError: of a worker\ntask of mail, app.py:4 in mail"
        self.assertEqual(self.notes(FAILURE), [("Task exception was never retrieved", text)] * 2)
        self.assertEqual(self.states(), ["look\nactive main at app.py:7 1\nend"] * 2)

    def test_a_daemon_that_closes_all_it_finds_open_keeps_its_files_to_itself(self):
        ended = self.run_python(self.program("""
            import os, sys, threading
            os.closerange(3, 64)
            files = [os.open("own.txt", os.O_RDWR | os.O_CREAT) for _ in range(16)]
            thread = threading.Thread(target=lambda: 1 / 0)
            thread.start()
            thread.join()
            print(os.fstat(files[0]).st_size)
        """))
        self.assertEqual((ended.returncode, ended.stdout), (0, "0\n"), ended.stderr)
        self.assertIn("ZeroDivisionError", ended.stderr)

    def run_beside_own_library(self, text: str, **variables: str) -> subprocess.CompletedProcess:
        """A loop, then what the text does; `own` is own_library.c."""
        head = f"import ctypes\nown = ctypes.PyDLL({OWN_LIBRARY!r})\n"
        self.program(head + textwrap.dedent(BECOME_A_LOOP) + textwrap.dedent(text))
        preloaded = f"{self.probe.variables['LD_PRELOAD']}:{OWN_LIBRARY}"
        return self.run_python("app.py", LD_PRELOAD=preloaded, **variables)

    def own_lines(self, call: int) -> list[list[str]]:
        """Of each such call those of the program's own, without their numbers."""
        return [[re.sub(r":\d+ ", " ", line) for line in stack if line.startswith("*")]
                for stack in self.probe.events(call)]

    def test_a_blocked_call_is_told_with_the_stack_that_python_would_show(self):
        ended = self.run_beside_own_library("""
            import json, time, traceback
            def größe(end):
                json.loads("[0]", parse_int=end)
            def end(_):
                time.sleep(0.02)
            def deep(depth):
                deep(depth - 1) if depth else größe(end)
            deep(3)
        """)
        self.assertEqual((ended.returncode, ended.stderr), (0, ""))
        (stack,) = self.probe.events(SLEPT)
        self.assertRegex(stack[0], r"^\*app\.py:\d+ in end$")
        self.assertRegex(stack[1], r"^ json/decoder\.py:\d+ in \w+$")
        self.assertEqual(self.own_lines(SLEPT), [["*app.py in end", "*app.py in größe", *["*app.py in deep"] * 4,
                                                  "*app.py in <module>"]])

    # As SQLite does: a statement reads and syncs with the connection's lock held and without Python's; another thread
    # takes that lock for a column, with Python's. To wait for Python's within the read would be for ever.
    def test_a_lock_that_native_code_holds_across_a_call_is_let_go_of(self):
        ended = self.run_beside_own_library(f"""
            import os, threading
            let_go = ctypes.CDLL({OWN_LIBRARY!r})
            reading, writing = os.pipe()
            def other():
                let_go.own_await_lock()
                own.own_write_and_lock(writing)
            thread = threading.Thread(target=other)
            thread.start()
            let_go.own_read_with_lock(reading)
            thread.join()
            print("goes on")
        """)
        self.assertEqual((ended.returncode, ended.stdout, ended.stderr), (0, "goes on\n", ""))
        self.assertEqual(self.own_lines(READ), [["*app.py in <module>"]])

    def test_what_a_signals_handler_raises_during_a_slow_call_is_raised(self):
        ended = self.run_beside_own_library("""
            import signal, socket, sys
            signal.signal(signal.SIGALRM, lambda *_: sys.exit(7))
            for name in ("own_slow_calls", "own_alarms"):
                ctypes.c_int.in_dll(own, name).value = 1
            socket.getaddrinfo("127.0.0.1", 80)
            print("lost")
        """)
        self.assertEqual((ended.returncode, ended.stdout, ended.stderr), (7, "", ""))
        self.assertEqual(self.own_lines(LOOKED_UP), [["*app.py in <module>"]])

    def test_what_a_signals_handler_raises_during_a_collection_is_raised(self):
        ended = self.run_beside_own_library("""
            import gc, signal, sys
            def collect():
                gc.collect()
            signal.signal(signal.SIGALRM, lambda *_: sys.exit(7))
            for name in ("own_slow_calls", "own_alarms"):
                ctypes.c_int.in_dll(own, name).value = 1
            own.own_alarm.argtypes = [ctypes.py_object, ctypes.py_object]
            gc.disable()
            gc.callbacks.append(own.own_alarm)
            collect()
            print("lost")
        """)
        self.assertEqual((ended.returncode, ended.stdout, ended.stderr), (7, "", ""))
        self.assertEqual(self.own_lines(COLLECTED), [["*app.py in collect", "*app.py in <module>"]])

    def test_no_signal_is_taken(self):
        ended = self.run_python(self.program("""
            import faulthandler, signal
            with open("/proc/self/status", encoding="ascii") as file:
                # SigQ counts what is queued for the user, whichever process it is of.
                print(*(line for line in file if line.startswith("Sig") and not line.startswith("SigQ")))
            print(faulthandler.is_enabled(), [signal.getsignal(each) for each in signal.valid_signals()])
        """))
        without = self.run_python("app.py", probed=False)
        self.assertEqual((ended.stdout, ended.stderr), (without.stdout, ""))

    def test_a_stack_that_overflows_is_still_told(self):
        """For that faulthandler needs its alternate stack, which it sets up once."""
        ended = self.run_python(self.program("""
            import ctypes, faulthandler
            class Stack(ctypes.Structure):
                _fields_ = [("at", ctypes.c_void_p), ("flags", ctypes.c_int), ("bytes", ctypes.c_size_t)]
            faulthandler.enable()
            seen = Stack()
            ctypes.CDLL(None).sigaltstack(None, ctypes.byref(seen))
            print(seen.flags, seen.bytes > 0)
        """))
        without = self.run_python("app.py", probed=False)
        self.assertEqual((ended.stdout, ended.stderr), (without.stdout, ""))

    def test_switched_off_it_notes_nothing(self):
        ended = self.run_python(self.program(f"""
            import os, threading
            probe = os.open(f"{{os.environ['ASSAY_PROBE_DIR']}}/{{os.getpid()}}.probe", os.O_RDWR)
            for paused, fails in ((1, lambda: "off" + 1), (0, lambda: 1 / 0)):
                os.pwrite(probe, bytes((paused, 0, 0, 0, 0, 0, 0, 0)), {PAUSED_AT})
                thread = threading.Thread(target=fails)
                thread.start()
                thread.join()
        """))
        self.assertEqual(ended.returncode, 0, ended.stderr)
        self.assertEqual([text.partition(":")[0] for _, text in self.notes(FAILURE)], ["ZeroDivisionError"])

    def test_without_the_library_or_a_folder_it_runs(self):
        quick = self.program("print('well')")
        for variables in ({"LD_PRELOAD": ""}, {"ASSAY_PROBE_DIR": "/nowhere"}, {"ASSAY_PROBE_DIR": ""}):
            ended = self.run_python(quick, ASSAY_PROBE_STACKS="1", **variables)
            self.assertEqual((ended.returncode, ended.stdout, ended.stderr), (0, "well\n", ""))


if __name__ == "__main__":
    unittest.main()
