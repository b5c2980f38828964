// JSON-RPC 2.0 in both directions over a `Child`: requests matched to answers by id. Fails closed:
// the first thing that goes wrong closes the peer for good, and every waiting and later request
// gets the same error.
#pragma once

#include "child.hpp"
#include "values.hpp"

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <future>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <utility>

namespace tallygate {
inline namespace v1 {

inline constexpr std::size_t line_out_max = 4 * 1024 * 1024;
inline constexpr std::size_t depth_max = 64;
inline constexpr int request_cancelled = -32800;

// How many members the objects of a value have, at every depth.
inline std::size_t count_members(const json::value& value) {
  std::size_t count = 0;
  if (const json::object* object = value.if_object()) {
    count = object->size();
    for (const auto& member : *object) count += count_members(member.value());
  } else if (const json::array* array = value.if_array()) {
    for (const json::value& item : *array) count += count_members(item);
  }
  return count;
}

// The same, counted in the text: each member has one colon outside of strings.
inline std::size_t count_colons(std::string_view text) {
  std::size_t count = 0;
  bool in_string = false;
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (in_string && text[at] == '\\') {
      ++at;
    } else if (text[at] == '"') {
      in_string = !in_string;
    } else if (text[at] == ':' && !in_string) {
      ++count;
    }
  }
  return count;
}

// One JSON value; nothing where it is not strict, or names a key twice: two readers might then read
// two things.
inline std::optional<json::value> read_json(std::string_view text) {
  json::parse_options options;
  options.max_depth = depth_max;
  boost::system::error_code error;
  json::value value = json::parse(text, error, {}, options);
  if (error || count_members(value) != count_colons(text)) return std::nullopt;
  return value;
}

// A message as a line. Nothing for what the sidecar would not read: not UTF-8, not finite, too
// deep, too long.
inline std::optional<std::string> write_line(json::object message) {
  message["jsonrpc"] = "2.0";
  std::string line = json::serialize(message);
  if (line.size() >= line_out_max || !read_json(line)) {
    return std::nullopt;
  }
  line += '\n';
  return line;
}

class Peer {
 public:
  using Milliseconds = std::chrono::milliseconds;
  // Called on the reader's thread, so it neither waits nor asks. Returns a fault, or nothing.
  struct Server {
    virtual ~Server() = default;
    virtual std::string on_request(const json::value& id, const std::string& method,
                                   const json::value& params) = 0;
    virtual void on_cancel(const json::value& id) = 0;
    virtual void on_closed() = 0;
  };

  Peer(std::unique_ptr<Child> child, Server& server) : child_(std::move(child)), server_(server) {}
  ~Peer() { close(Milliseconds(0)); }

  // Starts to read. `server` is called from now on.
  void listen() {
    reader_ = std::thread([this] { read(); });
  }

  // The result of a request. The time runs from when the request has left.
  Result<json::value> request(const char* method, json::object params,
                              std::optional<Milliseconds> timeout = std::nullopt) {
    const auto waiter = std::make_shared<Waiter>();
    std::int64_t number = 0;
    {
      const std::lock_guard lock(mutex_);
      if (end_) return ended(*end_, false);
      number = next_number_++;
      waiters_[number] = waiter;
    }
    auto line = write_line({{"id", number}, {"method", method}, {"params", std::move(params)}});
    if (!line) {
      forget(number);
      return Error{Error::Kind::wrong_use,
                   std::string(method) + ": these params are not JSON that the sidecar reads",
                   false,
                   0,
                   {}};
    }
    auto answer = waiter->answer.get_future();
    if (!write(*line, waiter.get())) return why_not_written(number);
    if (timeout && answer.wait_for(*timeout) != std::future_status::ready && give_up(number)) {
      return Error{Error::Kind::timed_out,
                   std::string(method) + ": no answer in time; it may still run",
                   true,
                   0,
                   {}};
    }
    return answer.get();
  }

  // Answers a request of the sidecar. False: what is answered is no JSON that it reads.
  bool answer(json::object message) {
    const auto line = write_line(std::move(message));
    if (line) write(*line, nullptr);  // a peer that has ended has told everyone who waited
    return line.has_value();
  }

