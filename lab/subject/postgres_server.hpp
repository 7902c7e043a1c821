// A private PostgreSQL for a campaign: fresh data, its own port of 127.0.0.1, settings as in production, nothing left.
//
//   auto database = postgres_server::start({.databases = {"shop"}, .log = dir + "/postgres.log"});
//   database->url("shop")                          // postgresql://shop@127.0.0.1:24011/shop
//
// It runs under a keeper, so it ends with this process whatever happens, and its data directory is removed then. As
// root it runs as user postgres (or nobody): PostgreSQL refuses root.
//
// Misuse: keeping data in it. It is stopped the fast way, as its data have no use afterwards.
#pragma once

#include <cstdint>

#include "lab/subject/postgres_client.hpp"
#include "lab/subject/process.hpp"

namespace assay::subject {

struct postgres_options {
  std::vector<std::string> databases = {};  // each with a role of the same name that owns it; [a-z][a-z0-9_]*
  std::string log = {};                     // what it prints is appended there
  std::string parent = {};                  // where its data directory is made; empty: the system's temporary directory
  std::uint16_t port = 0;                   // 0: a free one
  std::vector<unsigned> cpus = {};
  std::string binaries = {};  // directory of initdb and postgres; empty: the newest that is installed
  std::chrono::milliseconds limit = std::chrono::seconds(60);  // to be up
};

class postgres_server {
 public:
  static std::expected<postgres_server, std::string> start(const postgres_options& options);

  std::uint16_t port() const { return port_; }
  std::string url(const std::string& database) const;
  // Of the role that may do and see everything; its database has pg_stat_statements where that is installed.
  std::string administrator_url() const;
  pid_t pid() const { return process_.pid(); }
  bool alive() const { return process_.running(); }
  // Why it is not alive, with the last lines of its log; empty while it is.
  std::string death() const;
  // Asks it for a row. The error is its death, or that it hangs; blocks for up to 10 s.
  std::expected<void, std::string> check_answers() const;

  std::expected<void, std::string> run_sql(const std::string& database, const std::string& sql) const;
  std::expected<void, std::string> run_sql_files(const std::string& database,
                                                 const std::vector<std::string>& paths) const;
  std::expected<std::vector<std::string>, std::string> query_column(const std::string& database,
                                                                    const std::string& sql) const;
  // Version and the settings that decide about speed and safety, for the fairness record.
  std::expected<std::map<std::string, std::string>, std::string> settings() const;

  std::expected<exit_report, std::string> stop() { return process_.stop(); }

 private:
  postgres_server(process started, std::string directory, std::uint16_t port, std::string log)
      : process_(std::move(started)), directory_(std::move(directory)), port_(port), log_(std::move(log)) {}
  postgres_login own_login() const;
  std::expected<void, std::string> wait_until_up(std::chrono::steady_clock::time_point until) const;
  std::expected<void, std::string> create(const std::vector<std::string>& databases) const;
  static std::expected<postgres_server, std::string> start_on(const postgres_options& options,
                                                              const std::string& binaries, std::uint16_t port);

  process process_;
  std::string directory_;
  std::uint16_t port_ = 0;
  std::string log_;
};

// The directory with initdb and postgres: the highest version in /usr/lib/postgresql, else in PATH. The error names the
// package to install.
std::expected<std::string, std::string> find_postgres();

}  // namespace assay::subject
