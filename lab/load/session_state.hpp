// A session on its way, as session_generator.cpp drives it and session_exchange.cpp sends its requests.
//
// Misuse: including it elsewhere; it is the generator's own.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "lab/load/session_generator.hpp"

namespace assay::load {

// One that is due, taken from its schedule.
struct session_generator::arrived {
  std::size_t scenario = 0;
  std::uint64_t number = 0;  // of its scenario
  instant intended{};
  bool waited = false;                   // for a place
  instant blind_until = instant::min();  // what was due by then could have begun at once: this thread did not run
};

// One under way.
struct session_generator::session {
  const session_scenario& how;
  arrived begun;
  std::unique_ptr<exchange_connection> on = {};
  cookie_jar jar = {};
  answer_reader reads = {};
  std::vector<std::string> variables = {};
  std::vector<request_source::given_value> given = {};
  request_source::draft request = {};
  // For the lag of the step: from when it could have been sent, and until when nobody had looked.
  instant free_since = instant::min();
  instant blind_until = instant::min();
  instant answered_at{};
  coming_seconds::claim next = {};  // a step that is to come
};

// The target of a request's bytes.
inline std::string_view target_in(std::string_view request) {
  const std::size_t begin = request.find(' ') + 1;
  return request.substr(begin, request.find(' ', begin) - begin);
}

}  // namespace assay::load
