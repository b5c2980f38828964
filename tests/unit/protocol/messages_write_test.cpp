// What messages writes: the words of the wire, and always JSON.
#include "protocol/messages.h"
#include "protocol/strict_json.h"
#include "support/catch.h"
#include "unit/protocol/texts.h"

#include <string>
#include <vector>

namespace tallygate {
namespace {

TEST_CASE("An action result that was denied says why", "[protocol]") {
  ActionResult result;
  result.action_id = "0190-a";
  result.code = Code::budget_exhausted;
  result.reason = "no \"usd\" left";
  const std::string text = write_action_result(result);
  CHECK(text == R"({"actionId":"0190-a","status":"denied","code":"budget_exhausted",)"
                R"("reason":"no \"usd\" left","cost":{"reserved":{},"spent":{}}})");
  CHECK(accepted(text).view().raw == text);
}

TEST_CASE("An action result that completed carries its output and its cost", "[protocol]") {
  ActionResult result;
  result.action_id = "x";
  result.status = State::completed;
  result.output = R"({"z":1.000,"a":[]})";
  result.reserved = {{"usd", "0.05"}, {"calls", "1"}};
  result.spent = {{"usd", "0.01"}};
  const std::string text = write_action_result(result);
  CHECK(text == R"({"actionId":"x","status":"completed","output":{"z":1.000,"a":[]},)"
                R"("cost":{"reserved":{"usd":"0.05","calls":"1"},"spent":{"usd":"0.01"}}})");
  CHECK(accepted(text).view().raw == text);
}

TEST_CASE("Every status and code can be written", "[protocol]") {
  for (int state = 0; state < 128; ++state) {
    for (int code = 0; code < 128; ++code) {
      if (!state_from(state) || !code_from(code)) continue;
      ActionResult result;
      result.status = *state_from(state);
      result.code = *code_from(code);
      const std::string text = write_action_result(result);
      REQUIRE(accepted(text).view().raw == text);
      REQUIRE((text.find("\"code\"") != std::string::npos) == (result.code != Code::none));
    }
  }
}

TEST_CASE("A reason that is not UTF-8 still makes a readable result", "[protocol]") {
  ActionResult result;
  result.reason = "errno said \xE2\x82 and \xFF\n";
  const std::string text = write_action_result(result);
  CHECK(accepted(text).view().raw == text);
}

TEST_CASE("Amounts are written as a map of strings", "[protocol]") {
  CHECK(write_amounts({}) == "{}");
  CHECK(write_amounts({{"usd", "1.5"}, {"a\"b", "2"}}) == R"({"usd":"1.5","a\"b":"2"})");
}

TEST_CASE("Budgets are written with what they hold", "[protocol]") {
  CHECK(write_budgets({}) == R"({"budgets":[]})");
  BudgetLine line{"global", "usd", "day", "", false, "", "10", "1", "2", "0", "7", "open", ""};
  BudgetLine second = line;
  second.state = "exhausted";
  second.resets_at = "2030-01-01T00:00:00.000Z";
  const std::string text = write_budgets({line, second});
  CHECK(text == R"({"budgets":[{"scope":"global","unit":"usd","window":"day","cap":"10",)"
                R"("reserved":"1","spent":"2","overrun":"0","available":"7","state":"open"},)"
                R"({"scope":"global","unit":"usd","window":"day","cap":"10",)"
                R"("reserved":"1","spent":"2","overrun":"0","available":"7","state":"exhausted",)"
                R"("resetsAt":"2030-01-01T00:00:00.000Z"}]})");
  CHECK(accepted(text).view().raw == text);
  line.timezone = "Europe/Berlin";
  line.from_launch = true;
  line.added = "3";
  CHECK(write_budget(line) ==
        R"({"scope":"global","unit":"usd","window":"day","timezone":"Europe/Berlin",)"
        R"("launch":true,"cap":"10","added":"3","reserved":"1","spent":"2","overrun":"0",)"
        R"("available":"7","state":"open"})");
}

TEST_CASE("What a body is asked to run carries the arguments to the byte", "[protocol]") {
  ExecuteParams params;
  params.action_id = "x";
  params.tool = "t";
  params.args = R"({"z":1.000,"a":"\u0061"})";
  params.attempt = 2;
  params.deadline_ms = 120'000;
  const std::string text = write_execute(params);
  CHECK(text == R"({"actionId":"x","tool":"t","args":{"z":1.000,"a":"\u0061"},"attempt":2,)"
                R"("deadlineMs":120000})");
  CHECK(accepted(text).view().raw == text);
}

}  // namespace
}  // namespace tallygate
