#include "ledger/encoding.h"

#include <array>
#include <charconv>

namespace tallygate {
namespace {

std::optional<std::int64_t> number(std::string_view text) {
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

// Calls `take(left, right)` for each "left<mark>right" word; false when a word is not of that form.
template <class Take>
bool for_each_pair(std::string_view text, char mark, const Take& take) {
  while (!text.empty()) {
    const std::string_view word = text.substr(0, text.find(' '));
    const std::size_t split = word.rfind(mark);
    if (split == std::string_view::npos) return false;
    if (!take(word.substr(0, split), word.substr(split + 1))) return false;
    text.remove_prefix(std::min(word.size() + 1, text.size()));
  }
  return true;
}

// What most rows hold of these fits: growing a string by and by costs more than the room.
constexpr std::size_t usual_size = 96;
constexpr std::size_t usual_count = 4;

std::string fresh_text() {
  std::string text;
  text.reserve(usual_size);
  return text;
}

void separate(std::string& out) {
  if (!out.empty()) out += ' ';
}

void append_number(std::string& out, std::int64_t number) {
  std::array<char, 20> digits{};  // of the smallest int64
  out.append(digits.data(),
             std::to_chars(digits.data(), digits.data() + digits.size(), number).ptr);
}

void append_window(std::string& out, const WindowKey& key) {
  separate(out);
  append_number(out, key.budget);
  out += '/';
  append_number(out, key.starts);
}

}  // namespace

std::string encode_charges(const Charges& charges) {
  std::string out = fresh_text();
  for (const Charge& charge : charges) {
    separate(out);
    out += charge.unit;
    out += '=';
    append_number(out, charge.amount.steps);
  }
  return out;
}

std::optional<Charges> decode_charges(std::string_view text) {
  Charges charges;
  charges.reserve(usual_count);
  const bool whole = for_each_pair(text, '=', [&](std::string_view unit, std::string_view steps) {
    const auto value = number(steps);
    if (value) charges.push_back({std::string(unit), Amount{*value}});
    return value.has_value();
  });
  if (!whole) return std::nullopt;
  return charges;
}

std::string encode_windows(const std::vector<WindowKey>& windows) {
  std::string out = fresh_text();
  for (const WindowKey& key : windows) append_window(out, key);
  return out;
}

std::optional<std::vector<WindowKey>> decode_windows(std::string_view text) {
  std::vector<WindowKey> windows;
  windows.reserve(usual_count);
  const bool whole =
      for_each_pair(text, '/', [&](std::string_view budget, std::string_view starts) {
        const auto left = number(budget);
        const auto right = number(starts);
        if (!left || !right) return false;
        windows.push_back({*left, *right});
        return true;
      });
  if (!whole) return std::nullopt;
  return windows;
}

std::string encode_overruns(const Overruns& overruns) {
  std::string out;
  for (const auto& [key, amount] : overruns) {
    append_window(out, key);
    out += '=';
    append_number(out, amount.steps);
  }
  return out;
}

}  // namespace tallygate
