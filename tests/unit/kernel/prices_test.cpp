// Calls whose price follows from their arguments or from a table: what is reserved, refused, and
// charged once their bodies have reported.
#include "unit/kernel/host.h"

namespace tallygate {
namespace {

const std::string any_tool = R"(
[[rules]]
id = "all"
match = { tool = "*" }
effect = "allow"
)";

// Tool "send" is a rented machine, "pay" a call of a model with a tiered price, "ask" one whose
// tokens the host states, "look" one that is charged what was reserved.
const std::string prices = R"(
[prices.long]
input = "1.50"
cache_read = "0.15"
cache_write = "1.50"
output = "6"
tiers = [ { above = "200000", input = "3", cache_read = "0.30", output = "9" } ]
[prices."free-*"]
input = "0"
output = "0"
[tools.pay]
cost = { prices = "/model", input = "/input", output = { per = "/max_tokens", default = "0" } }
timeout = "30s"
[tools.ask]
cost = { from = "host", prices = "long", max = { "tokens:input" = "300000", "tokens:output" = "1000" } }
timeout = "30s"
[tools.look]
cost = { usd = { per = "/n", rate = "0.01" }, pages = "2" }
settle = "reserved"
timeout = "30s"
[tools.send]
cost = { usd = { per = "/n", rate = "0.01" }, pages = "2" }
timeout = "30s"
)";

class PriceTest : public HostTest {
 public:
  explicit PriceTest(const std::string& text) : HostTest(text + any_tool) {
    start();
    greet();
  }
  PriceTest() : PriceTest(with_cap("10.00")) {}
  static std::string with_cap(const std::string& cap) {
    return prices +
           "[[budgets]]\nscope = \"global\"\nunit = \"usd\"\nwindow = \"total\"\ncap = \"" + cap +
           "\"\n";
  }

  void call(const std::string& id, const std::string& tool, const std::string& args,
            const std::string& more = "", const std::string& method = "actions/govern") {
    say(R"({"jsonrpc":"2.0","id":)" + id + R"(,"method":")" + method + R"(","params":{"tool":")" +
        tool + R"(","args":)" + args + more + "}}");
    turn();
  }
  // A call whose body answers with this report; its outcome.
  std::string ran(const std::string& id, const std::string& tool, const std::string& args,
                  const std::string& usage = "", const std::string& more = "") {
    call(id, tool, args, more);
    REQUIRE(outcome(id) == "none");
    answer(executes().back().id, "1", usage);
    turn();
    return outcome(id);
  }
  void record(const std::string& id, const std::string& usage, const std::string& more = "") {
    say(R"({"jsonrpc":"2.0","id":)" + id + R"(,"method":"usage/record","params":{"usage":)" +
        usage + more + "}}");
    turn();
  }
  std::string reason(const std::string& id) const { return replies(id)[0].reason; }
  bool says(const std::string& id, const std::string& words) const {
    return replies(id)[0].line.find(words) != std::string::npos;
  }
};

// --- A machine by the second, as one project rents them.

const std::string machines = R"toml(
[tools.pay]
timeout = "30s"
[tools.pay.cost.usd]
formula = "(runtime + tail) * (gpu + vcpus * vcpu + gib * gib_rate)"
[tools.pay.cost.usd.where]
runtime = { per = "/max_runtime", max = "86400" }
vcpus = "/vcpus"
gib = "/gib"
tail = "600"
gpu = "0.0008"
vcpu = "0.00001"
gib_rate = "0.000002"
[[budgets]]
scope = "run"
unit = "usd"
window = "run"
cap = "50"
[[budgets]]
scope = "global"
unit = "usd"
window = "month"
cap = "500"
)toml";

class MachineTest : public PriceTest {
 public:
  MachineTest() : PriceTest(machines) {}
  void submit(const std::string& id) {
    call(id, "pay", R"({"max_runtime":3600,"vcpus":8,"gib":32})");
  }
};

TEST_CASE_METHOD(MachineTest, "a machine for an hour reserves 3.9648 usd, tail included",
                 "[kernel]") {
  submit("1");
  CHECK(outcome("1") == "none");
  CHECK(usd() == "3964800000+0+0");
  check_books();
}

TEST_CASE_METHOD(MachineTest, "a bound that exactly reaches the run's cap is admitted",
                 "[kernel]") {
  record("1", R"({"usd":"46.0352"})");
  submit("2");
  CHECK(outcome("2") == "none");
  CHECK(usd() == "3964800000+46035200000+0");
}

TEST_CASE_METHOD(MachineTest, "a billionth above the run's cap is refused, and names the run",
                 "[kernel]") {
  record("1", R"({"usd":"46.035200001"})");
  submit("2");
  CHECK(outcome("2") == "denied budget_exhausted");
  CHECK(reason("2") ==
        "budget exhausted: this call may cost 3.9648 usd and the run budget for this run has "
        "3.964799999 usd left");
  CHECK(usd() == "0+46035200001+0");
}

