#include "stack/http/event_feed.hpp"

#include <algorithm>
#include <chrono>
#include <string>
#include <utility>

#include "stack/observe/mirror.hpp"

namespace assay::http {
namespace {

task<result<void>> send_to(std::shared_ptr<channel<shared_event>> from, body_sink& to, event_stream_options options) {
  co_return co_await send_events(to, *from, options);
}

std::string moment() { return std::to_string(std::chrono::system_clock::now().time_since_epoch().count()) + "-"; }

}  // namespace

event_feed::event_feed(event_feed_options options)
    : options_(std::move(options)), prefix_(options_.id_prefix ? *options_.id_prefix : moment()) {}

response event_feed::follow(const request& asked) {
  if (followers_.size() >= options_.max_followers) {
    std::erase_if(followers_, [](const auto& each) { return each.expired(); });
  }
  if (followers_.size() >= options_.max_followers) {
    counters_.refused++;
    return response::unavailable("feed_full");
  }
  counters_.followed++;
  const auto mine = std::make_shared<queue>(options_.max_queued + options_.max_remembered);
  remember_for(*mine, last_event_id(asked.head()));
  if (closed_) {
    mine->close();
  } else {
    followers_.push_back(mine);
  }
  return event_response(
      [mine, options = options_.stream] ASSAY_CORO_WRAPPER(body_sink & to) { return send_to(mine, to, options); });
}

void event_feed::remember_for(queue& newcomer, std::string_view seen) const {
  if (seen.empty()) return;
  const auto last = std::ranges::find(remembered_, seen, [](const shared_event& each) { return *each->id; });
  for (auto each = last == remembered_.end() ? remembered_.begin() : std::next(last); each != remembered_.end();
       ++each) {
    shared_event same = *each;
    std::ignore = newcomer.try_send(same);  // it has room for all that is remembered
  }
}

result<std::string> event_feed::tell(sent_event news) {
  if (news.data.size() + news.type.size() + (news.id ? news.id->size() : 0) > options_.max_event_bytes) {
    return std::unexpected(error{.code = errc::limit, .what = "an event's size"});
  }
  if (!news.id) news.id = prefix_ + std::to_string(next_id_);
  std::string text;
  if (const result<void> sound = append_event(text, news); !sound) return std::unexpected(sound.error());
  std::string id = *news.id;
  next_id_++;
  counters_.told++;
  const shared_event told = std::make_shared<const sent_event>(std::move(news));
  std::erase_if(followers_, [this, &told](const std::weak_ptr<queue>& each) {
    const auto to = each.lock();
    shared_event same = told;
    if (to == nullptr || to->try_send(same)) return to == nullptr;
    counters_.sent_away++;
    to->close();
    return true;
  });
  remembered_.push_back(told);
  if (remembered_.size() > options_.max_remembered) remembered_.pop_front();
  return id;
}

void event_feed::close() {
  closed_ = true;
  for (const auto& each : std::exchange(followers_, {})) {
    if (const auto to = each.lock()) to->close();
  }
}

std::size_t event_feed::followers() const {
  return static_cast<std::size_t>(std::ranges::count_if(followers_, [](const auto& each) { return !each.expired(); }));
}

void show(observe::mirror& in, const event_feed& of, std::string_view name) {
  const event_feed_counters& counted = of.counters();
  const std::vector<std::string> labels = {"feed"};
  in.gauge({.name = "assay_feed_followers", .help = "Streams of events now.", .labels = labels}, {name},
           [&of](instant) { return of.followers(); });
  in.counter({.name = "assay_feed_told_total", .help = "Events.", .labels = labels}, {name}, &counted.told);
  in.counter({.name = "assay_feed_followed_total", .help = "Followers there have been.", .labels = labels}, {name},
             &counted.followed);
  in.counter({.name = "assay_feed_sent_away_total", .help = "Followers that read too slowly.", .labels = labels},
             {name}, &counted.sent_away);
  in.counter({.name = "assay_feed_refused_total", .help = "Followers that found no place.", .labels = labels}, {name},
             &counted.refused);
}

}  // namespace assay::http