  // Ends everything because of what the sidecar said. Kills it.
  void fail(const std::string& fault) {
    child_->kill();  // first: what is not sent by now is not read any more
    end(Error{Error::Kind::protocol, fault, false, 0, {}});
  }

  bool ended() const {
    const std::lock_guard lock(mutex_);
    return end_.has_value();
  }

  // Closes the sidecar's input, waits, terminates it, waits a second, kills it.
  void close(Milliseconds patience) {
    const std::lock_guard closing(closing_);
    if (!reader_.joinable()) return;
    child_->end_input();
    if (!child_->wait(patience)) child_->terminate();
    if (!child_->wait(std::chrono::seconds(1))) child_->kill();
    reader_.join();
  }
  void leave() { leaving_ = true; }  // the end that comes is wanted

 private:
  struct Waiter {
    std::promise<Result<json::value>> answer;
    std::atomic<std::int64_t> line{0};  // its ordinal among ours; 0: not written
  };

  static Error ended(Error error, bool sent) {
    error.sent = sent;
    error.text +=
        sent ? "; the outcome of this request is unknown here, the sidecar's store knows it"
             : "; this request was not sent";
    return error;
  }

  bool write(const std::string& line, Waiter* waiter) {
    const std::lock_guard lock(writing_);
    ++lines_;
    if (waiter != nullptr) waiter->line = lines_;
    if (child_->write(line)) return true;
    if (waiter != nullptr) waiter->line = 0;  // half a line has no effect
    return false;
  }

  void forget(std::int64_t number) {
    const std::lock_guard lock(mutex_);
    waiters_.erase(number);
  }

  // The reader knows how the child ended, or will in a moment.
  Error why_not_written(std::int64_t number) {
    std::unique_lock lock(mutex_);
    has_ended_.wait_for(lock, std::chrono::seconds(10), [this] { return end_.has_value(); });
    waiters_.erase(number);
    return ended(
        end_.value_or(Error{Error::Kind::closed, "the sidecar reads no more", false, 0, {}}),
        false);
  }

  // Tells the sidecar that nobody waits. False: the answer has just come.
  bool give_up(std::int64_t number) {
    {
      const std::lock_guard lock(mutex_);
      if (waiters_.erase(number) == 0) return false;
      abandoned_.insert(number);
    }
    if (const auto line =
            write_line({{"method", "$/cancelRequest"}, {"params", {{"id", number}}}})) {
      write(*line, nullptr);
    }
    return true;
  }

  // The reader's thread

  void read() {
    std::string fault;
    while (fault.empty()) {
      const auto line = child_->next_line();
      if (!line) break;
      fault = dispatch(*line);
    }
    if (!fault.empty()) {
      fail(fault);
    } else if (child_->unfinished()) {
      fail("the sidecar ended in the middle of a line, or a line of it is too long");
    }
    auto status = child_->wait(Milliseconds(2500));
    if (!status) child_->kill();
    end(Error{Error::Kind::closed,
              leaving_ ? "the gate was closed" : how_it_ended(status),
              false,
              0,
              {}});
  }

  static std::string how_it_ended(std::optional<int> status) {
    if (!status) return "the sidecar closed its output";
    if (WIFSIGNALED(*status)) {
      return "the sidecar was ended by signal " + std::to_string(WTERMSIG(*status));
    }
    return "the sidecar ended with exit code " + std::to_string(WEXITSTATUS(*status));
  }

  static std::string nonsense(const std::string& what, std::string_view line) {
    std::string shown;
    for (const char one : line.substr(0, 120)) shown += one >= ' ' && one <= '~' ? one : '.';
    return "a line from the sidecar " + what + ": " + shown;
  }

  std::string dispatch(const std::string& line) {
    const auto parsed = read_json(line);
    const json::object* message = parsed ? parsed->if_object() : nullptr;
    if (message == nullptr) return nonsense("is not JSON of one object", line);
    if (const json::value* version = message->if_contains("jsonrpc");
        version == nullptr || *version != json::value("2.0")) {
      return nonsense("is no JSON-RPC 2.0 message", line);
    }
    if (!message->contains("method")) return on_answer(*message, line);
    Reader fields(*parsed, "message");
    const std::string method = fields.text("method");
    const json::value params = message->contains("params") ? message->at("params") : json::object();
    if (!params.is_object()) fields.complain("params", "expected an object");
    if (!fields.fault().empty()) return nonsense("has wrong types: " + fields.fault(), line);
    return on_call(*message, method, params, line);
  }

