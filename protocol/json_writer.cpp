#include "protocol/json_writer.h"

#include <simdjson.h>

#include <array>
#include <charconv>
#include <cstdint>
#include <cstring>

namespace tallygate {
namespace {

constexpr std::string_view replacement = "\xEF\xBF\xBD";  // U+FFFD

// The length of the UTF-8 sequence at the start of `text`, or 0 where there is none.
std::size_t sequence_size(std::string_view text) {
  const auto lead = static_cast<unsigned char>(text.front());
  const std::size_t size = lead < 0x80 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
  return text.size() >= size && simdjson::validate_utf8(text.data(), size) ? size : 0;
}

void append_escaped(std::string& out, unsigned char c) {
  constexpr std::string_view hex = "0123456789abcdef";
  switch (c) {
    case '"': out += "\\\""; return;
    case '\\': out += "\\\\"; return;
    case '\n': out += "\\n"; return;
    case '\r': out += "\\r"; return;
    case '\t': out += "\\t"; return;
    default:
      out += "\\u00";
      out += hex[c >> 4U];
      out += hex[c & 15U];
  }
}

bool needs_escape(unsigned char c) { return c < 0x20 || c == '"' || c == '\\' || c == 0x7F; }

constexpr std::uint64_t every(std::uint8_t byte) { return 0x0101010101010101U * byte; }

// Not 0 where any of the eight bytes is this one.
constexpr std::uint64_t find_byte(std::uint64_t bytes, std::uint8_t byte) {
  const std::uint64_t rest = bytes ^ every(byte);
  return (rest - every(1)) & ~rest & every(0x80);
}

// Not 0 where any of the eight bytes needs an escape or is not ASCII.
constexpr std::uint64_t find_odd(std::uint64_t bytes) {
  const std::uint64_t controls = (bytes - every(0x20)) & ~bytes;
  return ((controls | bytes) & every(0x80)) | find_byte(bytes, '"') | find_byte(bytes, '\\') |
         find_byte(bytes, 0x7F);
}

// Whether all of it stands in JSON as it is: most of what is written does. Eight bytes at a time.
bool is_plain(std::string_view text) {
  std::uint64_t odd = 0;
  std::uint64_t bytes = 0;
  while (text.size() >= sizeof bytes) {
    std::memcpy(&bytes, text.data(), sizeof bytes);
    odd |= find_odd(bytes);
    text.remove_prefix(sizeof bytes);
  }
  bytes = every(' ');
  for (const char c : text) bytes = bytes << 8U | static_cast<unsigned char>(c);
  return (odd | find_odd(bytes)) == 0;
}

void append_valid(std::string& out, std::string_view text) {
  std::size_t plain = 0;  // start of the run that needs no escape
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto c = static_cast<unsigned char>(text[i]);
    if (!needs_escape(c)) continue;
    out.append(text, plain, i - plain);
    append_escaped(out, c);
    plain = i + 1;
  }
  out.append(text, plain, text.size() - plain);
}

std::string repaired(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const std::size_t size = sequence_size(text);
    out += size == 0 ? replacement : text.substr(0, size);
    text.remove_prefix(size == 0 ? 1 : size);
  }
  return out;
}

// What most lines and rows fit into: growing a string by and by costs more than the room.
constexpr std::size_t usual_size = 256;

void append_text(std::string& out, std::string_view text) {
  if (is_plain(text)) {
    out += text;
  } else if (simdjson::validate_utf8(text.data(), text.size())) {
    append_valid(out, text);
  } else {
    append_valid(out, repaired(text));
  }
}

}  // namespace

bool is_utf8(std::string_view text) { return simdjson::validate_utf8(text.data(), text.size()); }

std::string quoted(std::string_view text) { return JsonWriter().string(text).take(); }

void JsonWriter::separate() {
  if (text_.empty()) return;
  const char last = text_.back();
  if (last != '{' && last != '[' && last != ':') text_ += ',';
}

JsonWriter::JsonWriter() { text_.reserve(usual_size); }

JsonWriter& JsonWriter::begin_object() {
  separate();
  text_ += '{';
  return *this;
}

JsonWriter& JsonWriter::end_object() {
  text_ += '}';
  return *this;
}

JsonWriter& JsonWriter::begin_array() {
  separate();
  text_ += '[';
  return *this;
}

JsonWriter& JsonWriter::end_array() {
  text_ += ']';
  return *this;
}

JsonWriter& JsonWriter::key(JsonName name) {
  separate();
  text_ += '"';
  text_ += name.text();
  text_ += "\":";
  return *this;
}

JsonWriter& JsonWriter::any_key(std::string_view name) {
  separate();
  text_ += '"';
  append_text(text_, name);
  text_ += "\":";
  return *this;
}

JsonWriter& JsonWriter::string(std::string_view text) {
  separate();
  text_ += '"';
  append_text(text_, text);
  text_ += '"';
  return *this;
}

JsonWriter& JsonWriter::integer(std::int64_t value) {
  std::array<char, 24> digits{};
  const char* const end = std::to_chars(digits.data(), digits.data() + digits.size(), value).ptr;
  return raw({digits.data(), static_cast<std::size_t>(end - digits.data())});
}

JsonWriter& JsonWriter::boolean(bool value) { return raw(value ? "true" : "false"); }

JsonWriter& JsonWriter::null() { return raw("null"); }

JsonWriter& JsonWriter::raw(std::string_view json) {
  separate();
  text_ += json;
  return *this;
}

}  // namespace tallygate