TEST_CASE_METHOD(MachineTest, "a full month is refused, and named", "[kernel]") {
  stop();
  start();
  greet("r0");
  record("1", R"({"usd":"496.04"})");
  stop();
  start();
  greet("r2");
  submit("2");
  CHECK(outcome("2") == "denied budget_exhausted");
  CHECK(reason("2").find("month") != std::string::npos);
  CHECK(reason("2").find("3.96 usd left") != std::string::npos);
}

TEST_CASE_METHOD(MachineTest, "a machine for longer than may be asked for is refused", "[kernel]") {
  call("1", "pay", R"({"max_runtime":86401,"vcpus":8,"gib":32})");
  CHECK(outcome("1") == "denied invalid_args");
  CHECK(reason("1") ==
        "tool \"pay\" cannot be priced: argument \"/max_runtime\" is 86401; state at most 86400");
  CHECK(usd().empty());
}

// --- Models.

// LiteLLM reserved every prompt at the price of short ones (its pull request 40002): 0.60 usd were
// spent under a cap of 0.45.
TEST_CASE("a long prompt cannot slip under a cap at the price of a short one", "[kernel]") {
  PriceTest host(PriceTest::with_cap("0.45"));
  // 200001 tokens: 0.300002 at the price below the tier, 0.600003 at their own.
  host.call("1", "pay", R"({"model":"long","input":200001})");
  CHECK(host.outcome("1") == "denied budget_exhausted");
  CHECK(host.reason("1").find("0.600003 usd") != std::string::npos);
  host.call("2", "pay", R"({"model":"long","input":200000})");
  CHECK(host.outcome("2") == "none");
  CHECK(host.usd() == "300000000+0+0");
  host.check_books();
}

TEST_CASE_METHOD(PriceTest, "reported tokens are charged by the table, below the reservation",
                 "[kernel]") {
  CHECK(ran("1", "pay", R"({"model":"long","input":1000,"max_tokens":100})",
            R"({"tokens:input":"100","tokens:cache_read":"800","tokens:output":"50"})") ==
        "completed");
  // 100 * 1.50 + 800 * 0.15 + 50 * 6 for a million.
  CHECK(usd() == "0+570000+0");
  CHECK(says(
      "1",
      R"("spent":{"calls":"1","seconds":"0","tokens:cache_read":"800",)"
      R"("tokens:cache_write":"0","tokens:input":"100","tokens:output":"50","usd":"0.00057"})"));
  CHECK(says("1", R"("tokens:output":"100","usd":"0.0021"},"spent")"));  // reserved
  check_books();
}

TEST_CASE_METHOD(PriceTest, "a longer prompt than was reserved is charged at its tier",
                 "[kernel]") {
  ran("1", "pay", R"({"model":"long","input":200000})",
      R"({"tokens:input":"200001","tokens:output":"0"})");
  CHECK(usd() == "0+600003000+0");
  check_books();
}

TEST_CASE("what a report exceeds its reservation by is excess, and then overrun", "[kernel]") {
  PriceTest host(PriceTest::with_cap("0.002"));
  host.ran("1", "pay", R"({"model":"long","input":1000})",
           R"({"tokens:input":"2000","tokens:output":"0"})");
  CHECK(host.usd() == "0+2000000+1000000");
  host.call("2", "pay", R"({"model":"long","input":1})");
  CHECK(host.outcome("2") == "denied budget_exhausted");
  host.check_books();
}

TEST_CASE("a body that says nothing, or half, is charged what was reserved", "[kernel]") {
  const std::string usage =
      GENERATE(as<std::string>{}, "", R"({"tokens:output":"1"})", R"({"tokens:input":"1"})");
  PriceTest host;
  host.ran("1", "pay", R"({"model":"long","input":1000,"max_tokens":100})", usage);
  CHECK(host.usd() == "0+2100000+0");
  host.check_books();
}

TEST_CASE("a model that costs nothing is allowed when its budget is used up", "[kernel]") {
  PriceTest host(PriceTest::with_cap("0.01"));
  host.record("1", R"({"usd":"0.5"})");
  host.call("2", "pay", R"({"model":"long","input":1})");
  CHECK(host.outcome("2") == "denied budget_exhausted");
  CHECK(host.ran("3", "pay", R"({"model":"free-7","input":100000,"max_tokens":9})",
                 R"({"tokens:input":"7","tokens:output":"7"})") == "completed");
  CHECK(host.usd() == "0+10000000+490000000");
  host.check_books();
}

TEST_CASE_METHOD(PriceTest, "a model without a price is refused, and reserves nothing",
                 "[kernel]") {
  call("1", "pay", R"({"model":"new-1","input":1})");
  CHECK(outcome("1") == "denied unpriced");
  CHECK(usd().empty());
}

TEST_CASE_METHOD(PriceTest, "a host that states its tokens is charged what they cost", "[kernel]") {
  const std::string stated = R"(,"cost":{"tokens:input":"1000","tokens:output":"100"})";
  call("1", "ask", "{}", stated);
  CHECK(usd() == "2100000+0+0");
  answer(executes().back().id, "1", R"({"tokens:input":"10","tokens:output":"10"})");
  turn();
  CHECK(usd() == "0+75000+0");
  call("2", "ask", "{}");
  CHECK(outcome("2") == "denied unpriced");
  check_books();
}

