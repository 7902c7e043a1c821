// What a service shows of itself: its metrics for Prometheus, and what it is busy with for whoever has to know now.
//
//   routes.add(http::method::get, "/metrics", ...)   // or a handler of its own port
//   const http::handler metrics = guard::access_log::metrics_endpoint(registry);
//   const http::handler tasks = guard::access_log::tasks_endpoint(pool);
//
// Misuse: in reach of strangers. Routes, places in the code and request ids are nobody else's business: a port of its
// own, or auth in front.
#pragma once

#include "stack/http/handler.hpp"
#include "stack/observe/metrics.hpp"
#include "stack/runtime/offload.hpp"

namespace assay::guard::access_log {

// `of` must outlive it. Prometheus' text format, or OpenMetrics for those who accept it.
http::handler metrics_endpoint(const observe::registry& of);

// The live tasks of all loops as text; loops that do not answer within `limit` are named. `on` must outlive it.
http::handler tasks_endpoint(offload_pool& on, duration limit = std::chrono::milliseconds(200));

// Whether it was asked from this host: over loopback, and not by a proxy that says for whom (Forwarded,
// X-Forwarded-..., X-Real-IP, Via). One on this host that says nothing cannot be told from whoever sits there.
bool is_from_this_host(const http::request& asked);

}  // namespace assay::guard::access_log
