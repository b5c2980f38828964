// Runs bodies, the functions behind tools: each on a thread of its own, and only as the answer to a
// `tools/execute` request that names the tool.
#pragma once

#include "peer.hpp"
#include "values.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <exception>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <system_error>
#include <thread>
#include <type_traits>
#include <utility>

namespace tallygate {
inline namespace v1 {

inline constexpr std::size_t output_max = 3 * 1024 * 1024;
inline constexpr int tool_failed = -32000;
inline constexpr int method_not_found = -32601;

// One body that was asked for. `args` is what was judged, and what people saw.
class Call {
 public:
  // Whether nobody waits for it any more: it is out of time, was cancelled, or the gate has ended.
  // A long body looks now and then, and throws.
  bool cancelled() const { return *cancelled_; }

  std::string action_id, tool;
  json::object args;
  std::int64_t attempt = 0;
  std::chrono::steady_clock::time_point until;  // when the sidecar will cancel it

 private:
  friend class Bodies;
  json::value id_;
  std::shared_ptr<std::atomic<bool>> cancelled_ = std::make_shared<std::atomic<bool>>(false);
};

// What a body returns: anything that json::value is made from, or that and what it used.
struct Answer {
  template <class T>
  requires std::is_constructible_v<json::value, T&&> Answer(
      T&& value, Amounts used = {})  // NOLINT: so that a body may return a plain value
      : output(std::forward<T>(value)), usage(std::move(used)) {}

  json::value output;
  Amounts usage;
};

// A body that throws has failed; what() is told to whoever called.
using Body = std::function<Answer(const Call&)>;

class Bodies : public Peer::Server {
 public:
  // Before anything is heard.
  void speak_through(Peer* peer) { peer_ = peer; }

  // False: the name is taken.
  bool add(const std::string& name, Body body) {
    const std::lock_guard lock(mutex_);
    return table_.emplace(name, std::move(body)).second;
  }
  void remove(const std::string& name) {
    const std::lock_guard lock(mutex_);
    table_.erase(name);
  }

  // The call whose body runs on this thread, if it is one of these; else empty.
  std::string current_action() const {
    return here().owner == this ? here().call->action_id : std::string();
  }

  // Waits until no body runs. Inside a body: does not wait, which would never end.
  void wait_for_all() {
    std::unique_lock lock(mutex_);
    if (here().owner != this) {
      idle_.wait(lock, [this] { return threads_ == 0; });
    }
  }

  std::string on_request(const json::value& id, const std::string& method,
                         const json::value& params) override {
    if (method != "tools/execute") {
      on_thread(
          [this, id] { refuse(id, method_not_found, "this client does not serve this method"); });
      return {};
    }
    constexpr std::int64_t far = 30LL * 24 * 60 * 60 * 1000;  // no body may run for so long
    Reader fields(params, "tools/execute");
    auto call = std::make_shared<Call>();
    call->id_ = id;
    call->action_id = fields.text("actionId");
    call->tool = fields.text("tool");
    call->args = fields.object("args");
    call->attempt = fields.integer("attempt");
    const std::int64_t deadline_ms =
        std::clamp<std::int64_t>(fields.integer("deadlineMs"), -1, far);
    call->until = std::chrono::steady_clock::now() + std::chrono::milliseconds(deadline_ms);
    if (!fields.fault().empty()) return fields.fault();
    return begin(call);
  }

  void on_cancel(const json::value& id) override {
    const std::lock_guard lock(mutex_);
    const auto found = running_.find(json::serialize(id));
    if (found != running_.end()) *found->second->cancelled_ = true;
  }

  // What runs is told that nobody waits for it.
  void on_closed() override {
    const std::lock_guard lock(mutex_);
    for (const auto& [id, call] : running_) *call->cancelled_ = true;
  }

 private:
  struct Here {
    const Bodies* owner = nullptr;
    const Call* call = nullptr;
  };
  static Here& here() {
    thread_local Here here;
    return here;
  }

  std::string begin(const std::shared_ptr<Call>& call) {
    {
      const std::lock_guard lock(mutex_);
      if (!running_.emplace(json::serialize(call->id_), call).second) {
        return "tools/execute: an id that is in use";
      }
    }
    if (!on_thread([this, call] { run(*call); })) {
      forget(*call);
      refuse(call->id_, tool_failed, "this host has no thread for the body");
    }
    return {};
  }

  // False: there is none. The reader's thread neither runs bodies nor waits for a child that does
  // not read.
  template <class Work>
  bool on_thread(Work work) {
    {
      const std::lock_guard lock(mutex_);
      ++threads_;
    }
    try {
      std::thread([this, work = std::move(work)] {
        work();
        thread_ended();
      }).detach();
      return true;
    } catch (const std::system_error&) {
      thread_ended();
      return false;
    }
  }
  void thread_ended() {
    const std::lock_guard lock(mutex_);
    --threads_;
    idle_.notify_all();
  }

  void run(const Call& call) {
    json::object reply = outcome(call);
    forget(call);  // before the answer leaves: then the sidecar may use the id again
    if (!peer_->answer(std::move(reply))) {
      refuse(call.id_, tool_failed, "the body's answer is no JSON that the sidecar reads");
    }
  }
  void forget(const Call& call) {
    const std::lock_guard lock(mutex_);
    running_.erase(json::serialize(call.id_));
  }

  json::object outcome(const Call& call) {
    Body body;
    {
      const std::lock_guard lock(mutex_);
      if (const auto found = table_.find(call.tool); found != table_.end()) body = found->second;
    }
    if (!body) return failed(call.id_, tool_failed, "no body is registered here for this tool");
    if (call.cancelled() || std::chrono::steady_clock::now() > call.until) {
      return failed(call.id_, request_cancelled, "cancelled before the body began");
    }
    here() = {this, &call};
    json::object reply = result_of(body, call);
    here() = {};
    return reply;
  }

  static json::object result_of(const Body& body, const Call& call) {
    try {
      const Answer answer = body(call);
      if (json::serialize(answer.output).size() > output_max) {
        return failed(call.id_, tool_failed, "the body's output is too long");
      }
      json::object result{{"output", answer.output}};
      if (!answer.usage.empty()) result["usage"] = write_amounts(answer.usage);
      return {{"id", call.id_}, {"result", std::move(result)}};
    } catch (const std::exception& error) {
      return failed(call.id_, tool_failed, error.what());
    } catch (...) {
      return failed(call.id_, tool_failed, "the body threw what is no std::exception");
    }
  }

  static json::object failed(const json::value& id, int code, std::string_view text) {
    constexpr std::size_t text_max = 2000;  // the sidecar keeps 2 KiB
    std::string shown;
    for (const char one : text.substr(0, text_max)) {
      shown += static_cast<unsigned char>(one) < 0x80 ? one : '?';
    }
    return {{"id", id}, {"error", {{"code", code}, {"message", shown}}}};
  }
  void refuse(const json::value& id, int code, std::string_view text) {
    peer_->answer(failed(id, code, text));
  }

  std::mutex mutex_;
  std::condition_variable idle_;
  Peer* peer_ = nullptr;
  std::map<std::string, Body> table_;
  std::map<std::string, std::shared_ptr<Call>> running_;
  std::size_t threads_ = 0;
};

}  // namespace v1
}  // namespace tallygate