  std::string on_call(const json::object& message, const std::string& method,
                      const json::value& params, const std::string& line) {
    if (!message.contains("id")) {
      if (method == "$/cancelRequest" && params.get_object().contains("id")) {
        server_.on_cancel(params.get_object().at("id"));
      }
      return {};  // others are told for those who want to hear
    }
    const json::value& id = message.at("id");
    if (!id.is_string() && !id.is_int64()) return nonsense("has an id of another kind", line);
    return server_.on_request(id, method, params);
  }

  std::string on_answer(const json::object& message, const std::string& line) {
    const json::value* result = message.if_contains("result");
    const json::value* error = message.if_contains("error");
    const json::value* id = message.if_contains("id");
    if (id == nullptr || (result == nullptr) == (error == nullptr) || message.size() != 3) {
      return nonsense("is neither a request nor a response", line);
    }
    if (result != nullptr) return settle(id->if_int64(), *result, line);
    Reader fields(*error, "error");
    Error refusal{Error::Kind::refused, fields.text("message"), true,
                  static_cast<int>(fields.integer("code")), fields.any("data")};
    if (!fields.fault().empty()) return nonsense("has wrong types: " + fields.fault(), line);
    if (!id->is_null()) return settle(id->if_int64(), std::move(refusal), line);
    const auto number = number_of_line(refusal.data);
    return settle(number ? &*number : nullptr, std::move(refusal), line);
  }

  std::string settle(const std::int64_t* number, Result<json::value> answer,
                     const std::string& line) {
    std::shared_ptr<Waiter> waiter;
    {
      const std::lock_guard lock(mutex_);
      if (number != nullptr && abandoned_.erase(*number) > 0) return {};
      const auto found = number == nullptr ? waiters_.end() : waiters_.find(*number);
      if (found == waiters_.end()) return nonsense("answers nothing that was asked", line);
      waiter = found->second;
      waiters_.erase(found);
    }
    waiter->answer.set_value(std::move(answer));
    return {};
  }

  // Which request stood on the line that the sidecar could not read.
  std::optional<std::int64_t> number_of_line(const json::value& data) {
    const json::object* place = data.if_object();
    const json::value* ordinal = place == nullptr ? nullptr : place->if_contains("line");
    if (ordinal == nullptr || !ordinal->is_int64()) return std::nullopt;
    const std::lock_guard lock(mutex_);
    for (const auto& [number, waiter] : waiters_) {
      if (waiter->line == ordinal->get_int64()) return number;
    }
    return std::nullopt;
  }

  // Closes for good; the first reason stays. Bodies know it before those who wait are woken.
  void end(const Error& why) {
    std::map<std::int64_t, std::shared_ptr<Waiter>> waiting;
    bool first = false;
    {
      const std::lock_guard lock(mutex_);
      first = !end_;
      if (first) end_ = why;
      waiting.swap(waiters_);
    }
    if (first) server_.on_closed();
    for (const auto& [number, waiter] : waiting) {
      waiter->answer.set_value(ended(why, waiter->line > 0));
    }
    has_ended_.notify_all();
  }

  std::unique_ptr<Child> child_;
  Server& server_;
  std::atomic<bool> leaving_{false};
  std::mutex closing_;
  std::mutex writing_;
  std::int64_t lines_ = 0;  // that were written, or begun
  mutable std::mutex mutex_;
  std::condition_variable has_ended_;
  std::int64_t next_number_ = 1;
  std::map<std::int64_t, std::shared_ptr<Waiter>> waiters_;
  std::set<std::int64_t> abandoned_;  // whose answer nobody waits for any more
  std::optional<Error> end_;
  std::thread reader_;  // last: it uses all of the above
};

}  // namespace v1
}  // namespace tallygate
