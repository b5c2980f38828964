// What the sidecar and its trail say, taken apart for the checkers.
#pragma once

#include <cstdint>
#include <map>
#include <string>

namespace tallygate::simulation {

// Amounts in smallest steps, by unit.
using Steps = std::map<std::string, std::int64_t>;

// The members of a JSON object: strings unescaped, everything else as it stands.
using Members = std::map<std::string, std::string>;

// Nothing where the text is no object that strict_json accepts.
Members read_members(const std::string& json);
// {"usd":"0.05"} in steps; an amount that is none counts as -1.
Steps read_steps(const std::string& json);
std::string text_of(const Steps& steps);

// One line from the sidecar.
struct Said {
  bool is_message = false;
  std::string method;  // of a request or notification, else empty
  std::string id;      // its token; empty for a notification
  Members body;        // of params, result or error
  bool is_error = false;

  bool is_reply() const { return method.empty(); }
  std::string field(const std::string& name) const;
};
Said read_said(const std::string& line);

}  // namespace tallygate::simulation
