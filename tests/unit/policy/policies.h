// Short ways to a Policy for the tests of this room.
#pragma once

#include "policy/load.h"
#include "support/catch.h"

#include <string>
#include <string_view>
#include <variant>

namespace tallygate {

inline constexpr const char* test_file = "/etc/tallygate/t.toml";

// REQUIRES: the text is a policy.
inline Policy policy_of(std::string_view text) {
  auto loaded = load_policy_text(text, test_file);
  if (const auto* complaints = std::get_if<Complaints>(&loaded)) {
    for (const std::string& complaint : *complaints) UNSCOPED_INFO(complaint);
  }
  REQUIRE(std::holds_alternative<Policy>(loaded));
  return std::get<Policy>(std::move(loaded));
}

// Without the folder, so that a test shows "t.toml:LINE:COLUMN: ...".
inline Complaints complaints_of(std::string_view text) {
  auto loaded = load_policy_text(text, test_file);
  REQUIRE(std::holds_alternative<Complaints>(loaded));
  Complaints out = std::get<Complaints>(std::move(loaded));
  constexpr std::string_view folder = "/etc/tallygate/";
  for (std::string& complaint : out) {
    CHECK(complaint.starts_with(folder));
    for (std::size_t at = complaint.find(folder); at != std::string::npos;
         at = complaint.find(folder)) {
      complaint.erase(at, folder.size());
    }
  }
  return out;
}

// REQUIRES: the text has exactly one fault.
inline std::string complaint_of(std::string_view text) {
  const Complaints all = complaints_of(text);
  for (const std::string& complaint : all) UNSCOPED_INFO(complaint);
  REQUIRE(all.size() == 1);
  return all.front();
}

inline bool holds(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

}  // namespace tallygate
