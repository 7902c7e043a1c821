#include "stack/http/websocket/extension.hpp"

#include <algorithm>
#include <charconv>
#include <utility>

#include "stack/http/chars.hpp"

namespace assay::websocket {
namespace {

constexpr std::string_view field_name = "sec-websocket-extensions";
constexpr std::string_view deflate_name = "permessage-deflate";
constexpr int widest_bits = 15;

// The grammar of one field's value: extension *("," extension), extension = token *(";" token ["=" value]).
class field_reader {
 public:
  explicit field_reader(std::string_view value) : rest_(value) {}

  bool read(std::vector<extension>& into) {
    do {
      extension& next = into.emplace_back();
      if (!token(next.name)) return false;
      while (take(';')) {
        if (!parameter(next.parameters.emplace_back())) return false;
      }
    } while (take(','));
    return rest_.empty();
  }

 private:
  void skip_blanks() {
    while (!rest_.empty() && http::detail::is_blank(rest_.front())) rest_.remove_prefix(1);
  }
  bool take(char wanted) {
    skip_blanks();
    if (!rest_.starts_with(wanted)) return false;
    rest_.remove_prefix(1);
    return true;
  }
  bool token(std::string_view& into) {
    skip_blanks();
    std::size_t size = 0;
    while (size < rest_.size() && http::detail::is_token(rest_[size])) size++;
    into = rest_.substr(0, size);
    rest_.remove_prefix(size);
    skip_blanks();
    return size > 0;
  }
  bool parameter(extension::parameter& into) {
    if (!token(into.name)) return false;
    if (!take('=')) return true;
    skip_blanks();
    std::string_view value;
    if (rest_.starts_with('"')) {  // what is in there must be a token as well (RFC 6455 section 9.1)
      const std::size_t end = rest_.find('"', 1);
      if (end == std::string_view::npos) return false;
      value = rest_.substr(1, end - 1);
      rest_.remove_prefix(end + 1);
      if (value.empty() || !std::ranges::all_of(value, http::detail::is_token)) return false;
    } else if (!token(value)) {
      return false;
    }
    skip_blanks();
    into.value = value;
    return true;
  }

  std::string_view rest_;
};

// The parameters of one permessage-deflate.
struct deflate_parameters {
  bool server_no_context_takeover = false;
  bool client_no_context_takeover = false;
  std::optional<int> server_max_window_bits;
  std::optional<int> client_max_window_bits;  // 15 when it was offered without a value
};

// Decimal, 8 to 15, no leading zero.
std::optional<int> window_bits(std::string_view text) {
  int bits = 0;
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), bits);
  const bool whole = failed == std::errc() && end == text.data() + text.size();
  if (!whole || text.front() == '0' || bits < 8 || bits > widest_bits) return std::nullopt;
  return bits;
}

bool read_flag(const extension::parameter& from, bool& into) {
  return !from.value && !std::exchange(into, true);  // neither with a value nor twice
}

bool read_bits(const extension::parameter& from, bool value_optional, std::optional<int>& into) {
  if (into) return false;
  into = from.value ? window_bits(*from.value) : value_optional ? std::optional(widest_bits) : std::nullopt;
  return into.has_value();
}

std::optional<deflate_parameters> read_parameters(const extension& from, bool is_offer) {
  deflate_parameters read;
  for (const extension::parameter& each : from.parameters) {
    bool fine = false;
    if (each.name == "server_no_context_takeover") {
      fine = read_flag(each, read.server_no_context_takeover);
    } else if (each.name == "client_no_context_takeover") {
      fine = read_flag(each, read.client_no_context_takeover);
    } else if (each.name == "server_max_window_bits") {
      fine = read_bits(each, false, read.server_max_window_bits);
    } else if (each.name == "client_max_window_bits") {
      fine = read_bits(each, is_offer, read.client_max_window_bits);
    }
    if (!fine) return std::nullopt;
  }
  return read;
}

accepted_deflate accept_offer(const deflate_parameters& offer, const deflate_options& options) {
  accepted_deflate accepted{.agreed = {}, .answer = std::string(deflate_name)};
  deflate_agreement& agreed = accepted.agreed;
  agreed.send_takeover = options.context_takeover && !offer.server_no_context_takeover;
  agreed.receive_takeover = options.context_takeover && !offer.client_no_context_takeover;
  // RFC 7692 section 7.1.1: these two need not have been offered.
  if (!agreed.send_takeover) accepted.answer += "; server_no_context_takeover";
  if (!agreed.receive_takeover) accepted.answer += "; client_no_context_takeover";
  agreed.send_window_bits = std::min(options.max_window_bits, offer.server_max_window_bits.value_or(widest_bits));
  if (offer.server_max_window_bits) {
    accepted.answer += "; server_max_window_bits=" + std::to_string(agreed.send_window_bits);
  }
  if (offer.client_max_window_bits) {
    agreed.receive_window_bits = std::min(options.max_window_bits, *offer.client_max_window_bits);
    accepted.answer += "; client_max_window_bits=" + std::to_string(agreed.receive_window_bits);
  }
  return accepted;
}

// A kept window of the server's costs us memory: then we ask for a small one.
bool limits_server_window(const deflate_options& options) {
  return options.context_takeover && options.max_window_bits < widest_bits;
}

}  // namespace

std::optional<std::vector<extension>> parse_extensions(const http::header_list& headers) {
  std::vector<extension> all;
  for (const http::header_field& field : headers) {
    if (!http::equals_ignoring_case(field.name, field_name)) continue;
    if (!field_reader(field.value).read(all)) return std::nullopt;
  }
  return all;
}

std::optional<accepted_deflate> choose_deflate(const std::vector<extension>& offers, const deflate_options& options) {
  if (!options.enabled) return std::nullopt;
  for (const extension& each : offers) {
    if (each.name != deflate_name) continue;
    if (const auto offer = read_parameters(each, true)) return accept_offer(*offer, options);
  }
  return std::nullopt;
}

std::string deflate_offer(const deflate_options& options) {
  std::string offer(deflate_name);
  offer += "; client_max_window_bits";
  if (!options.context_takeover) offer += "; server_no_context_takeover; client_no_context_takeover";
  if (limits_server_window(options)) offer += "; server_max_window_bits=" + std::to_string(options.max_window_bits);
  return offer;
}

std::expected<std::optional<deflate_agreement>, const char*> deflate_answer(const std::vector<extension>& answer,
                                                                            const deflate_options& options) {
  if (answer.empty()) return std::nullopt;
  if (!options.enabled || answer.size() > 1 || answer.front().name != deflate_name) {
    return std::unexpected("the server chose an extension that was not offered");
  }
  const auto read = read_parameters(answer.front(), false);
  if (!read) return std::unexpected("the server's parameters of permessage-deflate are malformed");
  const int server_bits = read->server_max_window_bits.value_or(widest_bits);
  if ((limits_server_window(options) && server_bits > options.max_window_bits) ||
      (!options.context_takeover && !read->server_no_context_takeover)) {
    return std::unexpected("the server granted less of permessage-deflate than was asked for");
  }
  return deflate_agreement{
      .send_window_bits = std::min(options.max_window_bits, read->client_max_window_bits.value_or(widest_bits)),
      .receive_window_bits = server_bits,
      .send_takeover = options.context_takeover && !read->client_no_context_takeover,
      .receive_takeover = !read->server_no_context_takeover};
}

}  // namespace assay::websocket
