// Fuzzes the reader of GoReplay's recordings: cuts do not matter, no record holds what ends one, what is accepted could
// be sent or answered, and a request that is written again as it was read is read as the same.
#include <string>
#include <string_view>
#include <vector>

#include "lab/learn/line/gor_record.hpp"
#include "stack/http/message.hpp"
#include "tests/fuzz/fuzz_support.hpp"

namespace {

using namespace assay;

// What a server would be sent, framed anew.
std::string written(const learn::gor_message& message) {
  std::string bytes(message.method);
  bytes.append(" ").append(message.target).append(" HTTP/1.1\r\nHost: ").append(message.host).append("\r\n");
  bytes.append(message.fields)
      .append("Content-Length: ")
      .append(std::to_string(message.body.size()))
      .append("\r\n\r\n");
  return bytes.append(message.body);
}

void check_request(const learn::gor_message& message, std::string_view record) {
  for (const std::string_view part : {message.method, message.target, message.host, message.id}) {
    fuzz::check(fuzz::lies_inside(part, record), "a part lies inside the record");
  }
  fuzz::check(message.body.size() <= record.size(), "a body is no longer than what was read");
  fuzz::check(message.fields.size() <= 2 * record.size(), "nor are the fields, but for their separators");
  fuzz::check(message.fields.empty() || message.fields.ends_with("\r\n"), "fields are lines");
  const std::string again_record = "1 " + std::string(message.id) + " 1646861401000000000\n" + written(message);
  // Without a host, or with one field more than fits, it cannot be written as HTTP/1.1.
  const auto again = learn::read_gor_record(again_record);
  if (message.host.empty() || !again) return;
  fuzz::check(again->method == message.method && again->target == message.target, "the request line stays");
  fuzz::check(again->fields == message.fields, "the fields stay");
  fuzz::check(again->body == message.body && again->whole, "the body stays");
}

void check_record(std::string_view record) {
  const fuzz::exact_copy exact(record);
  const auto message = learn::read_gor_record(exact.view());
  if (!message) {
    fuzz::check(learn::label(message.error()) != "unknown", "a refusal has a name");
    return;
  }
  fuzz::check(message->kind == '1' || message->kind == '2', "a request or a response");
  fuzz::check(learn::connection_of(message->id).size() <= message->id.size(), "a connection is a part of the id");
  if (message->kind == '1') return check_request(*message, exact.view());
  fuzz::check(message->status >= 100 && message->status <= 599, "the status is in range");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  std::vector<std::string> records;
  learn::gor_cutter whole;
  for (std::string_view rest = input; whole.feed(rest);) records.emplace_back(whole.record());
  learn::gor_cutter pieces;
  fuzz::cutter cuts(input);
  std::size_t found = 0;
  for (std::string_view left = input; !left.empty();) {
    std::string_view piece = left.substr(0, cuts.next(left.size()));
    left.remove_prefix(piece.size());
    while (pieces.feed(piece)) {
      fuzz::check(found < records.size() && records[found] == pieces.record(), "cuts do not matter");
      ++found;
    }
  }
  fuzz::check(found == records.size(), "every record is found");
  fuzz::check(pieces.is_inside() == whole.is_inside(), "and so is what is left");
  for (const std::string& each : records) check_record(each);
  check_record(input);
  return 0;
}
