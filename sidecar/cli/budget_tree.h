// Budgets as people read them: each below its scope, with a bar.
#pragma once

#include "policy/policy.h"
#include "protocol/messages.h"

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace tallygate {

// The scopes that a line of `all_budgets` stands below, itself the last: "global", then its groups,
// its agent, its run.
std::vector<std::string> scope_path(const Policy& policy, std::string_view scope);

// What a bar shows: parts of a cap, and what is used beyond it.
struct BarParts {
  Amount cap, spent, reserved, overrun;
};
// So many cells of `#` spent, `+` reserved, `!` overrun and `.` free. Whatever is more than nothing
// has a cell.
std::string bar_of(const BarParts& parts, std::size_t cells);

// All lines as a tree, no line wider than `columns` where names and amounts let that be.
std::string budget_tree(const Policy& policy, const std::vector<BudgetLine>& lines,
                        std::size_t columns, bool in_colour);

}  // namespace tallygate
