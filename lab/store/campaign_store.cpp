#include "lab/store/campaign_store.hpp"

#include <fmt/format.h>

#include <charconv>
#include <filesystem>
#include <tuple>
#include <utility>

#include "lab/model/trial_json.hpp"
#include "lab/store/database.hpp"

namespace assay::store {
namespace {

constexpr std::int64_t application_id = 0x41535359;  // "ASSY", in the file's head

constexpr const char* schema = R"sql(
CREATE TABLE campaign (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  plan_name TEXT NOT NULL,
  plan_sha256 TEXT NOT NULL,
  plan_text TEXT NOT NULL,
  seed TEXT NOT NULL,
  tool_version TEXT NOT NULL,
  host_facts TEXT NOT NULL,
  created TEXT NOT NULL
) STRICT;
CREATE TABLE trials (
  candidate TEXT NOT NULL,
  repeat INTEGER NOT NULL,
  position INTEGER NOT NULL,
  state TEXT NOT NULL,
  started_at TEXT NOT NULL,
  document TEXT NOT NULL,
  UNIQUE (candidate, repeat)
) STRICT;
PRAGMA application_id = 1095979865;
PRAGMA user_version = 1;
)sql";
static_assert(application_id == 1095979865 && schema_version == 1, "as in the schema");

using outcome = std::expected<void, std::string>;

std::unexpected<std::string> failure(const database& file, const std::string& why) {
  return std::unexpected(fmt::format("{}: {}", file.path(), why));
}

// Ends a transaction that was not committed.
class transaction {
 public:
  explicit transaction(database& file) : file_(file) {}
  transaction(const transaction&) = delete;
  transaction& operator=(const transaction&) = delete;
  ~transaction() {
    // A failed write may have ended it already. A rollback that fails leaves a hot journal, which the next open plays
    // back.
    if (file_.in_transaction()) std::ignore = file_.run("ROLLBACK");
  }
  outcome begin() { return file_.run("BEGIN IMMEDIATE"); }
  outcome commit() { return file_.run("COMMIT"); }

 private:
  database& file_;
};

outcome check_version(const database& file) {
  const auto application = file.number("PRAGMA application_id");
  if (!application) return failure(file, application.error());
  const auto version = file.number("PRAGMA user_version");
  if (!version) return failure(file, version.error());
  if (*application != application_id || *version < 1) return failure(file, "is no campaign file of assay");
  if (*version > schema_version) {
    return failure(file, fmt::format("was written by a newer assay (file version {}, this one knows up to {}); use "
                                     "that one, or give another results directory",
                                     *version, schema_version));
  }
  return {};
}

outcome create(database& file, const campaign_header& header) {
  if (auto made = file.run(schema); !made) return failure(file, made.error());
  statement insert = file.prepare(
      "INSERT INTO campaign (id, plan_name, plan_sha256, plan_text, seed, tool_version, host_facts, created)"
      " VALUES (1, ?, ?, ?, ?, ?, ?, ?)");
  insert.bind(header.plan_name).bind(header.plan_sha256).bind(header.plan_text);
  insert.bind(fmt::format("{}", header.seed)).bind(header.tool_version);
  insert.bind(header.host_facts).bind(header.created);
  if (const auto done = insert.step(); !done) return failure(file, done.error());
  return {};
}

std::expected<campaign_header, std::string> read_header(const database& file) {
  statement query =
      file.prepare("SELECT plan_name, plan_sha256, plan_text, seed, tool_version, host_facts, created FROM campaign");
  const auto row = query.step();
  if (!row) return failure(file, row.error());
  if (!*row) return failure(file, "is damaged: it holds no campaign");
  campaign_header header{.plan_name = std::string(query.text(0)),
                         .plan_sha256 = std::string(query.text(1)),
                         .plan_text = std::string(query.text(2)),
                         .tool_version = std::string(query.text(4)),
                         .host_facts = std::string(query.text(5)),
                         .created = std::string(query.text(6))};
  const std::string_view seed = query.text(3);
  const auto [end, error] = std::from_chars(seed.data(), seed.data() + seed.size(), header.seed);
  if (error != std::errc{} || end != seed.data() + seed.size()) {
    return failure(file, fmt::format("is damaged: campaign.seed is \"{}\", expected a whole number", seed));
  }
  return header;
}

outcome check_same(const database& file, const campaign_header& there, const campaign_header& wanted) {
  constexpr std::size_t shown = 12;  // digits of a hash
  if (there.plan_sha256 != wanted.plan_sha256) {
    return failure(file,
                   fmt::format("holds results of another plan (\"{}\", sha256 {}…; this one is \"{}\", {}…); give "
                               "another results directory, or go on with the plan it was begun with",
                               there.plan_name, there.plan_sha256.substr(0, shown), wanted.plan_name,
                               wanted.plan_sha256.substr(0, shown)));
  }
  if (there.seed != wanted.seed) {
    return failure(file, fmt::format("holds results with seed {}, this run has seed {}; give that seed, or another "
                                     "results directory",
                                     there.seed, wanted.seed));
  }
  return {};
}

}  // namespace

