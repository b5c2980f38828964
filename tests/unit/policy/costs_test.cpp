// What [tools.NAME] cost may say, and what is said of it otherwise.
#include "unit/policy/policies.h"

namespace tallygate {
namespace {

std::string complaint(const std::string& cost) {
  return complaint_of(
      "[prices.m]\ninput = \"1\"\noutput = \"2\"\n[tools.\"llm:*\"]\ncost = " + cost + "\n");
}

Cost cost_of(const std::string& cost) {
  return policy_of("[prices.m]\ninput = \"1\"\noutput = \"2\"\n[tools.\"llm:*\"]\ncost = " + cost +
                   "\n")
      .tools.front()
      .cost;
}

TEST_CASE("a computed cost holds its formula and what its names stand for", "[policy]") {
  const Cost cost = cost_of(
      R"({ usd = { formula = "a * b", where = { a = "/n", b = { per = "/m", max = "9", default = "1" } } }, pages = "3" })");
  CHECK(cost.kind == Cost::Kind::computed);
  CHECK(cost.amounts == Charges{{"pages", Amount{3}}});
  REQUIRE(cost.bounds.size() == 1);
  CHECK(cost.bounds[0].unit == "usd");
  CHECK(cost.bounds[0].quantities[0].pointer == "/n");
  CHECK_FALSE(cost.bounds[0].quantities[0].value);
  CHECK(cost.bounds[0].quantities[1].most->digits == "9");
  CHECK(cost.bounds[0].quantities[1].value->digits == "1");
}

TEST_CASE("a model's cost says where its name and its tokens come from", "[policy]") {
  const Cost named = cost_of(R"({ prices = "m", input = "100", output = "/max" })");
  CHECK(named.kind == Cost::Kind::model);
  CHECK(named.model->source == ModelCost::Name::fixed);
  CHECK(named.model->input.value->digits == "100");
  CHECK(named.model->output.pointer == "/max");
  const Cost of_tool = cost_of(R"({ prices = "*", input = "1", output = "1", batch = true })");
  CHECK(of_tool.model->source == ModelCost::Name::tool);
  CHECK(of_tool.model->name == "llm:");
  CHECK(of_tool.model->batch);
  const Cost stated = cost_of(
      R"({ from = "host", prices = "/model", max = { "tokens:input" = "5", "tokens:output" = "6" } })");
  CHECK(stated.model->stated);
  CHECK(stated.model->source == ModelCost::Name::argument);
  CHECK(stated.amounts.size() == 2);
}

TEST_CASE("what a cost cannot say is refused at its place", "[policy]") {
  CHECK(complaint(R"({ usd = { per = "max", rate = "1" } })") ==
        "t.toml:5:18: \"per\" cannot be \"max\"; write where the argument stands, like "
        "\"/max_tokens\"");
  CHECK(complaint(R"({ usd = { per = "/max" } })") ==
        "t.toml:5:10: missing key \"rate\"; write rate = \"0.00003\"");
  CHECK(complaint(R"({ usd = { per = "/max", rate = 0.5 } })") ==
        "t.toml:5:32: \"rate\" cannot be a float; write a decimal as a string, like \"0.00003\"");
  CHECK(complaint(R"({ usd = { per = "/max", rate = "-1" } })") ==
        "t.toml:5:32: \"rate\" cannot be \"-1\"; write a decimal as a string, like \"0.00003\"");
  CHECK(complaint(R"({ usd = { per = "/max", rate = "1", max = "5", default = "6" } })") ==
        "t.toml:5:55: \"default\" is above \"max\"; write no more than that");
  CHECK(
      complaint(R"({ usd = { formula = "a +", where = { a = "1" } } })") ==
      "t.toml:5:18: this formula cannot be read: a number, a name or ( is missing at character 4");
  CHECK(complaint(R"({ usd = { formula = "1", where = { a = "1" } } })") ==
        "t.toml:5:33: the formula does not use \"a\"; leave it out");
  CHECK(complaint(R"({ usd = { formula = "1", where = { a-b = "1" } } })")
            .starts_with("t.toml:5:43: \"a-b\" cannot stand in a formula; "));
  CHECK(complaint(R"({ seconds = { per = "/s", rate = "1" } })") ==
        "t.toml:5:10: every call costs its own \"seconds\" by itself; leave it out of cost");
  CHECK(complaint(R"({ usd = { per = "/max", rate = "1", rte = "2" } })") ==
        "t.toml:5:44: unknown key \"rte\"; did you mean \"rate\"?");
}

TEST_CASE("what a model's cost cannot say is refused at its place", "[policy]") {
  CHECK(complaint(R"({ prices = "n", input = "1", output = "1" })") ==
        "t.toml:5:10: no [prices] entry is for model \"n\"; write [prices.\"n\"], take in a file "
        "with prices_from, or write \"/model\" for an argument");
  CHECK(
      complaint(R"({ prices = "m", input = "/i" })") ==
      "t.toml:5:1: missing key \"output\"; write how many tokens that may be at most, as where an argument stands, like \"/max_tokens\", or as \"4096\"");
  CHECK(complaint(R"({ prices = "m", input = 7, output = "1" })")
            .starts_with(
                "t.toml:5:24: \"input\" cannot be an integer; write a decimal like \"0.5\""));
  CHECK(complaint_of("[tools.llm]\ncost = { prices = \"*\", input = \"1\", output = \"1\" }\n") ==
        "t.toml:2:10: \"*\" is what the * at the end of a tool's name stands for, and \"llm\" has "
        "none there; name a model, or write [tools.\"llm:*\"]");
  CHECK(complaint(R"({ from = "host", prices = "m", max = { "tokens:input" = "5" } })") ==
        "t.toml:5:39: missing key \"tokens:output\"; write the most that a call may have, like "
        "\"tokens:output\" = \"200000\"");
  CHECK(
      complaint(
          R"({ from = "host", prices = "m", max = { "tokens:input" = "5", "tokens:output" = "5", pages = "1" } })") ==
      "t.toml:5:92: a host states \"tokens:input\" and \"tokens:output\" of a model, not "
      "\"pages\"; leave it out");
}

TEST_CASE("reports may be said to count for nothing", "[policy]") {
  const std::string tool = "[tools.t]\ncost = \"free\"\nsettle = ";
  CHECK(policy_of(tool + "\"reserved\"\n").tools.front().ignores_reports);
  CHECK_FALSE(policy_of(tool + "\"reported\"\n").tools.front().ignores_reports);
  CHECK(holds(complaint_of(tool + "\"reports\"\n"), "did you mean \"reported\"?"));
}

}  // namespace
}  // namespace tallygate
