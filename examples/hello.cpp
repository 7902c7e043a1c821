// The smallest service. Serves on port 8080, or on the port in the environment variable PORT.
#include "stack/http/server.hpp"

using namespace assay;

task<http::response> hello(http::request&) { co_return http::response::text("hello, world\n"); }

int main() { return http::serve(hello, {}); }
