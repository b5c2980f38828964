// Views of JSON text that strict_json has accepted: cheap to copy, dead when the text dies.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

namespace tallygate {

enum class JsonKind { null, boolean, number, string, array, object };

// One value of an accepted text, as its own minified bytes.
struct JsonView {
  std::string_view raw;

  JsonKind kind() const {
    switch (raw.empty() ? 'n' : raw.front()) {
      case '{': return JsonKind::object;
      case '[': return JsonKind::array;
      case '"': return JsonKind::string;
      case 't':
      case 'f': return JsonKind::boolean;
      case 'n': return JsonKind::null;
      default: return JsonKind::number;
    }
  }
};

// A whole accepted text: minified, key order and number spelling as they came, followed by the zero
// bytes the reader may look at. Moves keep its views alive; only strict_json and trusted code of
// our own make one.
class JsonText {
 public:
  // The reader may touch this many bytes behind the text.
  static constexpr std::size_t padding = 64;

  JsonText() : JsonText(std::string("null")) {}
  // REQUIRES: `minified` is one valid JSON value without white space outside strings.
  explicit JsonText(const std::string& minified) : size_(minified.size()) {
    bytes_ = std::make_unique<char[]>(size_ + padding);
    minified.copy(bytes_.get(), size_);
  }
  // Takes `bytes`, whose first `size` hold the text and which has `padding` more.
  JsonText(std::unique_ptr<char[]> bytes, std::size_t size)
      : bytes_(std::move(bytes)), size_(size) {}

  JsonView view() const { return JsonView{std::string_view(bytes_.get(), size_)}; }

 private:
  std::unique_ptr<char[]> bytes_;
  std::size_t size_;
};

}  // namespace tallygate
