#include "ledger/audit_chain.h"

#include "protocol/check.h"

#include <algorithm>
#include <array>
#include <charconv>

namespace tallygate {
namespace {

// The fields before the body, each with a NUL behind it: neither numbers nor kinds hold one.
class Frame {
 public:
  void add(std::int64_t number) {
    end_ = std::to_chars(end_, text_.data() + text_.size(), number).ptr;
    close();
  }
  void add(std::string_view word) {
    CHECK(word.size() < kind_size_max);
    end_ = std::ranges::copy(word, end_).out;
    close();
  }
  std::string_view text() const {
    return {text_.data(), static_cast<std::size_t>(end_ - text_.data())};
  }

 private:
  static constexpr std::size_t kind_size_max = 64;
  static constexpr std::size_t number_size_max = 21;  // of an int64, and its NUL

  void close() { *end_++ = '\0'; }

  std::array<char, 3 * number_size_max + kind_size_max> text_;
  char* end_ = text_.data();
};

}  // namespace

Digest audit_genesis() { return sha256("tallygate audit chain 1"); }

Digest audit_hash(const Digest& previous, std::int64_t seq, std::int64_t at_ms,
                  std::string_view kind, std::int64_t action, std::string_view body) {
  Frame frame;
  frame.add(seq);
  frame.add(at_ms);
  frame.add(kind);
  frame.add(action);
  return sha256({as_bytes(previous), frame.text(), body});
}

}  // namespace tallygate
