"""The stack as its users have it: installed and found by find_package, or a part of their own build by FetchContent.

The environment names the build directory, the source tree and the compiler; ctest sets them.
"""

import os
import pathlib
import re
import resource
import shutil
import signal
import subprocess
import tempfile
import unittest

from lifecycle_test import get
from service import Service

HERE = pathlib.Path(__file__).parent / "package"
BUILD = pathlib.Path(os.environ.get("ASSAY_BUILD", "build"))
SOURCE = pathlib.Path(os.environ.get("ASSAY_SOURCE", "."))
# Processor time of one compiler, without optimisation: three times what it takes, so that a slow machine is no failure.
MOST_SECONDS_A_FILE = 12
MOST_LINES_OF_THE_SHOP = 400  # without its tests
# Where what CMake looks for comes from; none: from what is there to run CMake at all, or it may be missing.
PACKAGES = {"liburing": "liburing-dev", "libpq": "libpq-dev", "OpenSSL": "libssl-dev", "ZLIB": "zlib1g-dev",
            "nlohmann_json": "nlohmann-json3-dev", "PkgConfig": "pkg-config", "Python3": None}
# What package/misuse.cpp does wrong, and the sentence that it ends with: one of a header, which it has compiled itself,
# and one of a source, which was compiled with the stack.
MISUSES = {"a task awaited twice": "a task is awaited once", "options that nobody has checked": "options are checked"}


def run(*command) -> str:
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise AssertionError(f"{command}: {done.stdout[-4000:]}{done.stderr[-4000:]}")
    return done.stdout


def cpu_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


class Tutorial(unittest.TestCase):
    def test_it_installs_all_that_the_stack_is_built_with(self) -> None:
        rooms = "\n".join(path.read_text() for path in sorted((SOURCE / "stack").rglob("CMakeLists.txt")))
        wanted = set(re.findall(r"^ *find_package\((\w+)", rooms, re.MULTILINE))
        for modules in re.findall(r"^ *pkg_check_modules\(\w+ ([^)]*)\)", rooms, re.MULTILINE):
            wanted |= set(modules.split()) - {"REQUIRED", "IMPORTED_TARGET"}
        self.assertEqual(wanted, set(PACKAGES), "what the stack looks for, and where that comes from")
        tutorial = (SOURCE / "docs/stack.md").read_text()
        installed = re.search(r"^sudo apt-get install ((?:.*\\\n)*.*)$", tutorial, re.MULTILINE)[1]
        missing = set(filter(None, PACKAGES.values())) - set(installed.replace("\\", "").split())
        self.assertEqual(missing, set())


