// A sidecar that dies, hangs or says what it must not: every call is told, and nothing runs.
#include "hosts.h"

#include <atomic>
#include <chrono>
#include <future>
#include <stdexcept>
#include <thread>

namespace client_test {
namespace {

bool contains(const std::string& text, const std::string& part) {
  CAPTURE(text, part);
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("nonsense ends the gate", "[client]") {
  const auto [mode, says] =
      GENERATE(table<std::string, std::string>({{"nonsense", "not JSON"},
                                                {"endless_line", "too long"},
                                                {"wrong_id", "answers nothing"},
                                                {"id_is_true", "answers nothing"},
                                                {"duplicate_key", "not JSON"},
                                                {"wrong_types", "spent.usd"},
                                                {"unknown_status", "unknown status"},
                                                {"cannot_read_some_line", "answers nothing"},
                                                {"asks_nonsense", "tools/execute.args"}}));
  CAPTURE(mode);
  FakeHost host;
  const auto gate = host.start(mode).value();
  std::atomic<int> ran{0};
  gate->tool("work", [&](const tallygate::Call&) { return ++ran; }).value();
  const auto result = gate->govern("work", {});
  REQUIRE(result.has_error());
  CHECK(result.error().kind == Error::Kind::protocol);
  CHECK(contains(result.error().text, says));
  const auto later = gate->govern("work", {});
  CHECK(later.error().kind == Error::Kind::protocol);
  CHECK_FALSE(later.error().sent);
  CHECK(gate->closed());
  CHECK(ran == 0);
}

TEST_CASE("a wrong start is told with its cause", "[client]") {
  const auto [mode, says] =
      GENERATE(table<std::string, std::string>({{"start_dies", "exit code 2"},
                                                {"start_talks", "not JSON"},
                                                {"start_hangs", "no answer in time"},
                                                {"start_half_a_line", "middle of a line"},
                                                {"start_refuses", "agent is not known"},
                                                {"start_wrong_version", "protocolVersion"}}));
  CAPTURE(mode);
  FakeHost host;
  const auto gate = host.start(mode, Milliseconds(2000));
  REQUIRE(gate.has_error());
  CHECK(gate.error().kind == Error::Kind::not_started);
  CHECK(contains(gate.error().text, says));
  CHECK(contains(gate.error().text, mode));  // the command
  CHECK(::waitpid(-1, nullptr, WNOHANG) == -1);
}

TEST_CASE("a binary that is not there is told, and no zombie is left", "[client]") {
  tallygate::Options options;
  options.binary = "/nowhere/tallygate";
  const auto gate = Gate::start(options);
  CHECK(contains(gate.error().text, "No such file"));
  options.binary = "no-such-tallygate";
  CHECK(contains(Gate::start(options).error().text, "on PATH"));
  CHECK(::waitpid(-1, nullptr, WNOHANG) == -1);
}

TEST_CASE("a sidecar that dies ends every call that waits", "[client]") {
  FakeHost host;
  const auto gate = host.start("dies").value();
  std::vector<std::future<Error>> calls;
  for (int n = 0; n < 16; ++n) {
    calls.push_back(
        std::async(std::launch::async, [&] { return gate->govern("work", {}).error(); }));
  }
  for (auto& call : calls) CHECK(call.get().kind == Error::Kind::closed);
  const Error later = gate->govern("work", {}).error();
  CHECK(contains(later.text, "signal 9"));
  CHECK_FALSE(later.sent);
}

TEST_CASE("a body learns that its sidecar died", "[client]") {
  FakeHost host;
  const auto gate = host.start("dies_during_body").value();
  std::promise<bool> noticed;
  gate->tool("work",
             [&](const tallygate::Call& call) {
               const bool asked = gate->ping().has_value();  // the peer dies of it
               noticed.set_value(!asked && call.cancelled());
               return 1;
             })
      .value();
  const auto result = gate->govern("work", {});
  CHECK(result.error().kind == Error::Kind::closed);
  CHECK(result.error().sent);
  CHECK(noticed.get_future().get());
}

TEST_CASE("a process of a dead sidecar's own does not keep calls waiting", "[client]") {
  FakeHost host;
  const auto gate = host.start("dies_leaving_a_child").value();
  const auto begun = std::chrono::steady_clock::now();
  CHECK(gate->govern("work", {}).error().kind == Error::Kind::closed);
  CHECK(std::chrono::steady_clock::now() - begun < std::chrono::seconds(6));
}

TEST_CASE("an unknown tool, an unknown method and a late body are answered, and nothing runs",
          "[client]") {
  FakeHost unknown, method, late;
  CHECK(unknown.start("asks_for_unknown_tool")
            .value()
            ->govern("x", {})
            ->output.at("error")
            .at("code") == json::value(-32000));
  CHECK(method.start("asks_for_unknown_method")
            .value()
            ->govern("x", {})
            ->output.at("error")
            .at("code") == json::value(-32601));
  const auto gate = late.start("executes_too_late").value();
  std::atomic<int> ran{0};
  gate->tool("work", [&](const tallygate::Call&) { return ++ran; }).value();
  CHECK(gate->govern("work", {})->output.at("error").at("code") == json::value(-32800));
  CHECK(ran == 0);
}

TEST_CASE("an execution id in use is nonsense", "[client]") {
  FakeHost host;
  const auto gate = host.start("executes_id_twice").value();
  gate->tool("work",
             [](const tallygate::Call& call) {
               while (!call.cancelled()) std::this_thread::sleep_for(Milliseconds(5));
               return 1;
             })
      .value();
  CHECK(contains(gate->govern("work", {}).error().text, "in use"));
}

TEST_CASE("the sidecar cancels a body, and what it still returns counts", "[client]") {
  FakeHost host;
  const auto gate = host.start("cancels_body").value();
  gate->tool("work",
             [&](const tallygate::Call& call) {
               gate->ping().value();
               while (!call.cancelled()) std::this_thread::sleep_for(Milliseconds(5));
               return "stopped";
             })
      .value();
  CHECK(gate->govern("work", {})->output.at("result").at("output") == json::value("stopped"));
}

TEST_CASE("a wait that ends tells the sidecar, and its late answer is dropped", "[client]") {
  FakeHost host;
  const auto gate = host.start("never_answers").value();
  tallygate::CallOptions hasty;
  hasty.timeout = Milliseconds(200);
  CHECK(gate->govern("work", {}, hasty).error().kind == Error::Kind::timed_out);
  CHECK(gate->govern("work", {})->output.at("method") == json::value("$/cancelRequest"));
}

TEST_CASE("a line of ours that could not be read is a refusal", "[client]") {
  FakeHost host;
  const auto gate = host.start("cannot_read_our_line").value();
  gate->tool("work", [](const tallygate::Call&) { return 1; }).value();
  const auto result = gate->govern("work", {});
  CHECK(result.error().kind == Error::Kind::refused);
  CHECK(result.error().code == -32700);
  CHECK(gate->ping());
}

TEST_CASE("a cancelled request says how the call ended", "[client]") {
  FakeHost host;
  const auto gate = host.start("answers_cancelled").value();
  const ActionResult result = gate->govern("x", {}).value();
  CHECK(result.status == Status::cancelled);
  CHECK(result.reason == "as asked");
}

TEST_CASE("a sidecar that will not leave is killed", "[client]") {
  FakeHost host;
  const auto gate = host.start("ignores_the_end").value();
  auto call = std::async(std::launch::async, [&] { return gate->govern("x", {}).error(); });
  std::this_thread::sleep_for(Milliseconds(200));
  gate->close();
  CHECK(call.get().kind == Error::Kind::closed);
  CHECK(::waitpid(-1, nullptr, WNOHANG) == -1);
}

}  // namespace client_test
