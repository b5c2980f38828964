#include "ledger/encoding.h"

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

void append_word(std::string& out, const std::string& word) {
  if (!out.empty()) out += ' ';
  out += word;
}

std::string encode_window(const WindowKey& key) {
  return std::to_string(key.budget) + "/" + std::to_string(key.starts);
}

}  // namespace

std::string encode_charges(const Charges& charges) {
  std::string out;
  for (const Charge& charge : charges) {
    append_word(out, charge.unit + "=" + std::to_string(charge.amount.steps));
  }
  return out;
}

std::optional<Charges> decode_charges(std::string_view text) {
  Charges charges;
  const bool whole = for_each_pair(text, '=', [&](std::string_view unit, std::string_view steps) {
    const auto value = number(steps);
    if (value) charges.push_back({std::string(unit), Amount{*value}});
    return value.has_value();
  });
  if (!whole) return std::nullopt;
  return charges;
}

std::string encode_windows(const std::vector<WindowKey>& windows) {
  std::string out;
  for (const WindowKey& key : windows) append_word(out, encode_window(key));
  return out;
}

std::optional<std::vector<WindowKey>> decode_windows(std::string_view text) {
  std::vector<WindowKey> windows;
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
    append_word(out, encode_window(key) + "=" + std::to_string(amount.steps));
  }
  return out;
}

}  // namespace tallygate
