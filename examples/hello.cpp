// The smallest server, with nothing in front of it: a service is run by guard::serve, as worker.cpp is. Serves on port
// 8080, or on the port in the environment variable PORT.
#include "stack/http/server.hpp"

using namespace assay;

task<http::response> hello(http::request&) { co_return http::response::text("hello, world\n"); }

int main() { return http::serve(hello, {}); }
