// What calls of models cost: before, by the dearest that they may turn out to be; after, by what
// was reported.
#include "policy/token_prices.h"

#include "policy/pricing.h"
#include "unit/policy/policies.h"

#include <algorithm>
#include <limits>

namespace tallygate {
namespace {

constexpr const char* models = R"(
[prices.tiny]
input = "0.30"
output = "0.30"
[prices.fine]
input = "0.0375"
output = "0.0375"
[prices.long]
input = "1.50"
cache_read = "0.15"
cache_write = "1.875"
output = "6"
batch = { input = "0.75", output = "3" }
tiers = [ { above = "200000", input = "3", cache_read = "0.30", output = "9" } ]
[prices."open-*"]
input = "0"
output = "0"
[tools."llm:*"]
cost = { prices = "*", input = "/input", output = "/max_tokens" }
[tools.any]
cost = { prices = "/model", input = { per = "/input", max = "1000" }, output = "500", batch = true }
[tools."said:*"]
cost = { from = "host", prices = "*", max = { "tokens:input" = "300000", "tokens:output" = "1000", usd = "0.90" } }
[[rules]]
id = "all"
match = { tool = "*" }
effect = "allow"
)";

using HostCost = std::vector<std::pair<std::string, std::string>>;

const Policy& policy() {
  static const Policy loaded = policy_of(models);
  return loaded;
}

Judgement judged(std::string_view tool, std::string_view args, const HostCost* stated = nullptr) {
  return judge(policy(), Proposal{tool, true, stated, args});
}

std::string usd(const Judgement& judgement) {
  if (judgement.effect == Effect::deny) {
    return std::string(to_text(judgement.code)) + ": " + judgement.reason;
  }
  return format_amount(charge_of(judgement.charges, "usd"), 9);
}

std::string price(const char* model, const Charges& tokens) {
  const auto usd = price_tokens(*policy().find_price(model), tokens);
  return usd ? format_amount(*usd, 9) : "too much";
}

TEST_CASE("one token at 0.30 usd a million costs 0.0000003", "[policy]") {
  CHECK(usd(judged("llm:tiny", R"({"input":1,"max_tokens":0})")) == "0.0000003");
  CHECK(price("tiny", {{"tokens:input", Amount{1}}}) == "0.0000003");
  CHECK(price("tiny", {{"tokens:input", Amount{1'000'000}}}) == "0.3");
}

TEST_CASE("a price of tokens is rounded up, once for all of them", "[policy]") {
  // Half a step each: 37.5 billionths.
  CHECK(price("fine", {{"tokens:input", Amount{1}}}) == "0.000000038");
  CHECK(price("fine", {{"tokens:input", Amount{1}}, {"tokens:output", Amount{1}}}) ==
        "0.000000075");
  CHECK(usd(judged("llm:fine", R"({"input":1,"max_tokens":0})")) == "0.000000038");
  CHECK(usd(judged("llm:fine", R"({"input":1,"max_tokens":1})")) == "0.000000075");
}

TEST_CASE("a bound takes the dearest class, since no token of the prompt is of a known one",
          "[policy]") {
  // 1000 at cache_write 1.875, and 10 at 6.
  const Judgement out = judged("llm:long", R"({"input":1000,"max_tokens":10})");
  CHECK(usd(out) == "0.001935");
  for (const char* unit : {"tokens:input", "tokens:cache_read", "tokens:cache_write"}) {
    CHECK(charge_of(out.charges, unit) == Amount{1000});
  }
  CHECK(charge_of(out.charges, "tokens:output") == Amount{10});
}

TEST_CASE("a long prompt is reserved at the price of its tier", "[policy]") {
  CHECK(usd(judged("llm:long", R"({"input":200000,"max_tokens":0})")) == "0.375");
  // One token more, and all of them cost what the higher tier costs.
  CHECK(usd(judged("llm:long", R"({"input":200001,"max_tokens":0})")) == "0.600003");
  CHECK(price("long", {{"tokens:input", Amount{200'000}}}) == "0.3");
  CHECK(price("long", {{"tokens:input", Amount{200'001}}}) == "0.600003");
  // Cached ones are of the prompt as well.
  CHECK(price("long", {{"tokens:input", Amount{1}}, {"tokens:cache_read", Amount{200'000}}}) ==
        "0.060003");
}

TEST_CASE("a tier that is cheaper than the one below lowers no bound", "[policy]") {
  const Policy falling = policy_of(R"(
[prices.m]
input = "2"
output = "1"
tiers = [ { above = "1000", input = "1", output = "1" } ]
)");
  const ModelPrice& price = *falling.find_price("m");
  CHECK(*price_at_most(price, 1000, 0, false) == Amount{2'000'000});
  // 1001 at 1 would be 0.001001, but the call may end with a prompt of 1000 at 2.
  CHECK(*price_at_most(price, 1001, 0, false) == Amount{2'000'000});
  CHECK(*price_at_most(price, 3000, 0, false) == Amount{3'000'000});
}

TEST_CASE("calls in a batch are reserved at the batch's prices", "[policy]") {
  // Writing to a cache has no batch price here, so it is that outside: the dearest.
  CHECK(usd(judged("any", R"({"input":1000,"model":"long"})")) == "0.003375");
  CHECK(charge_of(judged("any", R"({"input":1000,"model":"long"})").charges,
                  "tokens:batch_output") == Amount{500});
  CHECK(price("long", {{"tokens:batch_input", Amount{1000}},
                       {"tokens:batch_output", Amount{10}}}) == "0.00078");
}

TEST_CASE("a model that is not known is unpriced, and not free", "[policy]") {
  CHECK(usd(judged("llm:lang", R"({"input":1,"max_tokens":1})")) ==
        "unpriced: tool \"llm:lang\" has no price: the policy has no [prices] entry for model "
        "\"lang\"; did you mean \"long\"?");
  CHECK(judged("any", R"({"input":1,"model":"x"})").code == Code::unpriced);
  CHECK(
      usd(judged("any", R"({"input":1})")) ==
      "invalid_args: tool \"any\" cannot be priced: argument \"/model\" is missing; state the name "
      "of a model");
  CHECK(judged("any", R"({"input":1,"model":7})").code == Code::invalid_args);
}

TEST_CASE("a model whose prices are all zero costs nothing but its tokens", "[policy]") {
  const Judgement out = judged("llm:open-7", R"({"input":900,"max_tokens":1})");
  CHECK(out.effect == Effect::allow);
  CHECK(charge_of(out.charges, "tokens:input") == Amount{900});
  CHECK(std::ranges::find(out.charges, "usd", &Charge::unit) == out.charges.end());
}

TEST_CASE("tokens are whole, and as many as can be counted", "[policy]") {
  CHECK(usd(judged("llm:tiny", R"({"input":1.5,"max_tokens":1})")) ==
        "invalid_args: tool \"llm:tiny\" cannot be priced: argument \"/input\" is no count of "
        "tokens; state a whole number");
  CHECK(judged("llm:tiny", R"({"input":1e19,"max_tokens":1})").code == Code::invalid_args);
  CHECK(
      usd(judged("llm:long", R"({"input":9000000000000000000,"max_tokens":1})")) ==
      "invalid_args: tool \"llm:long\" cannot be priced: it may cost more than can be counted; ask "
      "for fewer tokens");
}

TEST_CASE("a host states both sides of a call of a model", "[policy]") {
  const HostCost both{{"tokens:input", "1000"}, {"tokens:output", "10"}};
  CHECK(usd(judged("said:long", "{}", &both)) == "0.001935");
  const HostCost half{{"tokens:input", "1000"}};
  CHECK(usd(judged("said:long", "{}", &half)) ==
        "unpriced: tool \"said:long\" has no price yet: the host must state the most this call may "
        "use, in both \"tokens:input\" and \"tokens:output\"");
  CHECK(judged("said:long", "{}").code == Code::unpriced);
  const HostCost dear{{"tokens:input", "300000"}, {"tokens:output", "1"}};
  CHECK(
      usd(judged("said:long", "{}", &dear)) ==
      "policy_denied: tool \"said:long\" is denied: these tokens may cost 0.900009 usd, above the "
      "0.9 usd the policy accepts");
  const HostCost many{{"tokens:input", "300001"}, {"tokens:output", "1"}};
  CHECK(judged("said:long", "{}", &many).code == Code::policy_denied);
  const HostCost money{{"usd", "0.01"}};
  CHECK(judged("said:long", "{}", &money).code == Code::policy_denied);
  const HostCost other{{"tokens:cache_read", "1"}};
  CHECK(judged("said:long", "{}", &other).code == Code::policy_denied);
}

Reckoning reckoned(const Charges& usage, const Charges* reserved = nullptr) {
  constexpr const char* args = R"({"input":1000,"max_tokens":10})";
  const Judgement granted = judged("llm:long", args);
  return reckon(policy(), "llm:long", args, reserved == nullptr ? granted.charges : *reserved,
                usage);
}

bool lowers(const Reckoning& report, std::string_view unit) {
  return std::ranges::find(report.replace, unit) != report.replace.end();
}

TEST_CASE("a whole report is priced by the table, class by class", "[policy]") {
  const Reckoning out = reckoned({{"tokens:input", Amount{100}},
                                  {"tokens:cache_read", Amount{800}},
                                  {"tokens:output", Amount{5}}});
  // 100 * 1.50 + 800 * 0.15 + 5 * 6, a million times too much.
  CHECK(charge_of(out.usage, "usd") == Amount{300'000});
  CHECK(lowers(out, "usd"));
  CHECK(lowers(out, "tokens:cache_write"));
  CHECK(charge_of(out.usage, "tokens:cache_write") == Amount{0});
}

TEST_CASE("half of a report lowers nothing", "[policy]") {
  const Reckoning out = reckoned({{"tokens:output", Amount{1}}});
  CHECK(out.replace.empty());
  CHECK(charge_of(out.usage, "usd") == Amount{6'000});
  const Reckoning paid = reckoned({{"tokens:output", Amount{1}}, {"usd", Amount{0}}});
  CHECK(paid.replace.empty());
}

TEST_CASE("of two reports of money the larger counts", "[policy]") {
  const Charges tokens{{"tokens:input", Amount{100}}, {"tokens:output", Amount{0}}};
  Charges low = tokens, high = tokens;
  low.push_back({"usd", Amount{1}});
  high.push_back({"usd", Amount{999'999}});
  CHECK(charge_of(reckoned(low).usage, "usd") == Amount{150'000});
  CHECK(charge_of(reckoned(high).usage, "usd") == Amount{999'999});
  const Reckoning alone = reckoned({{"usd", Amount{7}}});
  CHECK(lowers(alone, "usd"));
  CHECK(charge_of(alone.usage, "usd") == Amount{7});
}

TEST_CASE("a report lowers nothing where another table granted the call", "[policy]") {
  Charges reserved = judged("llm:long", R"({"input":1000,"max_tokens":10})").charges;
  for (Charge& charge : reserved) {
    if (charge.unit == "usd") charge.amount.steps += 1;
  }
  const Charges usage{{"tokens:input", Amount{1}}, {"tokens:output", Amount{1}}};
  CHECK(reckoned(usage).replace.size() == 5);
  CHECK(reckoned(usage, &reserved).replace.empty());
}

TEST_CASE("more tokens than money can count cost the most that there is", "[policy]") {
  constexpr std::int64_t most = std::numeric_limits<std::int64_t>::max();
  const Reckoning out = reckoned({{"tokens:input", Amount{most}}, {"tokens:output", Amount{most}}});
  CHECK(charge_of(out.usage, "usd") == Amount{most});
}

TEST_CASE("usage of a model is priced where it is known, and said to be unpriced where not",
          "[policy]") {
  const Charges tokens{{"tokens:input", Amount{1000}}, {"tokens:output", Amount{10}}};
  const PricedUsage known = price_usage(policy(), "long", tokens);
  CHECK(charge_of(known.usage, "usd") == Amount{1'560'000});
  CHECK(known.unpriced.empty());
  const PricedUsage unknown = price_usage(policy(), "lung", tokens);
  CHECK(unknown.usage == tokens);
  CHECK(
      unknown.unpriced ==
      "the policy has no [prices] entry for model \"lung\", so its tokens are recorded, and no usd "
      "for them; did you mean \"long\"?");
  CHECK(price_usage(policy(), std::nullopt, tokens).usage == tokens);
  const Charges other{{"tokens:large", Amount{5}}};
  CHECK(price_usage(policy(), "lung", other).unpriced.empty());
  const Charges paid{{"tokens:input", Amount{5}}, {"usd", Amount{1}}};
  CHECK(price_usage(policy(), "lung", paid).unpriced.empty());
}

}  // namespace
}  // namespace tallygate
