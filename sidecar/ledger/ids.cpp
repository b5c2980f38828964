#include "ledger/ids.h"

#include <charconv>

namespace tallygate {
namespace {

constexpr std::string_view hex_digits = "0123456789abcdef";
constexpr std::uint64_t version_bits = 0x7000;
constexpr std::uint64_t variant_bits = 0x8000'0000'0000'0000;
constexpr std::uint64_t nonce_mask = 0x3FFF'FFFF'FFFF'FFFF;

void append_hex(std::string& out, std::uint64_t value) {
  for (int shift = 60; shift >= 0; shift -= 4) out += hex_digits[(value >> shift) & 15U];
}

std::optional<std::uint64_t> from_hex(std::string_view digits) {
  std::uint64_t value = 0;
  const auto [end, error] =
      std::from_chars(digits.data(), digits.data() + digits.size(), value, 16);
  if (error != std::errc() || end != digits.data() + digits.size()) return std::nullopt;
  return value;
}

}  // namespace

std::string ActionId::text() const {
  const auto ordered = static_cast<std::uint64_t>(key);
  const std::uint64_t high = ((ordered >> 12U) << 16U) | version_bits | (ordered & 0xFFFU);
  const std::uint64_t low = variant_bits | (static_cast<std::uint64_t>(nonce) & nonce_mask);
  std::string text;
  append_hex(text, high);
  append_hex(text, low);
  for (const std::size_t dash : {8U, 13U, 18U, 23U}) text.insert(dash, 1, '-');
  return text;
}

std::optional<ActionId> parse_action_id(std::string_view text) {
  if (text.size() != 36) return std::nullopt;
  std::string digits;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool dash = i == 8 || i == 13 || i == 18 || i == 23;
    if (dash != (text[i] == '-')) return std::nullopt;
    if (!dash) digits += text[i];
  }
  const auto high = from_hex(std::string_view(digits).substr(0, 16));
  const auto low = from_hex(std::string_view(digits).substr(16));
  if (!high || !low || (*high & 0xF000U) != version_bits || (*low >> 62U) != 2) return std::nullopt;
  ActionId id;
  id.key = static_cast<std::int64_t>(((*high >> 16U) << 12U) | (*high & 0xFFFU));
  id.nonce = static_cast<std::int64_t>(*low & nonce_mask);
  return id;
}

}  // namespace tallygate
