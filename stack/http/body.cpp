#include "stack/http/body.hpp"

namespace assay::http {

task<result<std::string>> read_all(body_source& from, std::uint64_t most, std::uint64_t told) {
  constexpr error too_large{.code = errc::limit, .what = "body too large"};
  if (told > most) co_return std::unexpected(too_large);
  std::string body;
  while (true) {
    const result<std::string_view> piece = co_await from.read();
    if (!piece) co_return std::unexpected(piece.error());
    if (piece->empty()) co_return body;
    if (piece->size() > most - body.size()) co_return std::unexpected(too_large);
    body.append(*piece);
  }
}

task<result<void>> copy_body(body_source& from, body_sink& to, std::optional<error>* unread) {
  std::string held;
  while (true) {
    const result<std::string_view> piece = co_await from.read();
    // Told to stop, it says nothing of `from`: `to` has failed, or nobody wants more.
    if (!piece && unread != nullptr && piece.error().code != errc::cancelled) *unread = piece.error();
    if (!piece) co_return std::unexpected(piece.error());
    if (piece->empty()) co_return result<void>{};
    held.assign(*piece);
    from.let_go();  // `to` may wait for long
    const result<void> written = co_await to.write(held);
    if (!written) co_return written;
  }
}

}  // namespace assay::http
