// What of a recording is sent, and as what: methods that change something only when they are allowed, hosts, paths and
// headers rewritten. The first rule that refuses a request is the one it is counted under.
//
//   auto rules = replay_rules::create({.allow = {"POST /cart/*"}, .refuse = {"* /admin/*"}}, "127.0.0.1:8080");
//   if (!rules->refused_by(request)) rules->render(request, bytes);
//
// Misuse: render() of a request that is refused; what it writes may not be a request.
#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "lab/model/recorded_traffic.hpp"

namespace assay::load {

// As typed.
struct replay_rule_texts {
  bool unsafe = false;                    // every method
  std::vector<std::string> allow = {};    // "POST /cart/*": a method and a path, each with * for anything
  std::vector<std::string> refuse = {};   // likewise
  std::string only_host = {};             // requests to others are refused; empty: none is
  std::string host = {};                  // empty: that of the target; "recorded"; a name for all
  std::vector<std::string> rewrite = {};  // "/old/=/new/": the begin of the path; the first that fits
  std::vector<std::pair<std::string, std::string>> set_headers = {};
  std::vector<std::string> drop_headers = {};
};

inline constexpr std::size_t max_replay_rules = 64;  // of each kind

class replay_rules {
 public:
  // `authority` is the target's. The error is one line that names the rule.
  static std::expected<replay_rules, std::string> create(const replay_rule_texts& typed, std::string authority);

  // The rule that refuses it, an index into names(); nothing when it is sent.
  std::optional<std::size_t> refused_by(const model::traffic_request& request) const;
  const std::vector<std::string>& names() const { return names_; }
  // Replaces `into` by the bytes to send.
  void render(const model::traffic_request& request, std::string& into) const;
  // Whether it may be sent twice, when nobody knows if the first was carried out.
  static bool may_resend(const model::traffic_request& request);

 private:
  struct pattern {
    std::string method;  // or "*"
    std::string path;    // with *
    bool matches(std::string_view of_method, std::string_view of_path) const;
  };
  static std::expected<pattern, std::string> parse_pattern(std::string_view flag, const std::string& typed);
  static std::expected<std::vector<pattern>, std::string> parse_patterns(std::string_view flag,
                                                                         const std::vector<std::string>& typed);
  std::expected<void, std::string> read_rewrites(const std::vector<std::string>& typed);
  std::expected<void, std::string> read_headers(const replay_rule_texts& typed);

  bool is_allowed(std::string_view method, std::string_view path) const;
  bool can_be_sent(const model::traffic_request& request) const;
  bool replaces(std::string_view name) const;
  std::string_view host_of(const model::traffic_request& request) const;
  std::string target_of(const model::traffic_request& request) const;

  std::string authority_;
  bool unsafe_ = false;
  std::vector<pattern> allowed_;
  std::vector<pattern> refused_;
  std::string only_host_;
  std::string host_;
  std::vector<std::pair<std::string, std::string>> rewrites_;
  std::vector<std::pair<std::string, std::string>> set_;
  std::vector<std::string> dropped_;
  std::vector<std::string> names_;
};

// Whether `text` is as `pattern` says, in which each * stands for any bytes, none too.
bool fits_pattern(std::string_view pattern, std::string_view text);

}  // namespace assay::load
