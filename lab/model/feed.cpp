#include "lab/model/feed.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <optional>

namespace assay::model {
namespace {

// What spreadsheets put in front of UTF-8: no part of the first column's name.
constexpr std::string_view byte_order_mark = "\xef\xbb\xbf";

// Splits CSV text into records; quoted fields may hold commas, quotes doubled, and line ends.
class csv_reader {
 public:
  explicit csv_reader(std::string_view text) : text_(text) {}

  bool at_end() const { return at_ >= text_.size(); }
  int line() const { return line_; }
  // Nothing when a quote is not closed, or text follows a closing one.
  std::optional<std::vector<std::string>> next() {
    std::vector<std::string> fields;
    while (true) {
      std::optional<std::string> field = next_field();
      if (!field) return std::nullopt;
      fields.push_back(std::move(*field));
      if (at_end() || text_[at_++] == '\n') break;  // else a comma
    }
    ++line_;
    return fields;
  }

 private:
  std::optional<std::string> next_field() {
    if (at_end() || text_[at_] != '"') {
      const std::size_t end = std::min(text_.find_first_of(",\n", at_), text_.size());
      std::string field(text_.substr(at_, end - at_));
      at_ = end;
      if (field.ends_with('\r')) field.pop_back();
      return field;
    }
    std::string field;
    for (++at_; !at_end(); ++at_) {
      if (text_[at_] == '"') {
        if (!text_.substr(at_ + 1).starts_with('"')) break;
        ++at_;
      }
      if (text_[at_] == '\n') ++line_;
      field += text_[at_];
    }
    if (at_end()) return std::nullopt;
    ++at_;
    if (text_.substr(at_).starts_with("\r\n")) ++at_;
    if (!at_end() && text_[at_] != ',' && text_[at_] != '\n') return std::nullopt;
    return field;
  }

  std::string_view text_;
  std::size_t at_ = 0;
  int line_ = 1;
};

using lines = std::expected<std::vector<std::string>, std::string>;

lines read_csv(const std::string& path, const std::string& text, const std::string& column) {
  csv_reader csv(text);
  const auto header = csv.next();
  if (!header) return std::unexpected(path + ":1: expected a header line");
  const auto wanted = std::ranges::find(*header, column);
  if (column.empty()) return std::unexpected(path + ": expected \"column\", the name of one of its columns");
  if (wanted == header->end()) return std::unexpected(fmt::format("{}: no column \"{}\"", path, column));
  const auto index = static_cast<std::size_t>(wanted - header->begin());
  std::vector<std::string> values;
  while (!csv.at_end()) {
    const int line = csv.line();
    auto record = csv.next();
    if (!record || record->size() != header->size()) {
      return std::unexpected(fmt::format("{}:{}: expected {} fields", path, line, header->size()));
    }
    values.push_back(std::move((*record)[index]));
  }
  return values;
}

// Takes a line off the text, without its end.
std::string_view take_line(std::string_view& text) {
  const std::size_t end = std::min(text.find('\n'), text.size());
  std::string_view line = text.substr(0, end);
  if (line.ends_with('\r')) line.remove_suffix(1);
  text.remove_prefix(std::min(end + 1, text.size()));
  return line;
}

std::vector<std::string> read_plain(std::string_view text) {
  std::vector<std::string> values;
  while (!text.empty()) {
    const std::string_view line = take_line(text);
    if (!line.empty()) values.emplace_back(line);
  }
  return values;
}

// Texts as they are, numbers and the rest as they are written; objects and lists are no values.
lines read_json_lines(const std::string& path, std::string_view text, const std::string& member) {
  if (member.empty()) return std::unexpected(path + ": expected \"column\", the name of a member of its objects");
  std::vector<std::string> values;
  for (int number = 1; !text.empty(); ++number) {
    const std::string_view line = take_line(text);
    if (line.empty()) continue;
    const nlohmann::json object = nlohmann::json::parse(line, nullptr, false);
    if (!object.is_object()) return std::unexpected(fmt::format("{}:{}: expected a JSON object", path, number));
    const auto value = object.find(member);
    if (value == object.end() || value->is_structured() || value->is_null()) {
      return std::unexpected(fmt::format("{}:{}: expected a text or a number in \"{}\"", path, number, member));
    }
    values.push_back(value->is_string() ? value->get<std::string>() : value->dump());
  }
  return values;
}

}  // namespace

std::expected<std::string, std::string> read_whole(const std::string& path, std::size_t most) {
  std::error_code failed;
  if (!std::filesystem::is_regular_file(path, failed)) return std::unexpected(path + ": no such file");
  std::ifstream file(path, std::ios::binary);
  std::string content;
  std::array<char, 16384> piece{};
  while (content.size() <= most && (file.read(piece.data(), piece.size()) || file.gcount() > 0)) {
    content.append(piece.data(), static_cast<std::size_t>(file.gcount()));
  }
  if (!file.is_open() || file.bad()) return std::unexpected(path + ": cannot read that file");
  if (content.size() > most) return std::unexpected(fmt::format("{}: larger than {} bytes", path, most));
  return content;
}

lines read_feed(const std::string& path, const std::string& column) {
  auto text = read_whole(path, most_feed_bytes);
  if (!text) return std::unexpected(text.error());
  if (text->starts_with(byte_order_mark)) text->erase(0, byte_order_mark.size());
  const bool csv = path.ends_with(".csv");
  const bool json = path.ends_with(".jsonl");
  if (!csv && !json && !column.empty()) return std::unexpected(path + ": a column is of a .csv or .jsonl file");
  lines values = csv    ? read_csv(path, *text, column)
                 : json ? read_json_lines(path, *text, column)
                        : lines(read_plain(*text));
  if (values && values->empty()) return std::unexpected(path + ": holds no value");
  if (values && values->size() > most_feed_values) {
    return std::unexpected(fmt::format("{}: more than {} values", path, most_feed_values));
  }
  return values;
}

}  // namespace assay::model