class Package(unittest.TestCase):
    def setUp(self) -> None:
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="assay-package-"))
        self.addCleanup(shutil.rmtree, self.folder, True)
        self.first = self.folder / "first.cpp"
        tutorial = (SOURCE / "docs/stack.md").read_text()
        first, *self.steps = re.findall(r"^```cpp\n(.*?)^```", tutorial, re.DOTALL | re.MULTILINE)
        self.first.write_text(first)

    def replaced(self, text: str, what: str, by: str) -> str:
        """With `what`, a pattern that is found once, in the place of `by`."""
        found = re.findall(what, text, re.DOTALL | re.MULTILINE)
        self.assertEqual(len(found), 1, what)
        return text.replace(found[0], by)

    def service(self) -> str:
        """What a reader has in service.cpp after step 5: each snippet where the text says."""
        service = self.replaced(self.steps[0], r"^struct catalogue \{.*?^\};\n", self.steps[2])
        service = self.replaced(service, r"^int main\(\) \{\n", f"{self.steps[3]}\nint main() {{\n")
        database = re.search(r"^ *const std::string database.*\n", service, re.MULTILINE)[0]
        service = service.replace(database, database + self.steps[4])
        service = self.replaced(service, r"^ *const std::shared_ptr<catalogue> of\(new.*?;\n", self.steps[5])
        return self.replaced(service, r"^ *return guard::serve\(make\);\n", self.steps[8])

    def write_tutorial(self) -> list[pathlib.Path]:
        """The program of step 2, and all other snippets in one file, each as it stands."""
        rows, whole = self.folder / "rows.cpp", self.folder / "tutorial.cpp"
        rows.write_text(self.steps[0])
        frame = (HERE / "tutorial.cpp.in").read_text()
        frame = self.replaced(frame, r"^// service$", self.service())
        places = re.compile(r"^// snippet (\d+)$", re.MULTILINE)
        composed = {1, 3, 4, 5, 6, 9}  # of the service
        self.assertEqual(composed | set(map(int, places.findall(frame))), set(range(1, len(self.steps) + 1)))
        whole.write_text(places.sub(lambda place: self.steps[int(place[1]) - 1], frame))
        return [rows, whole]

    def configure(self, *settings: str) -> pathlib.Path:
        build = self.folder / "build"
        run("cmake", "-G", "Ninja", "-S", HERE, "-B", build, f"-DCMAKE_CXX_COMPILER={os.environ['ASSAY_COMPILER']}",
            f"-DFIRST_SOURCE={self.first}", *settings)
        return build

    def install(self) -> str:
        """The setting that has CMake find what was built, installed."""
        run("cmake", "--install", BUILD, "--prefix", self.folder / "installed")
        return f"-DCMAKE_PREFIX_PATH={self.folder / 'installed'}"

    def test_installed_it_builds_the_tutorial_and_a_whole_service(self) -> None:
        installed = self.install()
        # A copy: what it includes of the stack is then what was installed.
        copy = shutil.copytree(SOURCE / "subjects/shop/cpp", self.folder / "subjects/shop/cpp")
        shop = sorted(path for path in copy.glob("*.cpp") if not path.name.endswith("_test.cpp"))
        build = self.configure("-DCMAKE_BUILD_TYPE=Debug", installed,
                               f"-DSHOP_SOURCES={';'.join(map(str, shop))}", f"-DSHOP_ROOT={self.folder}",
                               f"-DTUTORIAL_SOURCES={';'.join(map(str, self.write_tutorial()))}")
        for target, sources in (("first", [self.first]), ("shop", shop)):
            before = cpu_seconds()
            run("cmake", "--build", build, "-j", "1", "--target", target)
            spent = cpu_seconds() - before
            lines = sum(len(path.read_text().splitlines()) for path in sources)
            print(f"{target}: {lines} lines in {len(sources)} files, {spent:.1f} s to compile and link")
            self.assertLess(spent, MOST_SECONDS_A_FILE * len(sources))
        headers = list(copy.glob("*.hpp"))
        self.assertLess(sum(len(path.read_text().splitlines()) for path in [*shop, *headers]), MOST_LINES_OF_THE_SHOP)
        run("cmake", "--build", build, "--target", "tutorial")
        os.environ["ASSAY_FIRST"] = str(build / "first")
        with Service("ASSAY_FIRST") as first:
            self.addCleanup(first.errors.close)
            self.assertEqual(get(first.port, "/").text, b"hello, world\n")
            self.assertEqual(first.stop(), 0)

    def test_misuse_ends_with_a_sentence_in_a_release_build_of_its_user(self) -> None:
        build = self.configure("-DCMAKE_BUILD_TYPE=Release", self.install())
        run("cmake", "--build", build, "--target", "misuse")
        for what, sentence in {**MISUSES, "nothing": ""}.items():
            with self.subTest(what):
                done = subprocess.run([build / "misuse", what], capture_output=True, text=True, check=False)
                self.assertEqual(done.returncode, -signal.SIGABRT if sentence else 0, done.stderr)
                self.assertIn(sentence, done.stderr)

    def test_as_a_part_of_another_build_it_brings_nothing_but_itself(self) -> None:
        cache = (BUILD / "CMakeCache.txt").read_text()
        judged = re.search(r"^ASSAY_CONFORMANCE_PASSED:INTERNAL=.*", cache, re.MULTILINE)
        build = self.configure(f"-DFROM_SOURCE={SOURCE}", f"-D{judged.group(0)}", "-DCMAKE_BUILD_TYPE=RelWithDebInfo",
                               f"-DCMAKE_C_COMPILER={os.environ['ASSAY_C_COMPILER']}")
        to_do = run("ninja", "-C", build, "-n", "first")
        self.assertIn("libassay_http.a", to_do)
        for stranger in ("lab/", "tests/", "bench/", "examples/", "subjects/"):
            self.assertNotIn(f"_deps/assay-build/{stranger}", run("ninja", "-C", build, "-t", "targets", "all"))
        # Its sources keep their assertions, though this build type is one without.
        commands = run("ninja", "-C", build, "-t", "commands", "first").splitlines()
        compiled = [line for line in commands if " -c " in line]
        ours = [line for line in compiled if "_deps/assay-build/" in line]
        self.assertGreater(len(ours), 50)
        self.assertIsNone(next((line for line in compiled if line not in ours and "-DNDEBUG" not in line), None))
        self.assertIsNone(next((line for line in ours if line.rfind("-UNDEBUG") <= line.rfind("-DNDEBUG")), None))


if __name__ == "__main__":
    unittest.main()
