// Words of others, from a file or a host, made safe to repeat in a sentence of ours.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace tallygate {

// How much of somebody's text a sentence repeats.
inline constexpr std::size_t echo_size_max = 64;

// Printable ASCII of at most `size_max` bytes: anything else becomes `?`, a cut shows as "...".
std::string printable(std::string_view text, std::size_t size_max = echo_size_max);

// The same between double quotes.
std::string in_quotes(std::string_view text);

// The first `size_max` bytes of a UTF-8 text, or fewer so that no character is cut in two.
std::string_view shortened(std::string_view text, std::size_t size_max);

// `"a", "b" or "c"`.
std::string listed(const std::vector<std::string_view>& names);

// `; did you mean "NAME"?` for the nearest of `known`; empty where none is near.
std::string did_you_mean(std::string_view name, const std::vector<std::string_view>& known);

// The name within two edits of `name`, the nearest first; empty when there is none. Names as short
// as the number of edits do not count: they resemble everything.
std::string_view nearest_name(std::string_view name, const std::vector<std::string_view>& known);

}  // namespace tallygate
