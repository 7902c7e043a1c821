// A bulkhead around what belongs to one part of a service.
//
//   guard::bulkhead::layer(reports, guard::bulkhead::under("/reports"))  // these requests; 503 for what finds no place
//   guard::bulkhead::call_layer(shop)   // exchanges; errc::limit, which nobody retries
//
// A place is held until the handler has ended, and its stream when there is one; around an exchange until its outcome
// is there. Around an exchange it stands outside of retries: a caller that pauses before one is as stuck as one that
// waits for an answer, and it is callers that a slow dependency takes away.
//
// Misuse: one policy for two parts that do not share what is slow. The healthy one is refused for the sake of the
// other.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "stack/guard/bulkhead/policy.hpp"
#include "stack/guard/layer.hpp"
#include "stack/guard/step.hpp"

namespace assay::guard::bulkhead {

// Which requests belong to a part: as it is made, all of them.
class selection {
 public:
  selection() = default;
  bool has(const http::request& asked) const { return path_.empty() || is_under_path(asked); }

 private:
  friend selection under(std::string path);
  bool is_under_path(const http::request& asked) const;

  std::string path_;
};
// Those with this path, and all below it: "/a" selects "/a" and "/a/b", not "/ab".
selection under(std::string path);

handler_layer layer(std::shared_ptr<policy> part, selection belongs = {});

// A part of a server, and what belongs to it.
struct wall {
  std::shared_ptr<policy> part;
  selection belongs = {};
};

// Several walls for a row of steps, outermost first: a request needs a place of each that it belongs to. Without any
// everybody passes.
class step {
 public:
  class held {
    friend class step;
    std::size_t next_wall_ = 0;
    permit first_;  // nearly always the only one
    std::vector<permit> further_;
  };
  explicit step(const std::vector<wall>& outermost_first);

  entry enter(passage& way, held& mine) const { return walls_ ? enter_walls(way, mine) : entry::passes; }
  task<entry> wait(passage& way, held& mine) const;
  static void leave(const passage&, const held&, const http::response&) {}

 private:
  struct refusing_wall {
    wall of;
    http::response refusal;  // made once
  };
  static void take(held& mine, permit place);
  entry enter_walls(passage& way, held& mine) const;

  std::shared_ptr<const std::vector<refusing_wall>> walls_;
};

exchange_layer call_layer(std::shared_ptr<policy> part);

}  // namespace assay::guard::bulkhead
