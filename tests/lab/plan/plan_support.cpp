#include "tests/lab/plan/plan_support.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <iterator>

namespace assay::plan {

const char* const good_plan = R"(name: shop
seed: 7
repeats: 3
conformance: checks.yaml
reference: one
workload:
  - route: GET /items/{id}
    weight: 9
    values:
      id: {zipf: {low: 1, high: 1000, exponent: 0.9}}
  - route: POST /orders
    headers: {idempotency-key: "{key}"}
    body: '{{"customer":"{who}"}}'
    values:
      key: uuid
      who: {feed: people.csv, column: name}
    expected: [201, 409]
    acknowledged_by: key
phases:
  - {name: warm-up, kind: warm-up, rate: 1x, length: 5s}
  - name: steady
    kind: steady
    rate: 100
    length: 10s
    full: {rate: 200, length: 10m}
  - {name: burst, kind: burst, rate: 10x, length: 2s, shape: [0, 1.5, 3], bursts: {of_rate: 4, dispersion_1s: 2}}
  - name: spike
    kind: fault
    rate: 1x
    length: 5s
    faults:
      - {dependency: database, latency: {median: 150ms, sigma: 0.3}}
      - {dependency: third-party, outage: true}
dependencies:
  - name: database
    postgres: {schema: [schema.sql], reset: [reset.sql], reconcile: SELECT key FROM orders}
  - name: third-party
    http_service: {latency: {median: 20ms}, error_share: 0.01}
candidates:
  - one.yaml
  - {descriptor: one.yaml, name: again}
  - {name: two, url: "http://127.0.0.1:9"}
)";

plan_folder::plan_folder() {
  std::string name = (std::filesystem::temp_directory_path() / "assay-plan-XXXXXX").string();
  if (::mkdtemp(name.data()) == nullptr) std::abort();
  folder_ = name;
  write("checks.yaml", "[]\n");
  write("schema.sql", "SELECT 1;\n");
  write("reset.sql", "SELECT 1;\n");
  write("people.csv", "id,name\n1,\"O\"\"Hara, Jo\"\n2,Ann\n");
  write("one.yaml", R"(version: 1
name: one
title: The first
runtime: python
build: [./setup]
command: [serve, "127.0.0.1:{port}"]
environment: {DATABASE_URL: "{database}", THIRD_PARTY_URL: "{third-party}"}
ready: {path: /ready, timeout: 20s}
)");
}

plan_folder::~plan_folder() {
  std::error_code ignored;
  std::filesystem::remove_all(folder_, ignored);
}

void plan_folder::write(const std::string& name, const std::string& text) const {
  std::filesystem::create_directories((folder_ / name).parent_path());
  std::ofstream(folder_ / name, std::ios::binary) << text;
}

std::string file_text(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  EXPECT_TRUE(file.is_open()) << path;
  return {std::istreambuf_iterator<char>(file), {}};
}

std::string changed(std::string text, const std::string& from, const std::string& to) {
  const std::size_t at = text.find(from);
  if (at == text.npos) {
    ADD_FAILURE() << "no \"" << from << "\" in the text";
    return text;
  }
  return text.replace(at, from.size(), to);
}

}  // namespace assay::plan
