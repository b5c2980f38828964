#include "ledger/ids.h"

#include <charconv>

namespace tallygate {
namespace {

constexpr std::string_view hex_digits = "0123456789abcdef";
constexpr std::uint64_t version_bits = 0x7000;
constexpr std::uint64_t variant_bits = 0x8000'0000'0000'0000;
constexpr std::uint64_t nonce_mask = 0x3FFF'FFFF'FFFF'FFFF;

constexpr std::size_t text_size = 36;

bool is_dash(std::size_t place) { return place == 8 || place == 13 || place == 18 || place == 23; }

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
  std::string text(text_size, '-');
  unsigned shift = 64;
  for (std::size_t i = 0; i < text_size; ++i) {
    if (is_dash(i)) continue;
    shift = (shift - 4) % 64;
    text[i] = hex_digits[((i < text_size / 2 ? high : low) >> shift) & 15U];
  }
  return text;
}

std::optional<ActionId> parse_action_id(std::string_view text) {
  if (text.size() != text_size) return std::nullopt;
  std::string digits;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (is_dash(i) != (text[i] == '-')) return std::nullopt;
    if (!is_dash(i)) digits += text[i];
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
