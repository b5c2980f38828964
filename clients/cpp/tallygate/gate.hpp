// The gate: every tool call of a host goes through it, and none runs without it.
#pragma once

#include "bodies.hpp"
#include "child.hpp"
#include "peer.hpp"
#include "values.hpp"

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tallygate {
inline namespace v1 {

// How a sidecar is started. Empty: left to the sidecar, or as said.
struct Options {
  std::string config;       // the policy file; else $TALLYGATE_CONFIG or the user's folder
  std::string binary;       // else $TALLYGATE_BIN, else `tallygate` on PATH
  std::string agent, run;   // who calls
  std::string stderr_file;  // the sidecar's words are appended to it; else they go to our stderr
  std::chrono::milliseconds timeout{30'000};  // for the start, and for each request but calls
};

struct ToolOptions {
  std::string description;
  json::object input_schema;
};

struct SliceOptions {
  std::string agent;                 // whose run it is; empty: of this agent
  std::chrono::milliseconds ttl{0};  // how long it lasts, a day at most; 0: a day
};

struct CallOptions {
  Amounts cost;         // the most it may cost, for a tool whose price the host states
  std::string call_id;  // its name within the run: a call with a name runs once
  std::optional<std::chrono::milliseconds> timeout;  // none: as long as the sidecar waits
  std::chrono::milliseconds wait_for_approval{0};    // for a person, where the call is held
};

// A running sidecar. Any thread may use it, many at once. Bodies run on threads of their own, one
// for each: what they share is theirs to guard. The end of a gate waits for its bodies, since they
// may use what ends after it; a body that never looks at `Call::cancelled` holds it up.
class Gate {
 public:
  using Milliseconds = std::chrono::milliseconds;

  // Starts `BINARY serve -c CONFIG` and opens a session.
  static Result<std::unique_ptr<Gate>> start(const Options& options);

  Gate(const Gate&) = delete;
  Gate& operator=(const Gate&) = delete;
  ~Gate() { close(); }

  // Names a body. Refused as wrong_use where the name is taken.
  Result<Registration> tool(const std::string& name, Body body, const ToolOptions& options = {}) {
    if (!bodies_.add(name, std::move(body))) {
      return wrong_use("tool \"" + name + "\" has a body already");
    }
    json::object tool{{"name", name}};
    if (!options.description.empty()) tool["description"] = options.description;
    if (!options.input_schema.empty()) tool["inputSchema"] = options.input_schema;
    Result<Registration> made =
        ask<Registration>("tools/register", {{"tools", json::array{tool}}},
                          [&](const json::value& answer, std::string& fault) {
                            return read_registration(answer, name, fault);
                          });
    if (!made) bodies_.remove(name);
    return made;
  }

  // Asks for a call, waits for its end and returns it, whatever it is: only `completed()` says that
  // it ran and has an output.
  Result<ActionResult> govern(const std::string& tool, json::object args,
                              const CallOptions& options = {}) {
    return approved(call("actions/govern", tool, std::move(args), options), options);
  }

  // Goes on with a call that was held: runs it if it is approved. `wait`: for the approval, or for
  // another host's body.
  Result<ActionResult> resume(const std::string& action_id, Milliseconds wait = Milliseconds(0)) {
    return hand_out(may_run("actions/resume", {{"actionId", action_id}, {"waitMs", wait.count()}}));
  }

  // As `govern`, for a body that the caller runs by itself: `grant` is there if it may, and only
  // the first time. Run it once with grant->args, then `complete` or `fail` it.
  Result<ActionResult> propose(const std::string& tool, json::object args,
                               const CallOptions& options = {}) {
    return approved(hand_out(call("actions/propose", tool, std::move(args), options)), options);
  }
  Result<ActionResult> complete(const std::string& action_id, const std::string& token,
                                const Answer& answer) {
    json::object params{{"actionId", action_id}, {"token", token}, {"output", answer.output}};
    if (!answer.usage.empty()) params["usage"] = write_amounts(answer.usage);
    return stands("actions/complete", std::move(params));
  }
  Result<ActionResult> fail(const std::string& action_id, const std::string& token,
                            const std::string& error) {
    return stands("actions/complete",
                  {{"actionId", action_id}, {"token", token}, {"error", error}});
  }

  // All of that for a function on the caller's own thread: `body(args)` returns an Answer. It runs
  // if the call is granted here and now; what it throws fails the call, and is thrown on.
  template <class Function>
  Result<ActionResult> run_here(const std::string& tool, json::object args, Function body,
                                const CallOptions& options = {}) {
    Result<ActionResult> granted = propose(tool, std::move(args), options);
    if (!granted || !granted->grant) return granted;
    const Grant& grant = *granted->grant;
    try {
      return complete_or_fail(granted->action_id, grant, Answer(body(grant.args)));
    } catch (const std::exception& error) {
      fail(granted->action_id, grant.token, error.what()).has_value();
      throw;
    } catch (...) {
      fail(granted->action_id, grant.token, "the body threw what is no std::exception").has_value();
      throw;
    }
  }

  // How a call of this agent stands.
  Result<ActionResult> get(const std::string& action_id) {
    return stands("actions/get", {{"actionId", action_id}});
  }
  // Asks for the end of a call of this session, or of a held one of this agent.
  Result<ActionResult> cancel(const std::string& action_id) {
    return stands("actions/cancel", {{"actionId", action_id}});
  }
  // The timeout of a body anew. `code` says why where it keeps the old one.
  Result<ActionResult> extend(const std::string& action_id) {
    return stands("actions/extend", {{"actionId", action_id}});
  }

  // Charges what was used already, such as a model's tokens. Never refused for want of money.
  Result<ActionResult> record_usage(const Amounts& usage, const std::string& model = {},
                                    const std::string& call_id = {}) {
    json::object params{{"usage", write_amounts(usage)}};
    if (!model.empty()) params["model"] = model;
    if (!call_id.empty()) params["callId"] = call_id;
    return stands("usage/record", std::move(params));
  }

  // Gives another run a slice of what this run may spend; its calls then spend that and no more.
  // `amounts` are what it may spend in all: asking again sets them anew, where only what is free
  // can be taken back, and the same again changes nothing. `cancel` takes the slice back. `code`
  // says why where nothing was given, or a slice keeps what it had.
  Result<ActionResult> delegate(const std::string& run, const Amounts& amounts,
                                const SliceOptions& options = {}) {
    json::object params{{"run", run}, {"amounts", write_amounts(amounts)}};
    if (!options.agent.empty()) params["agent"] = options.agent;
    if (options.ttl.count() > 0) params["ttlMs"] = options.ttl.count();
    return stands("budgets/delegate", std::move(params));
  }

  // The caps that bind this session, or those of one scope.
  Result<std::vector<Budget>> budgets(const std::string& scope = {}) {
    json::object params;
    if (!scope.empty()) params["scope"] = scope;
    return ask<std::vector<Budget>>("budgets/get", std::move(params), read_budgets);
  }

  Result<void> ping() {
    const Result<json::value> answer = peer_->request("ping", {}, timeout_);
    if (answer) return {};
    return answer.error();
  }

  const Session& session() const { return session_; }
  const std::string& policy_digest() const { return policy_digest_; }
  // The newest head of the audit chain that was told: at the start, and again at the close. Keep it
  // elsewhere to notice a rewritten history.
  const std::string& audit_head() const { return audit_head_; }
  bool closed() const { return peer_->ended(); }

  // Ends the sidecar: asks it to, closes its input, waits 2.5 s, then uses force. Waits for bodies.
  void close() {
    const std::lock_guard lock(closing_);
    if (!left_) {
      left_ = true;
      peer_->leave();
      const Result<json::value> answer = peer_->request("shutdown", {}, patience);
      if (answer) {
        Reader fields(*answer, "shutdown");
        if (std::string head = fields.text("auditHead"); !head.empty()) audit_head_ = head;
      }
    }
    peer_->close(patience);
    bodies_.wait_for_all();
  }

 private:
  static constexpr Milliseconds patience{2500};
  // A wait for a person is asked for in pieces: one request may wait for 30 days at most.
  static constexpr Milliseconds piece{60'000};

  Gate() = default;

  static Error wrong_use(std::string text) {
    return {Error::Kind::wrong_use, std::move(text), false, 0, {}};
  }

  static Result<std::string> find_binary(const std::string& given);
  Result<void> open(const Options& options);

  // `read` is one of the readers of values.hpp. An answer that is not what the protocol says ends
  // the gate.
  template <class T, class Read>
  Result<T> taken(Result<json::value> answer, Read read) {
    if (!answer) return answer.error();
    std::string fault;
    T value = read(*answer, fault);
    if (fault.empty()) return value;
    peer_->fail(fault);
    return Error{Error::Kind::protocol, fault, true, 0, {}};
  }
  template <class T, class Read>
  Result<T> ask(const char* method, json::object params, Read read) {
    return taken<T>(peer_->request(method, std::move(params), timeout_), read);
  }

  Result<ActionResult> stands(const char* method, json::object params) {
    return ask<ActionResult>(method, std::move(params), read_action_result);
  }

  // A request for which a body may run.
  Result<ActionResult> may_run(const char* method, json::object params,
                               std::optional<Milliseconds> timeout = std::nullopt) {
    Result<json::value> answer = peer_->request(method, std::move(params), timeout);
    // A cancelled request is answered with how the call ended.
    if (!answer && answer.error().code == request_cancelled && answer.error().data.is_object()) {
      const json::value data = answer.error().data;
      answer = data;
    }
    return taken<ActionResult>(std::move(answer), read_action_result);
  }

  Result<ActionResult> call(const char* method, const std::string& tool, json::object args,
                            const CallOptions& options) {
    json::object params{{"tool", tool}, {"args", std::move(args)}};
    if (!options.cost.empty()) params["cost"] = write_amounts(options.cost);
    if (!options.call_id.empty()) params["callId"] = options.call_id;
    if (const std::string parent = bodies_.current_action(); !parent.empty()) {
      params["parentActionId"] = parent;
    }
    return may_run(method, std::move(params), options.timeout);
  }

  // After a wait for a person, if it is held and there is time to wait.
  Result<ActionResult> approved(Result<ActionResult> result, const CallOptions& options) {
    const auto until = std::chrono::steady_clock::now() + options.wait_for_approval;
    while (result && result->status == Status::held) {
      const auto left =
          std::chrono::duration_cast<Milliseconds>(until - std::chrono::steady_clock::now());
      if (left.count() <= 0) break;
      result = resume(result->action_id, std::min(left, piece));
    }
    return result;
  }

  // The sidecar tells a token as often as it is asked in the session that has it; nothing runs
  // twice.
  Result<ActionResult> hand_out(Result<ActionResult> result) {
    if (!result || !result->grant) return result;
    const std::lock_guard lock(granting_);
    if (result->replayed || !granted_.insert(result->action_id).second) result->grant.reset();
    return result;
  }

  Result<ActionResult> complete_or_fail(const std::string& action_id, const Grant& grant,
                                        const Answer& answer) {
    Result<ActionResult> told = complete(action_id, grant.token, answer);
    if (told || told.error().kind != Error::Kind::wrong_use) return told;
    return fail(action_id, grant.token, "what the body made is no JSON that the sidecar reads");
  }

  Bodies bodies_;
  Milliseconds timeout_{0};
  Session session_;
  std::string policy_digest_, audit_head_;
  std::mutex closing_;
  bool left_ = false;
  std::mutex granting_;
  std::set<std::string> granted_;  // that were handed out, so that none is twice
  std::unique_ptr<Peer> peer_;     // last: its reader uses the bodies
};

inline Result<std::string> Gate::find_binary(const std::string& given) {
  const char* variable = std::getenv("TALLYGATE_BIN");
  std::string name = !given.empty() ? given : variable != nullptr ? variable : "";
  if (name.empty()) name = "tallygate";
  if (name.find('/') != std::string::npos) return name;
  const char* path = std::getenv("PATH");
  std::string_view folders = path != nullptr ? path : "";
  while (!folders.empty()) {
    const std::size_t colon = folders.find(':');
    const std::string file = std::string(folders.substr(0, colon)) + "/" + name;
    if (file.front() == '/' && ::access(file.c_str(), X_OK) == 0) return file;
    folders.remove_prefix(colon == std::string_view::npos ? folders.size() : colon + 1);
  }
  return Error{Error::Kind::not_started,
               "there is no `" + name + "` on PATH; set TALLYGATE_BIN, or Options::binary",
               false,
               0,
               {}};
}

inline Result<std::unique_ptr<Gate>> Gate::start(const Options& options) {
  const Result<std::string> binary = find_binary(options.binary);
  if (!binary) return binary.error();
  std::vector<std::string> command{*binary, "serve"};
  if (!options.config.empty()) command.insert(command.end(), {"-c", options.config});
  const auto not_started = [&](const std::string& cause) {
    std::string text = "could not start `";
    for (const std::string& word : command) text += word + (&word == &command.back() ? "" : " ");
    return Error{Error::Kind::not_started, text + "`: " + cause, false, 0, {}};
  };
  Result<std::unique_ptr<Child>> child = Child::spawn(command, options.stderr_file);
  if (!child) return not_started(child.error().text);
  std::unique_ptr<Gate> gate(new Gate);
  gate->timeout_ = options.timeout;
  gate->peer_ = std::make_unique<Peer>(std::move(*child), gate->bodies_);
  gate->bodies_.speak_through(gate->peer_.get());
  gate->peer_->listen();
  if (const Result<void> opened = gate->open(options); !opened) {
    gate->left_ = true;
    gate->peer_->fail("it did not start");
    return not_started(opened.error().text);
  }
  return gate;
}

inline Result<void> Gate::open(const Options& options) {
  json::object session;
  if (!options.agent.empty()) session["agent"] = options.agent;
  if (!options.run.empty()) session["run"] = options.run;
  const Result<json::value> answer =
      peer_->request("initialize",
                     {{"protocolVersion", 1},
                      {"client", {{"name", "tallygate-cpp"}, {"version", client_version}}},
                      {"session", session},
                      {"capabilities", {{"execute", true}, {"progress", false}}}},
                     timeout_);
  if (!answer) return answer.error();
  Reader fields(*answer, "initialize");
  if (fields.integer("protocolVersion") != 1) fields.complain("protocolVersion", "expected 1");
  const json::value session_value = fields.any("session"), policy_value = fields.any("policy");
  Reader who(session_value, "initialize.session"), policy(policy_value, "initialize.policy");
  session_ = {who.text("id"), who.text("agent"), who.text("run"), who.optional_text("group")};
  policy_digest_ = policy.text("digest");
  audit_head_ = fields.text("auditHead");
  fields.adopt(who);
  fields.adopt(policy);
  if (fields.fault().empty()) return {};
  return Error{Error::Kind::protocol, fields.fault(), true, 0, {}};
}

}  // namespace v1
}  // namespace tallygate
