// What goes over the pipes and into the rows: the same sizes for echo, floor and sidecar.
#pragma once

#include <cstdint>
#include <iterator>
#include <optional>
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

// A line without line end, but for the place of its id.
struct LineForm {
  std::string before, after;
  void append_to(std::string& out, std::string_view id) const;  // with line end
};

// The host's lines; the first two without line end.
std::string initialize_line();
std::string register_line();
LineForm answer_form();

// The sidecar's lines, as the floor and the echo write them.
LineForm execute_form();
LineForm reply_form();

// The requests of calls 0, 1, 2 ..., each made by writing over a few places of the one before, so
// that making them is not what is measured. With a seed each has a callId, at random.
class GovernLines {
 public:
  explicit GovernLines(std::optional<std::uint64_t> seed);
  // With line end; lives until the next call. REQUIRES: number below 10^9.
  std::string_view line(std::int64_t number);

 private:
  std::optional<std::uint64_t> seed_;
  std::string line_;
  std::size_t id_at_, number_at_, name_at_ = 0;
};

// What a line of either side is, as far as can be told without a parser.
struct Envelope {
  std::string_view id;      // empty for a notification
  bool is_request = false;  // else it is an answer
};
Envelope envelope_of(std::string_view line);
// The call that the id of a GovernLines line stands for.
std::int64_t number_of(std::string_view id);
// The callId of a GovernLines line, or nothing.
std::optional<std::string_view> call_id_of(std::string_view line);

}  // namespace tallygate::bench
