#include "lab/subject/postgres_server.hpp"

#include <fmt/format.h>
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <tuple>

#include "lab/subject/environment.hpp"

namespace assay::subject {
namespace {

namespace fs = std::filesystem;
using std::chrono::milliseconds;
using steady = std::chrono::steady_clock;

constexpr unsigned port_attempts = 5;
constexpr milliseconds poll_interval{20};
constexpr milliseconds connect_limit{2'000};
constexpr milliseconds answer_limit{10'000};
// From the moment its connections break until its keeper has said how it ended.
constexpr milliseconds exit_delay{1'000};
constexpr std::string_view superuser = "assay";
// "/.s.PGSQL.65535.lock" behind it must fit into the address of a UNIX socket.
constexpr std::size_t max_socket_directory = 80;

constexpr std::array<std::string_view, 10> shown_settings = {"fsync",
                                                             "synchronous_commit",
                                                             "full_page_writes",
                                                             "shared_buffers",
                                                             "max_connections",
                                                             "wal_level",
                                                             "max_wal_size",
                                                             "jit",
                                                             "work_mem",
                                                             "shared_preload_libraries"};
constexpr std::string_view statement_counts = "pg_stat_statements";

bool has_postgres(const fs::path& directory) {
  return ::access((directory / "initdb").c_str(), X_OK) == 0 && ::access((directory / "postgres").c_str(), X_OK) == 0;
}

// Where Debian and Ubuntu have it. A server that is told of a library that it does not have does not start.
bool has_statement_counts(const fs::path& binaries) {
  const fs::path library = binaries.parent_path() / "lib" / (std::string(statement_counts) + ".so");
  return ::access(library.c_str(), R_OK) == 0;
}

// Everybody may pass: the server runs as another user.
bool is_passable(const fs::path& directory) {
  for (fs::path at = fs::absolute(directory);; at = at.parent_path()) {
    struct stat found{};
    if (::stat(at.c_str(), &found) != 0 || (found.st_mode & S_IXOTH) == 0) return false;
    if (at == at.root_path()) return true;
  }
}

struct server_home {
  std::string directory;
  std::string user;  // empty: ours
};

std::expected<server_home, std::string> make_home(const std::string& wanted_parent) {
  std::error_code failed;
  fs::path parent = wanted_parent.empty() ? fs::temp_directory_path(failed) : fs::absolute(wanted_parent, failed);
  const bool root = ::geteuid() == 0;
  // Closed to the other user, or no path for a socket in lists of settings: then elsewhere.
  const std::string path = parent.string();
  const bool fits = path.size() <= max_socket_directory && path.find_first_of("'\",\\ ") == std::string::npos;
  if (failed || !fits || (root && !is_passable(parent))) parent = "/tmp";
  server_home home = {.directory = (parent / "assay-postgres-XXXXXX").string(), .user = {}};
  if (::mkdtemp(home.directory.data()) == nullptr) {
    return std::unexpected(fmt::format("cannot make a directory in {}: {}", parent.string(), std::strerror(errno)));
  }
  if (!root) return home;
  for (const char* name : {"postgres", "nobody"}) {
    const passwd* user = ::getpwnam(name);
    if (user == nullptr || user->pw_uid == 0) continue;
    if (::chown(home.directory.c_str(), user->pw_uid, user->pw_gid) != 0) continue;
    home.user = name;
    return home;
  }
  fs::remove_all(home.directory, failed);
  return std::unexpected("PostgreSQL does not run as root, and there is no user postgres or nobody to run it as");
}

spawn_request server_request(const server_home& home, const std::string& binaries, std::uint16_t port,
                             const postgres_options& options) {
  // Both in one child, so that one keeper minds the directory from the first file on.
  constexpr const char* script =
      "\"$1/initdb\" -D \"$2/data\" -U \"$3\" -A trust -E UTF8 --locale=C --no-sync >/dev/null || exit\n"
      "bin=$1 data=$2/data; shift 3; exec \"$bin/postgres\" -D \"$data\" \"$@\"";
  spawn_request request = {.command = {"/bin/sh", "-c", script, "sh", binaries, home.directory, std::string(superuser)},
                           .environment = {{"PATH", "/usr/local/bin:/usr/bin:/bin"}, {"LC_ALL", "C"}, {"TZ", "UTC"}},
                           .directory = home.directory,
                           .cpus = options.cpus,
                           .user = home.user,
                           .output = options.log,
                           .scratch = home.directory,
                           .stop_signal = SIGQUIT};  // at once: no checkpoint of data that nobody reads again
  for (const std::string& setting :
       {std::string("listen_addresses=127.0.0.1"), fmt::format("port={}", port),
        fmt::format("unix_socket_directories={}", home.directory), std::string("fsync=on"),
        std::string("synchronous_commit=on"), std::string("full_page_writes=on"), std::string("shared_buffers=128MB"),
        std::string("max_connections=100"), std::string("logging_collector=off"),
        // Coming back by itself after a crash, it would leave a gap that looks like the candidate's.
        std::string("restart_after_crash=off")}) {
    request.command.emplace_back("-c");
    request.command.push_back(setting);
  }
  if (has_statement_counts(binaries)) {
    request.command.emplace_back("-c");
    request.command.push_back(fmt::format("shared_preload_libraries={}", statement_counts));
  }
  return request;
}

std::string port_in_use(std::uint16_t port) { return fmt::format("port {} of 127.0.0.1 is in use", port); }

}  // namespace

std::expected<std::string, std::string> find_postgres() {
  fs::path newest;
  unsigned newest_version = 0;
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator("/usr/lib/postgresql", ignored)) {
    const std::string name = entry.path().filename().string();
    unsigned version = 0;
    std::from_chars(name.data(), name.data() + name.size(), version);
    if (version <= newest_version || !has_postgres(entry.path() / "bin")) continue;
    newest_version = version;
    newest = entry.path() / "bin";
  }
  if (!newest.empty()) return newest.string();
  const char* path = std::getenv("PATH");
  std::string_view rest = path == nullptr ? "" : path;
  while (!rest.empty()) {
    const std::string_view directory = rest.substr(0, rest.find(':'));
    if (!directory.empty() && has_postgres(directory)) return std::string(directory);
    rest.remove_prefix(std::min(rest.size(), directory.size() + 1));
  }
  return std::unexpected(
      "PostgreSQL is not installed (no initdb and postgres in /usr/lib/postgresql/*/bin or PATH); install the package "
      "postgresql (Debian, Ubuntu) or postgresql-server (Fedora)");
}

std::expected<postgres_server, std::string> postgres_server::start_on(const postgres_options& options,
                                                                      const std::string& binaries, std::uint16_t port) {
  const auto home = make_home(options.parent);
  if (!home) return std::unexpected(home.error());
  auto started = process::spawn(server_request(*home, binaries, port, options));
  if (!started) {
    std::error_code ignored;
    fs::remove_all(home->directory, ignored);
    return std::unexpected(started.error());
  }
  postgres_server server(std::move(*started), home->directory, port, options.log);
  if (const auto up = server.wait_until_up(server.process_.started() + options.limit); !up) {
    return std::unexpected(up.error());
  }
  if (const auto made = server.create(options.databases); !made) return std::unexpected(made.error());
  return server;
}

std::expected<postgres_server, std::string> postgres_server::start(const postgres_options& options) {
  auto binaries = options.binaries.empty() ? find_postgres() : options.binaries;
  if (!binaries) return std::unexpected(binaries.error());
  if (!has_postgres(*binaries)) {
    return std::unexpected(fmt::format("PostgreSQL: no initdb and postgres in {}", *binaries));
  }
  for (const std::string& name : options.databases) {
    // It stands in a URL.
    const bool plain = name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_") == std::string::npos;
    if (!plain || name.empty() || name.front() < 'a') {
      return std::unexpected(fmt::format("PostgreSQL: \"{}\" is no name for a database ([a-z][a-z0-9_]*)", name));
    }
  }
  if (options.port != 0) {
    if (!port_is_free(options.port)) return std::unexpected("PostgreSQL: " + port_in_use(options.port));
    return start_on(options, *binaries, options.port);
  }
  for (unsigned attempt = 1;; attempt++) {
    const auto port = free_port();
    if (!port) return std::unexpected(port.error());
    auto server = start_on(options, *binaries, *port);
    // Somebody was faster: then it is no longer free.
    if (server || attempt == port_attempts || port_is_free(*port)) return server;
  }
}

// Over the socket in its own directory: that cannot be another server.
postgres_login postgres_server::own_login() const {
  return {.url = fmt::format("host='{}' port={} user={} dbname=postgres", directory_, port_, superuser)};
}

std::expected<void, std::string> postgres_server::wait_until_up(steady::time_point until) const {
  postgres_login login = own_login();
  login.limit = connect_limit;
  while (true) {
    const auto up = subject::query_column(login, "SELECT 1");
    if (up) return {};
    if (process_.wait_exit(poll_interval)) return std::unexpected(death());
    if (steady::now() >= until) {
      return std::unexpected(fmt::format("PostgreSQL is not up in time: {}", up.error()));
    }
  }
}

std::expected<void, std::string> postgres_server::create(const std::vector<std::string>& databases) const {
  const postgres_login login = own_login();
  // Refused where it is not installed; then whoever looks for it says so.
  std::ignore = subject::run_sql(login, fmt::format("CREATE EXTENSION {}", statement_counts), "PostgreSQL");
  for (const std::string& name : databases) {
    const std::string quoted = quoted_identifier(name);
    // Apart: a database is not made inside of a transaction, which several statements together are.
    for (const std::string& sql :
         {fmt::format("CREATE ROLE {} LOGIN", quoted), fmt::format("CREATE DATABASE {0} OWNER {0}", quoted)}) {
      if (const auto made = subject::run_sql(login, sql, "PostgreSQL"); !made) return std::unexpected(made.error());
    }
  }
  return {};
}

std::string postgres_server::url(const std::string& database) const {
  return fmt::format("postgresql://{0}@127.0.0.1:{1}/{0}", database, port_);
}

std::string postgres_server::administrator_url() const {
  return fmt::format("postgresql://{}@127.0.0.1:{}/postgres", superuser, port_);
}

std::string postgres_server::death() const {
  const auto ended = process_.exit();
  if (!ended) return {};
  const std::string tail = last_lines(log_);
  return fmt::format("PostgreSQL {}{}", describe(*ended), tail.empty() ? "" : "; last lines of its log:\n" + tail);
}

std::expected<void, std::string> postgres_server::check_answers() const {
  postgres_login login = own_login();
  login.limit = answer_limit;
  const auto answered = subject::run_sql(login, "SELECT 1", "PostgreSQL");
  if (answered) return {};
  return std::unexpected(process_.wait_exit(exit_delay) ? death() : answered.error());
}

std::expected<void, std::string> postgres_server::run_sql(const std::string& database, const std::string& sql) const {
  return subject::run_sql({.url = url(database)}, sql, database);
}

std::expected<void, std::string> postgres_server::run_sql_files(const std::string& database,
                                                                const std::vector<std::string>& paths) const {
  for (const std::string& path : paths) {
    if (const auto done = run_sql_file({.url = url(database)}, path); !done) return done;
  }
  return {};
}

std::expected<std::vector<std::string>, std::string> postgres_server::query_column(const std::string& database,
                                                                                   const std::string& sql) const {
  return subject::query_column({.url = url(database)}, sql);
}

std::expected<std::map<std::string, std::string>, std::string> postgres_server::settings() const {
  const postgres_login login = own_login();
  std::map<std::string, std::string> all;
  for (const std::string_view name : shown_settings) {
    const auto value = subject::query_column(login, fmt::format("SHOW {}", name));
    if (!value) return std::unexpected(value.error());
    all[std::string(name)] = value->empty() ? "" : value->front();
  }
  const auto version = subject::query_column(login, "SHOW server_version");
  if (!version) return std::unexpected(version.error());
  all["version"] = version->empty() ? "" : version->front();
  return all;
}

}  // namespace assay::subject
