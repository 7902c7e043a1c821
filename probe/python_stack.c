// CPython's stack of the calling thread, without its global lock and without running any of its code: whoever waits in
// native code may hold a lock that another thread with the global lock waits for, and a signal's handler that was run
// in here would lose what it raises.
//
// faulthandler can do that, on every version, but only in a signal's handler. The shim registers it for a signal that
// nobody sends, and with a descriptor that nobody has; the library keeps the handler and gives the signal back. What it
// writes comes to `write` in interpose_calls.c, and is taken there.
//
// Misuse: two threads at once. faulthandler tells one of them; the other is without a stack.
#define _GNU_SOURCE
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <wchar.h>

#include "probe/real.h"
#include "probe/record.h"

enum {
  most_line_bytes = 1280,    // faulthandler cuts names at 500 characters
  most_folder_bytes = 4096,  // of all libraries together
  kept_for_own = 200,        // bytes: frames of libraries must not crowd out the first own one
  most_frames = 48,
};

// What has been told so far, and where it goes.
struct telling {
  char line[most_line_bytes];
  size_t length;
  char* text;
  size_t room;
  unsigned frames;
  bool seen_own;
  bool full;
};
static _Thread_local struct telling* telling = NULL;

typedef void (*signal_handler)(int);
static signal_handler dump = NULL;
static int dump_signal = 0;
static char shim_folder[PATH_MAX];
static char library_folders[most_folder_bytes];  // a line each, the longest first

static bool begins_with(const char* text, const char* start, size_t length) {
  return length > 0 && strncmp(text, start, length) == 0;
}

// Below a library's folder, or NULL.
static const char* in_library(const char* path) {
  for (const char* folder = library_folders; *folder != '\0';) {
    const size_t length = strcspn(folder, "\n");
    if (begins_with(path, folder, length)) return path + length;
    folder += length + (folder[length] == '\n');
  }
  return NULL;
}

static const char* in_package(const char* path) {
  static const char* const folders[] = {"/site-packages/", "/dist-packages/"};
  const char* below = NULL;
  for (size_t i = 0; i < sizeof folders / sizeof *folders; ++i) {
    for (const char* at = strstr(path, folders[i]); at != NULL; at = strstr(at + 1, folders[i])) {
      below = at + strlen(folders[i]);
    }
    if (below != NULL) break;
  }
  return below;
}

// As the lab shows it, as place_finder of _assay_places.py has it. `full` has PATH_MAX bytes. True: the program's own.
static bool place_of(const char* file, char* full, const char** name) {
  *name = file;
  if (*file == '<') return false;
  if (realpath(file, full) == NULL) snprintf(full, PATH_MAX, "%s", file);
  const char* below = in_package(full);
  if (below == NULL) below = in_library(full);
  if (below != NULL) {
    *name = below;
    return false;
  }
  char here[PATH_MAX];
  const size_t length = getcwd(here, sizeof here) == NULL ? 0 : strlen(here);
  const char* last = strrchr(full, '/');
  *name = begins_with(full, here, length) && full[length] == '/' ? full + length + 1 : last == NULL ? full : last + 1;
  return true;
}

static char* put_utf8(char* to, unsigned long code) {
  if (code < 0x800) {
    *to++ = (char)(0xc0 | code >> 6);
  } else {
    if (code < 0x10000) {
      *to++ = (char)(0xe0 | code >> 12);
    } else {
      *to++ = (char)(0xf0 | code >> 18);
      *to++ = (char)(0x80 | (code >> 12 & 0x3f));
    }
    *to++ = (char)(0x80 | (code >> 6 & 0x3f));
  }
  *to++ = (char)(0x80 | (code & 0x3f));
  return to;
}

// faulthandler writes ASCII: what is beyond comes as \xe9, \u20ac or \U0001f600. It only gets shorter.
static void decode(char* text) {
  char* to = text;
  while (*text != '\0') {
    const size_t digits = *text != '\\' ? 0 : text[1] == 'x' ? 2 : text[1] == 'u' ? 4 : text[1] == 'U' ? 8 : 0;
    char number[9] = "";
    if (digits > 0) strncat(number, text + 2, digits);
    char* end = number;
    const unsigned long code = digits > 0 ? strtoul(number, &end, 16) : 0;
    if (digits > 0 && end == number + digits && code >= 0x80 && code < 0x110000) {
      to = put_utf8(to, code);
      text += 2 + digits;
    } else {
      *to++ = *text++;
    }
  }
  *to = '\0';
}

