// Names of rows: integers inside the store, UUIDv7 outside.
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace tallygate {

// An action. `key` orders all actions of a store: the upper 48 bits are UTC milliseconds, the lower
// 12 count within one. With 62 random bits it makes a UUIDv7 (RFC 9562, 5.7), so the store needs
// neither a text key nor an index for one.
struct ActionId {
  std::int64_t key = 0;
  std::int64_t nonce = 0;  // 0 .. 2^62 - 1
  auto operator<=>(const ActionId&) const = default;

  std::string text() const;
};

// The id with this text, or nothing when it is not a UUIDv7.
std::optional<ActionId> parse_action_id(std::string_view text);

// A row of `scopes`: the store as a whole, an agent, or a run of an agent.
struct ScopeId {
  std::int64_t value = 0;
  auto operator<=>(const ScopeId&) const = default;
};

// A row of `owners`: one life of one sidecar. Where the end of an open call is nobody's in
// particular, one of the two below.
struct OwnerId {
  std::int64_t value = 0;
  auto operator<=>(const OwnerId&) const = default;
};
inline constexpr OwnerId whoever_comes_first{0};  // after the call's deadline
inline constexpr OwnerId an_operator{-1};

}  // namespace tallygate
