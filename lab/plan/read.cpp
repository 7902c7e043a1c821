#include "lab/plan/read.hpp"
#include "lab/model/sha256.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "lab/model/feed.hpp"
#include "lab/plan/checks.hpp"
#include "lab/plan/resolve.hpp"

namespace assay::plan {
namespace {

reader reader_of(const std::string& path) {
  std::error_code ignored;  // an absolute path needs no working directory
  const std::filesystem::path whole = std::filesystem::absolute(path, ignored);
  return {path, whole.parent_path()};
}

}  // namespace

std::expected<model::plan, std::string> decode_plan(const std::string& path, const std::string& text) {
  const auto root = parse_yaml(path, text);
  if (!root) return std::unexpected(root.error());
  reader in = reader_of(path);
  plan_draft draft;
  decode(in, plan_section(), "", *root, &draft);
  for (std::size_t i = 0; i < draft.routes.size() && !in.failed(); ++i) {
    refuse_likeness(in, fmt::format("workload[{}]", i), root->find("workload")->items[i], draft.routes[i]);
  }
  for (std::size_t i = 0; i < draft.steps.size() && !in.failed(); ++i) {
    if (draft.steps[i].like_log == likeness::none) continue;
    in.refuse(root->find("phases")->items[i].find("like_log")->at,
              fmt::format("phases[{}].like_log: for bindings only; assay plan writes shape and bursts out", i));
  }
  if (in.failed()) return std::unexpected(in.error());
  model::plan made = resolve(in, *root, *root->find("phases"), std::move(draft));
  if (!in.failed()) check(in, *root, made);
  if (in.failed()) return std::unexpected(in.error());
  made.source_path = in.absolute(std::filesystem::path(path).filename().string());
  made.source_sha256 = model::sha256_hex(text);
  return made;
}

std::expected<model::plan, std::string> read_plan(const std::string& path) {
  const auto text = model::read_whole(path, most_document_bytes);
  if (!text) return std::unexpected(text.error());
  return decode_plan(path, *text);
}

std::expected<model::candidate, std::string> read_candidate(const std::string& path) {
  const auto text = model::read_whole(path, most_document_bytes);
  if (!text) return std::unexpected(text.error());
  const auto root = parse_yaml(path, *text);
  if (!root) return std::unexpected(root.error());
  reader in = reader_of(path);
  candidate_draft draft;
  decode(in, descriptor_section(), "", *root, &draft);
  if (in.failed()) return std::unexpected(in.error());
  draft.descriptor = in.absolute(std::filesystem::path(path).filename().string());
  return std::move(static_cast<model::candidate&>(draft));
}

std::expected<model::candidate, std::string> candidate_at_url(std::string_view name_and_url) {
  const std::size_t equals = std::min(name_and_url.find('='), name_and_url.size());
  const std::string text =
      fmt::format("{{name: \"{}\", url: \"{}\", ready: {{path: /}}}}", name_and_url.substr(0, equals),
                  name_and_url.substr(std::min(equals + 1, name_and_url.size())));
  const bool plain = name_and_url.find_first_of("\"\\\n\r\t ") == name_and_url.npos;
  const auto root = parse_yaml("candidate", text);
  reader in = reader_of("candidate");
  candidate_draft draft;
  if (plain && root) decode(in, descriptor_section(), "", *root, &draft);
  if (!plain || !root || in.failed() || equals == name_and_url.size()) {
    return std::unexpected(fmt::format("{}: expected NAME=http://HOST:PORT", in_quotes(name_and_url)));
  }
  draft.directory.clear();
  return std::move(static_cast<model::candidate&>(draft));
}

}  // namespace assay::plan
