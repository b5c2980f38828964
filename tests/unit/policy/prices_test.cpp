// [prices.MODEL], and the files of such tables: what they say, what they cannot, and that those
// which ship are whole.
#include "policy/pricing.h"
#include "support/temp_folder.h"
#include "unit/policy/policies.h"

#include <filesystem>
#include <fstream>

namespace tallygate {
namespace {

constexpr const char* one_model = "[prices.m]\ninput = \"1\"\noutput = \"2\"\n";

void write(const std::string& path, const std::string& text) { std::ofstream(path) << text; }

class PriceFiles {
 public:
  PriceFiles() {
    write(folder.file("a.toml"), std::string("dated = \"2026-11-21\"\n") + one_model);
  }
  Complaints complaints(const std::string& text) const {
    auto loaded = load_policy_text(text, folder.file("p.toml"));
    if (std::holds_alternative<Policy>(loaded)) return {};
    Complaints all = std::get<Complaints>(std::move(loaded));
    const std::string path = folder.file("");
    for (std::string& one : all) {
      for (std::size_t at = one.find(path); at != std::string::npos; at = one.find(path)) {
        one.erase(at, path.size());
      }
    }
    return all;
  }
  std::string complaint(const std::string& text) const {
    const Complaints all = complaints(text);
    REQUIRE(all.size() == 1);
    return all.front();
  }
  TempFolder folder;
};

TEST_CASE("a class without a price of its own costs what input does", "[policy]") {
  const Policy policy = policy_of(
      "[prices.m]\ninput = \"1\"\ncache_read = \"0.5\"\noutput = \"2\"\nbatch = { input = "
      "\"0.25\", output = \"3\" }\n");
  const auto& rates = policy.find_price("m")->tiers.front().rates;
  CHECK(rates[token_index(TokenClass::cache_write, false)] == Amount{1'000'000'000});
  CHECK(rates[token_index(TokenClass::cache_read, false)] == Amount{500'000'000});
  CHECK(rates[token_index(TokenClass::input, true)] == Amount{250'000'000});
  CHECK(rates[token_index(TokenClass::cache_read, true)] == Amount{500'000'000});
  CHECK(rates[token_index(TokenClass::cache_write, true)] == Amount{1'000'000'000});
  CHECK(rates[token_index(TokenClass::output, true)] == Amount{3'000'000'000});
}

TEST_CASE("what a price cannot be is refused at its place", "[policy]") {
  CHECK(complaint_of("[prices.m]\ninput = \"1\"\n") ==
        "t.toml:1:9: missing key \"output\"; write "
        "output = \"15.00\"");
  CHECK(complaint_of("[prices.m]\ninput = 1.5\noutput = \"1\"\n") ==
        "t.toml:2:1: amounts are strings, not a float; write input = \"10.00\"");
  CHECK(
      complaint_of("[prices.m]\ninput = \"1\"\noutput = \"1000000.1\"\n") ==
      "t.toml:3:1: \"output\" is above 1000000 usd for a million tokens; prices are for a million "
      "of them");
  CHECK(complaint_of("[prices.m]\ninput = \"1\"\noutput = \"1\"\noutptu = \"1\"\n") ==
        "t.toml:4:1: unknown key \"outptu\"; did you mean \"output\"?");
  CHECK(
      holds(complaint_of("[prices.gpt-5.2]\ninput = \"1\"\noutput = \"1\"\n[prices.gpt-5]\ninput = "
                         "\"1\"\noutput = \"1\"\n"),
            "[prices.\"gpt-5.2\"]"));
  CHECK(holds(
      complaint_of(
          "[prices.\"a*\"]\ninput=\"1\"\noutput=\"1\"\n[prices.\"a?\"]\ninput=\"1\"\noutput=\"1\"\n"),
      "ties with"));
  CHECK(complaint_of("prices.m = 3\n") ==
        "t.toml:1:8: \"m\" must be a table, not an integer; write [prices.MODEL]");
}

TEST_CASE("tiers rise, and each is whole", "[policy]") {
  const std::string tiers = std::string(one_model) + "tiers = [ ";
  CHECK(complaint_of(tiers + "{ above = \"10\", input = \"1\" } ]\n") ==
        "t.toml:4:11: missing key \"output\"; write output = \"15.00\"");
  CHECK(complaint_of(tiers + "{ input = \"1\", output = \"1\" } ]\n") ==
        "t.toml:4:11: missing key \"above\"; write above = \"200000\"");
  CHECK(complaint_of(tiers + "{ above = \"0\", input = \"1\", output = \"1\" } ]\n") ==
        "t.toml:4:11: a tier begins above at least one token");
  CHECK(complaint_of(tiers +
                     "{ above = \"9\", input = \"1\", output = \"1\" }, { above = \"9\", input = "
                     "\"1\", output = \"1\" } ]\n") ==
        "t.toml:4:55: tiers must rise; write the one above the fewest tokens first");
}

TEST_CASE_METHOD(PriceFiles, "a policy takes in files of prices, and its own win", "[policy]") {
  const auto loaded = load_policy_text("prices_from = [\"a.toml\"]\n", folder.file("p.toml"));
  REQUIRE(std::holds_alternative<Policy>(loaded));
  const Policy& policy = std::get<Policy>(loaded);
  REQUIRE(policy.find_price("m") != nullptr);
  CHECK(policy.files == std::vector<std::string>{folder.file("p.toml"), folder.file("a.toml")});
  CHECK(policy.prices_dated == std::vector<std::string>{"\"a.toml\" of 2026-11-21"});
  const auto own =
      load_policy_text("prices_from = [\"a.toml\"]\n[prices.m]\ninput = \"7\"\noutput = \"7\"\n",
                       folder.file("p.toml"));
  REQUIRE(std::holds_alternative<Policy>(own));
  CHECK(std::get<Policy>(own).prices.size() == 1);
  CHECK(std::get<Policy>(own).find_price("m")->tiers.front().rates[0] == Amount{7'000'000'000});
}

TEST_CASE_METHOD(PriceFiles, "another price is another policy", "[policy]") {
  const auto digest = [&] {
    auto loaded = load_policy_text("prices_from = [\"a.toml\"]\n", folder.file("p.toml"));
    REQUIRE(std::holds_alternative<Policy>(loaded));
    return std::get<Policy>(loaded).digest;
  };
  const Digest before = digest();
  CHECK(before == digest());
  write(folder.file("a.toml"), "[prices.m]\ninput = \"1\"\noutput = \"3\"\n");
  CHECK(before != digest());
}

TEST_CASE_METHOD(PriceFiles, "a file of prices that is not one is refused, with its own places",
                 "[policy]") {
  CHECK(complaint("prices_from = [\"b.toml\"]\n") ==
        "p.toml:1:16: file of prices \"b.toml\" cannot be read: No such file or directory; it is "
        "looked for at b.toml");
  CHECK(complaint("prices_from = [3]\n") ==
        "p.toml:1:16: a file of prices is named by a string, like \"prices/2026-11.toml\"");
  CHECK(complaint("prices_from = \"a.toml\"\n") ==
        "p.toml:1:1: \"prices_from\" must be an array, not a string");
  write(folder.file("b.toml"), "[prices.m]\ninput = \"1\"\n");
  CHECK(complaint("prices_from = [\"b.toml\"]\n") ==
        "b.toml:1:9: missing key \"output\"; write "
        "output = \"15.00\"");
  write(folder.file("b.toml"), "[tools.x]\ncost = \"free\"\n");
  CHECK(complaints("prices_from = [\"b.toml\"]\n").size() == 2);  // no prices, and tools
  write(folder.file("b.toml"), "[prices.m\n");
  CHECK(holds(complaint("prices_from = [\"b.toml\"]\n"), "b.toml:1:"));
}

TEST_CASE_METHOD(PriceFiles, "two files may not price one model", "[policy]") {
  write(folder.file("b.toml"), one_model);
  const std::string both = "prices_from = [\"a.toml\", \"b.toml\"]\n";
  CHECK(
      complaint(both) ==
      "p.toml:1:26: \"b.toml\" has a price for \"m\", and so has another file of prices; write the "
      "one that holds as [prices.\"m\"] here");
  CHECK(complaints(both + one_model).empty());
  write(folder.file("a.toml"), "[prices.\"m*\"]\ninput = \"1\"\noutput = \"2\"\n");
  write(folder.file("b.toml"), "[prices.\"m?\"]\ninput = \"1\"\noutput = \"2\"\n");
  CHECK(complaints(both).size() == 1);
}

TEST_CASE("the tables of prices that ship are whole and dated", "[policy]") {
  int files = 0;
  const std::filesystem::path folder = std::filesystem::path(TALLYGATE_POLICIES) / "prices";
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    ++files;
    const std::string name = entry.path().filename().string();
    CAPTURE(name);
    const auto loaded =
        load_policy_text("prices_from = [\"" + name + "\"]\n", (folder / "p").string());
    if (const auto* all = std::get_if<Complaints>(&loaded)) {
      for (const std::string& one : *all) UNSCOPED_INFO(one);
    }
    REQUIRE(std::holds_alternative<Policy>(loaded));
    const Policy& policy = std::get<Policy>(loaded);
    CHECK(policy.prices_dated.size() == 1);
    CHECK(policy.prices.size() >= 20);
    for (const ModelPrice& price : policy.prices) {
      CAPTURE(price.pattern);
      for (const PriceTier& tier : price.tiers) {
        for (const Amount& rate : tier.rates) CHECK(rate > Amount{});
        CHECK(tier.rates[token_index(TokenClass::output, false)] >=
              tier.rates[token_index(TokenClass::input, false)]);
      }
    }
  }
  CHECK(files >= 1);
}

TEST_CASE("llm-spend prices a model by its name, and refuses one that nobody priced", "[policy]") {
  auto loaded = load_policy_file(std::string(TALLYGATE_POLICIES) + "/llm-spend.toml");
  REQUIRE(std::holds_alternative<Policy>(loaded));
  const Policy& policy = std::get<Policy>(loaded);
  const auto judged = [&](std::string_view tool, std::string_view args) {
    return judge(policy, Proposal{tool, true, nullptr, args});
  };
  // 1000 at 6.25 for a million, and 100 at 25.
  const Judgement call = judged("llm:claude-opus-5", R"({"input_tokens":1000,"max_tokens":100})");
  CHECK(call.effect == Effect::allow);
  CHECK(charge_of(call.charges, "usd") == Amount{8'750'000});
  CHECK(claims(policy, "default", call.charges, 0).size() == 3);
  CHECK(judged("llm:nobody-1", R"({"input_tokens":1})").code == Code::unpriced);
  CHECK(judged("llm:claude-opus-5", R"({"input_tokens":1,"max_tokens":32001})").code ==
        Code::invalid_args);
  CHECK(charge_of(judged("llm:local/mine", "{}").charges, "usd") == Amount{});
  const std::vector<std::pair<std::string, std::string>> stated{{"tokens:batch_input", "1000"},
                                                                {"tokens:batch_output", "100"}};
  const Judgement batch =
      judge(policy, Proposal{"llm-batch", true, &stated, R"({"model":"gpt-6-sol"})"});
  CHECK(charge_of(batch.charges, "usd") == Amount{1'750'000});
}

}  // namespace
}  // namespace tallygate
