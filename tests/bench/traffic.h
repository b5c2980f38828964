// What goes over the pipes and into the rows: the same sizes for echo, floor and sidecar.
#pragma once

#include <cstdint>
#include <iterator>
#include <string>
#include <string_view>

namespace tallygate::bench {

inline constexpr std::string_view agent = "bench";
inline constexpr std::string_view run = "round";
inline constexpr std::string_view tool = "web_search";

// One budget of the policy that is measured.
struct BudgetSpec {
  std::string_view scope, unit, window;
};
inline constexpr BudgetSpec budget_specs[] = {
    {"global", "usd", "total"}, {"agent:bench", "usd", "day"}, {"run", "usd", "run"},
    {"run", "calls", "run"},    {"global", "calls", "total"},  {"agent:bench", "calls", "day"},
};
inline constexpr int budgets_max = static_cast<int>(std::size(budget_specs));

// The arguments of call `number`: 300 bytes of JSON, different for every call.
std::string args_text(std::int64_t number);
// What its body answers: 200 bytes of JSON.
std::string output_text();

// The host's lines, without line end.
std::string initialize_line();
std::string register_line();
std::string govern_line(std::int64_t number);
std::string answer_line(std::string_view execute_id);

// The sidecar's lines, as the floor and the echo write them.
std::string execute_line();
std::string reply_line();

}  // namespace tallygate::bench
