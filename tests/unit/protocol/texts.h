// Texts for the tests of this room: exact copies, accepted values.
#pragma once

#include "protocol/json_view.h"
#include "protocol/strict_json.h"
#include "support/catch.h"

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

namespace tallygate {

// A copy in a heap block of exactly its size, so that a sanitizer sees every look behind it.
class ExactText {
 public:
  explicit ExactText(std::string_view text)
      : bytes_(std::make_unique<char[]>(text.size())), size_(text.size()) {
    text.copy(bytes_.get(), size_);
  }
  std::string_view view() const { return {bytes_.get(), size_}; }

 private:
  std::unique_ptr<char[]> bytes_;
  std::size_t size_;
};

inline Result<JsonText> parse_exact(std::string_view text) {
  return strict_json(ExactText(text).view());
}

// A text that must be accepted.
inline JsonText accepted(std::string_view text) {
  Result<JsonText> json = parse_exact(text);
  INFO(text);
  REQUIRE(json.ok());
  return std::move(json).value();
}

inline std::string nested(std::size_t depth, std::string_view open, std::string_view core,
                          std::string_view close) {
  std::string text;
  for (std::size_t i = 0; i < depth; ++i) text += open;
  text += core;
  for (std::size_t i = 0; i < depth; ++i) text += close;
  return text;
}

}  // namespace tallygate
