"""The reference pages hold what the headers say for others, and nothing else of them."""

import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT / "stack"))
import reference  # noqa: E402

HEADER = """// Doors that count.
//
//   door front(3);   // the most
//
// Misuse: two keys.
#pragma once

#include <string>

namespace assay {

namespace detail {
struct hinge {
  int turns = 0;
};
int oiled(const hinge& of) {
  return of.turns;
}
}  // namespace detail

// One of them.
class door {
 public:
  explicit door(int most) : most_(most) {}
  door(int most, std::string name)
      : most_(most), name_(std::move(name)) {}

  // Whether it is open.
  bool open() const { return open_; }  // now
  template <class T>
  T turn(T key) {
    return key;
  }
  virtual void lock() = 0;
  static constexpr int limits[] = {1, 2};

 private:
  void hidden() { most_ = 0; }
  int most_;
};

struct options {
  int most = 4;  // a hundred at most
};

}  // namespace assay
"""
PAGE = """# stack/net/door.hpp

Doors that count.

```cpp
door front(3);   // the most
```

Misuse: two keys.

## Declares

```cpp
// One of them.
class door {
 public:
  explicit door(int most);
  door(int most, std::string name);

  // Whether it is open.
  bool open() const;  // now
  template <class T>
  T turn(T key);
  virtual void lock() = 0;
  static constexpr int limits[] = {1, 2};
};

struct options {
  int most = 4;  // a hundred at most
};
```
"""


class Reference(unittest.TestCase):
    def test_a_page_is_the_header_without_what_is_nobody_else_s(self):
        self.assertEqual(reference.page("stack/net/door.hpp", HEADER), PAGE)

    def test_every_header_has_a_page_that_the_index_names(self):
        with tempfile.TemporaryDirectory() as folder:
            script = ROOT / "stack/reference.py"
            subprocess.run([sys.executable, "-B", script, folder], check=True, stdout=subprocess.DEVNULL)
            pages = pathlib.Path(folder)
            index = (pages / "index.md").read_text()
            named = set(re.findall(r"\]\((\S+)\.md\) \| \S", index))
            self.assertEqual(named, {path[len("stack/") : -len(".hpp")] for path in reference.headers()})
            for name in named:
                text = (pages / f"{name}.md").read_text()
                self.assertNotIn("private:", text, name)
                self.assertEqual(text.count("```") % 2, 0, name)
                self.assertRegex(text, r"(?i)misuse", name)
            for name, said in {
                "runtime/scope": "bool spawn(task<void> child",
                "http/server": "duration idle_timeout",
                "guard/shed/policy": "std::size_t max_in_flight = 256",
            }.items():
                self.assertIn(said, (pages / f"{name}.md").read_text())


if __name__ == "__main__":
    unittest.main()
