// What Ledger and Turn share: the connection, its prepared statements, the locks. Private to the
// room.
#pragma once

#include "ledger/database.h"
#include "ledger/file_lock.h"
#include "ledger/ledger.h"

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

namespace tallygate {

struct Statements {
  Statement begin_write, begin_read, commit, rollback;
  Statement standing, newest_action;
  Statement find_scope, add_scope, find_parent, closed_scopes, close_scope, find_unit, add_unit;
  Statement find_tool, add_tool, find_policy, add_policy, find_budget, add_budget;
  Statement find_window, unit_of_budget, add_window, update_window, end_in_window, list_windows;
  Statement window_of_budget, list_buckets;
  Statement add_action, find_action, find_call, redecide, summarize, find_nonce, set_state;
  Statement set_deadline, set_windows, set_result, find_result, add_grant, find_grant, due,
      first_due;
  Statement list_open, granted_by, owners_with_grants, add_owner, add_posting;
  Statement add_execution, find_execution, end_execution;
  Statement add_observation, find_observation, release_name;
  Statement add_delegation, find_delegation, newest_delegation, open_delegations;
  Statement set_giver, set_slices, end_delegation, name_of_scope;
  Statement add_hold, newest_hold, find_hold, set_hold, open_holds, count_holds;
  Statement add_resolution, find_resolution, find_rate, set_rate;
  Statement add_audit, audit_tail, audit_all, audit_at;
};

// Names that never change once committed may be remembered; balances may not.
enum Interned : int { interned_tool, interned_policy, interned_budget, interned_scope };

// By table and name; looked up without making a string.
struct InternedHash {
  using is_transparent = void;
  std::size_t operator()(const std::pair<int, std::string_view>& key) const {
    return std::hash<std::string_view>()(key.second) + static_cast<std::size_t>(key.first);
  }
};
struct InternedEqual {
  using is_transparent = void;
  bool operator()(const std::pair<int, std::string_view>& left,
                  const std::pair<int, std::string_view>& right) const {
    return left == right;
  }
};
using InternedNames =
    std::unordered_map<std::pair<int, std::string>, std::int64_t, InternedHash, InternedEqual>;

struct StoreCore {
  StoreOptions options;
  Database database;
  Statements sql;
  WriterQueue queue;
  OwnerLocks owners;
  OwnerId owner;
  InternedNames interned;
  std::unordered_map<std::int64_t, std::string> units;           // of budgets, once committed
  std::optional<std::pair<Digest, std::int64_t>> latest_policy;  // of `policies`, once committed
  std::optional<Error> failure;

  // Remembers the first failure that is not mere contention.
  void note_failure(const Error& error);
};

Step prepare_statements(Database& database, Statements& sql);

}  // namespace tallygate