static void tell_frame(struct telling* to, const char* file, const char* line, const char* function) {
  if (begins_with(file, shim_folder, strlen(shim_folder))) return;
  char full[PATH_MAX];
  const char* name;
  const bool own = place_of(file, full, &name);
  char text[most_line_bytes];
  const int made = snprintf(text, sizeof text, "%c%s:%s in %s\n", own ? '*' : ' ', name, line, function);
  const size_t length = made > 0 ? (size_t)made : 0;
  const bool may_fill = own || to->seen_own;
  if (length < sizeof text && length + (may_fill ? 0 : kept_for_own) <= to->room) {
    memcpy(to->text, text, length + 1);
    to->text += length;
    to->room -= length;
    to->seen_own = to->seen_own || own;
  } else if (own) {
    to->full = true;
  }
}

// `  File "app.py", line 12 in answer`; other lines are none of a frame.
static void tell_line(struct telling* to) {
  static const char head[] = "  File \"";
  static const char middle[] = "\", line ";
  char* const file = to->line + sizeof head - 1;
  if (to->full || to->frames >= most_frames || strncmp(to->line, head, sizeof head - 1) != 0) return;
  char* end = NULL;
  for (char* at = strstr(file, middle); at != NULL; at = strstr(at + 1, middle)) end = at;
  if (end == NULL) return;
  char* const number = end + sizeof middle - 1;
  char* const in = strstr(number, " in ");
  if (in == NULL) return;
  *end = *in = '\0';
  ++to->frames;
  decode(file);
  decode(in + 4);
  tell_frame(to, file, number, in + 4);
}

ssize_t probe_capture(const void* data, size_t count) {
  struct telling* to = telling;
  if (to == NULL) {
    errno = EBADF;
    return -1;
  }
  const char* bytes = data;
  for (size_t i = 0; i < count; ++i) {
    if (bytes[i] != '\n') {
      if (to->length + 1 < sizeof to->line) to->line[to->length++] = bytes[i];
      continue;
    }
    to->line[to->length] = '\0';
    to->length = 0;
    tell_line(to);
  }
  return (ssize_t)count;
}

// The hook: see events.c.
EXPORT void assay_probe_python_stack(char* text, uint32_t capacity);
void assay_probe_python_stack(char* text, uint32_t capacity) {
  if (capacity == 0) return;
  *text = '\0';
  if (dump == NULL) return;
  const bool inside = probe_self.inside;
  probe_self.inside = true;
  struct telling now = {.text = text, .room = capacity - 1};
  telling = &now;
  dump(dump_signal);
  telling = NULL;
  probe_self.inside = inside;
}

// The shim calls them before and after it has registered faulthandler for the signal.
static struct sigaction lent_action;
EXPORT void assay_probe_python_lends(int signal);
void assay_probe_python_lends(int signal) { sigaction(signal, NULL, &lent_action); }

// `folder` is the shim's own, `libraries` has a line each; all end in a slash.
EXPORT void assay_probe_python_lent(int signal, const char* folder, const char* libraries);
void assay_probe_python_lent(int signal, const char* folder, const char* libraries) {
  struct sigaction registered;
  const bool known = sigaction(signal, &lent_action, &registered) == 0 && (registered.sa_flags & SA_SIGINFO) == 0 &&
                     registered.sa_handler != lent_action.sa_handler;
  // The stack that faulthandler has set up for its own handlers stays: it believes that it is there, and without it the
  // program's faulthandler.enable() could not tell of an overflow.
  if (!known || registered.sa_handler == SIG_DFL || registered.sa_handler == SIG_IGN) return;
  snprintf(shim_folder, sizeof shim_folder, "%s", folder);
  snprintf(library_folders, sizeof library_folders, "%s", libraries);
  dump_signal = signal;
  dump = registered.sa_handler;
}

// What CPython's collector calls as it begins ("start") and ends ("stop"), on the thread that it holds up. No code of
// Python's runs for it: a signal's handler would run there as well, and what that raises be lost.
EXPORT void assay_probe_python_collects(const wchar_t* phase, void* about);
void assay_probe_python_collects(const wchar_t* phase, void* about) {
  static _Thread_local uint64_t began = 0;
  (void)about;
  if (phase == NULL) return;
  if (wcscmp(phase, L"start") == 0) {
    began = probe_now();
  } else if (began != 0) {
    assay_probe_collected(began);
    began = 0;
  }
}
