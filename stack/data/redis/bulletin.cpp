#include "stack/data/redis/bulletin.hpp"

#include <utility>

#include "stack/observe/mirror.hpp"
#include "stack/runtime/combine.hpp"
#include "stack/runtime/delay.hpp"

namespace assay::data::redis {

bulletin::bulletin(bulletin_options options)
    : options_(std::move(options)),
      speaking_({.url = options_.url, .max_connections = 1, .resolver = options_.resolver, .seed = options_.seed}),
      hearing_({.url = options_.url,
                .max_queued = options_.max_queued,
                .resolver = options_.resolver,
                .seed = options_.seed}),
      unsaid_(options_.max_unsaid) {}

bool bulletin::say(std::string text) {
  const bool taken = unsaid_.try_send(text);
  if (!taken) counters_.unsaid++;
  return taken;
}

task<result<void>> bulletin::run(listener heard) {
  std::vector<task<result<void>>> all;
  all.push_back(hearing_.run());
  all.push_back(subscribe());
  all.push_back(speak());
  all.push_back(listen(&heard));
  const auto ended = co_await when_all(std::move(all));
  if (!ended) co_return std::unexpected(ended.error());
  co_return result<void>{};
}

task<result<void>> bulletin::speak() {
  while (true) {
    const result<std::string> next = co_await unsaid_.receive();
    if (!next) co_return std::unexpected(next.error());
    const auto done = co_await speaking_.command("PUBLISH", options_.channel, *next);
    (done ? counters_.said : counters_.unsaid)++;
  }
}

// The subscriber wants no more what it could not have once.
task<result<void>> bulletin::subscribe() {
  while (true) {
    listens_ = (co_await hearing_.subscribe(channel_kind::plain, options_.channel)).has_value();
    if (listens_) co_return result<void>{};
    const result<void> waited = co_await delay_for(options_.pause);
    if (!waited) co_return std::unexpected(waited.error());
  }
}

task<result<void>> bulletin::listen(const listener* heard) {
  while (true) {
    const result<event> next = co_await hearing_.receive();
    if (!next) co_return std::unexpected(next.error());
    (next->kind == event::kind_type::message ? counters_.heard : counters_.gaps)++;
    (*heard)(*next);
  }
}

void show(observe::mirror& in, const bulletin& of, std::string_view name) {
  const bulletin_counters& counted = of.counters();
  const std::vector<std::string> labels = {"bulletin"};
  in.counter({.name = "assay_bulletin_said_total", .help = "Texts that Redis has taken.", .labels = labels}, {name},
             &counted.said);
  in.counter({.name = "assay_bulletin_unsaid_total", .help = "Texts that were dropped.", .labels = labels}, {name},
             &counted.unsaid);
  in.counter({.name = "assay_bulletin_heard_total", .help = "Texts that came, own ones included.", .labels = labels},
             {name}, &counted.heard);
  in.counter({.name = "assay_bulletin_gaps_total", .help = "Times that some may be missing.", .labels = labels}, {name},
             &counted.gaps);
  in.gauge({.name = "assay_bulletin_loops", .help = "Loops that listen.", .labels = labels}, {name},
           [&of](instant) { return of.listens() ? 1 : 0; });
}

}  // namespace assay::data::redis
