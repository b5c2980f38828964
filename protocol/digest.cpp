// The library's newer interface fetches each algorithm from a provider, which costs a start more
// than all else that it does with digests; the older one is the same code, called at once.
#define OPENSSL_SUPPRESS_DEPRECATED

#include "protocol/digest.h"

#include "protocol/check.h"
#include "protocol/json_reader.h"
#include "protocol/json_writer.h"

#include <openssl/sha.h>

#include <algorithm>
#include <charconv>
#include <vector>

namespace tallygate {
namespace {

// A number as sign, digits without outer zeros, and the power of ten of the last digit.
std::string number_text(std::string_view raw) {
  const bool negative = raw.front() == '-';
  const std::size_t e = std::min(raw.find_first_of("eE"), raw.size());
  std::string digits(raw.substr(0, e));
  if (negative) digits.erase(0, 1);
  std::int64_t exponent = 0;
  if (const auto point = digits.find('.'); point != std::string::npos) {
    exponent -= static_cast<std::int64_t>(digits.size() - point - 1);
    digits.erase(point, 1);
  }
  digits.erase(0, std::min(digits.find_first_not_of('0'), digits.size()));
  if (digits.empty()) return "0";
  while (digits.back() == '0') {
    digits.pop_back();
    ++exponent;
  }
  if (e < raw.size()) {
    std::int64_t written = 0;
    const char* first = raw.data() + e + 1 + (raw[e + 1] == '+' ? 1 : 0);
    const auto [end, error] = std::from_chars(first, raw.data() + raw.size(), written);
    // Beyond any number: its spelling is its value.
    if (error != std::errc() || __builtin_add_overflow(exponent, written, &exponent)) {
      return std::string(raw);
    }
  }
  return (negative ? "-" : "") + digits + (exponent == 0 ? "" : "e" + std::to_string(exponent));
}

void append_value(std::string& out, JsonView value);

void append_object(std::string& out, JsonView object) {
  std::vector<JsonField> fields = read_fields(object);
  std::ranges::sort(fields, {}, &JsonField::key);
  out += '{';
  for (const JsonField& field : fields) {
    if (out.back() != '{') out += ',';
    out += quoted(field.key) + ":";
    append_value(out, field.value);
  }
  out += '}';
}

void append_array(std::string& out, JsonView array) {
  out += '[';
  for (const JsonView item : read_elements(array)) {
    if (out.back() != '[') out += ',';
    append_value(out, item);
  }
  out += ']';
}

void append_value(std::string& out, JsonView value) {
  switch (value.kind()) {
    case JsonKind::object: return append_object(out, value);
    case JsonKind::array: return append_array(out, value);
    case JsonKind::string: out += quoted(read_string(value)); return;
    case JsonKind::number: out += number_text(value.raw); return;
    default: out += value.raw;
  }
}

}  // namespace

Digest sha256(std::initializer_list<std::string_view> parts) {
  SHA256_CTX context;
  Digest digest;
  bool ok = SHA256_Init(&context) == 1;
  for (const std::string_view part : parts) {
    ok = ok && SHA256_Update(&context, part.data(), part.size()) == 1;
  }
  ok = ok && SHA256_Final(digest.data(), &context) == 1;
  CHECK(ok);
  return digest;
}

std::string to_hex(const Digest& digest) {
  constexpr std::string_view hex = "0123456789abcdef";
  std::string text(2 * digest.size(), '0');
  for (std::size_t i = 0; i < digest.size(); ++i) {
    text[2 * i] = hex[digest[i] >> 4U];
    text[2 * i + 1] = hex[digest[i] & 15U];
  }
  return text;
}

std::string_view as_bytes(const Digest& digest) {
  return {reinterpret_cast<const char*>(digest.data()), digest.size()};
}

Digest args_digest(std::string_view canonical_args) { return sha256(canonical_args); }

std::string value_text(JsonView value) {
  std::string out;
  append_value(out, value);
  return out;
}

Digest args_key(JsonView canonical_args) { return sha256(value_text(canonical_args)); }

}  // namespace tallygate
