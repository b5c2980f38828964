// The host of the kernel's tests.
#include "unit/kernel/host.h"

#include "protocol/json_reader.h"
#include "protocol/strict_json.h"
#include "support/books.h"

#include <variant>

namespace tallygate {

const char* const test_policy = R"(
[tools.pay]
cost = { usd = "0.05" }
timeout = "30s"
[tools.ask]
cost = { from = "host", max = { usd = "1.00" } }
timeout = "30s"
[tools.look]
cost = "free"
timeout = "30s"
[tools.never]
level = 5
cost = "free"

[[rules]]
id = "all"
match = { tool = "*" }
effect = "allow"

[[budgets]]
scope = "global"
unit = "usd"
window = "total"
cap = "10.00"
[[budgets]]
scope = "run"
unit = "usd"
window = "total"
cap = "5.00"
[[budgets]]
scope = "global"
unit = "seconds"
window = "day"
cap = "100000"
)";

Policy policy_from(std::string_view text) {
  auto loaded = load_policy_text(text, "/etc/tallygate/test.toml");
  if (const auto* complaints = std::get_if<Complaints>(&loaded)) {
    for (const std::string& complaint : *complaints) UNSCOPED_INFO(complaint);
  }
  REQUIRE(std::holds_alternative<Policy>(loaded));
  return std::move(*std::get_if<Policy>(&loaded));
}

namespace {

std::string read_token(JsonView grant) {
  std::string token;
  for (const JsonField& field : read_fields(grant)) {
    if (field.key == "token") token = read_string(field.value);
  }
  return token;
}

void read_result(JsonView result, Sent& sent) {
  for (const JsonField& field : read_fields(result)) {
    if (field.key == "actionId") sent.action = read_string(field.value);
    if (field.key == "status") sent.status = read_string(field.value);
    if (field.key == "code") sent.code = read_string(field.value);
    if (field.key == "reason") sent.reason = read_string(field.value);
    if (field.key == "hold") sent.hold = std::string(field.value.raw);
    if (field.key == "output") sent.output = std::string(field.value.raw);
    if (field.key == "grant") sent.token = read_token(field.value);
  }
}

void read_params(JsonView params, Sent& sent) {
  for (const JsonField& field : read_fields(params)) {
    if (field.key == "actionId") sent.action = read_string(field.value);
    if (field.key == "tool") sent.tool = read_string(field.value);
    if (field.key == "args") sent.args = std::string(field.value.raw);
    if (field.key == "id" && sent.id.empty()) sent.id = std::string(field.value.raw);
  }
}

}  // namespace

std::string Sent::outcome() const {
  if (error != 0) return "error " + std::to_string(error);
  if (status.empty()) return "ok";
  return code.empty() ? status : status + " " + code;
}

Sent take_apart(const std::string& line) {
  Sent sent;
  sent.line = line;
  CAPTURE(line);
  const Result<JsonText> text = strict_json(line);
  REQUIRE(text.ok());
  const auto message = read_message(text->view());
  REQUIRE(std::holds_alternative<Message>(message));
  const Message& read = std::get<Message>(message);
  if (const auto* request = std::get_if<Request>(&read)) {
    sent.method = request->method;
    sent.id = request->id;
    read_params(request->params, sent);
  } else if (const auto* notification = std::get_if<Notification>(&read)) {
    sent.method = notification->method;
    read_params(notification->params, sent);
  } else if (const auto* response = std::get_if<Response>(&read)) {
    sent.id = response->id;
    if (response->result) read_result(*response->result, sent);
    if (response->error) sent.error = ObjectReader(*response->error, "error").integer("code");
  }
  return sent;
}

HostTest::HostTest(std::string_view text) : policy(policy_from(text)) {
  options.path = folder.file("store.db");
}

void HostTest::start() {
  auto opened = Ledger::open(options);
  if (!opened) UNSCOPED_INFO(opened.error().message);
  REQUIRE(opened.ok());
  ledger = std::move(opened).value();
  REQUIRE(ledger->become_owner(clock.now().utc_ms).ok());
  kernel = std::make_unique<Kernel>(policy, *ledger, entropy, "test", mode);
  finished = false;
}

void HostTest::stop() {
  kernel.reset();
  ledger.reset();
  events.clear();
}

void HostTest::greet(const std::string& run) {
  say(R"({"jsonrpc":"2.0","id":"hello","method":"initialize","params":{"protocolVersion":1,)"
      R"("client":{"name":"test","version":"1"},"session":{"run":")" +
      run + R"("},"capabilities":{"execute":true}}})");
  say(R"({"jsonrpc":"2.0","id":"tools","method":"tools/register","params":{"tools":[)"
      R"({"name":"pay"},{"name":"ask"},{"name":"look"},{"name":"never"},{"name":"send"}]}})");
  turn();
}

void HostTest::say(const std::string& line) { events.push_back(read_line({++ordinal, line})); }

void HostTest::govern(const std::string& id, const std::string& tool, const std::string& cost) {
  std::string params = R"({"tool":")" + tool + R"(","args":{"for":)" + id + "}";
  if (!cost.empty()) params += R"(,"cost":{"usd":")" + cost + R"("})";
  say(R"({"jsonrpc":"2.0","id":)" + id + R"(,"method":"actions/govern","params":)" + params + "}}");
}

