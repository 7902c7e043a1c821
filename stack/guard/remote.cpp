#include "stack/guard/remote.hpp"

#include <utility>

#include "stack/guard/trace/layer.hpp"
#include "stack/http/settings.hpp"

namespace assay::guard {
namespace {

chain::client_options with_ids(chain::client_options given) {
  if (!given.observe) given.observe = trace::sending_layer();
  return given;
}

std::vector<std::string> names_of(const std::vector<http::origin>& hosts) {
  std::vector<std::string> names;
  for (const http::origin& each : hosts) names.push_back(each.host);
  return names;
}

std::vector<std::unique_ptr<http::client>> clients_of(const std::vector<http::origin>& hosts,
                                                      const http::client_limits& limits) {
  std::vector<std::unique_ptr<http::client>> clients;
  for (const http::origin& each : hosts) clients.push_back(std::make_unique<http::client>(each, limits));
  return clients;
}

std::vector<exchange> exchanges_of(const std::vector<std::unique_ptr<http::client>>& clients) {
  std::vector<exchange> all;
  for (const auto& each : clients) all.push_back(exchange_of(*each));
  return all;
}

}  // namespace

remote::remote(const std::vector<http::origin>& hosts, chain::client_options guards, const http::client_limits& limits)
    : names_(names_of(hosts)),
      clients_(clients_of(hosts, limits)),
      guards_(http::or_refuse(chain::client::make(with_ids(std::move(guards)), names_))),
      ask_(guards_.around(exchanges_of(clients_))) {}

void show(observe::mirror& in, const remote& of, std::string_view name) {
  for (std::size_t host = 0; host < of.hosts(); ++host) {
    const std::string label = of.hosts() == 1 ? std::string(name) : std::string(name) + " " + of.name_of(host);
    show(in, of.connections(host), label);
  }
  show(in, of.guards(), name);
}

}  // namespace assay::guard
