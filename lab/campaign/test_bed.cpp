#include "lab/campaign/test_bed.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "lab/fault/http_service.hpp"
#include "lab/subject/postgres_server.hpp"
#include "stack/net/address.hpp"

namespace assay::campaign {
namespace {

// The database and role of a dependency: PostgreSQL's names know no dash.
std::string database_name(const std::string& plan_name) {
  std::string name;
  for (const char c : plan_name) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9' && !name.empty());
    name += plain ? c : '_';
  }
  return name.empty() || name.front() == '_' ? "db" + name : name;
}

std::string about(const model::dependency& planned, const std::string& what) {
  return fmt::format("dependency {}: {}", planned.name, what);
}

}  // namespace

struct test_bed::state {
  struct database {
    const model::dependency* planned = nullptr;
    std::string name;
    std::optional<subject::postgres_server> server;
  };

  std::expected<std::uint16_t, std::string> start_one(const model::dependency& planned, const std::string& directory,
                                                      const std::vector<unsigned>& cpus);
  std::expected<std::uint16_t, std::string> start_database(const model::dependency& planned,
                                                           const std::string& directory,
                                                           const std::vector<unsigned>& cpus);

  model::plan plan;
  std::vector<std::unique_ptr<database>> databases;
  std::vector<std::unique_ptr<fault::http_service>> services;
  std::unique_ptr<fault::proxy> proxy;
  std::map<std::string, std::string> urls;
  std::map<std::uint16_t, std::string> port_names;
  std::map<std::string, std::string> facts;
  std::vector<inside::watched_database> watched;
};

std::expected<std::uint16_t, std::string> test_bed::state::start_database(const model::dependency& planned,
                                                                          const std::string& directory,
                                                                          const std::vector<unsigned>& cpus) {
  auto made = std::make_unique<database>();
  made->planned = &planned;
  made->name = database_name(plan.name);
  auto started = subject::postgres_server::start(
      {.databases = {made->name}, .log = directory + "/" + planned.name + ".log", .cpus = cpus});
  if (!started) return std::unexpected(started.error());
  made->server.emplace(std::move(*started));
  if (const auto filled = made->server->run_sql_files(made->name, planned.schema); !filled) {
    return std::unexpected(filled.error());
  }
  const auto settings = made->server->settings();
  if (!settings) return std::unexpected(settings.error());
  for (const auto& [name, value] : *settings) facts[planned.name + ": " + name] = value;
  watched.push_back({.name = planned.name, .url = made->server->administrator_url(), .database = made->name});
  databases.push_back(std::move(made));
  return databases.back()->server->port();
}

std::expected<std::uint16_t, std::string> test_bed::state::start_one(const model::dependency& planned,
                                                                     const std::string& directory,
                                                                     const std::vector<unsigned>& cpus) {
  if (planned.kind == model::dependency_kind::postgres) return start_database(planned, directory, cpus);
  fault::http_service_options options{.latency = {.median = planned.latency_median, .sigma = planned.latency_sigma},
                                      .error_share = planned.error_share,
                                      .seed = plan.seed};
  if (!planned.reply.empty()) options.reply = planned.reply;
  auto started = fault::http_service::start(std::move(options));
  if (!started) return std::unexpected(started.error());
  facts[planned.name + ": latency"] =
      fmt::format("lognormal, median {:.1f} ms, sigma {:.2g}, {:.2g} % answered with 503",
                  std::chrono::duration<double, std::milli>(planned.latency_median).count(), planned.latency_sigma,
                  planned.error_share * 100);
  services.push_back(std::move(*started));
  return services.back()->port();
}

test_bed::test_bed(std::unique_ptr<state> made) : state_(std::move(made)) {}
test_bed::~test_bed() = default;

std::expected<void, std::string> test_bed::check_installed(const model::plan& plan) {
  for (const model::dependency& each : plan.dependencies) {
    if (each.kind != model::dependency_kind::postgres) continue;
    if (const auto found = subject::find_postgres(); !found) return std::unexpected(about(each, found.error()));
  }
  return {};
}

std::expected<std::unique_ptr<test_bed>, std::string> test_bed::start(const model::plan& plan,
                                                                      const std::string& directory,
                                                                      const std::vector<unsigned>& cpus) {
  auto made = std::make_unique<state>();
  made->plan = plan;
  std::vector<fault::proxied> behind;
  for (const model::dependency& each : made->plan.dependencies) {
    const auto port = made->start_one(each, directory, cpus);
    if (!port) return std::unexpected(about(each, port.error()));
    behind.push_back({.name = each.name, .upstream = *net::parse_address("127.0.0.1", *port)});
  }
  auto proxy = fault::proxy::start(behind, plan.seed);
  if (!proxy) return std::unexpected(proxy.error());
  made->proxy = std::move(*proxy);
  for (const model::dependency& each : made->plan.dependencies) {
    const std::uint16_t port = made->proxy->port(each.name);
    const std::string database = database_name(plan.name);
    made->port_names[port] = each.name;
    made->urls[each.name] = each.kind == model::dependency_kind::postgres
                                ? fmt::format("postgresql://{}@127.0.0.1:{}/{}", database, port, database)
                                : fmt::format("http://127.0.0.1:{}", port);
  }
  return std::unique_ptr<test_bed>(new test_bed(std::move(made)));
}

const std::map<std::string, std::string>& test_bed::urls() const { return state_->urls; }
const std::map<std::uint16_t, std::string>& test_bed::port_names() const { return state_->port_names; }
fault::proxy& test_bed::faults() { return *state_->proxy; }
const std::vector<inside::watched_database>& test_bed::databases() const { return state_->watched; }
const std::map<std::string, std::string>& test_bed::facts() const { return state_->facts; }

std::expected<void, std::string> test_bed::reset_data() {
  for (const auto& each : state_->databases) {
    if (const auto reset = each->server->run_sql_files(each->name, each->planned->reset); !reset) {
      return std::unexpected(about(*each->planned, reset.error()));
    }
  }
  return {};
}

std::expected<std::vector<std::string>, std::string> test_bed::stored_keys() {
  std::vector<std::string> keys;
  for (const auto& each : state_->databases) {
    if (each->planned->reconcile_query.empty()) continue;
    auto found = each->server->query_column(each->name, each->planned->reconcile_query);
    if (!found) return std::unexpected(about(*each->planned, found.error()));
    keys.insert(keys.end(), std::make_move_iterator(found->begin()), std::make_move_iterator(found->end()));
  }
  return keys;
}

std::expected<void, std::string> test_bed::check_alive() const {
  for (const auto& each : state_->databases) {
    if (!each->server->alive()) return std::unexpected(about(*each->planned, each->server->death()));
  }
  return {};
}

std::expected<void, std::string> test_bed::check_answers() const {
  for (const auto& each : state_->databases) {
    if (const auto answers = each->server->check_answers(); !answers) {
      return std::unexpected(about(*each->planned, answers.error()));
    }
  }
  return {};
}

}  // namespace assay::campaign
