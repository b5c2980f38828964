// What a host gives and gets. Every way to fail is an `Error` in a `Result`; nothing here throws
// but `Result::value()`, which throws `Failure` where there is an error instead.
#pragma once

#include <boost/assert/source_location.hpp>
#include <boost/json.hpp>
#include <boost/system/result.hpp>

#include <cstdint>
#include <map>
#include <optional>
#include <ostream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tallygate {
inline namespace v1 {

namespace json = boost::json;

inline constexpr const char* client_version = "0.1.0";

struct Error {
  enum class Kind {
    not_started,  // there is no sidecar; `text` names the command and the cause
    wrong_use,    // what was given cannot be sent; nothing was
    refused,      // the sidecar did not accept the request: `code`, `data`
    timed_out,    // only the wait ended; the sidecar was told to cancel
    closed,       // the sidecar has ended, or the gate was closed
    protocol,     // the child spoke nonsense and was killed; the gate is closed
  };
  Kind kind = Kind::closed;
  std::string text;
  bool sent = false;  // the request may have had an effect, which this process does not know
  int code = 0;       // of JSON-RPC
  json::value data;
};

inline std::ostream& operator<<(std::ostream& out, const Error& error) { return out << error.text; }

class Failure : public std::runtime_error {
 public:
  explicit Failure(Error why) : std::runtime_error(why.text), error(std::move(why)) {}
  Error error;
};

// How Result::value() ends where there is none.
[[noreturn]] inline void throw_exception_from_error(const Error& error,
                                                    const boost::source_location&) {
  throw Failure(error);
}

template <class T>
using Result = boost::system::result<T, Error>;

// Unit ("usd", "calls", ...) to an exact decimal, as text: "0.05". Money is never a double.
using Amounts = std::map<std::string, std::string>;

enum class Status { completed, granted, held, denied, failed, cancelled, in_doubt };

// What a held call waits for. Times are RFC 3339 in UTC.
struct Hold {
  std::string request_id, deadline, args_digest;
  std::int64_t needed = 0, have = 0;
};

// What a body that the host runs by itself may run with. The token is a secret of this session.
struct Grant {
  std::string token;
  json::object args;
  std::string expires_at;
};

// One cap in its present window; available = cap - reserved - spent - overrun. Of a slice also the
// run "AGENT/RUN" that gave it, and until when it lasts.
struct Budget {
  std::string scope, unit, window, cap, reserved, spent, overrun, available, state, resets_at;
  std::string given_by, expires_at;
};

// A slice of this run's budgets that another run may spend; without `expires_at` it is over.
struct Delegation {
  std::string agent, run, expires_at;
  std::vector<Budget> budgets;
};

// How a call ended, or stands.
struct ActionResult {
  bool completed() const { return status == Status::completed; }

  std::string action_id;
  Status status = Status::in_doubt;
  std::string code;    // for programs; empty where it completed
  std::string reason;  // one sentence that a model can act on
  json::value output;
  Amounts reserved, spent;
  std::optional<Hold> hold;
  std::optional<Grant> grant;  // told once: who has it runs the body
  std::optional<std::int64_t> retry_after_ms;
  bool replayed = false;  // the end, or the state, of an earlier call of the same name
  std::optional<Delegation> delegation;  // where it is no call but a slice
};

// What the operator's policy makes of a tool. `status` is "ok", or "unconfigured": never allowed.
struct Registration {
  std::string name, status, executor;
  std::optional<std::int64_t> level;
};

struct Session {
  std::string id, agent, run, group;
};

// Reads members of what the sidecar said. The first that is missing or mistyped is its fault; what
// is read after that is empty.
class Reader {
 public:
  Reader(const json::value& value, std::string place) : place_(std::move(place)) {
    if (value.is_object()) {
      object_ = &value.get_object();
    } else {
      complain("", "expected an object");
    }
  }

  Reader(json::value&&, std::string) = delete;  // it reads where the value lies

  const std::string& fault() const { return fault_; }
  bool has(std::string_view key) const { return find(key) != nullptr; }
  // Null where there is none.
  json::value any(std::string_view key) const { return has(key) ? *find(key) : json::value(); }

  std::string text(std::string_view key) { return optional_text(key, true); }
  std::string optional_text(std::string_view key, bool required = false) {
    const json::value* value = find(key);
    if (value != nullptr && value->is_string()) return std::string(value->get_string());
    if (required || (value != nullptr && !value->is_null())) complain(key, "expected a string");
    return {};
  }

  std::int64_t integer(std::string_view key) {
    const json::value* value = find(key);
    if (value != nullptr && value->is_int64()) return value->get_int64();
    complain(key, "expected an integer");
    return 0;
  }
  std::optional<std::int64_t> optional_integer(std::string_view key) {
    return any(key).is_null() ? std::nullopt : std::optional(integer(key));
  }

  json::object object(std::string_view key) {
    const json::value value = any(key);
    if (value.is_object()) return value.get_object();
    complain(key, "expected an object");
    return {};
  }
  json::array array(std::string_view key) {
    const json::value value = any(key);
    if (value.is_array()) return value.get_array();
    complain(key, "expected an array");
    return {};
  }

  // A decimal: digits, perhaps a sign before and a point with digits behind.
  std::string amount(std::string_view key) {
    std::string value = text(key);
    if (fault_.empty() && !is_amount(value)) complain(key, "expected an amount");
    return value;
  }
  Amounts amounts(std::string_view key) {
    Amounts found;
    const json::value value = any(key);
    Reader inner(value, place_ + "." + std::string(key));
    if (inner.object_ != nullptr) {
      for (const auto& member : *inner.object_) found[member.key()] = inner.amount(member.key());
    }
    adopt(inner);
    return found;
  }
  void adopt(const Reader& inner) {
    if (fault_.empty()) fault_ = inner.fault_;
  }
  void complain(std::string_view key, std::string_view what) {
    if (!fault_.empty()) return;
    fault_ = place_ + (key.empty() ? "" : ".") + std::string(key) + ": " + std::string(what);
  }

 private:
  const json::value* find(std::string_view key) const {
    return object_ == nullptr ? nullptr : object_->if_contains(key);
  }

  static bool is_amount(std::string_view text) {
    if (text.starts_with('-')) text.remove_prefix(1);
    const std::size_t point = text.find('.');
    const std::string_view whole = text.substr(0, point);
    if (!is_digits(whole)) return false;
    return point == std::string_view::npos || is_digits(text.substr(point + 1));
  }
  static bool is_digits(std::string_view text) {
    return !text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos;
  }

  const json::object* object_ = nullptr;
  std::string place_, fault_;
};

inline Status read_status(Reader& fields) {
  static const std::map<std::string, Status, std::less<>> known{
      {"completed", Status::completed}, {"granted", Status::granted},
      {"held", Status::held},           {"denied", Status::denied},
      {"failed", Status::failed},       {"cancelled", Status::cancelled},
      {"in_doubt", Status::in_doubt}};
  const auto found = known.find(fields.text("status"));
  if (found != known.end()) return found->second;
  fields.complain("status", "unknown status");
  return Status::in_doubt;
}

inline Hold read_hold(Reader& outer) {
  const json::value value = outer.any("hold");
  Reader fields(value, "hold");
  Hold hold{fields.text("requestId"), fields.text("deadline"), fields.text("argsDigest"),
            fields.integer("needed"), fields.integer("have")};
  outer.adopt(fields);
  return hold;
}

inline Grant read_grant(Reader& outer) {
  const json::value value = outer.any("grant");
  Reader fields(value, "grant");
  Grant grant{fields.text("token"), fields.object("args"), fields.text("expiresAt")};
  outer.adopt(fields);
  return grant;
}

inline std::vector<Budget> read_budget_rows(Reader& fields) {
  std::vector<Budget> budgets;
  for (const json::value& row_value : fields.array("budgets")) {
    Reader row(row_value, "budgets[]");
    budgets.push_back({row.text("scope"), row.text("unit"), row.text("window"), row.amount("cap"),
                       row.amount("reserved"), row.amount("spent"), row.amount("overrun"),
                       row.amount("available"), row.text("state"), row.optional_text("resetsAt"),
                       row.optional_text("givenBy"), row.optional_text("expiresAt")});
    fields.adopt(row);
  }
  return budgets;
}

inline Delegation read_delegation(Reader& outer) {
  const json::value value = outer.any("delegation");
  Reader fields(value, "delegation");
  Delegation given{fields.text("agent"), fields.text("run"), fields.optional_text("expiresAt"),
                   read_budget_rows(fields)};
  outer.adopt(fields);
  return given;
}

// `fault` is where it is not what the protocol says.
inline ActionResult read_action_result(const json::value& value, std::string& fault) {
  Reader fields(value, "ActionResult");
  ActionResult result;
  result.action_id = fields.text("actionId");
  result.status = read_status(fields);
  result.code = fields.optional_text("code");
  result.reason = fields.optional_text("reason");
  result.output = fields.any("output");
  const json::value cost_value = fields.any("cost");
  Reader cost(cost_value, "ActionResult.cost");
  result.reserved = cost.amounts("reserved");
  result.spent = cost.amounts("spent");
  fields.adopt(cost);
  if (fields.has("hold")) result.hold = read_hold(fields);
  if (fields.has("grant")) result.grant = read_grant(fields);
  if (fields.has("delegation")) result.delegation = read_delegation(fields);
  result.retry_after_ms = fields.optional_integer("retryAfterMs");
  result.replayed = fields.any("replayed") == json::value(true);
  fault = fields.fault();
  return result;
}

inline std::vector<Budget> read_budgets(const json::value& value, std::string& fault) {
  Reader fields(value, "result");
  std::vector<Budget> budgets = read_budget_rows(fields);
  fault = fields.fault();
  return budgets;
}

inline Registration read_registration(const json::value& value, std::string_view name,
                                      std::string& fault) {
  Reader fields(value, "result");
  const json::array rows = fields.array("tools");
  const json::value only = rows.size() == 1 ? rows.front() : json::value();
  Reader row(only, "result.tools[0]");
  Registration made{row.text("name"), row.text("status"), row.optional_text("executor"),
                    row.optional_integer("level")};
  if (made.name != name) row.complain("name", "another tool than was registered");
  fields.adopt(row);
  fault = fields.fault();
  return made;
}

inline json::object write_amounts(const Amounts& amounts) {
  json::object made;
  for (const auto& [unit, amount] : amounts) made[unit] = amount;
  return made;
}

}  // namespace v1
}  // namespace tallygate
