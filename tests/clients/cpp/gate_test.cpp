// Calls through the real sidecar.
#include "hosts.h"

#include <atomic>
#include <future>
#include <limits>
#include <stdexcept>
#include <thread>

namespace client_test {

TEST_CASE("the client's version is that of the sidecar", "[client]") {
  CHECK(std::string(tallygate::client_version) == TALLYGATE_VERSION);
}

TEST_CASE("a tool is registered, governed and charged", "[client]") {
  const RealHost host;
  const auto gate = host.start();
  const auto made = gate->tool("pay", [](const tallygate::Call& call) { return call.args; });
  CHECK(made.value().status == "ok");
  CHECK(made->executor == "host");
  const ActionResult result = gate->govern("pay", {{"to", "kim"}, {"n", 1.5}}).value();
  CHECK(result.completed());
  CHECK(result.output == json::value({{"to", "kim"}, {"n", 1.5}}));
  CHECK(result.spent.at("usd") == "0.05");
  const auto budgets = gate->budgets("global").value();
  REQUIRE(budgets.size() == 1);
  CHECK(budgets[0].cap == "0.1");
  CHECK(budgets[0].available == "0.05");
}

TEST_CASE("denied means that the body did not run", "[client]") {
  const RealHost host;
  const auto gate = host.start();
  std::atomic<int> ran{0};
  gate->tool("forbidden", [&](const tallygate::Call&) { return ++ran; }).value();
  const ActionResult result = gate->govern("forbidden", {}).value();
  CHECK(result.status == Status::denied);
  CHECK(result.code == "policy_denied");
  CHECK_FALSE(result.reason.empty());
  CHECK(gate->tool("nowhere", [](const tallygate::Call&) { return 1; })->status == "unconfigured");
  CHECK(gate->govern("search", {})->code == "unregistered_tool");
  CHECK(gate->govern("no name at all", {}).error().kind == Error::Kind::refused);
  CHECK(ran == 0);
}

TEST_CASE("a name is taken once", "[client]") {
  const RealHost host;
  const auto gate = host.start();
  gate->tool("search", [](const tallygate::Call&) { return 1; }).value();
  const auto again = gate->tool("search", [](const tallygate::Call&) { return 2; });
  CHECK(again.error().kind == Error::Kind::wrong_use);
  CHECK(gate->govern("search", {})->output == json::value(1));
}

TEST_CASE("a body that throws has failed", "[client]") {
  const RealHost host;
  const auto gate = host.start();
  gate->tool("search",
             [](const tallygate::Call& call) -> tallygate::Answer {
               if (call.args.contains("odd")) throw 7;
               throw std::runtime_error("no such page \xff");
             })
      .value();
  ActionResult result = gate->govern("search", {}).value();
  CHECK(result.status == Status::failed);
  CHECK(result.code == "tool_error");
  CHECK(result.reason.find("no such page ?") != std::string::npos);
  result = gate->govern("search", {{"odd", true}}).value();
  CHECK(result.reason.find("no std::exception") != std::string::npos);
}

json::value nested(int depth) {
  json::value value = 1;
  for (int level = 0; level < depth; ++level) value = json::array{value};
  return value;
}

TEST_CASE("an output that is no JSON to the sidecar fails the call alone", "[client]") {
  const RealHost host;
  const auto gate = host.start();
  const std::vector<json::value> outputs{
      std::numeric_limits<double>::quiet_NaN(), std::numeric_limits<double>::infinity(),
      json::value("\xff\xfe"), nested(64), json::value(std::string(tallygate::output_max, 'x'))};
  gate->tool("search",
             [&](const tallygate::Call& call) {
               return outputs[call.args.at("at").to_number<std::size_t>()];
             })
      .value();
  for (std::size_t at = 0; at < outputs.size(); ++at) {
    CAPTURE(at);
    CHECK(gate->govern("search", {{"at", at}})->status == Status::failed);
    CHECK(gate->ping());
  }
}

// Two objects are around an output, three around an argument.
TEST_CASE("what is sent is as deep as the sidecar reads, and no deeper", "[client]") {
  const RealHost host;
  const auto gate = host.start();
  gate->tool("search",
             [](const tallygate::Call& call) {
               return nested(call.args.at("depth").to_number<int>());
             })
      .value();
  for (int depth = 60; depth < 66; ++depth) {
    CAPTURE(depth);
    CHECK(gate->govern("search", {{"depth", depth}})->completed() == (depth <= 62));
    const auto sent = gate->govern("search", {{"depth", 1}, {"x", nested(depth)}});
    CHECK(sent.has_value() == (depth <= 61));
    CHECK(gate->ping());
  }
}

TEST_CASE("arguments that cannot be sent are not", "[client]") {
  const RealHost host;
  const auto gate = host.start();
  gate->tool("search", [](const tallygate::Call& call) { return call.args; }).value();
  const double infinite = std::numeric_limits<double>::infinity();
  for (const json::value& wrong :
       {json::value(infinite), json::value(-infinite), json::value(infinite - infinite),
        json::value("\xff"), nested(64), json::value(std::string(5'000'000, 'x'))}) {
    const auto result = gate->govern("search", {{"x", wrong}});
    REQUIRE(result.has_error());
    CHECK(result.error().kind == Error::Kind::wrong_use);
    CHECK_FALSE(result.error().sent);
  }
  CHECK(gate->govern("search", {{"x", "\xc3\xbc\n\x01 1e99999"}})->output.at("x") ==
        "\xc3\xbc\n\x01 1e99999");
}

TEST_CASE("of 64 threads two have money", "[client]") {
  const RealHost host;
  const auto gate = host.start();
  gate->tool("pay", [](const tallygate::Call&) { return "paid"; }).value();
  std::vector<std::future<Status>> calls;
  for (int n = 0; n < 64; ++n) {
    calls.push_back(
        std::async(std::launch::async, [&] { return gate->govern("pay", {}).value().status; }));
  }
  int paid = 0, denied = 0;
  for (auto& call : calls) ++(call.get() == Status::completed ? paid : denied);
  CHECK(paid == 2);
  CHECK(denied == 62);
}

TEST_CASE("a body may call the gate, and a call with a name runs once", "[client]") {
  const RealHost host;
  const auto gate = host.start("tests");
  std::atomic<int> ran{0};
  gate->tool("search",
             [&](const tallygate::Call& call) -> tallygate::Answer {
               ++ran;
               const std::int64_t depth = call.args.at("depth").as_int64();
               if (depth == 0) return 0;
               return gate->govern("search", {{"depth", depth - 1}}).value().output.as_int64() + 1;
             })
      .value();
  CHECK(gate->govern("search", {{"depth", 20}})->output == json::value(20));
  tallygate::CallOptions named;
  named.call_id = "call-1";
  ran = 0;
  CHECK_FALSE(gate->govern("search", {{"depth", 0}}, named)->replayed);
  CHECK(gate->govern("search", {{"depth", 0}}, named)->replayed);
  CHECK(ran == 1);
  CHECK(gate->govern("search", {{"depth", 1}}, named)->code == "call_mismatch");
}

TEST_CASE("a body runs on the caller's thread", "[client]") {
  const RealHost host;
  const auto gate = host.start("tests");
  const auto me = std::this_thread::get_id();
  const auto echo = [&](const json::object& args) {
    CHECK(std::this_thread::get_id() == me);
    return tallygate::Answer(args.at("to"), {{"usd", "0.06"}});
  };
  const ActionResult result = gate->run_here("pay", {{"to", "kim"}}, echo).value();
  CHECK(result.output == json::value("kim"));
  CHECK(result.spent.at("usd") == "0.06");
  CHECK_THROWS_AS(gate->run_here("search", {},
                                 [](const json::object&) -> tallygate::Answer {
                                   throw std::runtime_error("no such page");
                                 }),
                  std::runtime_error);
  bool ran = false;
  const auto never = [&](const json::object&) { return ran = true; };
  CHECK(gate->run_here("forbidden", {}, never)->status == Status::denied);
  CHECK(gate->run_here("search", {},
                       [](const json::object&) { return std::numeric_limits<double>::quiet_NaN(); })
            ->status == Status::failed);
  CHECK_FALSE(ran);
}

TEST_CASE("a grant is handed out once", "[client]") {
  const RealHost host;
  const auto gate = host.start("tests");
  tallygate::CallOptions named;
  named.call_id = "call-1";
  const ActionResult granted = gate->propose("search", {{"q", 1}}, named).value();
  REQUIRE(granted.grant);
  CHECK(granted.grant->args == json::object{{"q", 1}});
  CHECK_FALSE(gate->propose("search", {{"q", 1}}, named)->grant);
  CHECK_FALSE(gate->resume(granted.action_id)->grant);
  CHECK(gate->get(granted.action_id)->status == Status::granted);
  CHECK(gate->extend(granted.action_id)->status == Status::granted);
  CHECK(gate->complete(granted.action_id, "00", 1).error().kind == Error::Kind::refused);
  CHECK(gate->complete(granted.action_id, granted.grant->token, "found")->completed());
  CHECK(gate->propose("search", {{"q", 1}}, named)->output == json::value("found"));
  const ActionResult second = gate->propose("search", {}).value();
  CHECK(gate->fail(second.action_id, second.grant->token, "no page")->reason == "no page");
}

TEST_CASE("a held call is denied, cancelled, or waited for", "[client]") {
  const RealHost host;
  const auto gate = host.start("tests");
  std::atomic<int> ran{0};
  gate->tool("sensitive", [&](const tallygate::Call&) { return ++ran; }).value();
  const ActionResult held = gate->govern("sensitive", {}).value();
  REQUIRE(held.status == Status::held);
  REQUIRE(held.hold);
  CHECK(held.hold->needed == 1);
  CHECK(gate->resume(held.action_id, Milliseconds(100))->status == Status::held);
  auto waiting = std::async(std::launch::async,
                            [&] { return gate->resume(held.action_id, Milliseconds(20'000)); });
  CHECK(host.command({"deny", held.action_id, "--reason", "not today"}) == 0);
  const auto denied = waiting.get();
  CHECK(denied->code == "approval_denied");
  CHECK(denied->reason.find("not today") != std::string::npos);
  tallygate::CallOptions patient;
  patient.wait_for_approval = Milliseconds(200);
  const ActionResult other = gate->govern("sensitive", {}, patient).value();
  CHECK(other.status == Status::held);
  CHECK(gate->cancel(other.action_id)->status == Status::cancelled);
  CHECK(ran == 0);
}

TEST_CASE("a body is cancelled, or takes more time", "[client]") {
  const RealHost host;
  const auto gate = host.start();
  gate->tool("slow",
             [&](const tallygate::Call& call) -> tallygate::Answer {
               if (call.args.contains("extend")) {
                 for (int n = 0; n < 3; ++n) {
                   std::this_thread::sleep_for(Milliseconds(200));
                   if (!gate->extend(call.action_id)->code.empty()) return "refused";
                 }
                 return "in the end";
               }
               while (!call.cancelled()) std::this_thread::sleep_for(Milliseconds(5));
               throw std::runtime_error("stopped");
             })
      .value();
  CHECK(gate->govern("slow", {{"extend", true}})->output == json::value("in the end"));
  CHECK(gate->govern("slow", {})->code == "execution_timeout");
  tallygate::CallOptions hasty;
  hasty.timeout = Milliseconds(100);
  const auto given_up = gate->govern("slow", {}, hasty);
  CHECK(given_up.error().kind == Error::Kind::timed_out);
  CHECK(given_up.error().sent);
  std::promise<std::string> running;
  gate->tool("search",
             [&](const tallygate::Call& call) -> tallygate::Answer {
               running.set_value(call.action_id);
               while (!call.cancelled()) std::this_thread::sleep_for(Milliseconds(5));
               throw std::runtime_error("stopped");
             })
      .value();
  auto call = std::async(std::launch::async, [&] { return gate->govern("search", {}); });
  const std::string action = running.get_future().get();
  CHECK(gate->cancel(action)->action_id == action);
  CHECK(call.get()->status == Status::cancelled);
}

TEST_CASE("usage and stated costs are charged", "[client]") {
  const RealHost host;
  const auto gate = host.start("tests");
  CHECK(gate->record_usage({{"usd", "0.02"}}, "large-4", "turn-1")->spent.at("usd") == "0.02");
  CHECK(gate->record_usage({{"usd", "0.02"}}, "large-4", "turn-1")->replayed);
  CHECK(gate->record_usage({{"usd", "much"}}).error().kind == Error::Kind::refused);
  gate->tool("ask", [](const tallygate::Call&) { return nullptr; }).value();
  tallygate::CallOptions options;
  options.cost = {{"usd", "0.03"}};
  CHECK(gate->govern("ask", {}, options)->spent.at("usd") == "0.03");
  CHECK(gate->govern("ask", {})->code == "unpriced");
}

TEST_CASE("after the close nothing is asked, and no child is left", "[client]") {
  const RealHost host;
  const auto gate = host.start("run-7");
  CHECK(gate->session().agent == "default");
  CHECK(gate->session().run == "run-7");
  CHECK(gate->policy_digest().size() == 64);
  const std::string before = gate->audit_head();
  gate->tool("search", [](const tallygate::Call&) { return 1; }).value();
  gate->govern("search", {}).value();
  gate->close();
  gate->close();
  CHECK(gate->closed());
  CHECK(gate->audit_head() != before);
  const auto late = gate->govern("search", {});
  CHECK(late.error().kind == Error::Kind::closed);
  CHECK_FALSE(late.error().sent);
  CHECK_THROWS_AS(late.value(), tallygate::Failure);
  CHECK(::waitpid(-1, nullptr, WNOHANG) == -1);
}

}  // namespace client_test
