#include "lab/fault/http_service.hpp"

#include <atomic>
#include <charconv>
#include <future>
#include <thread>

#include "stack/http/server.hpp"
#include "stack/net/address.hpp"
#include "stack/runtime/delay.hpp"

namespace assay::fault {
namespace {

constexpr io_options modest_io{.kind = io_kind::epoll, .buffer_count = 256};
// It ends with the campaign: nobody waits for an answer any more.
constexpr duration drain_timeout = std::chrono::milliseconds(200);

bool is_digit(char c) { return c >= '0' && c <= '9'; }

std::uint64_t last_number(std::string_view path) {
  const auto end = path.find_last_of("0123456789");
  if (end == std::string_view::npos) return 0;
  auto begin = end;
  while (begin > 0 && is_digit(path[begin - 1])) --begin;
  std::uint64_t number = 0;
  const auto [stop, failed] = std::from_chars(path.data() + begin, path.data() + end + 1, number);
  return failed == std::errc() ? number : 0;
}

// The value of "n" or "n*A%B"; nothing for any other text, which stays as it is.
std::optional<std::uint64_t> value_of(std::string_view formula, std::uint64_t n) {
  if (formula == "n") return n;
  const auto percent = formula.find('%');
  if (!formula.starts_with("n*") || percent == std::string_view::npos) return std::nullopt;
  const std::string_view factor_text = formula.substr(2, percent - 2);
  const std::string_view modulus_text = formula.substr(percent + 1);
  std::uint64_t factor = 0;
  std::uint64_t modulus = 0;
  const auto factor_end = std::from_chars(factor_text.data(), factor_text.data() + factor_text.size(), factor);
  const auto modulus_end = std::from_chars(modulus_text.data(), modulus_text.data() + modulus_text.size(), modulus);
  if (factor_end.ptr != factor_text.data() + factor_text.size()) return std::nullopt;
  if (modulus_end.ptr != modulus_text.data() + modulus_text.size() || modulus == 0) return std::nullopt;
  return (n % modulus) * (factor % modulus) % modulus;
}

}  // namespace

std::string render_reply(const std::string& reply, std::string_view path) {
  const std::uint64_t n = last_number(path);
  std::string rendered;
  for (std::size_t at = 0; at < reply.size();) {
    const auto end = reply[at] == '{' ? reply.find('}', at) : std::string::npos;
    const auto value =
        end == std::string::npos ? std::nullopt : value_of(std::string_view(reply).substr(at + 1, end - at - 1), n);
    if (value) {
      rendered += std::to_string(*value);
      at = end + 1;
    } else {
      rendered += reply[at++];
    }
  }
  return rendered;
}

struct http_service::state {
  explicit state(http_service_options given) : options(std::move(given)), random(options.seed) {}

  task<http::response> answer(http::request* asked);
  void run(std::promise<std::string>* started);

  http_service_options options;
  std::mt19937_64 random;  // of the loop's thread
  std::unique_ptr<loop> on;
  std::unique_ptr<http::server> serves;
  std::uint16_t port = 0;
  std::atomic<std::uint64_t> requests{0};
  std::thread thread;
};

task<http::response> http_service::state::answer(http::request* asked) {
  requests.fetch_add(1, std::memory_order_relaxed);
  const bool fails = std::uniform_real_distribution<double>()(random) < options.error_share;
  const duration latency = draw(options.latency, random);
  if (latency > duration::zero()) {
    if (const result<void> waited = co_await delay_for(latency); !waited)
      co_return http::response::from(waited.error());
  }
  if (asked->verb() != http::method::get) co_return http::response::json(R"({"error":"method_not_allowed"})", 405);
  if (fails) co_return http::response::json(R"({"error":"unavailable"})", 503);
  co_return http::response::json(render_reply(options.reply, asked->path()));
}

void http_service::state::run(std::promise<std::string>* started) {
  result<std::unique_ptr<io>> backend = make_io(modest_io);
  if (!backend) return started->set_value("third-party service: " + describe(backend.error()));
  on = std::make_unique<loop>(std::move(*backend));
  result<net::listener> opened = net::listener::open(on->backend(), *net::parse_address("127.0.0.1", 0));
  if (!opened) return started->set_value("third-party service: " + describe(opened.error()));
  port = net::port_of(opened->local_address());
  // The handler may wait as long as the longest latency.
  http::server_limits limits;
  limits.handler_timeout = max_latency + std::chrono::seconds(1);
  limits.drain_timeout = drain_timeout;
  serves = std::make_unique<http::server>([this] ASSAY_CORO_WRAPPER(http::request & asked) { return answer(&asked); },
                                          limits);
  started->set_value("");
  std::ignore = on->run(serves->run(std::move(*opened)));
}

http_service::http_service(std::unique_ptr<state> made) : state_(std::move(made)) {}

std::expected<std::unique_ptr<http_service>, std::string> http_service::start(http_service_options options) {
  auto made = std::make_unique<state>(std::move(options));
  std::promise<std::string> started;
  made->thread = std::thread([state = made.get(), &started] { state->run(&started); });
  const std::string failure = started.get_future().get();
  if (!failure.empty()) {
    made->thread.join();
    return std::unexpected(failure);
  }
  return std::unique_ptr<http_service>(new http_service(std::move(made)));
}

http_service::~http_service() {
  state_->on->post([this] { state_->serves->drain(); });
  state_->thread.join();
}

std::uint16_t http_service::port() const { return state_->port; }

std::uint64_t http_service::requests() const { return state_->requests.load(std::memory_order_relaxed); }

}  // namespace assay::fault