TEST_CASE_METHOD(PriceTest, "who runs the body by himself is charged alike", "[kernel]") {
  call("1", "pay", R"({"model":"long","input":1000,"max_tokens":100})", "", "actions/propose");
  const Sent grant = replies("1")[0];
  say(R"({"jsonrpc":"2.0","id":2,"method":"actions/complete","params":{"actionId":")" +
      grant.action + R"(","token":")" + grant.token +
      R"(","output":1,"usage":{"tokens:input":"10","tokens:output":"10"}}})");
  turn();
  CHECK(outcome("2") == "completed");
  CHECK(usd() == "0+75000+0");
  check_books();
}

// --- What a report may lower.

TEST_CASE_METHOD(PriceTest, "a report lowers what was computed, and no fixed price beside it",
                 "[kernel]") {
  ran("1", "send", R"({"n":100})", R"({"usd":"0.25","pages":"1"})");
  CHECK(usd() == "0+250000000+0");
  CHECK(says("1", R"("spent":{"calls":"1","pages":"2",)"));
  check_books();
}

TEST_CASE_METHOD(PriceTest, "where reports count for nothing the reservation is charged",
                 "[kernel]") {
  const std::string usd_reported = GENERATE(as<std::string>{}, "0.25", "7");
  ran("1", "look", R"({"n":100})", R"({"usd":")" + usd_reported + R"("})");
  CHECK(usd() == "0+1000000000+0");
  check_books();
}

// --- Beside calls.

TEST_CASE_METHOD(PriceTest, "recorded tokens of a model are charged in usd", "[kernel]") {
  record("1", R"({"tokens:input":"1000","tokens:output":"10"})", R"(,"model":"long")");
  CHECK(outcome("1") == "completed");
  CHECK(usd() == "0+1560000+0");
  // What was paid wins where it is more, and the table where that is.
  record("2", R"({"tokens:input":"1000","usd":"1"})", R"(,"model":"long")");
  record("3", R"({"tokens:input":"1000","usd":"0"})", R"(,"model":"long")");
  CHECK(usd() == "0+1003060000+0");
  check_books();
}

TEST_CASE_METHOD(PriceTest, "recorded tokens of a model without a price are kept, and said to be",
                 "[kernel]") {
  record("1", R"({"tokens:input":"1000"})", R"(,"model":"new-1","callId":"c")");
  record("2", R"({"tokens:input":"1000"})", R"(,"model":"new-1","callId":"c")");
  for (const char* id : {"1", "2"}) {
    CHECK(outcome(id) == "completed unpriced");
    CHECK(
        reason(id) ==
        "the policy has no [prices] entry for model \"new-1\", so its tokens are recorded, and no "
        "usd "
        "for them");
    CHECK(says(id, R"("spent":{"tokens:input":"1000"})"));
  }
  CHECK(number("SELECT count(*) FROM actions") == 1);
  check_books();
}

TEST_CASE("a held call is decided again at the price of its arguments", "[kernel]") {
  PriceTest host(prices + R"(
[[rules]]
id = "hold"
match = { tool = "ask" }
effect = "hold"
[approvals]
allow_unsigned = true
[[budgets]]
scope = "global"
unit = "usd"
window = "total"
cap = "10"
)");
  host.call("1", "ask", "{}", R"(,"cost":{"tokens:input":"1000","tokens:output":"0"})");
  CHECK(host.outcome("1") == "held");
  CHECK(host.usd() == "1500000+0+0");
  const std::string action = host.replies("1")[0].action;
  REQUIRE(host.resolved(action, true).ok());
  host.resume("2", action);
  host.turn();
  REQUIRE(host.executes().size() == 1);
  CHECK(host.usd() == "1500000+0+0");
  host.answer(host.executes()[0].id, "1", R"({"tokens:input":"100","tokens:output":"0"})");
  host.turn();
  CHECK(host.outcome("2") == "completed");
  CHECK(host.usd() == "0+150000+0");
  host.check_books();
}

TEST_CASE("who observes charges what the table says, and refuses no call for want of a price",
          "[kernel]") {
  PriceTest host;
  host.stop();
  host.mode = Mode::observe;
  host.start();
  host.greet();
  host.ran("1", "pay", R"({"model":"long","input":1000})",
           R"({"tokens:input":"100","tokens:output":"0"})");
  CHECK(host.says("1", R"("observed":{"status":"granted")"));
  CHECK(host.usd() == "0+150000+0");
  host.ran("2", "pay", R"({"model":"new-1","input":1000})");
  CHECK(host.says("2", R"("observed":{"status":"denied","code":"unpriced")"));
  host.ran("3", "pay", "{}");
  CHECK(host.says("3", R"("observed":{"status":"denied","code":"invalid_args")"));
  host.check_books();
}

}  // namespace
}  // namespace tallygate