void HostTest::answer(const std::string& execute, const std::string& output,
                      const std::string& usage) {
  const std::string extra = usage.empty() ? "" : R"(,"usage":)" + usage;
  say(R"({"jsonrpc":"2.0","id":)" + execute + R"(,"result":{"output":)" + output + extra + "}}");
}

void HostTest::fail(const std::string& execute, const std::string& message) {
  say(R"({"jsonrpc":"2.0","id":)" + execute + R"(,"error":{"code":1,"message":")" + message +
      R"("}})");
}

void HostTest::ask(const std::string& id, const std::string& method) {
  say(R"({"jsonrpc":"2.0","id":)" + id + R"(,"method":")" + method + R"("})");
}

void HostTest::resume(const std::string& id, const std::string& action, std::int64_t wait_ms) {
  say(R"({"jsonrpc":"2.0","id":)" + id + R"(,"method":"actions/resume","params":{"actionId":")" +
      action + R"(","waitMs":)" + std::to_string(wait_ms) + "}}");
}

void HostTest::end_input() { events.emplace_back(InputEnded{}); }

std::vector<Sent> HostTest::turn() {
  Effects effects = kernel->turn(std::exchange(events, {}), clock.now());
  for (const Effects::Start& start : effects.starts) {
    if (reads) events.emplace_back(RequestLeft{start.execute_id, clock.now().boot_ms});
  }
  std::vector<Sent> now;
  for (const std::string& line : effects.lines) now.push_back(take_apart(line));
  sent.insert(sent.end(), now.begin(), now.end());
  const auto append = [](auto& all, const auto& some) {
    all.insert(all.end(), some.begin(), some.end());
  };
  append(executions, effects.executions);
  append(released, effects.released);
  append(withdrawn, effects.withdrawn);
  append(stops, effects.stops);
  append(orphans, effects.orphans);
  notes.insert(notes.end(), effects.notes.begin(), effects.notes.end());
  finished = effects.finished;
  return now;
}

std::vector<Sent> HostTest::replies(const std::string& id) const {
  std::vector<Sent> found;
  for (const Sent& one : sent) {
    if (one.is_reply() && one.id == id) found.push_back(one);
  }
  return found;
}

std::string HostTest::outcome(const std::string& id) const {
  const std::vector<Sent> found = replies(id);
  if (found.empty()) return "none";
  return found.size() > 1 ? "several" : found.front().outcome();
}

std::vector<Sent> HostTest::executes() const {
  std::vector<Sent> found;
  for (const Sent& one : sent) {
    if (one.method == "tools/execute") found.push_back(one);
  }
  return found;
}

Sent HostTest::started(const std::string& id, const std::string& tool) {
  govern(id, tool);
  const std::vector<Sent> now = turn();
  REQUIRE(now.size() == 1);
  REQUIRE(now[0].method == "tools/execute");
  return now[0];
}

int HostTest::count(std::string_view method) const {
  int found = 0;
  for (const Sent& one : sent) found += one.method == method ? 1 : 0;
  return found;
}

std::string HostTest::stored(const std::string& action) const {
  const auto id = parse_action_id(action);
  REQUIRE(id.has_value());
  const auto rows =
      raw().rows("SELECT state, code FROM actions WHERE id = " + std::to_string(id->key));
  if (rows.empty()) return "nothing";
  const Code code = code_from(std::stoi(rows[0][1])).value_or(Code::none);
  const std::string state(to_text(state_from(std::stoi(rows[0][0])).value_or(State::denied)));
  return code == Code::none ? state : state + " " + std::string(to_text(code));
}

std::string HostTest::usd() const {
  return raw().text(
      "SELECT reserved || '+' || spent || '+' || overrun FROM windows WHERE budget = (SELECT b.id "
      "FROM budgets b JOIN scopes s ON s.id = b.scope WHERE s.kind = 2 AND b.unit = 'usd')");
}

void HostTest::check_books() {
  RawStore store(options.path);
  CHECK(Books(store).complaint() == "");
  auto opened = Ledger::open(options);
  REQUIRE(opened.ok());
  auto reading = (*opened)->begin_reading(clock.now().utc_ms);
  REQUIRE(reading.ok());
  CHECK(reading->audit_check().whole);
}

Step HostTest::reconciled(const std::string& action, const Reconciliation& how) {
  auto opened = Ledger::open(options);
  REQUIRE(opened.ok());
  auto turn = (*opened)->begin(clock.now().utc_ms);
  REQUIRE(turn.ok());
  const Result<ActionSummary> found = find_call(*turn, action);
  if (!found) return found.error();
  if (const Step step = reconcile(*turn, policy, found->row, how); !step) return step;
  return turn->commit();
}

Step HostTest::resolved(const std::string& action, bool approves, const std::string& reason) {
  auto opened = Ledger::open(options);
  REQUIRE(opened.ok());
  auto turn = (*opened)->begin(clock.now().utc_ms);
  REQUIRE(turn.ok());
  end_due(*turn, policy);
  const Result<ApprovalRequest> found = find_request(*turn, action);
  if (!found) return found.error();
  if (const Step step = resolve(*turn, policy, *found, {approves, "kim", reason}); !step)
    return step;
  return turn->commit();
}

}  // namespace tallygate