campaign_store::campaign_store(std::unique_ptr<database> file, campaign_header header)
    : file_(std::move(file)), header_(std::move(header)) {}

campaign_store::~campaign_store() = default;

std::expected<std::unique_ptr<campaign_store>, std::string> campaign_store::open_or_create(
    const std::string& path, const campaign_header& header) {
  auto opened = database::open(path, open_mode::create);
  if (!opened) return std::unexpected(fmt::format("{}: {}", path, opened.error()));
  database& file = **opened;
  // The exclusive lock of the first transaction is kept until the file is closed.
  for (const char* pragma : {"PRAGMA locking_mode = EXCLUSIVE", "PRAGMA journal_mode = DELETE",
                             "PRAGMA synchronous = FULL", "BEGIN EXCLUSIVE"}) {
    if (const auto set = file.run(pragma); !set) return failure(file, set.error());
  }
  transaction opening(file);
  const auto tables = file.number("SELECT count(*) FROM sqlite_schema");
  if (!tables) return failure(file, tables.error());
  const outcome ready = *tables == 0 ? create(file, header) : check_version(file);
  if (!ready) return std::unexpected(ready.error());
  auto there = read_header(file);
  if (!there) return std::unexpected(there.error());
  if (const auto same = check_same(file, *there, header); !same) return std::unexpected(same.error());
  if (const auto done = opening.commit(); !done) return failure(file, done.error());
  return std::unique_ptr<campaign_store>(new campaign_store(*std::move(opened), *std::move(there)));
}

std::expected<std::unique_ptr<campaign_store>, std::string> campaign_store::open_to_read(const std::string& path) {
  std::error_code error;
  if (!std::filesystem::exists(path, error)) return std::unexpected(fmt::format("{}: is not there", path));
  auto opened = database::open(path, open_mode::read);
  if (!opened) return std::unexpected(fmt::format("{}: {}", path, opened.error()));
  if (const auto known = check_version(**opened); !known) return std::unexpected(known.error());
  auto there = read_header(**opened);
  if (!there) return std::unexpected(there.error());
  return std::unique_ptr<campaign_store>(new campaign_store(*std::move(opened), *std::move(there)));
}

std::expected<std::vector<trial_key>, std::string> campaign_store::finished() const {
  statement query = file_->prepare("SELECT candidate, repeat FROM trials ORDER BY position, rowid");
  std::vector<trial_key> keys;
  while (true) {
    const auto row = query.step();
    if (!row) return failure(*file_, row.error());
    if (!*row) return keys;
    keys.push_back({std::string(query.text(0)), static_cast<unsigned>(query.number(1))});
  }
}

std::expected<void, std::string> campaign_store::add(const model::trial& measured) {
  const std::string document = model::trial_to_json(measured);
  const auto failed = [&](const std::string& why) {
    return failure(*file_, fmt::format("{} (run {} of {} is not stored, earlier runs are)", why, measured.repeat,
                                       measured.candidate));
  };
  transaction adding(*file_);
  if (const auto begun = adding.begin(); !begun) return failed(begun.error());
  statement there = file_->prepare("SELECT 1 FROM trials WHERE candidate = ? AND repeat = ?");
  const auto found = there.bind(measured.candidate).bind(std::int64_t{measured.repeat}).step();
  if (!found) return failed(found.error());
  if (*found) {
    return failure(*file_, fmt::format("run {} of {} is stored already", measured.repeat, measured.candidate));
  }
  {
    statement insert = file_->prepare(
        "INSERT INTO trials (candidate, repeat, position, state, started_at, document) VALUES (?, ?, ?, ?, ?, ?)");
    insert.bind(measured.candidate).bind(std::int64_t{measured.repeat}).bind(std::int64_t{measured.order});
    insert.bind(label(measured.state)).bind(measured.started_at).bind(document);
    if (const auto done = insert.step(); !done) return failed(done.error());
  }
  if (const auto done = adding.commit(); !done) return failed(done.error());
  return {};
}

std::expected<void, std::string> campaign_store::for_each(const std::function<void(model::trial)>& visit) const {
  statement query = file_->prepare("SELECT candidate, repeat, document FROM trials ORDER BY position, rowid");
  while (true) {
    const auto row = query.step();
    if (!row) return failure(*file_, row.error());
    if (!*row) return {};
    auto decoded = model::trial_from_json(query.text(2));
    if (!decoded) {
      return failure(*file_, fmt::format("run {} of {}: {}", query.number(1), query.text(0), decoded.error()));
    }
    visit(*std::move(decoded));
  }
}

std::expected<std::vector<model::trial>, std::string> campaign_store::load_all() const {
  std::vector<model::trial> trials;
  if (const auto done = for_each([&](model::trial each) { trials.push_back(std::move(each)); }); !done) {
    return std::unexpected(done.error());
  }
  return trials;
}

}  // namespace assay::store
