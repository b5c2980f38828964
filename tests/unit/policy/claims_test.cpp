#include "unit/policy/policies.h"

#include <limits>

namespace tallygate {
namespace {

constexpr std::int64_t noon_ms = 1'709'208'000'000;  // 2024-02-29T12:00:00Z
constexpr Amount largest{std::numeric_limits<std::int64_t>::max()};

Position position(std::int64_t reserved, std::int64_t spent, std::int64_t overrun = 0) {
  return Position{Amount{reserved}, Amount{spent}, Amount{overrun}};
}

Claim claim_of(Amount cap, Amount amount) {
  Claim claim;
  claim.unit = "calls";
  claim.cap = cap;
  claim.amount = amount;
  return claim;
}

constexpr const char* four_budgets = R"(
[agents.coder]
[[budgets]]
scope = "global"
unit = "usd"
window = "day"
cap = "1.00"
[[budgets]]
scope = "agent:coder"
unit = "usd"
window = "month"
cap = "2"
[[budgets]]
scope = "run"
unit = "calls"
window = "run"
cap = "3"
[[budgets]]
scope = "global"
unit = "tokens:claude"
window = "total"
cap = "4"
)";

TEST_CASE("a call claims from every budget of its scopes whose unit it costs", "[policy]") {
  const Policy policy = policy_of(four_budgets);
  const Charges charges = {{"calls", Amount{1}}, {"usd", Amount{50'000'000}}};
  const auto all = claims(policy, "coder", charges, noon_ms);
  REQUIRE(all.size() == 3);
  CHECK(all[0].scope_name() == "global");
  CHECK(all[0].starts_ms == noon_ms - 43'200'000);
  CHECK(all[0].ends_ms == noon_ms + 43'200'000);
  CHECK(all[0].cap == Amount{1'000'000'000});
  CHECK(all[0].amount == Amount{50'000'000});
  CHECK(all[1].scope_name() == "agent:coder");
  CHECK(all[1].window == Window::month);
  CHECK(all[2].scope_name() == "run");
  CHECK(all[2].amount == Amount{1});
  CHECK(all[2].starts_ms == 0);
  CHECK_FALSE(all[2].ends_ms);
}

TEST_CASE("another agent's budget and a unit that costs nothing are not claimed", "[policy]") {
  const Policy policy = policy_of(four_budgets);
  const auto others = claims(policy, "default", {{"usd", Amount{1}}}, noon_ms);
  REQUIRE(others.size() == 1);
  CHECK(others[0].scope == ScopeKind::global);
  CHECK(claims(policy, "coder", {{"usd", Amount{0}}}, noon_ms).empty());
  CHECK(claims(policy, "coder", {}, noon_ms).empty());
}

TEST_CASE("what exactly reaches the cap fits and one step more does not", "[policy]") {
  CHECK_FALSE(refuse_claim(claim_of(Amount{10}, Amount{4}), position(3, 3)));
  CHECK(refuse_claim(claim_of(Amount{10}, Amount{5}), position(3, 3)));
  CHECK_FALSE(refuse_claim(claim_of(largest, largest), position(0, 0)));
  CHECK(refuse_claim(claim_of(Amount{0}, Amount{1}), position(0, 0)));
}

TEST_CASE("a sum beyond int64 never fits", "[policy]") {
  CHECK(refuse_claim(claim_of(largest, Amount{1}), position(largest.steps, 0)));
  CHECK(refuse_claim(claim_of(largest, largest), position(0, 1)));
  CHECK(refuse_claim(claim_of(largest, largest), position(largest.steps, largest.steps)));
}

TEST_CASE("a position that no store can hold refuses", "[policy]") {
  CHECK(refuse_claim(claim_of(Amount{10}, Amount{1}), position(-5, 0)));
  CHECK(refuse_claim(claim_of(Amount{10}, Amount{-1}), position(0, 0)));
}

TEST_CASE("what is available may be negative and does not overflow", "[policy]") {
  CHECK(available(Amount{10}, position(1, 2, 3)) == Amount{4});
  CHECK(available(Amount{1}, position(1, 2, 3)) == Amount{-5});
  CHECK(available(Amount{0}, position(largest.steps, largest.steps, largest.steps)) ==
        Amount{std::numeric_limits<std::int64_t>::min()});
}

TEST_CASE("a refusal says what is asked, what is left and when it resets", "[policy]") {
  const Policy policy = policy_of(four_budgets);
  const auto all = claims(policy, "coder", {{"usd", Amount{50'000'000}}}, noon_ms);
  REQUIRE(all.size() == 2);
  CHECK(refuse_claim(all[0], position(0, 980'000'000)).value() ==
        "budget exhausted: this call may cost 0.05 usd and the global budget for this day has "
        "0.02 usd left; it resets at 2024-03-01T00:00:00.000Z");
  CHECK(holds(refuse_claim(all[1], position(0, 2'000'000'000)).value(),
              "the agent:coder budget for this month has 0 usd left"));
}

TEST_CASE("a refusal without an end names none, and shows no negative rest", "[policy]") {
  CHECK(refuse_claim(claim_of(Amount{1}, Amount{2}), position(9, 0)).value() ==
        "budget exhausted: this call may cost 2 calls and the global budget in total has 0 calls "
        "left");
}

TEST_CASE("an overrun refuses every call that costs the unit, even under the cap", "[policy]") {
  const auto refusal = refuse_claim(claim_of(Amount{100}, Amount{1}), position(0, 0, 5));
  REQUIRE(refusal);
  CHECK(holds(*refusal, "is overrun by 5 calls, so it refuses every call that costs calls"));
}

}  // namespace
}  // namespace tallygate
