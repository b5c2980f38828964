// What a call costs where that follows from its arguments, and why some have no price.
#include "policy/pricing.h"

#include "policy/json_pointer.h"
#include "unit/policy/policies.h"

namespace tallygate {
namespace {

constexpr const char* all_tools = R"(
[[rules]]
id = "all"
match = { tool = "*" }
effect = "allow"
)";

Judgement judged(const std::string& tools, std::string_view tool, std::string_view args) {
  const Policy policy = policy_of(tools + all_tools);
  return judge(policy, Proposal{tool, true, nullptr, args});
}

constexpr const char* per_tokens = R"(
[tools.answer]
cost = { usd = { per = "/max_tokens", rate = "0.00003", max = "4000" } }
)";

std::string usd(const Judgement& judgement) {
  if (judgement.effect == Effect::deny) {
    return std::string(to_text(judgement.code)) + ": " + judgement.reason;
  }
  return format_amount(charge_of(judgement.charges, "usd"), 9);
}

TEST_CASE("a bound follows from an argument", "[policy]") {
  CHECK(usd(judged(per_tokens, "answer", R"({"max_tokens":1000})")) == "0.03");
  CHECK(usd(judged(per_tokens, "answer", R"({"max_tokens":4000})")) == "0.12");
  CHECK(usd(judged(per_tokens, "answer", R"({"max_tokens":0})")) == "0");
  CHECK(usd(judged(per_tokens, "answer", R"({"max_tokens":1e3})")) == "0.03");
  // Exactly a third of a step above: up, once.
  CHECK(usd(judged(per_tokens, "answer", R"({"max_tokens":0.00001})")) == "0.000000001");
}

TEST_CASE("an argument that gives no bound is refused in words a model can act on", "[policy]") {
  const std::string begin =
      "invalid_args: tool \"answer\" cannot be priced: argument \"/max_tokens\" ";
  const auto refusal = [](std::string_view args) {
    return usd(judged(per_tokens, "answer", args));
  };
  CHECK(refusal("{}") == begin + "is missing, and its price follows from it; state a number");
  CHECK(refusal(R"({"max_tokens":-1})") == begin + "is negative; state a smaller number");
  CHECK(refusal(R"({"max_tokens":"100"})") == begin + "is text; state a number");
  CHECK(refusal(R"({"max_tokens":null})") == begin + "is null; state a number");
  CHECK(refusal(R"({"max_tokens":[1]})") == begin + "is an array; state a number");
  CHECK(refusal(R"({"max_tokens":true})") == begin + "is true or false; state a number");
  CHECK(refusal(R"({"max_tokens":4000.5})") == begin + "is 4000.5; state at most 4000");
  CHECK(refusal(R"({"max_tokens":1e300})") ==
        begin + "has more digits than can be counted; state a smaller number");
}

TEST_CASE("a default stands for an argument that is missing, and for no other", "[policy]") {
  constexpr const char* tool = R"(
[tools.answer]
cost = { usd = { per = "/a/0/b~1c", rate = "2", default = "3" }, pages = "7" }
)";
  const Judgement missing = judged(tool, "answer", "{}");
  CHECK(usd(missing) == "6");
  CHECK(charge_of(missing.charges, "pages") == Amount{7});
  CHECK(usd(judged(tool, "answer", R"({"a":[{"b/c":5}]})")) == "10");
  CHECK(usd(judged(tool, "answer", R"({"a":[{"b/c":null}]})")) ==
        "invalid_args: tool \"answer\" cannot be priced: argument \"/a/0/b~1c\" is null; state a "
        "number");
  CHECK(usd(judged(tool, "answer", R"({"a":[{"b/c":9e30}]})")) ==
        "invalid_args: tool \"answer\" cannot be priced: its cost in usd is more than can be "
        "counted; state other arguments");
}

TEST_CASE("a formula may come out below zero for some arguments, which is refused", "[policy]") {
  constexpr const char* tool = R"(
[tools.t]
cost = { usd = { formula = "10 - a", where = { a = "/a" } } }
)";
  CHECK(usd(judged(tool, "t", R"({"a":4})")) == "6");
  CHECK(usd(judged(tool, "t", R"({"a":11})")) ==
        "invalid_args: tool \"t\" cannot be priced: its cost in usd comes out below zero; state "
        "other arguments");
}

TEST_CASE("a priced tool takes no cost from the host", "[policy]") {
  const Policy policy = policy_of(std::string(per_tokens) + all_tools);
  const std::vector<std::pair<std::string, std::string>> stated{{"usd", "0"}};
  CHECK(judge(policy, Proposal{"answer", true, &stated, R"({"max_tokens":1})"}).code ==
        Code::invalid_args);
}

TEST_CASE("a pointer names a value at any depth", "[policy]") {
  const JsonText text{R"({"a":{"":1,"~x":[10,{"y":2}]},"b/c":3})"};
  const auto at = [&](std::string_view pointer) {
    const auto value = find_value(text.view(), pointer);
    return value ? std::string(value->raw) : std::string("nothing");
  };
  CHECK(at("/a/") == "1");
  CHECK(at("/a/~0x/0") == "10");
  CHECK(at("/a/~0x/1/y") == "2");
  CHECK(at("/b~1c") == "3");
  for (const char* pointer : {"/b", "/a/~0x/2", "/a/~0x/00", "/a/~0x/-", "/a/~0x/y", "/b~1c/0"}) {
    CAPTURE(pointer);
    CHECK(at(pointer) == "nothing");
  }
  CHECK(is_json_pointer("/"));
  for (const char* pointer : {"", "a", "a/b", "/~", "/~2", "/a~"}) {
    CAPTURE(pointer);
    CHECK_FALSE(is_json_pointer(pointer));
  }
}

}  // namespace
}  // namespace tallygate
