// Fuzzes the reader of JSON that somebody has sent, against nlohmann::json: what is read without trouble is an object
// there too, and each member is what it is there; trouble is said once, in UTF-8.
#include <cmath>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "stack/http/json_reader.hpp"
#include "stack/observe/text_escape.hpp"
#include "tests/fuzz/fuzz_support.hpp"

namespace {

using namespace assay;
using nlohmann::json;

bool is_utf8(std::string_view text) {
  while (!text.empty()) {
    const std::size_t character = observe::utf8_character_bytes(text);
    if (character == 0) return false;
    text.remove_prefix(character);
  }
  return true;
}

void check_sentence(const http::json_reader& in) {
  fuzz::check(in.ok() == in.wrong().empty(), "what is wrong is said");
  fuzz::check(is_utf8(in.wrong()), "and can be sent");
}

// Each member as each type, by a reader of its own: the first trouble stays.
template <class T>
void check_member(std::string_view text, const json& whole, const std::string& name) {
  http::json_reader in(text);
  const T seen = in.get<T>(name);
  check_sentence(in);
  if (in.ok()) fuzz::check(whole.at(name).get<T>() == seen, "a member is what it is");
}

void check_list(std::string_view text, const json& whole, const std::string& name) {
  http::json_reader in(text);
  std::size_t count = 0;
  for (http::json_reader each : in.list(name)) {
    each.object("a").find<std::int64_t>("b");
    each.value<std::uint8_t>();
    count++;
  }
  check_sentence(in);
  if (whole.at(name).is_array()) fuzz::check(count == whole.at(name).size(), "a list has all its elements");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const fuzz::exact_copy input({reinterpret_cast<const char*>(data), size});
  http::json_reader in(input.view());
  check_sentence(in);
  if (!in.ok()) {
    in.get<bool>("a");
    in.find<std::string>("b");
    in.list("c");
    check_sentence(in);
    return 0;
  }
  const json whole = json::parse(input.view(), nullptr, false);
  fuzz::check(whole.is_object(), "what is read is an object");
  for (const auto& [name, value] : whole.items()) {
    check_member<bool>(input.view(), whole, name);
    check_member<std::int8_t>(input.view(), whole, name);
    check_member<std::int64_t>(input.view(), whole, name);
    check_member<std::uint64_t>(input.view(), whole, name);
    check_member<double>(input.view(), whole, name);
    check_member<std::string>(input.view(), whole, name);
    check_list(input.view(), whole, name);
  }
  return 0;
}
